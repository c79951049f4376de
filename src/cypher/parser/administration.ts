/**
 * Neo4j's commands for users, roles and databases: each is a call of a procedure of the host that only these commands name.
 *
 * Of rights on labels and properties there are none here (GRANT READ …): roles have a level on each graph (privileges.ts).
 */
import type { AdministrationCommand, Expression } from '../ast.ts';
import type { Cursor } from './cursor.ts';
import { parseMapLiteral } from './expressions.ts';
import { parsePrivilege } from './privileges.ts';

const VERBS = ['CREATE', 'DROP', 'ALTER', 'RENAME', 'GRANT', 'DENY', 'REVOKE', 'START', 'STOP'];
const THINGS = ['DATABASE', 'USER', 'ROLE', 'ROLES', 'ALIAS', 'CURRENT', 'COMPOSITE', 'SERVER', 'IMMUTABLE'];

export function isAdministrationAhead(c: Cursor): boolean {
  if (!VERBS.includes(c.token.key) || c.token.type !== 'word' || c.peek(1).type !== 'word') return false;
  if (['GRANT', 'DENY', 'REVOKE'].includes(c.token.key)) return true;
  const at = c.isWord('OR', 1) && c.isWord('REPLACE', 2) ? 3 : 1;
  return THINGS.includes(c.peek(at).key) && !c.isPunct('=', at + 1);
}

export function parseAdministration(c: Cursor): AdministrationCommand {
  const { start, key: verb } = c.token;
  c.at++;
  const replace = verb === 'CREATE' && c.takeWords('OR', 'REPLACE');
  const made = (procedure: string, ...args: Expression[]): AdministrationCommand => ({ kind: 'Administer', procedure: ` ${procedure}`, args, start, end: c.lastEnd });
  const what = c.token.key;
  if (verb === 'DENY' || (verb === 'REVOKE' && c.isWord('DENY'))) {
    throw refused(c, start, 'nothing can be denied: a role has the level that it was given and no more, and of several roles the one that gives most counts',
      "REVOKE what it was given, or REVOKE ROLE; dbms.security.modRoleFieldAccessLevel(…, 'NONE') hides a field from a role");
  }
  if (verb === 'GRANT' || verb === 'REVOKE') {
    if (!c.takeWord('ROLE') && !c.takeWord('ROLES')) {
      if (verb === 'REVOKE') c.takeWord('GRANT');
      const { right, graphs } = parsePrivilege(c, start, (wanted) => names(c, wanted));
      c.expectWord(verb === 'GRANT' ? 'TO' : 'FROM');
      const literal: Expression = { kind: 'Literal', value: right, start, end: start };
      return made(verb === 'GRANT' ? 'grantPrivilege' : 'revokePrivilege', literal, graphs ?? { kind: 'Literal', value: null, start, end: start }, names(c, 'a role'));
    }
    const roles = names(c, 'a role');
    c.expectWord(verb === 'GRANT' ? 'TO' : 'FROM');
    return made(verb === 'GRANT' ? 'grantRoles' : 'revokeRoles', roles, names(c, 'a user'));
  }
  if (verb === 'ALTER' && c.takeWords('CURRENT', 'USER')) return parseOwnPassword(c, made);
  if (verb === 'ALTER' && c.takeWord('USER')) {
    const name = oneName(c, 'a user');
    const ifExists = c.takeWords('IF', 'EXISTS');
    // Every user's home is the default graph: there is nothing to take away.
    if (c.takeWords('REMOVE', 'HOME', 'DATABASE') && !c.isWord('SET')) return made('alterUser', name, options(c, { ifExists }));
    return made('alterUser', name, options(c, { ifExists, ...userSettings(c) }));
  }
  if (verb === 'CREATE' && c.takeWord('USER')) {
    const name = oneName(c, 'a user');
    const ifNotExists = notBoth(c, replace);
    return made('createUser', name, options(c, { replace, ifNotExists, ...userSettings(c) }));
  }
  if (verb === 'CREATE' && c.takeWord('ROLE')) {
    const name = oneName(c, 'a role');
    const ifNotExists = notBoth(c, replace);
    const copyOf = c.takeWords('AS', 'COPY', 'OF') ? oneName(c, 'a role') : undefined;
    return made('createRole', name, options(c, { replace, ifNotExists, copyOf }));
  }
  if (verb === 'RENAME' && (what === 'USER' || what === 'ROLE')) {
    c.at++;
    const name = oneName(c, what === 'USER' ? 'a user' : 'a role');
    const ifExists = c.takeWords('IF', 'EXISTS');
    c.expectWord('TO');
    return made(what === 'USER' ? 'renameUser' : 'renameRole', name, options(c, { ifExists, to: oneName(c, 'the new name') }));
  }
  if (verb === 'CREATE' && c.takeWord('DATABASE')) {
    const name = graphName(c);
    const ifNotExists = notBoth(c, replace);
    if (c.takeWord('OPTIONS')) parseMapLiteral(c);
    skipWait(c);
    return made('createGraph', name, options(c, { replace, ifNotExists }));
  }
  if (verb === 'DROP' && (what === 'USER' || what === 'ROLE')) {
    c.at++;
    const name = oneName(c, what === 'USER' ? 'a user' : 'a role');
    return made(what === 'USER' ? 'dropUser' : 'dropRole', name, options(c, { ifExists: c.takeWords('IF', 'EXISTS') }));
  }
  if (verb === 'DROP' && c.takeWord('DATABASE')) {
    const name = graphName(c);
    const ifExists = c.takeWords('IF', 'EXISTS');
    if (c.takeWord('DUMP')) throw refused(c, start, 'a dropped graph is not dumped', 'lgraph_backup or lgraph_export before it keeps a copy');
    c.takeWords('DESTROY', 'DATA');
    skipWait(c);
    return made('dropGraph', name, options(c, { ifExists }));
  }
  throw refused(c, start, `there is no ${verb} ${replace ? 'OR REPLACE ' : ''}${what}`, 'docs/procedures.md has what there is for graphs, users and roles');
}

