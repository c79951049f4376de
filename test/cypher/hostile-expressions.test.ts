/** Expressions that would run for ever, or hold everything: they end with an error, and are asked to stop while they run. */
import { beforeAll, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare } from '../../src/cypher/engine.ts';
import { worstCase } from '../../src/cypher/exec/regular-expression.ts';
import type { GraphWriter } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';

let view: GraphWriter;
beforeAll(async () => {
  view = (await LocalStore.withGraph()).begin().graph('default');
});

/** `checkpointsMax`: then a kill arrives. */
function run(text: string, checkpointsMax = Infinity, memoryBytes = 64 * 1024 * 1024): Value[][] {
  let checkpoints = 0;
  const execution = execute(prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES }), {
    view, parameters: new Map(), procedures: NO_PROCEDURES, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: { memoryBytes },
    checkpoint: () => {
      if (++checkpoints > checkpointsMax) throw new DbError('Killed', 'killed');
    },
  });
  return [...execution.rows()].flat();
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
