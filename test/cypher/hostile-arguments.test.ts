/**
 * Every procedure and every function, from their tables, with arguments nobody should give: each ends with rows or with an error that
 * says what is wrong, never with one of the program itself; what it answers can be written by every protocol; and a call that fails
 * changes nothing.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { createFirstState, DEFAULT_USER } from '../../src/auth/first-start.ts';
import { onBehalfOf } from '../../src/base/allowance.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import { asDbError, DbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { withBuiltins } from '../../src/cypher/builtins/index.ts';
import { execute, materialize, prepare, surroundingsOf } from '../../src/cypher/engine.ts';
import type { ExecContext, ProcedureDef } from '../../src/cypher/engine.ts';
import { AGGREGATE_NAMES, findAggregate, findFunction, FUNCTION_NAMES } from '../../src/cypher/functions/index.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import { allEncoders } from '../../src/server/encoders.ts';
import { allProcedures } from '../../src/server/procedures.ts';
import { CallContext } from '../../src/service/call-context.ts';
import type { Value } from '../../src/value/value.ts';
import { ALONE } from '../docs/playground.ts';
import { LocalStore } from '../graph/fixture.ts';

const PROCEDURES = allProcedures();
const ENCODERS = [...allEncoders().values()];
/** A statement that asks so often whether it is to end is ended. */
const CHECKPOINTS_MAX = 20_000;
const LONG = 1 << 20;

/** As expressions: they stand in the text of a call too, where the check before the run sees them. */
const SHORT_ARGUMENTS = [
  'null', 'true', '0', '-1', '1', '2147483648', '-9223372036854775808', '9223372036854775807', '0.0 / 0.0', '1.0 / 0.0', '-1e308', '0.5',
  "''", "'x'", "'Person'", "'name'", "'vertex'", "'constructor'", "'__proto__'", "'\\u0000\\u0007\\u001b'", "'\\uD800漢🙂'", "'../../etc/passwd'", "'{\"a\": [1'", "'[]'", "'{}'",
  '[]', '[null]', "['a', 1, null]", '[[[[1]]]]', '{}', "{``: null, __proto__: 1, type: 'x', direction: 1}", '{constructor: {prototype: []}}',
  "date('-999999999-01-01')", "date('+999999999-12-31')", "datetime('2024-02-29T23:59:59.999999999+14:00')", 'localtime()', 'duration({months: 9223372036854775807})',
  'point({x: 1, y: 2})', 'point({longitude: 180, latitude: 90, height: 1e300})',
];
const MADE_ARGUMENTS = {
  long: `reduce(s = 'x', i IN range(1, 20) | s + s)`,
  deepList: 'reduce(l = [], i IN range(1, 20000) | [l])',
  deepMap: 'reduce(m = {}, i IN range(1, 2000) | {m: m})',
  wideList: '[i IN range(1, 1000) | {name: i, list: [i]}]',
  node: 'ann', relationship: 'knows', path: 'path', deleted: 'gone',
};

async function storeOf(strict: boolean): Promise<LocalStore> {
  const store = await LocalStore.withGraph('test', undefined, undefined, strict);
  await store.write((tx) => createFirstState(tx, undefined));
  for (const text of [
    "CALL db.createVertexLabel('Person', 'name', 'name', 'STRING', false, 'at', 'FLOAT_VECTOR', true, 'age', 'INT8', true)",
    "CALL db.createEdgeLabel('KNOWS', '[]', 'since', 'DOUBLE', true)",
    "CALL db.addVertexVectorIndex('Person', 'at', {dimension: 2})",
    "CALL db.addFullTextIndex(true, 'Person', 'name')",
    "CREATE (:Person {name: 'Ann', at: [1, 2]})-[:KNOWS]->(:Person {name: 'Bob'})",
  ]) await store.write((tx) => run(tx, text, new Map()));
  return store;
}

