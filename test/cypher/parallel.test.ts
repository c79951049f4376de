/** Aggregations that several threads run parts of give to the bit what one thread gives: rows, their order, errors. */
import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { execute, materialize, NO_PROCEDURES, planText, prepare, type ExecContext } from '../../src/cypher/engine.ts';
import { Board } from '../../src/cypher/exec/board.ts';
import { Float, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { executeInParts, type Helped } from './helpers-here.ts';
import { show } from './show.ts';

const store = await LocalStore.withGraph();
const random = seededRandom(5);
const below = (max: number): number => Math.floor(random.next() * max);
await store.write((tx) => {
  const rows = Array.from({ length: 9000 }, (_, i) => new Map<string, Value>([
    ['i', i], ['few', below(7)], ['many', below(4000)], ['text', `t${below(90)}`], ['float', new Float(below(1000) / 7)],
    ['any', [null, below(20), new Float(below(20)), `s${below(20)}`, [below(3), 'x'], below(2) === 0][below(6)]!], ['late', i < 8000 ? i % 50 : 'text'], ['huge', i % 2 === 0 ? 2n ** 62n : -(2n ** 62n)],
  ]));
  run('UNWIND $rows AS r CREATE (n:N) SET n = r WITH n WHERE n.few > 4 SET n:M', tx.graph('default'), new Map([['rows', rows]]));
  run('MATCH (a:N), (b:N) WHERE b.i IN [a.i + 1, a.i * 3 + 2, a.many] CREATE (a)-[:T {w: a.few}]->(b)', tx.graph('default'));
});
const point = store.reader.acquire();

function contextOf(view: ExecContext['view'], parameters: ReadonlyMap<string, Value> = new Map(), limits: ExecContext['limits'] = {}): ExecContext {
  return { view, parameters, procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits };
}

function run(text: string, view: ExecContext['view'], parameters?: ReadonlyMap<string, Value>): void {
  for (const _ of execute(prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES }), contextOf(view, parameters)).rows());
}

function answer(text: string, seed?: number, limits?: ExecContext['limits']): { text: string; helped: Helped } {
  const helped: Helped = { asked: 0, parts: 0, inVain: 0 };
  const view = point.view('default');
  const query = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const context = contextOf(view, undefined, limits);
  try {
    const rows = [...(seed === undefined ? execute(query, context) : executeInParts(query, context, seededRandom(seed), helped)).rows()].flat();
    return { helped, text: rows.map((row) => row.map((value) => show(materialize(value, view))).join(' | ')).join('\n') };
  } catch (error) {
    if (error instanceof DbError) return { helped, text: `! ${error.code} ${error.message}` };
    throw error;
  }
}

const IN_PARTS = [
  "MATCH (n:N) WHERE n.text CONTAINS '3' RETURN count(n)",
  'MATCH (n) WHERE n.i % 3 = 1 RETURN count(*), count(n.any), min(n.any), max(n.any), min(n.text), max(n.float)',
  'MATCH (n:N) RETURN n.text, count(*)',
  'MATCH (n:N) RETURN n.any, count(*), sum(n.i), avg(n.few), max(n.i)',
  'MATCH (n:N) RETURN n.few AS f, n.text AS t, count(n.any) AS c ORDER BY c DESC LIMIT 20',
  'MATCH (n:N) WITH n.many AS m, count(*) AS c WHERE c > 2 RETURN m, c',
  'MATCH (n:N)-[:T]->(m) RETURN count(*)',
  'MATCH (n:N)-[:T]->(m) RETURN count(DISTINCT m), count(*)',
  'MATCH (n:N)-[:T]->(m) RETURN m, count(*)',
  'MATCH (n:N)-[:T]->(m)-[:T]->(o:M) WHERE n.few < o.few RETURN o.text, count(DISTINCT n.any), count(n), min(n.i)',
  'MATCH (n:N)-[t:T]->(m) RETURN n.few, m.few, sum(t.w), count(DISTINCT t)',
  'MATCH (n:M) OPTIONAL MATCH (n)-[:T]->(m {few: 3}) RETURN n.text, count(m), max(m.i)',
  'MATCH (n:M) UNWIND range(0, n.few) AS x RETURN x, count(*), sum(x * n.i)',
  'MATCH (n:N) WITH n.few AS f, n.i AS i WHERE i % 2 = 0 RETURN f, sum(i), avg(i), min(i), max(i)',
  'MATCH (n:N) WHERE EXISTS { (n)-[:T]->(m) WHERE m.few = 2 } RETURN n.text, count(*)',
  'MATCH (n:N) RETURN n.few, COUNT { (n)-[:T]->() } AS d, count(*)',
  'MATCH (n:N) WHERE n.few > 100 RETURN count(*), sum(n.i), avg(n.i), min(n.i)',
  'MATCH (n:N) WHERE n.i < 0 RETURN n.few, count(*)',
  'MATCH (n:N)-[:T*1..2]->(m) RETURN m.few, count(*)',
  'MATCH (n:N) WITH n.text AS t, count(*) AS c RETURN max(c), collect(t)[0..5]',
];

