/**
 * Type expressions of relationships → type ids, for the catalog the view has at that moment.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { LabelExpression } from '../ast.ts';
import { plainTypes } from '../semantics/walk.ts';
import { labelTest } from './compile.ts';
import type { Runtime } from './runtime.ts';

/** Undefined: every type. An empty list: none. To be asked for each batch or row, for the rows before may have made a type; costs next to nothing. */
export type TypeFilter = (rt: Runtime) => readonly number[] | undefined;

/** Whether nothing can match whatever comes. Not in a statement that writes: what stands before is to be run in any case, and may make the type. */
export function neverMatches(typeIds: readonly number[] | undefined, rt: Runtime): boolean {
  return typeIds !== undefined && typeIds.length === 0 && !('createNode' in rt.view);
}

export function typeFilter(types: LabelExpression | undefined): TypeFilter {
  const plain = plainTypes(types);
  if (plain !== undefined && plain.length === 0) return () => undefined;
  let known: GraphCatalog | undefined;
  let ids: readonly number[] = [];
  return (rt) => {
    const { catalog } = rt.view;
    if (catalog !== known) {
      ids = plain === undefined ? matching(types!, catalog)
        : [...new Set(plain.map((name) => catalog.findType(name)).filter((id) => id !== undefined))];
      known = catalog;
    }
    return ids;
  };
}

function matching(types: LabelExpression, catalog: GraphCatalog): number[] {
  const test = labelTest(types);
  return [...catalog.data.types.keys()].filter((id) => test((name) => catalog.findType(name) === id, true));
}
