/**
 * Damaged bytes for one decoder in this process, thousands a second. What the decoder made of an input, its shape or the error without its
 * numbers, is the feedback: inputs that bring a new one are damaged further.
 *
 * Right is a value or a DbError. Anything else that is thrown, and taking long, is a failure; the first of each kind is reported.
 */
import { performance } from 'node:perf_hooks';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Dice } from '../dice.ts';
import { mutated, noise } from '../ports/mutate.ts';

export interface Target {
  readonly name: string;
  /** Well-formed inputs. */
  readonly seeds: readonly Uint8Array[];
  /** Gives what was decoded. */
  run(input: Buffer): unknown;
}

export interface Failure {
  readonly target: string;
  readonly reason: string;
  /** base64 */
  readonly input: string;
}

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly onProgress?: (done: number, kinds: number) => void;
}

export interface Fuzzed {
  readonly inputs: number;
  /** Inputs of which a value came. */
  readonly accepted: number;
  /** Different shapes and errors. */
  readonly kinds: number;
  readonly failures: readonly Failure[];
  readonly slowestMs: number;
}

const CORPUS_MAX = 4000;
const INPUT_BYTES_MAX = 64 * 1024;
const INPUT_MS_MAX = 2000;
const PROGRESS_INPUTS = 10_000;
const PAUSE_INPUTS = 1000;

export async function fuzz(target: Target, { inputs, seed, onProgress }: FuzzOptions): Promise<Fuzzed> {
  const dice = new Dice(seededRandom(seed));
  const corpus = target.seeds.map((bytes) => Buffer.from(bytes));
  const kinds = new Set<string>();
  const failures = new Map<string, Failure>();
  let accepted = 0;
  let slowestMs = 0;
  for (let n = 0; n < inputs; n++) {
    const input = n < target.seeds.length ? Buffer.from(target.seeds[n]!)
      : dice.chance(0.02) ? noise(dice, dice.below(200)) : mutated(dice, dice.pick(corpus), dice.pick(corpus)).subarray(0, INPUT_BYTES_MAX);
    const began = performance.now();
    let kind: string;
    let reason: string | undefined;
    try {
      kind = `value ${shapeOf(await target.run(Buffer.from(input)))}`;
      accepted++;
    } catch (error) {
      kind = kindOf(error);
      if (!(error instanceof DbError) || error.code === 'Internal') reason = error instanceof Error ? error.stack ?? error.message : String(error);
    }
    const tookMs = performance.now() - began;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > INPUT_MS_MAX) reason = `it took ${Math.round(tookMs)} ms`;
    if (reason !== undefined) {
      const place = `${kind} ${/\n\s+at [^\n]+/.exec(reason)?.[0] ?? ''}`;
      if (!failures.has(place)) failures.set(place, { target: target.name, reason, input: input.toString('base64') });
    }
    if (!kinds.has(kind)) {
      kinds.add(kind);
      if (corpus.length < CORPUS_MAX) corpus.push(Buffer.from(input));
      else corpus[target.seeds.length + dice.below(CORPUS_MAX - target.seeds.length)] = Buffer.from(input);
    }
    if (n % PROGRESS_INPUTS === 0) onProgress?.(n, kinds.size);
    // Everybody else in this thread has a turn, and what waits to be freed is.
    if (n % PAUSE_INPUTS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { inputs, accepted, kinds: kinds.size, failures: [...failures.values()], slowestMs };
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown ${typeof error}`;
  return `${error instanceof DbError ? error.code : error.name} ${error.message.replace(/".*"|'.*'|\[.*\]/gs, '…').replace(/\d+/g, '0').slice(0, 60)}`;
}

const ITEMS_MAX = 4;

/** Kinds of the first values, three levels deep. */
function shapeOf(value: unknown, depth = 0): string {
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? `string${Math.min(3, value.length)}` : value === null ? 'null' : typeof value;
  const name = value.constructor?.name ?? 'object';
  if (depth === 3 || ArrayBuffer.isView(value)) return name;
  const items = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : Object.values(value);
  return `${name}${Math.min(items.length, 6)}(${items.slice(0, ITEMS_MAX).map((item) => shapeOf(item, depth + 1)).join(',')})`;
}
