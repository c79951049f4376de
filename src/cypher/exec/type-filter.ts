/**
 * Type expressions of relationships → type ids, for the catalog the view has at that moment.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { LabelExpression } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import { isDynamic, plainTypes } from '../semantics/walk.ts';
import { labelTest, type CompileContext } from './compile.ts';
import { compileLabels } from './dynamic-labels.ts';
import type { Row, Runtime } from './runtime.ts';

/**
 * Undefined: every type. An empty list: none. To be asked for each row, for the rows before may have made a type, and a type may be the row's value;
 * costs next to nothing. Without a row: what is known before there is one.
 */
export type TypeFilter = (rt: Runtime, row?: Row) => readonly number[] | undefined;

/** Whether nothing can match whatever comes. Not in a statement that writes: what stands before is to be run in any case, and may make the type. */
export function neverMatches(typeIds: readonly number[] | undefined, rt: Runtime): boolean {
  return typeIds !== undefined && typeIds.length === 0 && !('createNode' in rt.view);
}

/** `env`: where the types are values, of these variables. */
export function typeFilter(types: LabelExpression | undefined, env: Env, cc: CompileContext): TypeFilter {
  if (types !== undefined && isDynamic(types)) return dynamicFilter(types, env, cc);
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

function dynamicFilter(types: LabelExpression, env: Env, cc: CompileContext): TypeFilter {
  const typesOf = compileLabels(types, env, cc);
  let known: GraphCatalog | undefined;
  let named: LabelExpression | undefined;
  let ids: readonly number[] = [];
  return (rt, row) => {
    if (row === undefined) return undefined;
    const { catalog } = rt.view;
    const now = typesOf(row, rt);
    if (catalog !== known || now !== named) {
      ids = matching(now, catalog);
      named = now;
      known = catalog;
    }
    return ids;
  };
}

function matching(types: LabelExpression, catalog: GraphCatalog): number[] {
  const test = labelTest(types);
  return [...catalog.data.types.keys()].filter((id) => test((name) => catalog.findType(name) === id, true));
}
