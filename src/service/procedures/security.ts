/** `dbms.security.*`: users, roles, permissions, allowed hosts. Texts and columns are TuGraph's. */
import { isIP } from 'node:net';
import { DbError } from '../../base/errors.ts';
import { newUser } from '../../auth/first-start.ts';
import { hashPassword, matchesSync } from '../../auth/passwords.ts';
import { revoked } from '../../auth/tokens.ts';
import { checkName } from '../../graph/catalog.ts';
import type { AccessLevel, FieldAccess, RoleRecord, UserRecord } from '../../graph/system.ts';
import type { Value } from '../../value/value.ts';
import { accessLevel, ADMIN_ROLE } from '../access.ts';
import { allowedHosts, ALLOWED_HOSTS_SETTING, normalAddress } from '../allowed-hosts.ts';
import type { CallContext } from '../call-context.ts';
import { booleanArg, mapArg, procedure, textArg, textListArg, toValue } from './define.ts';

const NONE: Value[][] = [];

export function user(call: CallContext, name: string): UserRecord {
  const record = call.system.users[name];
  if (record === undefined) throw new DbError('UserNotFound', `User [${name}] does not exist.`);
  return record;
}

export function role(call: CallContext, name: string): RoleRecord {
  const record = call.system.roles[name];
  if (record === undefined) throw new DbError('UserNotFound', `Role [${name}] does not exist.`);
  return record;
}

export function setUser(call: CallContext, name: string, record: UserRecord | null): Value[][] {
  call.transaction.changeSystem({ kind: 'setUser', name, user: record });
  return NONE;
}

function checkBuiltin(name: string, done: 'deleted' | 'modified'): void {
  if (name === ADMIN_ROLE) throw new DbError('Forbidden', `Builtin roles cannot be ${done}.`);
}

export function setRole(call: CallContext, name: string, record: RoleRecord | null): Value[][] {
  checkBuiltin(name, record === null ? 'deleted' : 'modified');
  call.transaction.changeSystem({ kind: 'setRole', name, role: record });
  return NONE;
}

function checkPassword(password: string): void {
  if (password.length < 1 || password.length > 64) throw new DbError('ArgumentError', `Invalid password: length must be between 1 and 64, given [${password.length}]`);
}

/** A new password voids every token issued before it, but for the one that its bearer changed it with. */
export function withPassword(call: CallContext, record: UserRecord, password: string, tokenKeptMs?: number): UserRecord {
  checkPassword(password);
  return { ...revoked(record, call.nowMs), ...(tokenKeptMs === undefined ? {} : { tokenKeptMs }), passwordHash: hashPassword(password), defaultPassword: false };
}

function userInfo(record: UserRecord): Value {
  return toValue({ auth_method: '@builtin_auth@', description: record.description, disabled: record.disabled, memory_limit: record.memoryLimit, roles: record.roles });
}

function roleInfo(record: RoleRecord): Value {
  const orNull = (object: object) => (Object.keys(object).length === 0 ? null : object);
  return toValue({ description: record.description, disabled: record.disabled, field_permissions: orNull(record.fieldPermissions), permissions: orNull(record.permissions) });
}

function requireSelfOrAdmin(call: CallContext, name: string): void {
  if (name !== call.user) call.requireAdmin('Non-admin user cannot modify other users.');
}

export function setRoles(call: CallContext, name: string, change: (roles: readonly string[]) => string[]): Value[][] {
  call.requireAdmin();
  const record = user(call, name);
  const roles = [...new Set(change(record.roles))].sort();
  for (const one of roles) if (call.system.roles[one] === undefined) throw new DbError('UserNotFound', `Role ${one} does not exist.`);
  if (record.roles.includes(name) && !roles.includes(name)) throw new DbError('ArgumentError', 'Cannnot delete primary role from user.');
  if (name === call.user && record.roles.includes(ADMIN_ROLE) && !roles.includes(ADMIN_ROLE)) {
    throw new DbError('Forbidden', 'User cannot remove itself from admin group.');
  }
  return setUser(call, name, { ...record, roles });
}

