/**
 * What Neo4j's commands for users, roles, databases and servers call, with its columns and its conditions (`IF EXISTS`, `OR REPLACE`).
 * The names begin with a blank: only the commands have them.
 */
import { DbError } from '../../base/errors.ts';
import { DEFAULT_GRAPH } from '../../auth/first-start.ts';
import type { UserRecord } from '../../graph/system.ts';
import type { Value } from '../../value/value.ts';
import type { CallContext } from '../call-context.ts';
import { peerRows } from '../peer-rows.ts';
import { mapArg, procedure, textArg, textListArg } from './define.ts';
import { changeOwnPassword, createRole, createUser, deleteRole, deleteUser, disableUser, renameRole, renameUser, role, setRole, setRoles, setUser, user, withPassword } from './security.ts';
import { createGraph, databaseRows, deleteGraph, milliseconds, visibleTasks } from './server.ts';

const NONE: Value[][] = [];

interface Given {
  readonly name: string;
  readonly has: (key: string) => boolean;
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
}

/** A name and the options behind it. */
function given(args: readonly Value[]): Given {
  const options = mapArg(args, 1, 'options');
  const value = <T extends Value>(key: string, type: string): T | undefined => {
    const found = options.get(key) ?? null;
    if (found === null && !options.has(key)) return undefined;
    if (typeof found !== type) throw new DbError('ArgumentError', `${key} is a ${type}`);
    return found as T;
  };
  return { name: textArg(args, 0, 'name'), has: (key) => options.get(key) === true, text: (key) => value<string>(key, 'string'), flag: (key) => value<boolean>(key, 'boolean') };
}

/** Whether what has the name already is as good as a new one. Where it is to be replaced it goes; else making the new one says that it is there. */
function mayStay({ has }: Given, drop: () => unknown): boolean {
  if (!has('ifNotExists') && has('replace')) drop();
  return has('ifNotExists');
}

function setSettings(call: CallContext, { name, text, flag }: Given): void {
  const home = text('home');
  if (home !== undefined && home !== DEFAULT_GRAPH) throw new DbError('NotSupported', `every user's home is the graph ${DEFAULT_GRAPH}`, { hint: "choose the database in the driver's session" });
  const suspended = flag('suspended');
  if (suspended !== undefined && suspended !== user(call, name).disabled) disableUser(call, name, suspended);
  const changeRequired = flag('changeRequired');
  if (changeRequired !== undefined) setUser(call, name, { ...user(call, name), defaultPassword: changeRequired });
}

function userRow(name: string, { roles, defaultPassword, disabled }: UserRecord): Value[] {
  return [name, [...roles], defaultPassword, disabled, DEFAULT_GRAPH];
}

const USER_COLUMNS = 'user:STRING, roles:LIST, passwordChangeRequired:BOOLEAN, suspended:BOOLEAN, home:STRING';