function contextOf(tx: Transaction, parameters: ReadonlyMap<string, Value>): ExecContext {
  let checkpoints = 0;
  return {
    view: tx.graph('test'), parameters, procedures: PROCEDURES, wallMs: 1_700_000_000_000, random: seededRandom(7), timeZone: 'Z', limits: { memoryBytes: 64 * 2 ** 20 },
    checkpoint: () => {
      if (++checkpoints > CHECKPOINTS_MAX) throw new DbError('Timeout', 'over');
    },
    graphs: () => [{ name: 'test', description: '', strict: false }],
    session: new CallContext({ user: DEFAULT_USER, system: tx.system, group: ALONE, transaction: tx, version: 1, checksum: '', nowMs: 1_700_000_000_000, killFlags: new Int32Array(1) }),
  };
}

/** Runs a statement to its end and writes its rows as each protocol does. */
function run(tx: Transaction, text: string, parameters: ReadonlyMap<string, Value>): Value[][] {
  const context = contextOf(tx, parameters);
  return onBehalfOf(surroundingsOf(context), () => {
    const query = prepare(text, { catalog: context.view.catalog, procedures: PROCEDURES });
    const rows = [...execute(query, context).rows()].flat();
    for (const encoder of ENCODERS) {
      for (const row of rows) writeOut(encoder, row.map((value) => materialize(value, context.view, encoder.declaredForm === true)));
    }
    return rows;
  });
}

function writeOut(encoder: (typeof ENCODERS)[number], row: readonly Value[]): void {
  encoder.encode(row, new ByteWriter(256));
}

/** A failure of the program, as text; undefined where the call ended as it should. */
function mistake(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    const error = asDbError(thrown);
    if (error.code !== 'Internal' && error.code !== 'Corrupted') return undefined;
    return `${error.code} ${error.message}\n${thrown instanceof Error ? String(thrown.stack).split('\n').slice(0, 6).join('\n') : ''}`;
  }
}

function made(tx: Transaction): Map<string, Value> {
  const entries = Object.entries(MADE_ARGUMENTS);
  tx.graph('test');
  const [row] = run(tx, `MATCH path = (ann:Person {name: 'Ann'})-[knows:KNOWS]->(gone) WITH * LIMIT 1 RETURN ann, knows, path, gone`, new Map());
  const values = new Map<string, Value>([['ann', row![0]!], ['knows', row![1]!], ['path', row![2]!], ['gone', row![3]!]]);
  return new Map(entries.map(([name, expression]) => {
    const context = contextOf(tx, values);
    const parameter = expression.replace(/^(ann|knows|path|gone)$/, '$$$1');
    const query = prepare(`RETURN ${parameter} AS value`, { catalog: context.view.catalog, procedures: PROCEDURES });
    return [name, [...execute(query, context).rows()][0]![0]![0]!];
  }));
}

const ODD = [...SHORT_ARGUMENTS, ...Object.keys(MADE_ARGUMENTS).map((name) => `$${name}`)];

/** Argument lists as texts: each argument in turn is each of the odd ones, beside what fits; then too few and too many. */
function* argumentLists(fitting: readonly string[], max: number): Generator<string> {
  for (const [place] of fitting.entries()) {
    for (const argument of ODD) yield fitting.map((fit, i) => (i === place ? argument : fit)).join(', ');
  }
  if (fitting.length > 1) for (const argument of ODD) yield fitting.map(() => argument).join(', ');
  for (let count = 0; count < fitting.length; count++) yield fitting.slice(0, count).join(', ');
  yield [...fitting, ...Array.from({ length: Math.min(max, 8) + 1 }, () => '1')].join(', ');
}