const LEVELS: readonly string[] = ['NONE', 'READ', 'WRITE', 'FULL'];

function checkGraph(call: CallContext, graph: string): void {
  if (!call.system.graphs.some((one) => one.name === graph)) throw new DbError('GraphNotFound', `Graph ${graph} does not exist.`);
}

function levels(call: CallContext, map: Map<string, Value>): Record<string, AccessLevel> {
  const permissions: Record<string, AccessLevel> = Object.create(null) as Record<string, AccessLevel>;
  for (const [graph, level] of map) {
    if (typeof level !== 'string' || !LEVELS.includes(level.toUpperCase())) throw new DbError('ArgumentError', 'unknown access level');
    checkGraph(call, graph);
    permissions[graph] = level.toUpperCase() as AccessLevel;
  }
  return permissions;
}

const withoutNone = (permissions: Record<string, AccessLevel>) => Object.fromEntries(Object.entries(permissions).filter(([, level]) => level !== 'NONE'));

export function changeOwnPassword(call: CallContext, current: string, wanted: string): void {
  const record = user(call, call.user);
  if (!matchesSync(current, record.passwordHash)) throw new DbError('Forbidden', 'Incorrect current password.');
  setUser(call, call.user, withPassword(call, record, wanted, call.tokenIssuedMs));
}

export function createUser(call: CallContext, name: string, password: string): void {
  call.requireAdmin();
  checkName('User', name);
  checkPassword(password);
  if (call.system.users[name] !== undefined) throw new DbError('UserExists', `User [${name}] already exist.`);
  if (call.system.roles[name] !== undefined) throw new DbError('UserExists', `A primary group named [${name}] already exists.`);
  setRole(call, name, { description: `primary role for user ${name}`, disabled: false, permissions: {}, fieldPermissions: {} });
  // A generation of its own: tokens of an earlier user of that name are not this one's.
  setUser(call, name, revoked(newUser(password, [name]), call.nowMs));
}

export function deleteUser(call: CallContext, name: string): void {
  call.requireAdmin();
  if (name === call.user) throw new DbError('Forbidden', 'User cannot delete itself.');
  if (name === 'admin') throw new DbError('Forbidden', 'Builtin admin user cannot be deleted.');
  user(call, name);
  setUser(call, name, null);
  if (call.system.roles[name] !== undefined) setRole(call, name, null);
}

/** With the role of the same name. Tokens are in the old name: its sessions end. */
export function renameUser(call: CallContext, name: string, to: string): void {
  call.requireAdmin();
  if (name === call.user) throw new DbError('Forbidden', 'User cannot rename itself.');
  if (name === 'admin') throw new DbError('Forbidden', 'Builtin admin user cannot be renamed.');
  const record = user(call, name);
  checkName('User', to);
  if (call.system.users[to] !== undefined) throw new DbError('UserExists', `User [${to}] already exist.`);
  if (call.system.roles[to] !== undefined) throw new DbError('UserExists', `A primary group named [${to}] already exists.`);
  setUser(call, to, revoked(record, call.nowMs));
  setUser(call, name, null);
  if (call.system.roles[name] !== undefined) renameRole(call, name, to);
}

/** For all who have it. */
export function renameRole(call: CallContext, name: string, to: string): void {
  call.requireAdmin();
  const record = role(call, name);
  checkBuiltin(name, 'modified');
  checkName('Role', to);
  if (call.system.roles[to] !== undefined) throw new DbError('UserExists', `role [${to}] already exist.`);
  setRole(call, to, record.description === `primary role for user ${name}` ? { ...record, description: `primary role for user ${to}` } : record);
  for (const [holder, one] of Object.entries(call.system.users)) {
    if (one.roles.includes(name)) setUser(call, holder, { ...one, roles: one.roles.map((each) => (each === name ? to : each)).sort() });
  }
  setRole(call, name, null);
}

