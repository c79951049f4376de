/** The state of a new group: the graph `default`, the role and user `admin`, and the key that signs tokens. */
import type { RoleRecord, UserRecord } from '../graph/system.ts';
import type { Transaction } from '../graph/transaction.ts';
import { hashPassword } from './passwords.ts';
import { newTokenKey, TOKEN_KEY_SETTING } from './tokens.ts';

export const DEFAULT_GRAPH = 'default';
export const DEFAULT_USER = 'admin';
export const DEFAULT_PASSWORD = '73@TuGraph';
/** TuGraph's default: 2 TiB. */
export const MEMORY_LIMIT_DEFAULT = 2199023255552;

export function isNewGroup(transaction: Transaction): boolean {
  return Object.keys(transaction.system.users).length === 0;
}

/** Fills an empty system state. `password`: the first password of `admin`; TuGraph's if absent. */
export function createFirstState(transaction: Transaction, password: string | undefined): void {
  transaction.changeSystem({ kind: 'createGraph', name: DEFAULT_GRAPH, description: '', maxSizeGB: 4096, strict: false });
  const role: RoleRecord = {
    description: 'Administrators. Builtin role, cannot be modified.', disabled: false, permissions: { [DEFAULT_GRAPH]: 'FULL' }, fieldPermissions: {},
  };
  transaction.changeSystem({ kind: 'setRole', name: 'admin', role });
  transaction.changeSystem({ kind: 'setUser', name: DEFAULT_USER, user: newUser(password ?? DEFAULT_PASSWORD, ['admin'], password === undefined) });
  transaction.changeSystem({ kind: 'setSetting', name: TOKEN_KEY_SETTING, value: newTokenKey() });
}

export function newUser(password: string, roles: readonly string[], defaultPassword = false): UserRecord {
  return {
    passwordHash: hashPassword(password), description: '', disabled: false, roles, memoryLimit: MEMORY_LIMIT_DEFAULT,
    defaultPassword, tokensValidFromMs: 0,
  };
}
