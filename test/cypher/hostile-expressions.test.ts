/** Expressions that would run for ever, or hold everything: they end with an error, and are asked to stop while they run. */
import { beforeAll, expect, it } from 'vitest';
import { onBehalfOf } from '../../src/base/allowance.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { execute, executeInTransactions, materialize, NO_PROCEDURES, prepare, surroundingsOf } from '../../src/cypher/engine.ts';
import type { ExecContext } from '../../src/cypher/engine.ts';
import { encodeValue } from '../../src/value/codec.ts';
import { formatValue } from '../../src/value/format.ts';
import { worstCase } from '../../src/cypher/exec/regular-expression.ts';
import type { GraphWriter } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { allEncoders } from '../../src/server/encoders.ts';
import { LocalStore } from '../graph/fixture.ts';

let view: GraphWriter;
beforeAll(async () => {
  view = (await LocalStore.withGraph()).begin().graph('default');
});

/** `checkpointsMax`: then a kill arrives. */
function contextOf(checkpointsMax = Infinity, memoryBytes = 64 * 1024 * 1024): ExecContext {
  let checkpoints = 0;
  return {
    view, parameters: new Map(), procedures: NO_PROCEDURES, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: { memoryBytes },
    checkpoint: () => {
      if (++checkpoints > checkpointsMax) throw new DbError('Killed', 'killed');
    },
  };
}

function run(text: string, checkpointsMax?: number): Value[][] {
  const context = contextOf(checkpointsMax);
  const execution = execute(prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES }), context);
  return onBehalfOf(surroundingsOf(context), () => [...execution.rows()].flat());
}

function codeOf(text: string, checkpointsMax?: number): string {
  try {
    run(text, checkpointsMax);
    return 'none';
  } catch (error) {
    if (error instanceof DbError) return error.code;
    throw error;
  }
}

it.each(['(a+)+b', '(a|a)*b', '(a*)*b', '(a|aa)+$b', '((a?){3,})+b', '(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b'])('gives up on the regular expression %s', (pattern) => {
  expect(codeOf(`RETURN reduce(s = '', i IN range(1, ${pattern.startsWith('(.') ? 400 : 60}) | s + 'a') =~ '${pattern}' AS x`)).toBe('ArgumentError');
});

it('matches what needs many steps but not too many', () => {
  expect(run("RETURN reduce(s = '', i IN range(1, 60) | s + 'a') =~ '(a+)+' AS x, reduce(s = '', i IN range(1, 3000) | s + 'a') =~ '.*a.*a.*' AS y, 'ab12' =~ '(?i)([A-Z]+\\\\d*)+' AS z")).toEqual([[true, true, true]]);
});

it('tells which patterns may take exponentially many steps', () => {
  for (const pattern of ['(a+)+', '(a|b)*', '(a?b?)*', '((ab)*c)+', '(a*){2,}', '(\\w+)\\1']) expect(worstCase(pattern)(100), pattern).toBe(2 ** 100);
  for (const pattern of ['.*foo.*', '(ab)+', 'a|b', '[(+*]+x', '\\(a+\\)+', '(?:abc)*', '(a|b)', '\\d{4}-\\d{2}']) expect(worstCase(pattern)(10), pattern).toBeLessThanOrEqual(11 ** 2);
});

it.each([
  'RETURN reduce(x = 0, i IN range(1, 300000) | x + i) AS x', 'RETURN size([i IN range(1, 300000) WHERE i % 2 = 0 | i]) AS x', 'RETURN all(i IN range(1, 300000) WHERE i > 0) AS x',
])('can be stopped inside a list: %s', (text) => {
  expect(codeOf(text, 5)).toBe('Killed');
});

it.each(['RETURN size([i IN range(1, 3000000) | [i, i, i, i]]) AS x', "RETURN size([i IN range(1, 2000000) | 'number ' + i]) AS x"])('counts the list it makes: %s', (text) => {
  expect(codeOf(text)).toBe('MemoryLimit');
});

it.each([
  "RETURN size(reduce(s = 'ab', i IN range(1, 60) | s + s)) AS x",
  'RETURN size(reduce(l = [1], i IN range(1, 60) | l + l)) AS x',
  'RETURN size(reduce(l = [], i IN range(1, 9000000) | l + [i, i, i])) AS x',
  "WITH reduce(s = 'ab', i IN range(1, 24) | s + s) AS s RETURN size(replace(s, 'a', s)) AS x",
  "WITH reduce(s = 'ab', i IN range(1, 24) | s + s) AS s RETURN size(split(s, 'a')) AS x",
  "WITH reduce(s = 'ab', i IN range(1, 24) | s + s) AS s RETURN size(split(s, '')) AS x",
  "WITH reduce(s = 'ab', i IN range(1, 24) | s + s) AS s RETURN size(reverse(s)) AS x",
  'UNWIND range(1, 100000000) AS i RETURN size(collect(i)) AS x',
])('refuses to make what would be too large: %s', (text) => {
  expect(codeOf(text)).toBe('MemoryLimit');
});

/** A list that holds itself twice, and so on: 2^40 items to walk through, 40 lists to hold. */
const DOUBLED = 'WITH reduce(l = [1], i IN range(1, 40) | [l, l]) AS l';

it.each(['l = l', 'l < l', '[l, l] IN [[l, l]]', 'size([i IN [1] | l])', 'valueType(l)'])('can be stopped inside a value: %s', (expression) => {
  expect(codeOf(`${DOUBLED} RETURN ${expression} AS x`, 50)).toBe('Killed');
});