export function disableUser(call: CallContext, name: string, disabled: boolean): void {
  call.requireAdmin();
  if (name === call.user) throw new DbError('Forbidden', 'User cannot disable itself.');
  const record = user(call, name);
  setUser(call, name, { ...(disabled ? revoked(record, call.nowMs) : record), disabled });
}

export function createRole(call: CallContext, name: string, description: string): void {
  call.requireAdmin();
  checkName('Role', name);
  if (call.system.roles[name] !== undefined) throw new DbError('UserExists', `role [${name}] already exist.`);
  setRole(call, name, { description, disabled: false, permissions: {}, fieldPermissions: {} });
}

export function deleteRole(call: CallContext, name: string): void {
  call.requireAdmin();
  role(call, name);
  checkBuiltin(name, 'deleted');
  if (call.system.users[name] !== undefined) throw new DbError('Forbidden', 'Cannot delete a primary role that is still in use.');
  setRole(call, name, null);
  for (const [holder, record] of Object.entries(call.system.users)) {
    if (record.roles.includes(name)) setUser(call, holder, { ...record, roles: record.roles.filter((one) => one !== name) });
  }
}

const users = [
  procedure('dbms.security.showCurrentUser', '', 'current_user:STRING', 'dbms-read', 'the user of this session', (_, call) => [[call.user]]),
  procedure('dbms.showCurrentUser', '', 'username:STRING, roles:LIST, flags:LIST', 'dbms-read', 'the user of this session with the roles, as Neo4j shows them', (_, call) => {
    const { roles, defaultPassword } = user(call, call.user);
    return [[call.user, [...roles], defaultPassword ? ['password_change_required'] : []]];
  }),
  procedure('dbms.security.isDefaultUserPassword', '', 'isDefaultUserPassword:BOOLEAN', 'dbms-read', 'whether the session user still has the factory password',
    (_, call) => [[user(call, call.user).defaultPassword]]),
  procedure('dbms.security.changePassword', 'current_password:STRING, new_password:STRING', '', 'dbms-write', "changes one's own password", (args, call) => {
    changeOwnPassword(call, textArg(args, 0, 'current_password'), textArg(args, 1, 'new_password'));
    return NONE;
  }),
  procedure('dbms.security.changeUserPassword', 'user_name:STRING, new_password:STRING', '', 'dbms-write', "changes a user's password", (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'user_name');
    return setUser(call, name, withPassword(call, user(call, name), textArg(args, 1, 'new_password')));
  }),
  procedure('dbms.security.createUser', 'user_name:STRING, password:STRING', '', 'dbms-write', 'creates a user and its primary role', (args, call) => {
    createUser(call, textArg(args, 0, 'user_name'), textArg(args, 1, 'password'));
    return NONE;
  }),
  procedure('dbms.security.deleteUser', 'user_name:STRING', '', 'dbms-write', 'deletes a user and its primary role', (args, call) => {
    deleteUser(call, textArg(args, 0, 'user_name'));
    return NONE;
  }),
  procedure('dbms.security.disableUser', 'user_name:STRING, disable:BOOLEAN', '', 'dbms-write', 'disables or enables a user', (args, call) => {
    disableUser(call, textArg(args, 0, 'user_name'), booleanArg(args, 1, 'disable'));
    return NONE;
  }),
  procedure('dbms.security.logoutUser', 'user_name:STRING', '', 'dbms-write', "voids all tokens of a user and ends its Bolt sessions, on every server", (args, call) => {
    const name = textArg(args, 0, 'user_name');
    requireSelfOrAdmin(call, name);
    return setUser(call, name, revoked(user(call, name), call.nowMs));
  }),
  procedure('dbms.security.setCurrentDesc', 'description:STRING', '', 'dbms-write', "sets one's own description", (args, call) =>
    setUser(call, call.user, { ...user(call, call.user), description: textArg(args, 0, 'description') })),
  procedure('dbms.security.setUserDesc', 'user_name:STRING, description:STRING', '', 'dbms-write', "sets a user's description", (args, call) => {
    const name = textArg(args, 0, 'user_name');
    requireSelfOrAdmin(call, name);
    return setUser(call, name, { ...user(call, name), description: textArg(args, 1, 'description') });
  }),
  procedure('dbms.security.setUserMemoryLimit', 'user_name:STRING, memory_limit:INTEGER', '', 'dbms-write', "limits a user's memory", (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'user_name');
    if (typeof args[1] !== 'number' || args[1] < 0) throw new DbError('ProcedureCallFailed', 'memory_limit type should be integer');
    return setUser(call, name, { ...user(call, name), memoryLimit: args[1] });
  }),
  procedure('dbms.security.listUsers', '', 'user_name:STRING, user_info:MAP', 'dbms-read', 'all users', (_, call) => {
    call.requireAdmin();
    return Object.entries(call.system.users).map(([name, record]) => [name, userInfo(record)]);
  }),
  procedure('dbms.security.getUserInfo', 'user:STRING', 'user_info:MAP', 'dbms-read', 'one user', (args, call) => {
    const name = textArg(args, 0, 'user');
    requireSelfOrAdmin(call, name);
    return [[userInfo(user(call, name))]];
  }),
  procedure('dbms.security.getUserPermissions', 'user:STRING', 'user_info:MAP', 'dbms-read', "a user's level on each graph", (args, call) => {
    const name = textArg(args, 0, 'user');
    requireSelfOrAdmin(call, name);
    user(call, name);
    const entries = call.system.graphs.map((graph) => [graph.name, accessLevel(call.system, name, graph.name)] as const);
    return [[new Map(entries.filter(([, level]) => level !== 'NONE'))]];
  }),
  procedure('dbms.security.addUserRoles', 'user:STRING, roles:LIST', '', 'dbms-write', 'gives roles to a user', (args, call) =>
    setRoles(call, textArg(args, 0, 'user'), (roles) => [...roles, ...textListArg(args, 1, 'roles')])),
  procedure('dbms.security.deleteUserRoles', 'user:STRING, roles:LIST', '', 'dbms-write', 'takes roles from a user', (args, call) => {
    const gone = textListArg(args, 1, 'roles');
    return setRoles(call, textArg(args, 0, 'user'), (roles) => roles.filter((one) => !gone.includes(one)));
  }),
  procedure('dbms.security.rebuildUserRoles', 'user:STRING, roles:LIST', '', 'dbms-write', "replaces a user's roles", (args, call) => {
    const name = textArg(args, 0, 'user');
    return setRoles(call, name, (roles) => [...roles.filter((one) => one === name), ...textListArg(args, 1, 'roles')]);
  }),
];

