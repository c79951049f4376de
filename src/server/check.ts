/**
 * `lgraph_server --check`: would a start succeed? The configuration, the certificates, the ports, and what the data directory
 * holds. It opens store and log as a start would, but serves nothing and changes no data.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { certificateConcerns } from '../base/certificate-concerns.ts';
import { readCertificates } from '../base/certificates.ts';
import { systemClock } from '../base/clock.ts';
import { diskSpace, megabytesText } from '../base/disk-space.ts';
import { asDbError, DbError } from '../base/errors.ts';
import { systemIds } from '../base/random.ts';
import { refuseUnfinishedBeside } from '../data/staging.ts';
import { readVersion } from '../graph/version-record.ts';
import { realDisk } from '../replica/log-store-disk.ts';
import { lockDirectory, readIdentity } from '../replica/log-store-identity.ts';
import { LogStore } from '../replica/log-store.ts';
import { BOOTSTRAP_ROLES, bootOf, missingData, missingLog, notAlone } from '../replica/start-checks.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { addressList, bearerOf } from './addresses.ts';
import { runningPid } from './directory.ts';
import { opensWithBytes } from './disk-space.ts';
import type { Config } from './options.ts';
import { STORE } from './store-switch.ts';

const MB = 1 << 20;

export interface CheckLine {
  readonly name: string;
  /** Undefined: not looked at, for the reason in the text, or nothing that keeps a server from starting. */
  readonly ok: boolean | undefined;
  readonly text: string;
}

/** All lines; the start would fail if one is not ok. */
export async function checkServer(config: Config): Promise<CheckLine[]> {
  const lines: CheckLine[] = [];
  const look = async (name: string, work: () => string | Promise<string>) => {
    try {
      lines.push({ name, ok: true, text: await work() });
    } catch (error) {
      const { message, hint } = asDbError(error);
      lines.push({ name, ok: false, text: hint === undefined ? message : `${message}; ${hint}` });
    }
  };
  const skip = (name: string, text: string) => lines.push({ name, ok: undefined, text });

  if (config.ssl_auth) {
    await look('certificates', () => checkCertificates(config));
    if (lines.at(-1)!.ok === true) for (const concern of concernsOf(config)) skip('certificates', `WARNING: ${concern}`);
  }
  const pid = runningPid(config.directory);
  if (pid !== undefined) {
    skip('ports, data', `a server (process ${pid}) runs on ${config.directory}: stop it to have these looked at`);
    return lines;
  }
  await look('ports', () => checkPorts(config));
  await look('directory', () => checkDirectory(config));
  for (const [option, folder] of otherFolders(config)) await look(option, () => `${checkFolder(folder)} can be written to`);
  if (config.enable_ha) await look('ha_conf', () => checkNames(config));
  const store = join(config.directory, STORE);
  let version = 0;
  const readStore = async () => {
    const state = await checkStore(store);
    ({ version } = state);
    return `the state is at version ${version}, checksum ${state.checksum}`;
  };
  for (const [name, folder, work] of [['store', store, readStore], ['log', config.ha_log_dir, () => checkLog(config, version)]] as const) {
    if (name === 'store' && config.ha_is_witness && !existsSync(folder)) skip(name, 'a witness keeps none');
    else if (!existsSync(folder)) skip(name, `${folder} is not there yet: the first start makes it`);
    // What opening leaves behind would belong to somebody else than the server.
    else if (process.getuid !== undefined && statSync(folder).uid !== process.getuid()) skip(name, `${folder} belongs to another user: run the check as that one`);
    else await look(name, work);
  }
  return lines;
}

function checkCertificates(config: Config): string {
  readCertificates({ cert: config.server_cert, key: config.server_key, ca: config.server_ca });
  return `${config.server_cert} and ${config.server_key} go together`;
}

function concernsOf(config: Config): string[] {
  return certificateConcerns(readCertificates({ cert: config.server_cert, key: config.server_key, ca: config.server_ca }), bearerOf(config), systemClock.wallMs());
}