/** Something of the type that a procedure may be able to work with. */
function fitting({ name, type }: ProcedureDef['args'][number]): string {
  const byName: Record<string, string> = {
    label_name: "'Person'", label: "'Person'", label_type: "'vertex'", field_name: "'at'", field: "'name'", user: `'${DEFAULT_USER}'`, user_name: `'${DEFAULT_USER}'`, role: "'admin'",
    graph_name: "'test'", vec: '[1, 2]', indexName: "'Person_name_fulltext'", primary_fd: "'id'", edge_constraints: "'[]'", list_data: type === 'STRING' ? "'[{\"name\": \"Cat\"}]'" : "[{name: 'Cat'}]",
  };
  if (byName[name] !== undefined) return byName[name];
  switch (type) {
    case 'INTEGER': case 'NUMBER': case 'ANY': case 'NUL': return '1';
    case 'FLOAT': case 'DOUBLE': return '1.0';
    case 'BOOLEAN': return 'true';
    case 'STRING': return "'fresh'";
    case 'NODE': return '$node';
    case 'RELATIONSHIP': return '$relationship';
    case 'PATH': return '$path';
    case 'LIST': return "['a']";
    case 'MAP': return '{}';
  }
}

const ALL = withBuiltins(PROCEDURES);
const DEFINITIONS = [...ALL.names()].map((name) => ALL.find(name)!);

/** Procedures about the server do the same whatever the graph is. */
function* procedureCalls(strict: boolean): Generator<string> {
  for (const { name, mode, args } of DEFINITIONS) {
    if (strict && mode.startsWith('dbms')) continue;
    for (const list of argumentLists(args.map(fitting), args.length)) yield `CALL ${name}(${list})`;
  }
}

/** Several odd arguments of the right types at once. */
function* mixedCalls(seed: number, count: number): Generator<string> {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  for (let i = 0; i < count; i++) {
    const { name, args, variadic } = pick(DEFINITIONS);
    const list = args.map((arg) => pick([fitting(arg), pick(ofType(arg.type)), pick(ofType(arg.type))]));
    if (variadic === true) for (let more = Math.floor(random.next() * 4); more > 0; more--) list.push(pick(ODD));
    yield `CALL ${name}(${list.join(', ')})`;
  }
}

function ofType(type: ProcedureDef['args'][number]['type']): readonly string[] {
  const known: Partial<Record<typeof type, RegExp>> = {
    INTEGER: /^-?\d+$/, NUMBER: /^-?[\de.]+( |$)/, FLOAT: /^-?[\de.]+( |$)/, DOUBLE: /^-?[\de.]+( |$)/, BOOLEAN: /^true/, STRING: /^'|long/, LIST: /^\[|List/, MAP: /^\{|Map/, NODE: /node|deleted/,
  };
  const pattern = known[type];
  return pattern === undefined ? ODD : ODD.filter((each) => each === 'null' || pattern.test(each));
}

const COUNT_MAX = 4;

function* functionCalls(strict: boolean): Generator<string> {
  for (const name of FUNCTION_NAMES) {
    const { minArgs, maxArgs } = findFunction(name)!;
    for (let count = minArgs; count <= Math.min(maxArgs, COUNT_MAX); count++) {
      const fit = strict ? ['1'] : ["'2024-01-31'", '1', '1', '1'];
      for (const list of argumentLists(fit.slice(0, count), maxArgs)) yield `RETURN ${name}(${list}) AS x`;
    }
  }
  for (const name of AGGREGATE_NAMES) {
    for (const list of argumentLists(Array.from({ length: findAggregate(name)!.maxArgs }, () => '1'), 2)) yield `UNWIND [1, 2] AS i RETURN ${name}(DISTINCT ${list}) AS x, ${name}(${list}) AS y`;
  }
}

