/** What PROFILE measures, and that nothing else pays for it. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare, type Execution, type PlanDescription, type ProcedureHost } from '../../src/cypher/engine.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { LocalStore } from '../graph/fixture.ts';

const store = await LocalStore.withGraph();
const view = store.begin().graph('default');
run('UNWIND range(1, 20) AS i CREATE (a:A {i: i}) WITH a, i UNWIND range(1, i % 4) AS j CREATE (a)-[:R {j: j}]->(:B {j: j})');

function start(text: string, procedures: ProcedureHost = NO_PROCEDURES, graph: GraphView = view): Execution {
  const prepared = prepare(text, { catalog: graph.catalog, procedures });
  return execute(prepared, {
    view: graph, parameters: new Map(), procedures, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {},
  });
}

function run(text: string): Execution {
  const execution = start(text);
  for (const batch of execution.rows()) expect(batch.length).toBeGreaterThan(0);
  return execution;
}

function profiled(text: string): PlanDescription[] {
  const operators: PlanDescription[] = [];
  const add = (plan: PlanDescription): void => {
    operators.push(plan);
    plan.children.forEach(add);
  };
  add(run(`PROFILE ${text}`).plan!);
  return operators;
}

function hits(text: string): Record<string, number | undefined> {
  return Object.fromEntries(profiled(text).map(({ operator, dbHits }) => [operator, dbHits]));
}

it('gives each operator the hits of its own work', () => {
  // A scan asks once and gets 20 ids; each of the 20 nodes is asked for its adjacency, which has 30 relationships in all.
  expect(hits('MATCH (a:A)-[:R]->(b) RETURN b.j')).toEqual({ 'Node By Label Scan': 21, 'Expand(All)': 50, 'Project': 30 });
  expect(hits('MATCH (a:A) RETURN a.i ORDER BY a.i')).toMatchObject({ 'Node By Label Scan': 21 });
  expect(hits('MATCH (a:A) RETURN count(*)')).toEqual({ 'Stored Count': 1 });
  expect(hits('RETURN 1')).toEqual({ Project: 0 });
});

it('counts the work inside expressions with the operator they stand in', () => {
  const [project, scan] = profiled('MATCH (a:A) RETURN a.i, COUNT { (a)-[:R]->() } AS n, [(a)-[r:R]->(b) | b.j] AS js');
  expect(scan!.dbHits).toBe(21);
  // A property each, a degree or its relationships each, and the comprehension's.
  expect(project!.dbHits).toBeGreaterThanOrEqual(20 + 20 + 20 + 30 + 30);
  expect(project!.children).toHaveLength(1);
});

it('counts changes', () => {
  expect(hits('UNWIND range(1, 3) AS i CREATE (:Made {i: i})')).toMatchObject({ Create: 3 });
  expect(hits('MATCH (m:Made) SET m.i = 0, m.k = 1')).toMatchObject({ Set: 6 });
  expect(hits('MATCH (m:Made) DETACH DELETE m')).toMatchObject({ 'Detach Delete': 3 });
});

it('measures what was done until somebody had enough', () => {
  const limited = profiled('MATCH (a:A), (b:A) RETURN a.i, b.i LIMIT 3');
  expect(limited.slice(0, 2)).toMatchObject([{ operator: 'Project', rows: 3, dbHits: 6 }, { operator: 'Limit', rows: 3, dbHits: 0 }]);
  expect(limited.every(({ rows, timeMs, dbHits }) => rows !== undefined && timeMs! >= 0 && dbHits! >= 0)).toBe(true);
});

it('says which variables an operator has', () => {
  const operators = profiled('MATCH (a:A)-[r:R]->(b) WITH a, count(r) AS n WHERE n > 1 RETURN a.i AS i, n');
  expect(operators.map(({ operator, identifiers }) => [operator, identifiers])).toEqual([
    ['Project', ['i', 'n']], ['Filter', ['a', 'n']], ['Aggregate', ['a', 'n']], ['Expand(All)', ['a', 'r', 'b']], ['Node By Label Scan', ['a']],
  ]);
});

it('leaves statements without PROFILE the view itself', () => {
  const seen: GraphView[] = [];
  const definition = { name: 'look', args: [], variadic: false, yields: [{ name: 'x', type: 'ANY' }], mode: 'read' } as const;
  const procedures: ProcedureHost = {
    find: (name) => (name === 'look' ? definition : undefined), names: () => ['look'],
    call: (_definition, _args, context) => {
      seen.push(context.view);
      return [];
    },
  };
  for (const text of ['CALL look() YIELD x RETURN x', 'PROFILE CALL look() YIELD x RETURN x', 'CALL look() YIELD x RETURN x']) [...start(text, procedures).rows()];
  expect(seen.map((each) => each === view)).toEqual([true, false, true]);
});

it('begins each run of a profile at nothing', () => {
  const [first, second] = [profiled('MATCH (a:A) RETURN a.i'), profiled('MATCH (a:A) RETURN a.i')];
  expect(second.map(({ rows, dbHits }) => [rows, dbHits])).toEqual(first.map(({ rows, dbHits }) => [rows, dbHits]));
});