async function checkPorts(config: Config): Promise<string> {
  const ports = [['port', config.port], ['bolt_port', config.bolt_port], ...(config.enable_ha || config.enable_rpc ? [['rpc_port', config.rpc_port] as const] : [])] as const;
  for (const [option, port] of ports) {
    await new Promise<void>((resolve, reject) => {
      const server = createServer().once('error', (error) => reject(new DbError('InvalidConfig', `${option} ${port} on ${config.host}: ${error.message}`)));
      server.listen(port, config.host, () => server.close(() => resolve()));
    });
  }
  return `${ports.map(([, port]) => port).join(', ')} are free on ${config.host}`;
}

function checkDirectory(config: Config): string {
  refuseUnfinishedBeside(config.directory);
  const { freeBytes } = diskSpace(checkFolder(config.directory));
  if (freeBytes < opensWithBytes(config)) throw new DbError('InvalidConfig', `only ${megabytesText(freeBytes)} are free where ${config.directory} is`);
  return `${config.directory}, ${megabytesText(freeBytes)} free`;
}

/** Folders besides the data directory without which a start fails, or something that was asked for is not done. */
function otherFolders(config: Config): (readonly [string, string])[] {
  return ([
    ['log_dir', config.log_dir], ['query_spill_dir', config.query_spill_dir],
    ...(config.enable_audit_log ? [['audit_log_dir', config.audit_log_dir] as const] : []),
  ] as const).filter(([, folder]) => folder !== '');
}

/** The folder, or the nearest one above it that is there, can be written to: gives that one. */
function checkFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) throw new DbError('InvalidConfig', `${folder} is no folder`);
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  return folder;
}

async function checkNames(config: Config): Promise<string> {
  const addresses = addressList(config.ha_conf);
  for (const address of addresses) await lookup(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
  return `${addresses.length} servers, every name has an address`;
}

async function checkStore(location: string): Promise<{ readonly version: number; readonly checksum: string }> {
  const engine = await openLevelEngine({ location, cacheBytes: MB, writeBufferBytes: MB });
  try {
    const { version, checksum } = readVersion(engine);
    return { version, checksum: checksum.toString() };
  } finally {
    await engine.close();
  }
}

/** Whether it can be read, and whether a start with these options on what is there would be refused. */
function checkLog(config: Config, appliedIndex: number): string {
  const directory = config.ha_log_dir;
  const disk = realDisk(directory);
  const unlock = lockDirectory(disk, directory);
  try {
    const identity = readIdentity(disk);
    // Data that is set aside is in nobody's way.
    const isSetAside = config.ha_join_discard_local_data && (identity === undefined || identity.isStandalone || identity.membership === 'EMPTY');
    const options = { info: { isWitness: config.ha_is_witness }, bootstrapRole: BOOTSTRAP_ROLES[config.ha_bootstrap_role]!, appliedIndex: isSetAside ? 0 : appliedIndex, enabled: config.enable_ha };
    const boot = bootOf(disk, options, systemIds);
    const missing = missingLog(disk, boot, directory);
    if (missing !== undefined) throw new DbError('InvalidConfig', missing);
    const store = new LogStore({ disk, durable: true, monotonicMs: () => performance.now() });
    const { startIndex, lastIndex, hard } = store.recovered;
    store.close();
    const misfit = boot.membership !== 'MEMBER' || isSetAside ? undefined : (config.enable_ha ? undefined : notAlone(store.recovered, boot)) ?? missingData(store.recovered, options);
    if (misfit !== undefined) throw new DbError('InvalidConfig', misfit);
    return `entries ${startIndex + 1} to ${lastIndex}, term ${hard.term}; ${identity === undefined ? 'no identity yet' : `${identity.membership} of group ${identity.clusterId}, server ${identity.nodeId}`}`;
  } finally {
    unlock();
  }
}
