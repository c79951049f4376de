/**
 * `lgraph_peer`: the group from the command line.
 *
 *   lgraph_peer --command status          --conf host:rpc_port,… [-w table|json]
 *   lgraph_peer --command check           --conf …                  equal checksums at one version?
 *   lgraph_peer --command transfer_leader --conf … [--peer host:rpc_port]
 *   lgraph_peer --command add_peer|remove_peer --conf … --peer host:rpc_port (of one that is to be removed, also its node id)
 *   lgraph_peer --command snapshot        --conf … --peer host:rpc_port     sync that server's state, compact its log
 *   lgraph_peer --command recover         --directory DIR           the group lost its majority for good (offline)
 *
 * Servers with ssl_auth: [--ca FILE --cert FILE --key FILE]
 *
 * Any address of the group will do in --conf. Who may: an admin (--user, --password), or whoever knows the group's secret
 * (--secret, LGRAPH_HA_SECRET, LGRAPH_HA_SECRET_FILE). Exit codes: 0 done, 1 not as it should be, 255 wrong usage.
 */
import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { readCertificates } from '../base/certificates.ts';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import type { AdminCall } from '../replica/consensus-calls.ts';
import type { ProbeAnswer } from '../replica/formation.ts';
import type { GroupStatus, SnapshotDone } from '../replica/protocol.ts';
import { askPeer } from '../rpc/peer-question.ts';
import { peerTls } from '../rpc/peer-tls.ts';
import type { PeerCredentials } from '../rpc/raft-channel.ts';
import { addressList } from '../server/addresses.ts';
import { peerRows } from '../service/peer-rows.ts';
import type { PeerRow } from '../service/peer-rows.ts';
import { recover } from './recover.ts';
import { eventually, RestClient, useTls } from './rest-client.ts';
import { table } from './table.ts';

const COMMANDS = ['status', 'check', 'transfer_leader', 'add_peer', 'remove_peer', 'snapshot', 'recover'] as const;
type Command = (typeof COMMANDS)[number];

interface Options {
  readonly command: Command;
  readonly peer: string | undefined;
  readonly conf: readonly string[];
  readonly user: string;
  readonly password: string | undefined;
  readonly secret: string | undefined;
  readonly credentials: PeerCredentials | undefined;
  readonly write: string;
}

const SNAPSHOT_MS = 65_000;

/** Heading and field of the status table. */
const COLUMNS = [
  ['ADDRESS', 'rpc_address'], ['ID', 'node_id'], ['VERSION', 'version'], ['ROLE', 'role'], ['STATE', 'state'], ['KIND', 'ha_role'], ['VOTER', 'voter'],
  ['TERM', 'term'], ['COMMIT', 'commit_index'], ['APPLIED', 'applied_index'], ['LAG', 'lag'], ['LAST SEEN MS', 'last_contact_ms'], ['REST', 'rest_address'], ['NOTE', 'note'],
] as const;

