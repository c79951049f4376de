/**
 * `ha_join_discard_local_data`: data of another group, or of a time without one, makes way for that of the group that is joined.
 *
 * Nothing is deleted: store and log get names of their own. A member of a group is left alone unless somebody of the list belongs to
 * another group and nobody to its own, as after a recovery (replica/recover.ts).
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { readCertificates } from '../base/certificates.ts';
import { syncFolder } from '../data/staging.ts';
import type { ProbeAnswer } from '../replica/formation.ts';
import { realDisk } from '../replica/log-store-disk.ts';
import { readIdentity } from '../replica/log-store-identity.ts';
import { addressList } from './addresses.ts';
import type { Config } from './options.ts';
import { STORE } from './store-switch.ts';

const PROBE_MS = 2000;

export async function discardLocalData(config: Config, selfAddress: string, warn: (line: string) => void): Promise<void> {
  if (!config.enable_ha || !config.ha_join_discard_local_data || config.ha_bootstrap_role === 1) return;
  const { directory, ha_log_dir: logDirectory } = config;
  const identity = existsSync(logDirectory) ? readIdentity(realDisk(logDirectory)) : undefined;
  const isMember = identity !== undefined && !identity.isStandalone && identity.membership !== 'EMPTY';
  if (isMember && !await isSuperseded(config, selfAddress, identity.clusterId)) return;
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  // The log first: without it this server is nobody, and whatever data it still has is discarded at the next start.
  if (existsSync(logDirectory)) renameSync(logDirectory, `${logDirectory}.aside-${stamp}`);
  const store = join(directory, STORE);
  if (!existsSync(store)) return;
  const aside = `${store}.aside-${stamp}`;
  renameSync(store, aside);
  syncFolder(directory);
  warn(`the data of this server makes way for that of the group; it is kept in ${aside} until you remove it`);
}

async function isSuperseded(config: Config, selfAddress: string, clusterId: string): Promise<boolean> {
  // gRPC takes 20 MB of memory, and this thread needs it for nothing else.
  const { askPeer } = await import('../rpc/peer-question.ts');
  const { peerTls } = await import('../rpc/peer-tls.ts');
  const { server_cert: cert, server_key: key, server_ca: ca } = config;
  const credentials = config.ssl_auth && config.ha_tls ? peerTls(readCertificates({ cert, key, ca })).credentials : undefined;
  const secret = config.ha_secret === '' ? undefined : config.ha_secret;
  const others = addressList(config.ha_conf).filter((address) => address !== selfAddress);
  const answers = await Promise.all(others.map((address) => askPeer(address, 'probe', {}, { secret, timeoutMs: PROBE_MS, credentials }).catch(() => undefined)));
  const groups = answers.map((answer) => answer as ProbeAnswer | undefined).filter((answer) => answer?.identity.membership === 'MEMBER').map((answer) => answer!.identity.clusterId);
  return groups.length > 0 && !groups.includes(clusterId);
}