describe.each([['flexible', false], ['strict', true]])('in a %s graph', (_, strict) => {
  let store: LocalStore;
  let values: Map<string, Value>;
  beforeAll(async () => {
    store = await storeOf(strict);
    values = made(store.begin());
    expect((values.get('long') as string).length).toBe(LONG);
  });

  /** Each call in a transaction of its own that is not committed: whatever it did to anything else is seen in what the store holds. */
  async function callAll(calls: Iterable<string>): Promise<{ readonly mistakes: string[]; readonly answered: number; readonly refused: number }> {
    const mistakes: string[] = [];
    let answered = 0;
    let refused = 0;
    const before = await store.dump();
    for (const text of calls) {
      const tx = store.begin();
      const found = mistake(() => {
        refused++;
        run(tx, text, values);
        tx.checkStatement();
        refused--;
        answered++;
      });
      if (found !== undefined) mistakes.push(`${text}\n${found}`);
    }
    expect(await store.dump()).toEqual(before);
    expect(run(store.begin(), 'MATCH (n) RETURN count(n)', new Map())).toEqual([[2]]);
    return { mistakes, answered, refused };
  }

  it('every procedure', async () => {
    const { mistakes, answered, refused } = await callAll(procedureCalls(strict));
    expect(mistakes).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1500);
  });

  it('several odd arguments at once', async () => {
    const { mistakes, answered } = await callAll(mixedCalls(Number(process.env.SEED ?? 1), Number(process.env.CALLS ?? 3000)));
    expect(mistakes).toEqual([]);
    expect(answered).toBeGreaterThan(500);
  });

  it('every function', async () => {
    const { mistakes, answered, refused } = await callAll(functionCalls(strict));
    expect(mistakes).toEqual([]);
    expect(answered).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
  });
});

it('takes names that every JavaScript object knows for names like any other', async () => {
  const store = await storeOf(false);
  const call = (text: string): Promise<Value[][]> => store.write((tx) => run(tx, text, new Map()));
  for (const name of ['constructor', '__proto__', 'toString']) {
    await expect(call(`CALL dbms.security.getUserInfo('${name}')`)).rejects.toMatchObject({ code: 'UserNotFound' });
    await expect(call(`CALL dbms.security.modRoleDesc('${name}', 'x')`)).rejects.toMatchObject({ code: 'UserNotFound' });
    await call(`CALL dbms.graph.createGraph('${name}')`);
    await call(`CALL dbms.security.createUser('${name}', 'a long password')`);
    expect(await call(`CALL dbms.graph.listUserGraphs('${name}')`)).toEqual([]);
    await call(`CALL dbms.security.modRoleAccessLevel('${name}', {${name}: 'READ'})`);
    expect((await call(`CALL dbms.graph.listUserGraphs('${name}')`)).map(([graph]) => graph)).toEqual([name]);
    await call(`CALL dbms.security.deleteUser('${name}')`);
    await expect(call(`CALL dbms.security.getUserInfo('${name}')`)).rejects.toMatchObject({ code: 'UserNotFound' });
  }
});

it('takes no vector of another length than the index, whichever way it comes', async () => {
  const store = await storeOf(false);
  const call = (text: string): Promise<Value[][]> => store.write((tx) => run(tx, text, new Map()));
  const mismatch = /vector index dimension mismatch, vector size:3, dim:2/;
  for (const text of [
    "CREATE (:Person {name: 'Cat', at: [1, 2, 3]})", "MATCH (p:Person {name: 'Ann'}) SET p.at = [1, 2, 3]", "MERGE (:Person {name: 'Cat', at: [1, 2, 3]})", "MATCH (p:Person {name: 'Ann'}) SET p += {at: [1, 2, 3]}",
    `CALL db.importor.rows('{"label": "Person", "format": "CSV", "columns": ["name", "at"]}', 'Cat,"1,2,3"', ',', false, true)`,
    `CALL db.importor.rows('{"label": "Person", "format": "JSON", "columns": ["name", "at"]}', '["Cat",[1,2,3]]', ',', false, true)`,
  ]) await expect(call(text), text).rejects.toThrow(mismatch);
  expect(await call("CALL db.upsertVertexByJson('Person', '[{\"name\": \"Ann\", \"age\": 5, \"at\": [1, 2, 3]}]')")).toEqual([[1, 1, 0, 0, 0]]);
  expect(await call("MATCH (p:Person {name: 'Ann'}) RETURN p.age")).toEqual([[null]]);
});