/** Servers of the group that answer, the leader first where one is known. */
async function findGroup({ conf, secret, credentials }: Pick<Options, 'conf' | 'secret' | 'credentials'>): Promise<ProbeAnswer[]> {
  const probe = async (address: string) => await askPeer(address, 'probe', {}, { secret, timeoutMs: 2000, credentials }) as ProbeAnswer;
  const found: ProbeAnswer[] = [];
  const failures: string[] = [];
  await Promise.all(conf.map(async (address) => {
    try {
      found.push(await probe(address));
    } catch (error) {
      failures.push(`${address}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }));
  const hint = failures.some((failure) => failure.endsWith('wrong secret')) ? ': the group has an ha_secret, to be given by --secret or LGRAPH_HA_SECRET' : '';
  if (found.length === 0) throw new Error(`no server of the group answers (${failures.join('; ')}${hint})`);
  const leader = found.find(({ leaderAddress }) => leaderAddress !== undefined)?.leaderAddress;
  if (leader === undefined) return found;
  const first = found.find(({ info }) => info.rpcAddress === leader) ?? await probe(leader).catch(() => undefined);
  return first === undefined ? found : [first, ...found.filter((one) => one !== first)];
}

function printStatus(rows: readonly PeerRow[], form: string): number {
  if (form === 'json') process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else process.stdout.write(`${table(COLUMNS.map(([heading]) => heading), rows.map((row) => COLUMNS.map(([, field]) => String(row[field] ?? ''))))}\n`);
  return rows.every((row) => row.state !== 'OFFLINE') && rows.some((row) => row.state === 'MASTER') ? 0 : 1;
}

function printSnapshot(done: Readonly<Record<string, unknown>>): number {
  process.stdout.write(`${String(done.rpc_address)}: the state is durable up to ${String(done.durable_index)}, the log begins at ${String(done.first_index)} (${String(done.dropped)} entries dropped)\n`);
  return 0;
}

async function check(client: RestClient, address: string): Promise<number> {
  const peers = (await client.get(address, '/info/peers') as PeerRow[]).filter((peer) => peer.ha_role !== 'WITNESS');
  const rows = await eventually('all replicas at one version', 15_000, async () => {
    const all = await Promise.all(peers.map(async (peer) => {
      const [version, checksum] = (await client.cypher(peer.rest_address, 'CALL dbms.ha.checksum()')).rows[0] as [number, string];
      return [peer.rpc_address, String(version), checksum];
    }));
    return new Set(all.map((row) => row[1])).size === 1 ? all : undefined;
  });
  process.stdout.write(`${table(['server', 'version', 'checksum'], rows)}\n`);
  const equal = new Set(rows.map((row) => row[2])).size === 1;
  process.stdout.write(equal ? 'all replicas hold the same data\n' : 'THE REPLICAS DIFFER\n');
  return equal ? 0 : 1;
}

/** With the secret alone, over the RPC port of the leader. */
async function withSecret(options: Options & { readonly command: AdminCall['command'] }, leader: ProbeAnswer): Promise<number> {
  const { command, peer, secret, credentials } = options;
  const call: AdminCall = peer === undefined ? { command } : { command, peer };
  // Any server compacts its own log, whoever leads.
  const [address, timeoutMs] = command === 'snapshot' ? [peer ?? leader.info.rpcAddress, SNAPSHOT_MS] : [leader.info.rpcAddress, 20_000];
  const answer = await askPeer(address, 'admin', call, { secret, timeoutMs, credentials });
  if (command === 'snapshot') {
    const { rpcAddress, durableIndex, firstIndex, dropped } = answer as SnapshotDone;
    return printSnapshot({ rpc_address: rpcAddress, durable_index: durableIndex, first_index: firstIndex, dropped });
  }
  return command === 'status' ? printStatus(peerRows(answer as GroupStatus), options.write) : 0;
}

async function run(options: Options): Promise<number> {
  const { command, peer } = options;
  if ((command === 'add_peer' || command === 'remove_peer' || command === 'snapshot') && peer === undefined) throw new Error('--peer is missing: the address host:rpc_port of the server');
  const group = await findGroup(options);
  if (command !== 'check' && command !== 'recover' && options.secret !== undefined && options.password === undefined) return withSecret({ ...options, command }, group[0]!);
  const address = group.find(({ info }) => !info.isWitness)?.info.restAddress;
  if (address === undefined) throw new Error('only a witness answers, and it knows no users: name another server in --conf, or use --secret');
  const client = await RestClient.login(address, options.user, options.password ?? DEFAULT_PASSWORD);
  if (command === 'status') return printStatus(await client.get(address, '/info/peers') as PeerRow[], options.write);
  if (command === 'check') return check(client, address);
  if (command === 'snapshot') return printSnapshot(await client.post(address, '/group/snapshot', { peer: peer! }, SNAPSHOT_MS) as Readonly<Record<string, unknown>>);
  await client.post(address, `/group/${command}`, peer === undefined ? {} : { peer });
  return 0;
}

function secretOf(flag: string | undefined): string | undefined {
  const { LGRAPH_HA_SECRET: value, LGRAPH_HA_SECRET_FILE: file } = process.env;
  return flag ?? value ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trimEnd());
}

/** Servers with ssl_auth want a certificate that their authority has signed. */
function credentialsOf(files: { ca: string | undefined; cert: string | undefined; key: string | undefined }): PeerCredentials | undefined {
  const { ca, cert, key } = files;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if (ca === undefined || cert === undefined || key === undefined) throw new Error('--ca, --cert and --key belong together: the authority of the group, and a certificate it has signed with its key');
  // gRPC names servers by their address in TLS, which Node remarks upon.
  process.noDeprecation = true;
  const certificates = readCertificates({ ca, cert, key });
  useTls({ ca: certificates.ca });
  return peerTls(certificates).credentials;
}

const argv = yargs(hideBin(process.argv).map((word) => (/^-[a-z_]{2,}/.test(word) ? `-${word}` : word))).scriptName('lgraph_peer')
  .option('command', { choices: COMMANDS, demandOption: true, describe: 'what to do' })
  .option('peer', { type: 'string', describe: 'host:rpc_port of the server it is about' })
  .option('conf', { type: 'string', describe: 'host:rpc_port,… of the group; one that answers will do' })
  .option('directory', { type: 'string', describe: 'recover: data directory of the survivor, which must not run' })
  .option('ha_log_dir', { type: 'string', describe: 'recover: its ha_log_dir, if that is not <directory>/ha' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', describe: "the user's password; LGRAPH_PASSWORD, or the factory password" })
  .option('secret', { type: 'string', describe: "the group's ha_secret; LGRAPH_HA_SECRET, LGRAPH_HA_SECRET_FILE" })
  .option('ca', { type: 'string', describe: 'servers with ssl_auth: PEM file of their authority (server_ca)' })
  .option('cert', { type: 'string', describe: 'PEM file of a certificate that this authority has signed' })
  .option('key', { type: 'string', describe: 'PEM file of its private key' })
  .option('write', { alias: 'w', choices: ['table', 'json'], default: 'table', describe: 'form of the status' })
  .strict()
  .check(({ command, conf, directory }) => {
    if (command === 'recover' ? directory === undefined : conf === undefined) throw new Error(command === 'recover' ? '--directory is missing' : '--conf is missing');
    return true;
  })
  .fail((message, error) => {
    process.stderr.write(`lgraph_peer: ${message ?? error?.message}\nlgraph_peer --help shows the usage\n`);
    process.exit(255);
  }).parseSync();

try {
  const conf = addressList(argv.conf ?? '');
  const secret = secretOf(argv.secret);
  const credentials = credentialsOf(argv);
  process.exitCode = argv.command === 'recover'
    ? await recover({ directory: argv.directory!, logDirectory: argv.ha_log_dir, others: conf, secret, credentials })
    : await run({ command: argv.command as Command, conf, user: argv.user, password: argv.password ?? process.env.LGRAPH_PASSWORD, secret, credentials, write: argv.write, peer: argv.peer });
} catch (error) {
  process.stderr.write(`Fail to ${argv.command} : ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
