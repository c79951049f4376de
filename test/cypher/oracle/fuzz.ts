/**
 * Queries that have been damaged: the engine answers, or says in an orderly way why not; within its deadline and memory.
 *
 * Texts come from the golden scripts and the generator; tokens are dropped, doubled, exchanged, replaced by others or by noise, and texts
 * are cut and joined. Every text runs in a transaction that is rolled back.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DbError } from '../../../src/base/errors.ts';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { execute, materialize, NO_PROCEDURES, prepare } from '../../../src/cypher/engine.ts';
import { LocalStore } from '../../graph/fixture.ts';
import { randomQuery } from './generate.ts';

const DEADLINE_MS = 100;
/** CPU time beyond the deadline that counts as a hang: a checkpoint is never far, also on a slow machine. */
const OVER_MS_MAX = 1500;
const TOKEN = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\$\w+|\d+\.\d+|\w+|\s+|[<>=!]=|->|<-|\.\.|./gsu;
const NOISE = [
  '', ' ', '(', ')', '[', ']', '{', '}', '|', ':', '-', '->', '<-', '*', '*0..', '*..', '..', '$p', '0', '-1', '9223372036854775807', '1e308', 'null', 'NaN', "''", "'\\u0000'",
  'RETURN', 'MATCH', 'WHERE', 'WITH', 'UNWIND', 'CALL {', '}', 'EXISTS {', 'COLLECT {', 'shortestPath(', 'reduce(', 'range(1, 1000000000)', 'ORDER BY', 'LIMIT', 'DISTINCT', 'UNION',
  'collect(', 'count(*)', 'NOT', 'AND', 'IN', '=~', '+', '/', '%', '^', 'n', 'a', 'x', '💥', '\u0000', '/*', '//', '`', '"', "'", ';', 'AS', 'CREATE', 'MERGE', 'DELETE', 'SET', 'FOREACH (',
];

export interface FuzzResult {
  readonly answered: number;
  readonly refused: number;
}

function corpus(): string[] {
  const folder = resolve(import.meta.dirname, import.meta.dirname.includes('.work') ? '../../../../../test/golden/cypher' : '../../golden/cypher');
  const texts: string[] = [];
  for (const file of readdirSync(folder)) {
    for (const [, text] of readFileSync(resolve(folder, file), 'utf8').matchAll(/^((?:[A-Z][A-Z]+|\/\/)[^;]*);$/gm)) texts.push(text!);
  }
  return texts;
}

function mutated(text: string, other: string, random: Random): string {
  const below = (n: number): number => Math.floor(random.next() * n);
  let tokens: string[] = text.match(TOKEN) ?? [];
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(tokens.length + 1);
    switch (below(8)) {
      case 0: tokens.splice(at, 1 + below(3)); break;
      case 1: tokens.splice(at, 0, ...tokens.slice(at, at + 1 + below(6))); break;
      case 2: tokens.splice(at, 0, NOISE[below(NOISE.length)]!); break;
      case 3: tokens.splice(at, 1, NOISE[below(NOISE.length)]!); break;
      case 4: tokens.splice(at, 1, tokens[below(tokens.length)] ?? ''); break;
      case 5: tokens = tokens.slice(0, at); break;
      case 6: {
        const more = other.match(TOKEN) ?? [];
        tokens.splice(at, below(4), ...more.slice(below(more.length), below(more.length + 8)));
        break;
      }
      default: tokens.splice(at, 0, ...Array.from({ length: 1 + below(40) }, () => ['(', '[', '{', 'NOT ', '-', 'CASE WHEN ', '[x IN '][below(7)]!));
    }
  }
  return tokens.join('');
}

/** Runs `count` damaged queries from that seed on; calls back for each that crashed or hung. */
export async function fuzz(seed: number, count: number, onFailure: (text: string, why: string) => void): Promise<FuzzResult> {
  const random = seededRandom(seed);
  const texts = corpus();
  const store = await LocalStore.withGraph();
  await store.write((tx) => run(tx.graph('default'), 'CREATE (a:A:B {i: 1, s: \'a\', n: 1})-[:R {w: 1}]->(b:A {i: 2, l: [1, 2]})-[:S]->(c:C {f: 0.5}), (c)-[:R]->(a), (b)-[:R]->(b), (:P {id: 1, name: \'x\'})', Infinity));
  let answered = 0;
  let refused = 0;
  const pick = (): string => (random.next() < 0.5 ? texts[Math.floor(random.next() * texts.length)]! : randomQuery(random).text);
  for (let i = 0; i < count; i++) {
    const text = mutated(pick(), pick(), random);
    const before = process.cpuUsage();
    try {
      await store.write((tx) => {
        run(tx.graph('default'), text);
        throw new RolledBack();
      });
    } catch (error) {
      if (error instanceof RolledBack) answered++;
      else if (error instanceof DbError && error.code !== 'Internal') refused++;
      else onFailure(text, String(error instanceof Error ? error.stack : error).split('\n').slice(0, 4).join('\n'));
    }
    const used = process.cpuUsage(before);
    const ms = (used.user + used.system) / 1000;
    if (ms > DEADLINE_MS + OVER_MS_MAX) onFailure(text, `took ${Math.round(ms)} ms`);
  }
  return { answered, refused };
}

class RolledBack extends Error {}

function run(view: Parameters<typeof materialize>[1], text: string, deadlineMs = DEADLINE_MS): void {
  const until = performance.now() + deadlineMs;
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const execution = execute(prepared, {
    view, parameters: new Map([['p', 1], ['n', 2]]), procedures: NO_PROCEDURES, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: { memoryBytes: 64 * 1024 * 1024, listItemsMax: 1_000_000 },
    checkpoint: () => {
      if (performance.now() > until) throw new DbError('Timeout', 'the deadline of the test has passed');
    },
  });
  for (const batch of execution.rows()) for (const row of batch) for (const value of row) materialize(value, view);
}