const users = [
  procedure(' showUsers', '', USER_COLUMNS, 'dbms-read', 'SHOW USERS', (_, call) => {
    call.requireAdmin();
    return Object.entries(call.system.users).map(([name, record]) => userRow(name, record));
  }),
  procedure(' showCurrentUser', '', USER_COLUMNS, 'dbms-read', 'SHOW CURRENT USER', (_, call) => [userRow(call.user, user(call, call.user))]),
  procedure(' createUser', 'name:STRING, options:MAP', '', 'dbms-write', 'CREATE USER', (args, call) => {
    call.requireAdmin();
    const wanted = given(args);
    const { name, text } = wanted;
    const password = text('password');
    if (password === undefined) throw new DbError('ArgumentError', 'a new user needs a password', { hint: "CREATE USER ann SET PASSWORD 'secret'" });
    if (call.system.users[name] !== undefined && mayStay(wanted, () => deleteUser(call, name))) return NONE;
    createUser(call, name, password);
    setSettings(call, wanted);
    return NONE;
  }),
  procedure(' alterUser', 'name:STRING, options:MAP', '', 'dbms-write', 'ALTER USER', (args, call) => {
    call.requireAdmin();
    const wanted = given(args);
    const { name, has, text } = wanted;
    if (call.system.users[name] === undefined && has('ifExists')) return NONE;
    const password = text('password');
    if (password !== undefined) setUser(call, name, withPassword(call, user(call, name), password));
    setSettings(call, wanted);
    return NONE;
  }),
  procedure(' renameUser', 'name:STRING, options:MAP', '', 'dbms-write', 'RENAME USER', (args, call) => {
    call.requireAdmin();
    const { name, has, text } = given(args);
    if (call.system.users[name] !== undefined || !has('ifExists')) renameUser(call, name, text('to')!);
    return NONE;
  }),
  procedure(' changePassword', 'current:STRING, wanted:STRING', '', 'dbms-write', 'ALTER CURRENT USER SET PASSWORD', (args, call) => {
    changeOwnPassword(call, textArg(args, 0, 'current password'), textArg(args, 1, 'new password'));
    return NONE;
  }),
  procedure(' dropUser', 'name:STRING, options:MAP', '', 'dbms-write', 'DROP USER', (args, call) => {
    call.requireAdmin();
    const { name, has } = given(args);
    if (call.system.users[name] !== undefined || !has('ifExists')) deleteUser(call, name);
    return NONE;
  }),
];

const roles = [
  // With whether somebody has it, for POPULATED.
  procedure(' showRoles', '', 'role:STRING', 'dbms-read', 'SHOW ROLES', (_, call) => {
    call.requireAdmin();
    return Object.keys(call.system.roles).map((name) => [name, holders(call, name).length > 0]);
  }),
  procedure(' showRoleMembers', '', 'role:STRING, member:STRING', 'dbms-read', 'SHOW ROLES WITH USERS', (_, call) => {
    call.requireAdmin();
    return Object.keys(call.system.roles).flatMap((name): Value[][] => {
      const members = holders(call, name);
      return members.length === 0 ? [[name, null, false]] : members.map((member) => [name, member, true]);
    });
  }),
  procedure(' createRole', 'name:STRING, options:MAP', '', 'dbms-write', 'CREATE ROLE', (args, call) => {
    call.requireAdmin();
    const wanted = given(args);
    const { name, text } = wanted;
    const copied = text('copyOf');
    const pattern = copied === undefined ? undefined : role(call, copied);
    if (call.system.roles[name] !== undefined && mayStay(wanted, () => deleteRole(call, name))) return NONE;
    createRole(call, name, '');
    if (pattern !== undefined) setRole(call, name, { ...role(call, name), permissions: pattern.permissions, fieldPermissions: pattern.fieldPermissions });
    return NONE;
  }),
  procedure(' dropRole', 'name:STRING, options:MAP', '', 'dbms-write', 'DROP ROLE', (args, call) => {
    call.requireAdmin();
    const { name, has } = given(args);
    if (call.system.roles[name] !== undefined || !has('ifExists')) deleteRole(call, name);
    return NONE;
  }),
  procedure(' renameRole', 'name:STRING, options:MAP', '', 'dbms-write', 'RENAME ROLE', (args, call) => {
    call.requireAdmin();
    const { name, has, text } = given(args);
    if (call.system.roles[name] === undefined && has('ifExists')) return NONE;
    if (call.system.users[name] !== undefined) throw new DbError('Forbidden', `${name} is the primary role of a user`, { hint: 'RENAME USER renames both' });
    renameRole(call, name, text('to')!);
    return NONE;
  }),
  procedure(' grantRoles', 'roles:LIST, users:LIST', '', 'dbms-write', 'GRANT ROLE', (args, call) => {
    const more = textListArg(args, 0, 'roles');
    for (const name of textListArg(args, 1, 'users')) setRoles(call, name, (known) => [...known, ...more]);
    return NONE;
  }),
  procedure(' revokeRoles', 'roles:LIST, users:LIST', '', 'dbms-write', 'REVOKE ROLE', (args, call) => {
    const gone = textListArg(args, 0, 'roles');
    for (const name of textListArg(args, 1, 'users')) setRoles(call, name, (known) => known.filter((one) => !gone.includes(one)));
    return NONE;
  }),
];

