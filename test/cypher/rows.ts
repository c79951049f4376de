/** A statement run on a view, to its end. */
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare, type ExecContext } from '../../src/cypher/engine.ts';
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
