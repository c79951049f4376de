/** A statement run on a view, to its end, and its plan. */
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, planText, prepare, type ExecContext } from '../../src/cypher/engine.ts';
import type { GraphView } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';

export function rowsOf(graph: GraphView, text: string, context: Partial<ExecContext> = {}): Value[][] {
  const rows: Value[][] = [];
  const execution = execute(prepare(text, { catalog: graph.catalog, procedures: NO_PROCEDURES }), {
    view: graph, parameters: new Map<string, Value>(), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {}, ...context,
  });
  for (const batch of execution.rows()) for (const row of batch) rows.push([...row]);
  return rows;
}

export function planOf(graph: GraphView, text: string): string {
  const execution = execute(prepare(`EXPLAIN ${text}`, { catalog: graph.catalog, procedures: NO_PROCEDURES }), {
    view: graph, parameters: new Map<string, Value>([['id', '1'], ['text', 'x']]), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(1), timeZone: 'Z', limits: {},
  });
  return planText(execution.plan!);
}
