/**
 * One aggregation over a long scan, by several threads (decision 027): each runs the whole plan below it for parts of the scan (board.ts), on the same
 * version of the graph, and what they know of their parts is put together where the statement runs (partial-groups.ts).
 *
 * Whatever goes wrong in a part, but for the statement's end, it is begun anew in this thread alone: that finds the error which is the first in the
 * order of the rows, and does what only works in one place (spilling, sums of floats).
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { asDbError } from '../../base/errors.ts';
import type { GraphView } from '../../graph/view.ts';
import { PARALLEL_ROWS, type Helper } from '../context.ts';
import { fingerprint, type PartablePlan } from '../plan/parts.ts';
import { Board, CHUNKS_MAX, fixedSegment, HELPERS_MAX, type Segment } from './board.ts';
import { Holding } from './holding.ts';
import { PartsInVain, partialsOf, type BeginPartial, type Partial } from './partial-groups.ts';
import { canPush, lateOf, pusher, withLate, withPush, type PushLate } from './push.ts';
import type { Operator, Row, Runtime } from './runtime.ts';

/** A chunk is thought to give so many rows: some milliseconds at most, for so long others may have to wait for a thread that helps. */
const CHUNK_ROWS = 4096;
const CHUNKS_MIN = 16;
/** The parts of a statement may hold this share of its memory together, before all is done in one place. */
const HELPERS_SHARE = 0.25;
/** After an attempt in vain so many runs of the plan make none. */
const RUNS_PAUSED = 64;

/** What can be computed in parts, as a thread that helps needs it. */
export interface PartableOperator {
  readonly fingerprint: string;
  readonly plan: PartablePlan;
  readonly begin: BeginPartial;
}

/** Nothing was begun. */
export const NO_PARTS: HelperParts = { parts: [], lost: [] };

/** What a thread has found, by the first chunk of each segment; and chunks that it claimed and did not get done. */
export interface HelperParts {
  readonly parts: readonly (readonly [first: number, bytes: Uint8Array])[];
  readonly lost: readonly (readonly [first: number, end: number])[];
}

const IS_COMPLETE = (): void => undefined;

/** The operator that asks for help where it is worth it. Undefined: this aggregation is not one that parts are made of. */
export function buildParallel(serial: Operator, plan: PartablePlan): { readonly operator: Operator; readonly partable: PartableOperator } | undefined {
  const begin = partialsOf(serial);
  if (begin === undefined) return undefined;
  let text: string | undefined;
  const partable: PartableOperator = {
    plan, begin,
    get fingerprint() {
      return text ??= fingerprint(plan.aggregate);
    },
  };
  let paused = 0;
  const inParts = (rt: Runtime, source: readonly Row[][]): Iterable<Row[]> | undefined => {
    if (rt.context.helpers === undefined || !isWorthIt(rt, plan) || paused-- > 0) return undefined;
    paused = 0;
    const work = new SharedWork(partable, rt, source);
    try {
      return work.run();
    } catch (error) {
      if (hasEnded(error)) throw error;
      paused = RUNS_PAUSED;
      return undefined;
    } finally {
      work.close();
    }
  };
  // Read once: where parts were in vain it is needed again.
  const operator: Operator = function* parallel(rt, source) {
    const rows = [...source];
    yield* inParts(rt, rows) ?? serial(rt, rows);
  };
  if (!canPush(serial)) return { operator, partable };
  const late = lateOf(serial);
  if (late !== undefined) {
    const push: PushLate = (rt, source, sink) => {
      const rows = [...source];
      const found = inParts(rt, rows);
      if (found === undefined) return late.push(rt, rows, sink);
      for (const batch of found) for (const row of batch) if (sink(row, IS_COMPLETE)) return true;
      return false;
    };
    return { partable, operator: withLate(operator, { slots: late.slots, push }) };
  }
  const pushSerial = pusher(serial);
  return {
    partable,
    operator: withPush(operator, (rt, source, sink) => {
      const rows = [...source];
      const found = inParts(rt, rows);
      if (found === undefined) return pushSerial(rt, rows, sink);
      for (const batch of found) for (const row of batch) if (sink(row)) return true;
      return false;
    }),
  };
}

/** The statement is over, whoever does it. */
function hasEnded(error: unknown): boolean {
  if (error instanceof PartsInVain) return false;
  const { code } = asDbError(error);
  return code === 'Killed' || code === 'Timeout';
}

function isWorthIt(rt: Runtime, plan: PartablePlan): boolean {
  const { view } = rt;
  return rt.context.helpers!.areIdle && view.scanNodesBetween !== undefined && view.cutNodes !== undefined && isLarge(rt, plan);
}

/** Whether there is so much to do that more than one thread should. */
export function isLarge({ context, view }: Runtime, { leaf, rows }: PartablePlan): boolean {
  const label = leaf.op === 'LabelScan' ? view.catalog.findLabel(leaf.label) : undefined;
  if (leaf.op === 'LabelScan' && label === undefined) return false;
  const nodes = view.nodeCount(label);
  return nodes > 1 && Math.max(nodes, rows) >= (context.limits.parallelRows ?? PARALLEL_ROWS);
}

/** The statement's side. */
class SharedWork {
  readonly #of: PartableOperator;
  readonly #rt: Runtime;
  readonly #source: readonly Row[];
  readonly #holding: Holding;
  #helpers: readonly Helper[] = [];
  #lent = 0;
  #isDone = false;
  #board: Board | undefined;

  constructor(of: PartableOperator, rt: Runtime, source: readonly Row[][]) {
    this.#of = of;
    this.#rt = rt;
    this.#source = source.flat();
    this.#holding = new Holding(rt);
  }

