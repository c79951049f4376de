/** Words of Cypher 25 and GQL that are not known here: what to write instead. */
import type { DbError } from '../../base/errors.ts';
import type { Cursor } from './cursor.ts';

export const NEXT_AND_UNION = { message: 'NEXT and UNION do not stand in one query', hint: 'put the UNION into a subquery: CALL { … UNION … } RETURN …' } as const;

const REFUSED: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  WHEN: ['there are no conditional queries', 'for a value write CASE WHEN … THEN … ELSE … END; for clauses first LET yes = condition, then CALL (*) { FILTER yes … UNION ALL FILTER NOT coalesce(yes, false) … }'],
  USE: ['a statement has one graph', 'put USE at its beginning; what concerns two graphs takes two statements'],
  FOR: ['there is no FOR', 'UNWIND list AS x gives a row for each item'],
  NEXT: ['NEXT passes on what a RETURN gives', 'write RETURN … NEXT …; behind clauses without RETURN it takes no NEXT to go on'],
  EXCEPT: ['there is no EXCEPT', 'keep rows with FILTER NOT EXISTS { … }, or WHERE NOT x IN COLLECT { … }'],
  INTERSECT: ['there is no INTERSECT', 'keep rows with FILTER EXISTS { … }, or WHERE x IN COLLECT { … }'],
  OTHERWISE: ['there is no OTHERWISE', 'ask whether there are rows with EXISTS { … }, and combine both queries with UNION'],
  SELECT: ['there is no SELECT', 'write MATCH … RETURN …'],
};
const PATH_MODES: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  WALK: ['the relationships of a MATCH are different ones', 'leave WALK out; where a relationship may be used again, write MATCH REPEATABLE ELEMENTS, or continue in a second MATCH'],
  TRAIL: ['there is no TRAIL', 'leave it out: the relationships of a MATCH are different ones'],
  ACYCLIC: ['there is no ACYCLIC', 'name the path and add WHERE all(n IN nodes(p) WHERE single(m IN nodes(p) WHERE m = n))'],
  SIMPLE: ['there is no SIMPLE', 'name the path and test its nodes(p)'],
};

/** Where a clause is expected: the error for such a word, undefined for any other. */
export function refusedClause(c: Cursor): DbError | undefined {
  return refusedBy(c, REFUSED);
}

/** The same where a pattern is. */
export function refusedPathMode(c: Cursor): DbError | undefined {
  return refusedBy(c, PATH_MODES);
}

function refusedBy(c: Cursor, words: typeof REFUSED): DbError | undefined {
  const { token } = c;
  const [message, hint] = token.type === 'word' ? words[token.key] ?? [] : [];
  return message === undefined ? undefined : c.error(message, 'UnexpectedSyntax', token.start, hint);
}
