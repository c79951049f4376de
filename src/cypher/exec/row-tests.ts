/**
 * Predicates and labels as tests of a row.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { NodeValue } from '../../value/value.ts';
import type { Scoped } from '../plan/plan.ts';
import { compilePredicate, type CompileContext } from './compile.ts';
import type { Row, Runtime } from './runtime.ts';

export type Test = (row: Row, rt: Runtime) => boolean;
export type LabelsTest = (node: NodeValue, rt: Runtime) => boolean;

export function compileTests(filters: readonly Scoped[], cc: CompileContext): Test[] {
  return filters.map(({ expression, env }) => compilePredicate(expression, env, cc));
}

/** Whether the row passes all tests, or those from `first` on. */
export function passes(tests: readonly Test[], row: Row, rt: Runtime, first = 0): boolean {
  for (let i = first; i < tests.length; i++) if (!tests[i]!(row, rt)) return false;
  return true;
}

/** A test that a node has all the labels; labels the catalog does not know yet are asked for as it runs. */
export function labelsTest(labels: readonly string[], catalog: GraphCatalog): LabelsTest | undefined {
  if (labels.length === 0) return undefined;
  const ids = labels.map((label) => catalog.findLabel(label));
  const [first] = ids;
  if (ids.length === 1 && first !== undefined) return (node, rt) => rt.view.hasLabel(node, first);
  return (node, rt) => {
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? rt.view.catalog.findLabel(labels[i]!);
      if (id === undefined || !rt.view.hasLabel(node, id)) return false;
    }
    return true;
  };
}
