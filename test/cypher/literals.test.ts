/** Literals that become parameters, and those that do not. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare } from '../../src/cypher/engine.ts';
import { liftLiterals } from '../../src/cypher/literals.ts';
import { Float, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';

it.each([
  ["MATCH (n:P {id: 17, name: 'x'}) RETURN n.id", [17, 'x']],
  ['MATCH (n:P) WHERE n.a = 1.5 AND (n.`b c` = 0x10) RETURN n', [new Float(1.5), 16]],
  ["MATCH (a {k: 1})-[r:T {w: 2}]->(b) SET a.x = 3, b.y = 'z' RETURN a", [1, 2, 3, 'z']],
  ["CREATE (:P {id: 1, list: [1, 2], name: 'n'})", [1, 'n']],
  ['MERGE (n:P {id: 5}) ON CREATE SET n.made = 6 RETURN n', [5, 6]],
  ['MATCH (n) WHERE EXISTS { MATCH (n)-->(m {k: 7}) RETURN m } RETURN n', [7]],
  ['MATCH (n {a: 1}) WITH n, n.a = 2 AS b MATCH (m {a: 3}) RETURN b, m', [1, 3]],
  ['UNWIND [1, 2] AS i MATCH (n {a: 4}) RETURN n', [4]],
])('%s', (text, values) => {
  expect([...liftLiterals(text)?.values.values() ?? []]).toEqual(values);
});

it.each([
  'MATCH (n) RETURN n.a = 1, {a: 2} AS m, 3',
  'MATCH (n) WHERE n.a > 1 AND n.b IN [1, 2] AND n.c STARTS WITH "x" AND 5 = n.d RETURN n',
  'MATCH (n)-[*1..3]->(m) RETURN n SKIP 1 LIMIT 2',
  'MATCH (n) WHERE n.a = -1 OR n.a = 1 + 2 OR n.a = 1 < 2 RETURN n',
  'MATCH (n) RETURN EXISTS { MATCH (n {a: 1}) } AS e',
  'MATCH (n) WITH n, {a: 1} AS m RETURN m',
  'MATCH (n) WHERE n.a = true OR n.b = null RETURN n',
  'MATCH (n) WHERE n.a = 99999999999999999999 RETURN n',
  'MATCH (n {a: 1}) WHERE n.b = $` 0` RETURN n',
  'MATCH (n {a: 1}) CALL (n) { CREATE (:C) } IN TRANSACTIONS',
  'MATCH (n {a: 1}) RETURN n UNION MATCH (n {a: 2}) RETURN n',
  'CALL db.labels() YIELD label RETURN label',
  "CREATE INDEX FOR (n:P) ON (n.id) OPTIONS {indexProvider: 'x'}",
  "LOAD CSV FROM 'x.csv' AS row RETURN row",
  'EXPLAIN MATCH (n {a: 1}) RETURN n',
  "MATCH (n) WHERE n.a = 'never closed RETURN n",
])('leaves %s as it is', (text) => {
  expect(liftLiterals(text)).toBeUndefined();
});

it('has one key for statements that differ in such literals, and another for all others', () => {
  const key = (text: string): string | undefined => liftLiterals(text)?.key;
  const first = key("MATCH (n:P {id: 1}) WHERE n.s = 'a' RETURN n.id LIMIT 1");
  expect(key("MATCH (n:P {id: 200}) WHERE n.s = 'it\\'s' RETURN n.id LIMIT 1")).toBe(first);
  for (const other of ['{id: 1.0}) WHERE n.s = "a" RETURN n.id LIMIT 1', "{id: '1'}) WHERE n.s = 'a' RETURN n.id LIMIT 1", "{id: 1}) WHERE n.s = 'a' RETURN n.id LIMIT 2",
    "{ id: 1}) WHERE n.s = 'a' RETURN n.id LIMIT 1", "{id: $id}) WHERE n.s = 'a' RETURN n.id LIMIT 1"]) expect(key(`MATCH (n:P ${other}`)).not.toBe(first);
});

it('answers each statement as if it were alone', async () => {
  const view = (await LocalStore.withGraph()).begin().graph('default');
  const run = (text: string, parameters: ReadonlyMap<string, Value> = new Map()) => {
    const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
    const execution = execute(prepared, {
      view, parameters, procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {},
    });
    return { text: prepared.text, columns: prepared.columns, rows: [...execution.rows()].flat() };
  };
  for (let i = 0; i < 20; i++) run(`CREATE (:P {id: ${i}, name: 'n${i}'})`);
  for (let i = 0; i < 20; i++) {
    const text = `MATCH (n:P {id: ${i}}) WHERE n.name = 'n${i}' RETURN n.id, n.id = ${i}, $p + ${i}`;
    expect(run(text, new Map([['p', 100]]))).toEqual({ text, columns: ['n.id', `n.id = ${i}`, `$p + ${i}`], rows: [[i, true, 100 + i]] });
  }
  expect(run("MATCH (n:P {id: 1}) WHERE n.name = 'n2' RETURN n.id").rows).toEqual([]);
  expect(run('MATCH (n:P {id: 1.0}) RETURN n.id').rows).toEqual([[1]]);
  expect(run("MATCH (n:P {id: '1'}) RETURN n.id").rows).toEqual([]);
  // An index that comes later is used, and a running result keeps its own literals.
  const prepared = ['3', '4'].map((id) => prepare(`MATCH (n:P {id: ${id}}) RETURN n.name`, { catalog: view.catalog, procedures: NO_PROCEDURES }));
  const open = prepared.map((each) => execute(each, {
    view, parameters: new Map(), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {},
  }).rows());
  expect(open.map((rows) => rows.next().value)).toEqual([[['n3']], [['n4']]]);
  // What is wrong is said of the text as it is written, the first time and the second.
  for (const id of [1, 12, 19]) {
    expect(() => run(`MATCH (n:P {id: ${id}}) RETURN m.name`)).toThrow(`line 1, column ${27 + String(id).length})`);
    expect(() => run(`MATCH (n:P {id: ${id}}) RETURN n.name + $none`)).toThrow(/\$none/);
  }
});
