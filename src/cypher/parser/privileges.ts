/**
 * GRANT and REVOKE of Neo4j's rights, as far as a role's level on a graph says the same: READ is `MATCH {*}`, WRITE that and `WRITE` (or `ALL`)
 * `ON GRAPH`, FULL these and `ALL ON DATABASE`. `ACCESS` goes with any of them. Other rights would give more than they say: they are refused.
 */
import type { Expression } from '../ast.ts';
import type { Cursor } from './cursor.ts';

export interface Privilege {
  readonly right: 'access' | 'match' | 'write' | 'all' | 'database';
  /** Undefined: all graphs there are. */
  readonly graphs: Expression | undefined;
}

/** From behind GRANT, or REVOKE [GRANT], up to TO or FROM. */
export function parsePrivilege(c: Cursor, start: number, names: (what: string) => Expression): Privilege {
  const { start: at } = c.token;
  const right = parseRight(c);
  if (right === undefined) throw refused(c, start);
  c.expectWord('ON');
  const graphs = parseGraphs(c, right === 'access', names);
  if (graphs === undefined) throw refused(c, at);
  if (right === 'all' && graphs.isDatabase) return { right: 'database', graphs: graphs.names };
  if (c.takeWord('ELEMENT') || c.takeWord('ELEMENTS')) c.expectPunct('*');
  return { right, graphs: graphs.names };
}

function parseRight(c: Cursor): Exclude<Privilege['right'], 'database'> | undefined {
  if (c.takeWord('ACCESS')) return 'access';
  if (c.takeWord('WRITE')) return 'write';
  if (c.takeWord('MATCH')) return c.takePunct('{') && c.takePunct('*') && c.takePunct('}') ? 'match' : undefined;
  if (!c.takeWord('ALL')) return undefined;
  if (!c.takeWord('GRAPH')) c.takeWord('DATABASE');
  c.takeWord('PRIVILEGES');
  return 'all';
}

function parseGraphs(c: Cursor, database: boolean, names: (what: string) => Expression): { readonly names: Expression | undefined; readonly isDatabase: boolean } | undefined {
  const { start, end } = c.token;
  const isHome = c.takeWord('HOME') || c.takeWord('DEFAULT');
  const isDatabase = c.takeWord('DATABASE') || c.takeWord('DATABASES');
  if (database && !isDatabase) return undefined;
  if (!isDatabase && !c.takeWord('GRAPH') && !c.takeWord('GRAPHS')) return undefined;
  if (isHome) return { names: { kind: 'List', items: [{ kind: 'Literal', value: 'default', start, end }], start, end }, isDatabase };
  return { names: c.takePunct('*') ? undefined : names('a graph'), isDatabase };
}

function refused(c: Cursor, start: number): Error {
  return c.error('a role has a level on each graph, there is no such right', 'UnexpectedSyntax', start,
    'MATCH {*}, WRITE and ALL ON GRAPH, ACCESS and ALL ON DATABASE can be granted; levels of fields: dbms.security.modRoleFieldAccessLevel');
}
