/**
 * Subqueries in expressions (`EXISTS { }`, `COUNT { }`, `COLLECT { }`) see the variables around them everywhere, behind a WITH of their own
 * too: such a WITH takes along what is used behind it.
 */
import type { Projection, Query, SingleQuery, WithClause } from '../ast.ts';
import { countMentions } from './mentions.ts';
import { containsAggregate } from './projection.ts';

/** `refuse` is told of a name that is used behind a WITH which has nothing but aggregates: of no rows they make one, and it would be lost. */
export function carryOuter(query: Query, outer: readonly string[], refuse?: (name: string, clause: WithClause) => void): Query {
  if (outer.length === 0 || !query.parts.some(({ clauses }) => clauses.some(({ kind }) => kind === 'With'))) return query;
  return { ...query, parts: query.parts.map((part) => carriedPart(part, outer, refuse)) };
}

function carriedPart(part: SingleQuery, outer: readonly string[], refuse: ((name: string, clause: WithClause) => void) | undefined): SingleQuery {
  const clauses = part.clauses.map((clause, i) => {
    if (clause.kind !== 'With' || clause.projection.star) return clause;
    const { projection } = clause;
    const rest = part.clauses.slice(i + 1);
    const mentioned = countMentions({ kind: 'Query', parts: [{ clauses: rest, start: part.start, end: part.end }], unionAll: [], start: part.start, end: part.end });
    const wanted = outer.filter((name) => !projection.items.some((item) => item.name === name) && mentioned?.has(name) !== false);
    if (wanted.length === 0) return clause;
    if (projection.items.every(({ expression }) => containsAggregate(expression))) {
      if (mentioned !== undefined) for (const name of wanted) refuse?.(name, clause);
      return clause;
    }
    return { ...clause, projection: withItems(projection, wanted) };
  });
  return { ...part, clauses };
}

function withItems(projection: Projection, names: readonly string[]): Projection {
  const { start, end } = projection.items[0]!;
  return { ...projection, items: [...projection.items, ...names.map((name) => ({ expression: { kind: 'Variable' as const, name, start, end }, alias: undefined, name, start, end }))] };
}