it.each(['RETURN DISTINCT l', 'UNWIND [1, 2] AS i RETURN l ORDER BY l', 'UNWIND [1, 2] AS i RETURN l, count(*)', 'UNWIND [1, 2] AS i RETURN size(collect(l))'])('can be stopped while it groups and sorts: %s', (clause) => {
  expect(codeOf(`${DOUBLED} ${clause}`, 50)).toBe('Killed');
});

it.each([
  `${DOUBLED} CALL { WITH l RETURN l = l AS same } IN TRANSACTIONS RETURN same`,
  `UNWIND [1] AS i CALL { WITH i ${DOUBLED} RETURN l = l AS same } IN TRANSACTIONS RETURN same`,
  `UNWIND [1] AS i CALL { WITH i ${DOUBLED} RETURN l } IN TRANSACTIONS RETURN l = l AS same`,
])('can be stopped in each part of a statement with transactions: %s', async (text) => {
  const context = contextOf(50);
  const rows = async () => {
    const execution = await executeInTransactions(prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES }), { read: context, after: () => context, write: async (work) => work(context) });
    return onBehalfOf(surroundingsOf(context), () => [...execution.rows()]);
  };
  await expect(rows()).rejects.toMatchObject({ code: 'Killed' });
});

const DOUBLED_MAP = 'WITH reduce(m = {a: 1}, i IN range(1, 40) | {a: m, b: m}) AS l';

it.each([DOUBLED, DOUBLED_MAP])('can be stopped while a value is written out, in whatever form: %s', (text) => {
  const value = run(`${text} RETURN l`)[0]![0]!;
  const ways: [string, () => unknown][] = [...allEncoders().values()].map((encoder) => [encoder.name, () => encoder.encode([value], new ByteWriter())]);
  ways.push(['codec', () => encodeValue(new ByteWriter(), value)], ['text', () => formatValue(value)], ['handles', () => materialize(value, view)]);
  expect(ways.length).toBeGreaterThan(7);
  for (const [name, write] of ways) {
    let checkpoints = 0;
    const surroundings = {
      valueBytesMax: 1e9,
      checkpoint: () => {
        if (++checkpoints > 20) throw new DbError('Killed', 'killed');
      },
    };
    expect(() => onBehalfOf(surroundings, write), name).toThrow(expect.objectContaining({ code: 'Killed' }));
  }
});

it('appends in place, and copies what it began with', () => {
  expect(run('WITH [0] AS l RETURN reduce(a = l, i IN range(1, 3) | a + i) AS x, reduce(a = l, i IN [[1, 2], [], [[3]]] | a + i) AS y, l')).toEqual([[[0, 1, 2, 3], [0, 1, 2, [3]], [0]]]);
  expect(run("WITH {a: 1} AS m RETURN reduce(a = '', i IN range(1, 3) | a + i) AS x, reduce(a = [], i IN [1, null, 2] | a + i) AS y, reduce(a = 0, i IN [1, [2], 3] | a + i) AS z, reduce(a = [], i IN [1, 2] | a + size(a)) AS w, reduce(a = [], i IN [1, 2] | a + m{.a, i: size(a)}.i) AS v, reduce(a = [0], i IN [1] | a + [x IN [5] | a[0] + x]) AS u"))
    .toEqual([['123', null, [1, 2, 3], [0, 1], [0, 1], [0, 5]]]);
  expect((run('RETURN reduce(a = [], i IN range(1, 300000) | a + i) AS x')[0]![0] as Value[]).length).toBe(300_000);
});

it('goes through a range of any length without holding it', () => {
  expect(run('UNWIND range(1, 20000000) AS i RETURN count(i) AS n, max(i) AS m')).toEqual([[20_000_000, 20_000_000]]);
  expect(run('UNWIND range(5, 1, -2) AS i RETURN i')).toEqual([[5], [3], [1]]);
  expect(run('UNWIND range(3, 1) AS i RETURN i')).toEqual([]);
  expect(run('UNWIND range(null, 1) AS i RETURN i')).toEqual([]);
  expect(codeOf('UNWIND range(1, 3, 0) AS i RETURN i')).toBe('ArgumentError');
  expect(codeOf("UNWIND range(1, '3') AS i RETURN i")).toBe('ArgumentError');
});

// 4 ** 20 paths: they are made one by one, and whoever holds them is counted.
const MANY_PATHS = "MATCH (a:Link {n: 0}), (z:Link {n: 20}) CALL algo.allShortestPaths(a, z, {direction: 'PointingRight'}) YIELD nodeIds";

it('makes exponentially many shortest paths one by one', () => {
  run('UNWIND range(0, 20) AS n CREATE (:Link {n: n})');
  run('MATCH (a:Link), (b:Link) WHERE b.n = a.n + 1 UNWIND range(1, 4) AS i CREATE (a)-[:LINK]->(b)');
  expect(run(`${MANY_PATHS} WITH nodeIds LIMIT 5 RETURN size(nodeIds) AS x`)).toEqual(Array.from({ length: 5 }, () => [21]));
  expect(codeOf(`${MANY_PATHS} RETURN count(*) AS x`, 50)).toBe('Killed');
  expect(codeOf(`${MANY_PATHS} RETURN size(collect(nodeIds)) AS x`)).toBe('MemoryLimit');
});
