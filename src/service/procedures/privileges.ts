/**
 * A role's level on a graph as Neo4j's rights, and back: READ is MATCH {*}, WRITE that and WRITE ON GRAPH, FULL these and ALL ON DATABASE.
 * Only steps that change what they say and nothing else are made; others are errors that say what comes first.
 */
import { DbError } from '../../base/errors.ts';
import type { AccessLevel, RoleRecord } from '../../graph/system.ts';
import type { Value } from '../../value/value.ts';
import type { CallContext } from '../call-context.ts';
import { procedure, textArg, textListArg } from './define.ts';
import { role, setRole, user } from './security.ts';

const NONE: Value[][] = [];
const LEVELS: readonly AccessLevel[] = ['NONE', 'READ', 'WRITE', 'FULL'];

/** The level after it; a text where something else must come first. */
type Step = (before: AccessLevel) => AccessLevel | { readonly first: string };

const atLeast = (level: AccessLevel, before: AccessLevel): AccessLevel => (LEVELS.indexOf(before) < LEVELS.indexOf(level) ? level : before);

const GRANT: Readonly<Record<string, Step>> = {
  access: (before) => before,
  match: (before) => atLeast('READ', before),
  write: (before) => (before === 'NONE' ? { first: 'who writes a graph may read it: GRANT MATCH {*} comes first' } : atLeast('WRITE', before)),
  all: (before) => atLeast('WRITE', before),
  database: (before) => (before === 'NONE' || before === 'READ' ? { first: 'who may change the schema of a graph may write it: GRANT ALL ON GRAPH comes first' } : 'FULL'),
};
const REVOKE: Readonly<Record<string, Step>> = {
  access: (before) => (before === 'NONE' ? before : { first: 'who has a level on a graph has access to it: REVOKE ALL ON GRAPH takes both' }),
  match: (before) => (before === 'NONE' || before === 'READ' ? 'NONE' : { first: 'who writes a graph may read it: REVOKE WRITE comes first' }),
  write: (before) => (before === 'FULL' ? { first: 'who may change the schema of a graph may write it: REVOKE ALL ON DATABASE comes first' } : before === 'WRITE' ? 'READ' : before),
  all: (before) => (before === 'FULL' ? { first: 'who may change the schema of a graph may write it: REVOKE ALL ON DATABASE comes first' } : 'NONE'),
  database: (before) => (before === 'FULL' ? 'WRITE' : before),
};

function change(call: CallContext, args: readonly Value[], steps: typeof GRANT): Value[][] {
  call.requireAdmin();
  const step = steps[textArg(args, 0, 'right')]!;
  const graphs = args[1] === null ? call.system.graphs.map(({ name }) => name) : textListArg(args, 1, 'graphs');
  for (const graph of graphs) if (!call.system.graphs.some(({ name }) => name === graph)) throw new DbError('GraphNotFound', `Graph ${graph} does not exist.`);
  for (const name of textListArg(args, 2, 'roles')) {
    const record = role(call, name);
    const permissions: [string, AccessLevel][] = graphs.map((graph) => {
      const after = step(record.permissions[graph] ?? 'NONE');
      if (typeof after === 'object') throw new DbError('NotSupported', `role ${name}, graph ${graph}: ${after.first}`);
      return [graph, after];
    });
    const all = Object.entries({ ...record.permissions, ...Object.fromEntries(permissions) }).filter(([, level]) => level !== 'NONE');
    setRole(call, name, { ...record, permissions: Object.fromEntries(all) });
  }
  return NONE;
}

interface Right {
  readonly graph: string;
  readonly rows: readonly (readonly [action: string, resource: string, segment: string])[];
  readonly command: string;
}

function rightsOf({ permissions, disabled }: RoleRecord): Right[] {
  if (disabled) return [];
  return Object.entries(permissions).flatMap(([graph, level]): Right[] => {
    const name = `\`${graph.replaceAll('`', '``')}\``;
    const rank = LEVELS.indexOf(level);
    const both = (action: string, resource: string) => ['NODE(*)', 'RELATIONSHIP(*)'].map((segment) => [action, resource, segment] as const);
    return [
      { graph, rows: both('match', 'all_properties'), command: `MATCH {*} ON GRAPH ${name}` },
      { graph, rows: both('write', 'graph'), command: `WRITE ON GRAPH ${name}` },
      { graph, rows: [['database_actions', 'database', 'database'] as const], command: `ALL DATABASE PRIVILEGES ON DATABASE ${name}` },
    ].slice(0, rank);
  });
}

function rows(call: CallContext, roles: readonly string[]): Value[][] {
  return roles.flatMap((name) => rightsOf(role(call, name)).flatMap(({ graph, rows: all }) => all.map((row): Value[] => ['GRANTED', row[0], row[1], graph, row[2], name, false])));
}

function commands(call: CallContext, roles: readonly string[]): Value[][] {
  return roles.flatMap((name) => rightsOf(role(call, name)).map(({ command }): Value[] => [`GRANT ${command} TO \`${name.replaceAll('`', '``')}\``]));
}

function rolesNamed(call: CallContext, args: readonly Value[]): string[] {
  call.requireAdmin();
  const wanted = textListArg(args, 0, 'roles');
  return wanted.length > 0 ? wanted : Object.keys(call.system.roles);
}

/** One's own where nobody is named. */
function usersNamed(call: CallContext, args: readonly Value[]): string[] {
  const wanted = textListArg(args, 0, 'users');
  if (wanted.some((name) => name !== call.user)) call.requireAdmin();
  return wanted.length > 0 ? wanted : [call.user];
}

const COLUMNS = 'access:STRING, action:STRING, resource:STRING, graph:STRING, segment:STRING, role:STRING, immutable:BOOLEAN';

export const privilegeProcedures = [
  procedure(' grantPrivilege', 'right:STRING, graphs:LIST, roles:LIST', '', 'dbms-write', 'GRANT', (args, call) => change(call, args, GRANT)),
  procedure(' revokePrivilege', 'right:STRING, graphs:LIST, roles:LIST', '', 'dbms-write', 'REVOKE', (args, call) => change(call, args, REVOKE)),
  procedure(' showPrivileges', 'roles:LIST', COLUMNS, 'dbms-read', 'SHOW PRIVILEGES', (args, call) => rows(call, rolesNamed(call, args))),
  procedure(' showPrivilegeCommands', 'roles:LIST', 'command:STRING', 'dbms-read', 'SHOW PRIVILEGES AS COMMANDS', (args, call) => commands(call, rolesNamed(call, args))),
  procedure(' showUserPrivileges', 'users:LIST', `${COLUMNS}, user:STRING`, 'dbms-read', 'SHOW USER PRIVILEGES', (args, call) => (
    usersNamed(call, args).flatMap((name) => rows(call, user(call, name).roles).map((row) => [...row, name])))),
  procedure(' showUserPrivilegeCommands', 'users:LIST', 'command:STRING', 'dbms-read', 'SHOW USER PRIVILEGES AS COMMANDS', (args, call) => (
    usersNamed(call, args).flatMap((name) => commands(call, user(call, name).roles)))),
];