const roles = [
  procedure('dbms.security.listRoles', '', 'role_name:STRING, role_info:MAP', 'dbms-read', 'all roles', (_, call) => {
    call.requireAdmin();
    return Object.entries(call.system.roles).map(([name, record]) => [name, roleInfo(record)]);
  }),
  procedure('dbms.security.getRoleInfo', 'role:STRING', 'role_info:MAP', 'dbms-read', 'one role', (args, call) => {
    const name = textArg(args, 0, 'role');
    if (!call.system.users[call.user]!.roles.includes(name)) call.requireAdmin();
    return [[roleInfo(role(call, name))]];
  }),
  procedure('dbms.security.createRole', 'role_name:STRING, desc:STRING', '', 'dbms-write', 'creates a role', (args, call) => {
    createRole(call, textArg(args, 0, 'role_name'), textArg(args, 1, 'desc'));
    return NONE;
  }),
  procedure('dbms.security.deleteRole', 'role_name:STRING', '', 'dbms-write', 'deletes a role', (args, call) => {
    deleteRole(call, textArg(args, 0, 'role_name'));
    return NONE;
  }),
  procedure('dbms.security.modRoleDesc', 'role:STRING, description:STRING', '', 'dbms-write', "sets a role's description", (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'role');
    return setRole(call, name, { ...role(call, name), description: textArg(args, 1, 'description') });
  }),
  procedure('dbms.security.disableRole', 'role:STRING, disable:BOOLEAN', '', 'dbms-write', 'disables or enables a role', (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'role');
    return setRole(call, name, { ...role(call, name), disabled: booleanArg(args, 1, 'disable') });
  }),
  procedure('dbms.security.rebuildRoleAccessLevel', 'role:STRING, access_level:MAP', '', 'dbms-write', "replaces a role's levels", (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'role');
    return setRole(call, name, { ...role(call, name), permissions: withoutNone(levels(call, mapArg(args, 1, 'access_level'))) });
  }),
  procedure('dbms.security.modRoleAccessLevel', 'role:STRING, access_level:MAP', '', 'dbms-write', "changes some of a role's levels", (args, call) => {
    call.requireAdmin();
    const name = textArg(args, 0, 'role');
    const record = role(call, name);
    return setRole(call, name, { ...record, permissions: withoutNone({ ...record.permissions, ...levels(call, mapArg(args, 1, 'access_level')) }) });
  }),
  procedure('dbms.security.modRoleFieldAccessLevel', 'role:STRING, graph:STRING, label:STRING, field:STRING, label_type:STRING, access_level:STRING', '', 'dbms-write',
    "sets a role's level on one field", (args, call) => {
      call.requireAdmin();
      const [name, graph, LABEL, FIELD, type, level] = ['role', 'graph', 'label', 'field', 'label_type', 'access_level'].map((arg, i) => textArg(args, i, arg)) as [string, string, string, string, string, string];
      if (!['VERTEX', 'EDGE'].includes(type)) throw new DbError('ArgumentError', 'label_type should be VERTEX or EDGE');
      if (!['NONE', 'READ', 'WRITE'].includes(level)) throw new DbError('ArgumentError', 'unknown access level');
      checkGraph(call, graph);
      const record = role(call, name);
      const entry = { LABEL_TYPE: type, LABEL, FIELD, FIELD_ACCESS_LEVEL: level } as FieldAccess;
      const others = (record.fieldPermissions[graph] ?? []).filter((one) => one.LABEL_TYPE !== type || one.LABEL !== LABEL || one.FIELD !== FIELD);
      return setRole(call, name, { ...record, fieldPermissions: { ...record.fieldPermissions, [graph]: [...others, entry] } });
    }),
];

