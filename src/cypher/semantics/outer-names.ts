/**
 * Subqueries in expressions (`EXISTS { }`, `COUNT { }`, `COLLECT { }`) and those that say what they import (`CALL (x) { }`) see the variables
 * around them everywhere, behind a WITH of their own too: such a WITH takes along what is used behind it.
 */
import type { CallSubqueryClause, Projection, Query, SingleQuery, WithClause } from '../ast.ts';
import { countMentions } from './mentions.ts';
import { containsAggregate } from './projection.ts';

export function carryOuter(query: Query, outer: readonly string[]): Query {
  if (outer.length === 0 || !query.parts.some(({ clauses }) => clauses.some(({ kind }) => kind === 'With'))) return query;
  return { ...query, parts: query.parts.map((part) => carriedPart(part, outer)) };
}

/** `visible`: what is around the subquery. Its `RETURN *` is what it made itself: what it imports is there already. */
export function carryImports({ imports, query }: CallSubqueryClause, visible: readonly string[]): Query {
  const names = imports === 'all' ? visible : imports ?? [];
  const carried = carryOuter(query, names);
  if (names.length === 0 || !carried.parts.some((part) => returnsAll(part))) return carried;
  return {
    ...carried, parts: carried.parts.map((part) => (!returnsAll(part) ? part : {
      ...part, clauses: part.clauses.map((clause) => (clause.kind === 'Return' ? { ...clause, projection: { ...clause.projection, leftOut: names } } : clause)),
    })),
  };
}

function returnsAll({ clauses }: SingleQuery): boolean {
  const last = clauses.at(-1);
  return last?.kind === 'Return' && last.projection.star;
}

function carriedPart(part: SingleQuery, outer: readonly string[]): SingleQuery {
  const clauses = part.clauses.map((clause, i) => {
    if (clause.kind !== 'With' || clause.projection.star) return clause;
    const mentioned = countMentions({ kind: 'Query', parts: [{ clauses: [behind(clause), ...part.clauses.slice(i + 1)], start: part.start, end: part.end }], unionAll: [], start: part.start, end: part.end });
    const wanted = outer.filter((name) => !clause.projection.items.some((item) => item.name === name) && mentioned?.has(name) !== false);
    return wanted.length === 0 ? clause : { ...clause, projection: withNames(clause.projection, wanted) };
  });
  return { ...part, clauses };
}

/** What stands behind a WITH's items, in it. */
function behind(clause: WithClause): WithClause {
  return { ...clause, projection: { ...clause.projection, items: [] } };
}

/** As further items; where all aggregate, these would make groups: of no rows none, where an aggregate makes one row. */
function withNames(projection: Projection, names: readonly string[]): Projection {
  if (projection.items.every(({ expression }) => containsAggregate(expression))) return { ...projection, recalled: names };
  const { start, end } = projection.items[0]!;
  return { ...projection, items: [...projection.items, ...names.map((name) => ({ expression: { kind: 'Variable' as const, name, start, end }, alias: undefined, name, start, end }))] };
}