function refused(c: Cursor, start: number, message: string, hint: string): Error {
  return c.error(message, 'UnexpectedSyntax', start, hint);
}

/** `SET PASSWORD FROM 'old' TO 'new'` */
function parseOwnPassword(c: Cursor, made: (procedure: string, ...args: Expression[]) => AdministrationCommand): AdministrationCommand {
  c.expectWord('SET');
  c.expectWord('PASSWORD');
  c.expectWord('FROM');
  const old = text(c, 'the password');
  c.expectWord('TO');
  return made('changePassword', old, text(c, 'the new password'));
}

type Settings = Record<string, Expression | boolean | undefined>;

/** `SET PASSWORD 'x' CHANGE NOT REQUIRED SET STATUS ACTIVE …`, in any order. */
function userSettings(c: Cursor): Settings {
  const given: Settings = {};
  const once = (key: string, value: Expression | boolean): void => {
    if (given[key] !== undefined) throw c.error('each of a user\'s settings is given once', 'UnexpectedSyntax');
    given[key] = value;
  };
  if (!c.isWord('SET')) throw c.expected('SET PASSWORD or SET STATUS', ['SET']);
  while (c.takeWord('SET')) {
    if (c.takeWord('STATUS')) {
      const suspended = c.takeWord('SUSPENDED');
      if (!suspended) c.expectWord('ACTIVE');
      once('suspended', suspended);
    } else if (c.takeWords('HOME', 'DATABASE')) {
      once('home', graphName(c));
    } else {
      if (c.isWord('ENCRYPTED')) throw c.error('a password is given as it is typed', 'UnexpectedSyntax', c.token.start, "SET PASSWORD 'secret'");
      c.takeWord('PLAINTEXT');
      c.expectWord('PASSWORD');
      if (!c.isWord('CHANGE')) once('password', text(c, 'the password'));
      if (c.takeWord('CHANGE')) {
        once('changeRequired', !c.takeWord('NOT'));
        c.expectWord('REQUIRED');
      }
    }
  }
  return given;
}

function notBoth(c: Cursor, replace: boolean): boolean {
  const { start } = c.token;
  const ifNotExists = c.takeWords('IF', 'NOT', 'EXISTS');
  if (replace && ifNotExists) throw c.error('OR REPLACE and IF NOT EXISTS do not go together', 'UnexpectedSyntax', start);
  return ifNotExists;
}

/** Everything is done when the statement is: there is nothing to wait for. */
function skipWait(c: Cursor): void {
  if (c.takeWord('NOWAIT') || !c.takeWord('WAIT')) return;
  if (c.token.type === 'integer') c.at++;
  for (const unit of ['SEC', 'SECOND', 'SECONDS']) if (c.takeWord(unit)) return;
}

export function oneName(c: Cursor, what: string): Expression {
  const { start, end, type } = c.token;
  if (type === 'parameter') return text(c, what);
  return { kind: 'Literal', value: c.expectName(what), start, end };
}

function graphName(c: Cursor): Expression {
  return oneName(c, 'a graph');
}

function names(c: Cursor, what: string): Expression {
  const { start } = c.token;
  const items = [oneName(c, what)];
  while (c.takePunct(',')) items.push(oneName(c, what));
  return { kind: 'List', items, start, end: c.lastEnd };
}

/** A literal text or a parameter. */
export function text(c: Cursor, what: string): Expression {
  const { start, end, type, text: value } = c.token;
  // What is found instead may be the password itself: it is not repeated.
  if (type !== 'string' && type !== 'parameter') throw c.error(`expected ${what} as a text or a parameter`, 'UnexpectedSyntax', start, "a text is in quotes: SET PASSWORD 'secret'");
  c.at++;
  return type === 'parameter' ? { kind: 'Parameter', name: value, start, end } : { kind: 'Literal', value, start, end };
}

function options(c: Cursor, given: Settings): Expression {
  const { start } = c.token;
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value: typeof value === 'object' ? value : { kind: 'Literal' as const, value: value === true, start, end: start } }));
  return { kind: 'Map', entries, start, end: start };
}