describe('in parts', () => {
  it.each(IN_PARTS)('%s', (text) => {
    const alone = answer(text).text;
    for (let seed = 1; seed <= 5; seed++) {
      const { text: together, helped } = answer(text, seed);
      expect(together).toBe(alone);
      expect(helped.parts).toBeGreaterThan(0);
      expect(helped.inVain).toBe(0);
    }
  });

  it('gives up where the order of rows matters to a sum, and one thread does all', () => {
    for (const text of ['MATCH (n:N) RETURN sum(n.float)', 'MATCH (n:N) RETURN n.few, avg(n.float)', 'MATCH (n:N) RETURN sum(n.huge)', 'MATCH (n:N) WHERE n.i % 2 = 0 RETURN sum(n.huge)']) {
      const { text: together, helped } = answer(text, 1);
      expect(together).toBe(answer(text).text);
      expect(helped.inVain).toBeGreaterThan(0);
    }
    expect(answer('MATCH (n:N) WHERE n.i % 2 = 0 RETURN sum(n.huge)', 2).text).toContain('!');
  });

  it('gives the error of the first row that has one', () => {
    for (const text of ['MATCH (n:N) RETURN max(n.late + 1 - 1)', 'MATCH (n:N) RETURN sum(n.late)', 'MATCH (n:N) RETURN max(100 / (n.i - 8000)), max(n.late - 1)', 'MATCH (n:N) RETURN n.few, max(100 / (8500 - n.i))']) {
      const alone = answer(text).text;
      expect(alone).toContain('! ');
      for (let seed = 1; seed <= 3; seed++) expect(answer(text, seed).text).toBe(alone);
    }
  });

  it('holds no more than one thread may', () => {
    const limits = { memoryBytes: 200_000 };
    const text = 'MATCH (n:N) RETURN n.i, n.text, count(*) AS c ORDER BY c LIMIT 1';
    expect(answer(text, 1, limits).text).toBe(answer(text, undefined, limits).text);
    expect(answer(text, 1, limits).text).toContain('! MemoryLimit');
  });

  it('answers with as little memory as one thread does', () => {
    let inVain = 0;
    for (const text of ['MATCH (n:N) RETURN n.text, count(*) AS c ORDER BY c LIMIT 1', 'MATCH (n:N)-[:T]->(m) RETURN m.i, count(*) AS c ORDER BY c, m.i LIMIT 1', 'MATCH (n:N) RETURN n.i, max(n.text) AS m ORDER BY m LIMIT 1', 'MATCH (n:N)-[:T]->(m) RETURN count(DISTINCT m)']) {
      let least = 50_000;
      while (answer(text, undefined, { memoryBytes: least }).text.includes('! ')) least = Math.ceil(least * 1.1);
      const alone = answer(text, undefined, { memoryBytes: least }).text;
      for (let seed = 1; seed <= 5; seed++) {
        const { text: together, helped } = answer(text, seed, { memoryBytes: least });
        expect(together, `${text} with ${least} bytes`).toBe(alone);
        inVain += helped.inVain;
      }
    }
    expect(inVain).toBeGreaterThan(0);
  });

  it('is not tried for what cannot be put together', () => {
    for (const text of [
      'MATCH (n:N) RETURN collect(n.i)', 'MATCH (n:N) RETURN stDev(n.i)', 'MATCH (n:N) RETURN sum(DISTINCT n.few)', 'MATCH (n:N) WITH DISTINCT n.few AS f RETURN count(f)', 'MATCH (n:N) WITH n LIMIT 10 RETURN count(n.i)',
      'MATCH (n:N) WHERE n.i > 10 RETURN count(*)', 'UNWIND [1, 2] AS x MATCH (n:N) WHERE n.few = x RETURN count(n.any)', 'MATCH (n:N) RETURN n.i ORDER BY n.i LIMIT 3',
    ]) {
      const { text: together, helped } = answer(text, 1);
      expect(together).toBe(answer(text).text);
      expect(helped, text).toEqual({ asked: 0, parts: 0, inVain: 0 });
    }
  });

  it('is shown by EXPLAIN where the plan is large enough', () => {
    const view = point.view('default');
    const explained = (text: string, parallelRows: number): string => {
      const execution = execute(prepare(`EXPLAIN ${text}`, { catalog: view.catalog, procedures: NO_PROCEDURES }), contextOf(view, undefined, { parallelRows }));
      return planText(execution.plan!);
    };
    expect(explained('MATCH (n:N) RETURN n.text, count(*)', 5000)).toContain('in parts');
    expect(explained('MATCH (n:N) RETURN n.text, count(*)', 50_000)).not.toContain('in parts');
    expect(explained('MATCH (n:N) RETURN n.text, collect(n.i)', 5000)).not.toContain('in parts');
  });
});

describe('a board', () => {
  it('gives every chunk to somebody, once, and each segment in order', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const some = seededRandom(seed);
      const chunks = 1 + Math.floor(some.next() * 300);
      const board = Board.of(Array.from({ length: chunks + 1 }, (_, i) => i));
      const taken: number[] = [];
      const workers = [board.own, ...Array.from({ length: 3 }, () => board.steal())];
      const lasts = workers.map((segment) => (segment?.first ?? 0) - 1);
      while (workers.some((segment) => segment !== undefined)) {
        const i = Math.floor(some.next() * workers.length);
        const chunk = workers[i]?.claim() ?? -1;
        if (chunk >= 0) {
          expect(chunk).toBe(++lasts[i]!);
          taken.push(chunk);
        } else {
          workers[i] = board.steal();
          lasts[i] = (workers[i]?.first ?? 0) - 1;
        }
      }
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: chunks }, (_, i) => i));
    }
  });

  it('gives nothing more once it is stopped', () => {
    const board = Board.of([0, 1, 2, 3, 4]);
    const own = board.own;
    expect(own.claim()).toBe(0);
    board.stop();
    expect([own.claim(), board.steal(), board.isInVain]).toEqual([-1, undefined, false]);
    board.giveUp();
    expect(board.isInVain).toBe(true);
  });

  it('waits for no one who has not begun', () => {
    const board = Board.of([0, 1]);
    expect(board.waitFor(0, () => undefined)).toBe(false);
    expect(board.begin(0)).toBe(false);
    expect(board.begin(1)).toBe(true);
    board.end(1);
    expect(board.waitFor(1, () => undefined)).toBe(true);
  });
});