function holders(call: CallContext, name: string): string[] {
  return Object.entries(call.system.users).filter(([, record]) => record.roles.includes(name)).map(([holder]) => holder);
}

const DATABASE_COLUMNS = 'name:STRING, type:STRING, aliases:LIST, access:STRING, address:STRING, role:STRING, writer:BOOLEAN, requestedStatus:STRING, currentStatus:STRING, statusMessage:STRING, default:BOOLEAN, home:BOOLEAN, constituents:LIST, '
  + 'databaseID:STRING, serverID:STRING, requestedPrimariesCount:INTEGER, requestedSecondariesCount:INTEGER, currentPrimariesCount:INTEGER, currentSecondariesCount:INTEGER, creationTime:ANY, lastStartTime:ANY, lastStopTime:ANY, store:STRING, lastCommittedTxn:INTEGER, replicationLag:INTEGER';

const servers = [
  procedure(' showDatabases', '', DATABASE_COLUMNS, 'dbms-read', 'SHOW DATABASES', (_, call) => {
    const rows = peerRows(call.group.status);
    const self = call.group.status.peers.find((peer) => peer.isSelf);
    const own = rows.find(({ bolt_address }) => bolt_address === self?.boltAddress);
    return databaseRows(call).map((row) => {
      const id = call.system.graphs.find(({ name }) => name === row[0])?.id ?? null;
      return [...row, id === null ? null : String(id), own?.rpc_address ?? null, null, null, rows.length, 0, null, null, null, 'lgraph', call.version, own?.lag ?? 0];
    });
  }),
  procedure(' showServers', '', 'name:STRING, address:STRING, state:STRING, health:STRING, hosting:LIST, serverId:STRING, httpAddress:STRING, version:STRING, role:STRING', 'dbms-read', 'SHOW SERVERS', (_, call) => {
    const graphs = call.system.graphs.map(({ name }) => name);
    return peerRows(call.group.status).map((row) => [
      row.rpc_address, row.bolt_address, 'Enabled', row.state === 'OFFLINE' ? 'Unavailable' : 'Available', row.ha_role === 'WITNESS' ? [] : [...graphs],
      row.rpc_address, row.rest_address, row.version, row.role,
    ]);
  }),
  procedure(' showTransactions', '',
    'database:STRING, transactionId:STRING, currentQueryId:STRING, connectionId:STRING, clientAddress:STRING, username:STRING, currentQuery:STRING, startTime:STRING, status:STRING, elapsedTime:ANY',
    'dbms-read', 'SHOW TRANSACTIONS', (_, call) => visibleTasks(call).map((task) => [
      task.graph, task.taskId, task.taskId, '', '', task.user, task.description.replace(/^\[CYPHER\] /, ''), new Date(call.nowMs - task.elapsedMs).toISOString(), 'Running', milliseconds(task.elapsedMs),
    ])),
  procedure(' createGraph', 'name:STRING, options:MAP', '', 'dbms-write', 'CREATE DATABASE', (args, call) => {
    call.requireAdmin('Non-admin cannot create graphs.');
    const wanted = given(args);
    const { name } = wanted;
    if (call.system.graphs.some((graph) => graph.name === name) && mayStay(wanted, () => deleteGraph(call, name))) return NONE;
    createGraph(call, name);
    return NONE;
  }),
  procedure(' showAliases', '', 'name:STRING, composite:STRING, database:STRING, location:STRING, url:STRING, user:STRING', 'dbms-read', 'SHOW ALIASES: there are none', () => NONE),
  procedure(' dropGraph', 'name:STRING, options:MAP', '', 'dbms-write', 'DROP DATABASE', (args, call) => {
    call.requireAdmin('Non-admin cannot delete graphs.');
    const { name, has } = given(args);
    if (!has('ifExists') || call.system.graphs.some((graph) => graph.name === name)) deleteGraph(call, name);
    return NONE;
  }),
];

export const commandProcedures = [...users, ...roles, ...servers];