  /** Undefined: nobody helps. */
  run(): Iterable<Row[]> | undefined {
    const rt = this.#rt;
    const board = this.#board = Board.of(boundsOf(rt.view, this.#of.plan));
    const { memoryBytes = Infinity } = rt.context.limits;
    const helpers = this.#helpers = rt.context.helpers!.ask({ board: board.buffer, plan: this.#of.fingerprint, memoryBytes: (count) => (memoryBytes * HELPERS_SHARE) / count }, HELPERS_MAX);
    if (helpers.length === 0) return undefined;
    if (memoryBytes < Infinity) rt.claim(this.#lent = memoryBytes * HELPERS_SHARE);
    const whole = this.#begin();
    this.#take(whole, board, board.own);
    const parts: (readonly [number, Uint8Array])[] = [];
    for (let segment = board.steal(); segment !== undefined; segment = board.steal()) parts.push([segment.first, this.#partOf(board, segment)]);
    for (const [i, helper] of helpers.entries()) {
      if (!board.waitFor(i, () => rt.checkpoint(0))) continue;
      const found = helper.result() as HelperParts | undefined;
      if (found === undefined || board.isInVain) throw new PartsInVain();
      parts.push(...found.parts);
      for (const [first, end] of found.lost) parts.push([first, this.#partOf(board, fixedSegment(first, end))]);
    }
    if (board.isInVain) throw new PartsInVain();
    this.#giveBack();
    for (const [, bytes] of parts.sort(([a], [b]) => a - b)) {
      whole.merge(new ByteReader(bytes));
      rt.checkpoint(0);
    }
    this.#isDone = true;
    return this.#rows(whole);
  }

  *#rows(whole: Partial): Generator<Row[]> {
    try {
      yield* whole.rows(this.#rt);
    } finally {
      this.#holding.free();
    }
  }

  #begin(holding = this.#holding): Partial {
    return this.#of.begin(this.#rt, holding);
  }

  #take(partial: Partial, board: Board, segment: Segment): void {
    takeSegment(partial, this.#of, this.#rt, board, segment, this.#source);
  }

  #partOf(board: Board, segment: Segment): Uint8Array {
    const holding = new Holding(this.#rt);
    try {
      const partial = this.#begin(holding);
      this.#take(partial, board, segment);
      return bytesOf(partial);
    } finally {
      holding.free();
    }
  }

  #giveBack(): void {
    this.#rt.claim(-this.#lent);
    this.#lent = 0;
  }

  /** Whoever still helps, stops. */
  close(): void {
    this.#giveBack();
    if (!this.#isDone) this.#holding.free();
    this.#board?.stop();
    for (const helper of this.#helpers) helper.release();
  }
}

function bytesOf(partial: Partial): Uint8Array {
  const writer = new ByteWriter();
  partial.save(writer);
  return new Uint8Array(writer.view());
}

/** `onClaim` is told of each chunk before it is read. */
function takeSegment(partial: Partial, { plan: { leaf } }: PartableOperator, rt: Runtime, board: Board, segment: Segment, source: readonly Row[], onClaim?: (chunk: number) => void): void {
  const scan = rt.view.scanNodesBetween!.bind(rt.view);
  rt.part = {
    leaf,
    *ids(labelId) {
      for (let chunk = segment.claim(); chunk >= 0; chunk = segment.claim()) {
        onClaim?.(chunk);
        yield* scan(labelId, board.bounds[chunk]!, board.bounds[chunk + 1]!);
        rt.checkpoint(0);
      }
      if (board.isInVain) throw new PartsInVain();
    },
  };
  try {
    partial.take(rt, [source.map((row) => row.slice())]);
  } finally {
    rt.part = undefined;
  }
}

/** Where the chunks of the scan begin, and where the last one ends. */
function boundsOf(view: GraphView, { leaf, rows }: PartablePlan): number[] {
  const label = leaf.op === 'LabelScan' ? view.catalog.findLabel(leaf.label) : undefined;
  const chunks = Math.max(CHUNKS_MIN, Math.ceil(Math.max(view.nodeCount(label), rows) / CHUNK_ROWS));
  return view.cutNodes!(label, Math.min(CHUNKS_MAX, chunks));
}

/** The other side: takes segments until none are left. `undefined`: in vain. */
export function helpOut(partable: PartableOperator, rt: Runtime, buffer: SharedArrayBuffer, mayLeave: () => boolean): HelperParts | undefined {
  const board = new Board(buffer);
  const parts: [number, Uint8Array][] = [];
  while (!mayLeave()) {
    const segment = board.steal();
    if (segment === undefined) break;
    let behind = segment.first;
    const holding = new Holding(rt);
    const leaving: Segment = { first: segment.first, claim: () => (mayLeave() ? -1 : segment.claim()) };
    try {
      const partial = partable.begin(rt, holding);
      takeSegment(partial, partable, rt, board, leaving, [[]], (chunk) => {
        behind = chunk + 1;
      });
      if (behind > segment.first) parts.push([segment.first, bytesOf(partial)]);
    } catch (error) {
      if (board.isStopped) return undefined;
      if (error instanceof HelperLeaves) return { parts, lost: [[segment.first, behind]] };
      board.giveUp();
      return undefined;
    } finally {
      holding.free();
    }
  }
  return { parts, lost: [] };
}

/** Thrown at a checkpoint where a helper is wanted elsewhere and its chunk takes long. */
export class HelperLeaves extends Error {
  override readonly name = 'HelperLeaves';
}
