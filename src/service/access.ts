/**
 * Permissions, in one place for all protocols: a user's roles give a level per graph (NONE < READ < WRITE < FULL), the
 * highest counts; holders of the role `admin` may do everything. Levels on single fields take away from that (graph/guarded-view.ts).
 */
import { DbError } from '../base/errors.ts';
import { FieldRules } from '../graph/guarded-view.ts';
import type { AccessLevel, FieldAccess, SystemState } from '../graph/system.ts';

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

const rulesOf = new WeakMap<SystemState, Map<string, FieldRules | undefined>>();

/**
 * The fields that are kept from a user, by the levels of roles on single fields (`modRoleFieldAccessLevel`); undefined: none. Where a role
 * says nothing of a field its level on the graph counts, and is the most it can give; of several roles the highest counts.
 */
export function fieldRules(system: SystemState, user: string, graph: string): FieldRules | undefined {
  let known = rulesOf.get(system);
  if (known === undefined) rulesOf.set(system, known = new Map());
  const key = `${user}\n${graph}`;
  if (!known.has(key)) known.set(key, newRules(system, user, graph));
  return known.get(key);
}

function newRules(system: SystemState, user: string, graph: string): FieldRules | undefined {
  if (isAdmin(system, user)) return undefined;
  const roles = (system.users[user]?.roles ?? []).flatMap((name) => {
    const role = system.roles[name];
    const level = role === undefined || role.disabled ? 'NONE' : role.permissions[graph] ?? 'NONE';
    return level === 'NONE' ? [] : [{ level, fields: role!.fieldPermissions[graph] ?? [] }];
  });
  const isSame = (a: FieldAccess, b: FieldAccess) => a.LABEL_TYPE === b.LABEL_TYPE && a.LABEL === b.LABEL && a.FIELD === b.FIELD;
  const rank = (entry: FieldAccess) => Math.max(...roles.map(({ level, fields }) => Math.min(RANK[level], RANK[fields.find((one) => isSame(one, entry))?.FIELD_ACCESS_LEVEL ?? level])));
  const entries = roles.flatMap(({ fields }) => fields).filter((entry, at, all) => all.findIndex((one) => isSame(one, entry)) === at);
  const names = (wanted: AccessLevel) => entries.filter((entry) => rank(entry) === RANK[wanted])
    .map(({ LABEL_TYPE, LABEL, FIELD }) => ({ kind: LABEL_TYPE === 'VERTEX' ? 'vertex' as const : 'edge' as const, label: LABEL, field: FIELD }));
  const hidden = names('NONE');
  const readOnly = roles.some(({ level }) => RANK[level] >= RANK.WRITE) ? names('READ') : [];
  return hidden.length + readOnly.length === 0 ? undefined : new FieldRules(hidden, readOnly);
}

/**
 * Whether a user may do less now, on any graph, than in an earlier state: a transaction that began in that one must neither go on reading
 * what was taken from him nor commit what he may not write any more.
 */
export function hasLostRights(before: SystemState, now: SystemState, user: string): boolean {
  if (before === now || isAdmin(now, user)) return false;
  if (isAdmin(before, user)) return true;
  return before.graphs.some(({ name }) => RANK[accessLevel(now, user, name)] < RANK[accessLevel(before, user, name)] || fieldsOf(now, user, name) !== fieldsOf(before, user, name));
}

/** What is kept from a user of the fields of a graph, as text: whether it is more or less than before is not asked. */
function fieldsOf(system: SystemState, user: string, graph: string): string {
  return JSON.stringify((system.users[user]?.roles ?? []).map((name) => {
    const role = system.roles[name];
    return role === undefined || role.disabled ? null : [role.permissions[graph], role.fieldPermissions[graph]];
  }));
}

export function rightsLost(): DbError {
  return new DbError('Conflict', "the user's rights have changed since the transaction began", { hint: 'run the transaction again: it is judged by the rights of now' });
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
