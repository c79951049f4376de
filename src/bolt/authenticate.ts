/** Who a client is: user and password, a token of ours, or nobody where the server asks nobody. */
import { DbError } from '../base/errors.ts';
import type { Principal } from '../service/api.ts';
import type { Origin } from '../service/origin.ts';
import type { CypherMap } from '../value/value.ts';
import type { Door } from './door.ts';

export async function authenticate(door: Door, auth: CypherMap, origin: Origin): Promise<Principal> {
  const { disableAuth } = door.options;
  const scheme = auth.get('scheme') ?? 'none';
  const text = (name: string): string => {
    const value = auth.get(name);
    if (typeof value === 'string') return value;
    if (disableAuth) return '';
    throw new DbError('Unauthorized', `the authentication scheme ${String(scheme)} needs \`${name}\``);
  };
  switch (scheme) {
    case 'basic': return door.checkPassword(text('principal'), text('credentials'), origin);
    case 'bearer': return door.authenticate(text('credentials'), origin);
    case 'none':
      if (disableAuth) return door.checkPassword('admin', '', origin);
      throw new DbError('Unauthorized', 'this server wants to know who you are', { hint: 'log in with a user and a password' });
    default:
      throw new DbError('Unauthorized', `the authentication scheme ${String(scheme)} is not supported`, { hint: 'use basic or bearer' });
  }
}
