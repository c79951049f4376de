/**
 * Permissions, in one place for all protocols: a user's roles give a level per graph (NONE < READ < WRITE < FULL), the
 * highest counts; holders of the role `admin` may do everything.
 */
import { DbError } from '../base/errors.ts';
import type { AccessLevel, SystemState } from '../graph/system.ts';

const RANK: Readonly<Record<AccessLevel, number>> = { NONE: 0, READ: 1, WRITE: 2, FULL: 3 };
export const ADMIN_ROLE = 'admin';

export function isAdmin(system: SystemState, user: string): boolean {
  const record = system.users[user];
  return record !== undefined && !record.disabled && record.roles.includes(ADMIN_ROLE) && system.roles[ADMIN_ROLE]?.disabled !== true;
}

export function accessLevel(system: SystemState, user: string, graph: string): AccessLevel {
  const record = system.users[user];
  if (record === undefined || record.disabled) return 'NONE';
  if (isAdmin(system, user)) return 'FULL';
  let best: AccessLevel = 'NONE';
  for (const name of record.roles) {
    const role = system.roles[name];
    if (role === undefined || role.disabled) continue;
    const level = role.permissions[graph] ?? 'NONE';
    if (RANK[level] > RANK[best]) best = level;
  }
  return best;
}

/**
 * Whether the user may read a field, by the field levels of roles (`modRoleFieldAccessLevel`): one role that reads it is enough. Undefined: no
 * role hides a field.
 */
export function fieldReader(system: SystemState, user: string, graph: string): ((kind: 'vertex' | 'edge', label: string, field: string) => boolean) | undefined {
  if (isAdmin(system, user)) return undefined;
  const roles = (system.users[user]?.roles ?? []).flatMap((name) => {
    const role = system.roles[name];
    return role === undefined || role.disabled || (role.permissions[graph] ?? 'NONE') === 'NONE' ? [] : [role.fieldPermissions[graph] ?? []];
  });
  if (roles.every((fields) => fields.every((one) => one.FIELD_ACCESS_LEVEL !== 'NONE'))) return undefined;
  return (kind, label, field) => roles.some((fields) => !fields.some((one) => (
    one.FIELD_ACCESS_LEVEL === 'NONE' && one.LABEL_TYPE === kind.toUpperCase() && one.LABEL === label && one.FIELD === field)));
}

/** Throws unless the user may run a statement of that kind on the graph. */
export function checkAccess(system: SystemState, user: string, graph: string, access: 'read' | 'write' | 'schema' | 'dbms'): void {
  const record = system.users[user];
  if (record === undefined || record.disabled) throw new DbError('Unauthorized', `the user ${user} does not exist or is disabled`);
  // Procedures of the server check for themselves what they need.
  if (access === 'dbms') return;
  const level = RANK[accessLevel(system, user, graph)];
  if (level === 0) throw new DbError('Forbidden', 'User does not have access to the graph specified.');
  const needed = access === 'read' ? 'READ' : access === 'write' ? 'WRITE' : 'FULL';
  if (level < RANK[needed]) throw new DbError('Forbidden', `No ${needed === 'READ' ? 'read' : needed === 'WRITE' ? 'write' : 'full'} permission.`);
}
