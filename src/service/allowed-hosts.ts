/** `enable_ip_check`: which addresses may speak to the servers at all. */
import type { SystemState } from '../graph/system.ts';
import { plainAddress } from './origin.ts';

export const ALLOWED_HOSTS_SETTING = 'allowed_hosts';

/** The server itself: whoever is on its machine can always set the list right. */
const OWN = ['127.0.0.1', '::1'];

export function allowedHosts(system: SystemState): string[] {
  const list = system.settings[ALLOWED_HOSTS_SETTING];
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
}

/** One form for one address, so that `0:0::1` in the list is the `::1` of a socket. */
export function normalAddress(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  try {
    return plainAddress(new URL(`http://[${plain.replace(/%.*$/, '')}]`).hostname.slice(1, -1));
  } catch {
    return plain; // No address: it equals nothing that a socket says.
  }
}

/** `own`: addresses of this server, which are always allowed. */
export function addressCheck(system: SystemState, own: readonly string[]): (address: string) => boolean {
  const allowed = new Set([...OWN, ...own, ...allowedHosts(system)].map(normalAddress));
  return (address) => allowed.has(normalAddress(address));
}