function hostArgs(args: readonly Value[]): string[] {
  const hosts = args.flat(1);
  if (!hosts.every((host): host is string => typeof host === 'string' && isIP(host) !== 0)) throw new DbError('ArgumentError', 'Invalid host');
  return hosts.map(normalAddress);
}

const hosts = [
  procedure('dbms.security.listAllowedHosts', '', 'host:STRING', 'dbms-read', 'addresses that may connect while enable_ip_check is on', (_, call) => {
    call.requireAdmin();
    return allowedHosts(call.system).map((host) => [host]);
  }),
  procedure('dbms.security.addAllowedHosts', 'hosts:ANY', 'num_added:INTEGER', 'dbms-write', 'allows addresses', (args, call) => {
    call.requireAdmin();
    const known = allowedHosts(call.system);
    const added = [...new Set(hostArgs(args))].filter((host) => !known.includes(host));
    call.transaction.changeSystem({ kind: 'setSetting', name: ALLOWED_HOSTS_SETTING, value: [...known, ...added].sort() });
    return [[added.length]];
  }, { variadic: true }),
  procedure('dbms.security.deleteAllowedHosts', 'hosts:ANY', 'record_affected:INTEGER', 'dbms-write', 'no longer allows addresses', (args, call) => {
    call.requireAdmin();
    const gone = hostArgs(args);
    const known = allowedHosts(call.system);
    const rest = known.filter((host) => !gone.includes(host));
    call.transaction.changeSystem({ kind: 'setSetting', name: ALLOWED_HOSTS_SETTING, value: rest });
    return [[known.length - rest.length]];
  }, { variadic: true }),
];

export const securityProcedures = [...users, ...roles, ...hosts];
