/**
 * `lgraph_peer`: the group from the command line.
 *
 *   lgraph_peer --command status          --conf host:rpc_port,… [-w table|json]
 *   lgraph_peer --command check           --conf …                  equal checksums at one version?
 *   lgraph_peer --command transfer_leader --conf … [--peer host:rpc_port]
 *   lgraph_peer --command add_peer|remove_peer --conf … --peer host:rpc_port
 *
 * Any address of the group will do in --conf. Exit codes: 0 done, 1 not as it should be, 255 wrong usage.
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { askPeer } from '../rpc/peer-question.ts';
import { eventually, RestClient } from './rest-client.ts';
import { table } from './table.ts';

const COMMANDS = ['status', 'check', 'transfer_leader', 'add_peer', 'remove_peer'] as const;
type Command = (typeof COMMANDS)[number];

interface Probe {
  readonly info: { readonly restAddress: string };
  readonly leaderAddress?: string;
}

interface Peer {
  readonly rpc_address: string;
  readonly rest_address: string;
  readonly state: string;
  readonly [column: string]: unknown;
}

const COLUMNS = ['rpc_address', 'rest_address', 'bolt_address', 'state', 'ha_role', 'role', 'voter', 'term', 'commit_index', 'applied_index', 'last_contact_ms', 'version', 'note'] as const;

class Group {
  readonly #conf: readonly string[];
  readonly #secret: string | undefined;

  constructor(conf: readonly string[], secret: string | undefined) {
    this.#conf = conf;
    this.#secret = secret;
  }

  /** REST addresses of the group, the leader's first where one is known. */
  async restAddresses(): Promise<string[]> {
    const found: string[] = [];
    const failures: string[] = [];
    let leader: string | undefined;
    for (const address of this.#conf) {
      try {
        const probe = await askPeer(address, 'probe', {}, { secret: this.#secret, timeoutMs: 2000 }) as Probe;
        found.push(probe.info.restAddress);
        leader ??= probe.leaderAddress;
      } catch (error) {
        failures.push(`${address}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (found.length === 0) throw new Error(`no server of the group answers (${failures.join('; ')})`);
    if (leader !== undefined) {
      const probe = await askPeer(leader, 'probe', {}, { secret: this.#secret, timeoutMs: 2000 }).catch(() => undefined) as Probe | undefined;
      if (probe !== undefined) return [probe.info.restAddress, ...found.filter((address) => address !== probe.info.restAddress)];
    }
    return found;
  }
}

async function status(client: RestClient, addresses: readonly string[], form: string): Promise<number> {
  const peers = await client.get(addresses[0]!, '/info/peers') as Peer[];
  if (form === 'json') process.stdout.write(`${JSON.stringify(peers, null, 2)}\n`);
  else process.stdout.write(`${table(COLUMNS, peers.map((peer) => COLUMNS.map((column) => String(peer[column] ?? ''))))}\n`);
  return peers.every((peer) => peer.state !== 'OFFLINE') && peers.some((peer) => peer.state === 'MASTER') ? 0 : 1;
}

async function check(client: RestClient, addresses: readonly string[]): Promise<number> {
  const peers = (await client.get(addresses[0]!, '/info/peers') as Peer[]).filter((peer) => peer.ha_role !== 'WITNESS');
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

async function run(options: { command: Command; peer?: string; conf: string; user: string; password: string; secret?: string; write: string }): Promise<number> {
  const group = new Group(options.conf.split(',').map((part) => part.trim()), options.secret);
  const addresses = await group.restAddresses();
  const client = await RestClient.login(addresses[0]!, options.user, options.password);
  if (options.command === 'status') return status(client, addresses, options.write);
  if (options.command === 'check') return check(client, addresses);
  await client.post(addresses[0]!, `/group/${options.command}`, options.peer === undefined ? {} : { peer: options.peer });
  return 0;
}

const argv = yargs(hideBin(process.argv).map((word) => (/^-[a-z_]{2,}/.test(word) ? `-${word}` : word))).scriptName('lgraph_peer')
  .option('command', { choices: COMMANDS, demandOption: true, describe: 'what to do' })
  .option('peer', { type: 'string', describe: 'host:rpc_port of the server it is about' })
  .option('conf', { type: 'string', demandOption: true, describe: 'host:rpc_port,… of the group; one that answers will do' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', default: process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD, defaultDescription: 'LGRAPH_PASSWORD, or the factory password' })
  .option('secret', { type: 'string', default: process.env.LGRAPH_HA_SECRET, defaultDescription: 'LGRAPH_HA_SECRET', describe: "the group's ha_secret" })
  .option('write', { alias: 'w', choices: ['table', 'json'], default: 'table', describe: 'form of the status' })
  .strict().fail((message, error) => {
    process.stderr.write(`lgraph_peer: ${message ?? error?.message}\nlgraph_peer --help shows the usage\n`);
    process.exit(255);
  }).parseSync();

try {
  process.exitCode = await run({
    command: argv.command as Command, conf: argv.conf, user: argv.user, password: argv.password, write: argv.write,
    ...(argv.peer === undefined ? {} : { peer: argv.peer }), ...(argv.secret === undefined ? {} : { secret: argv.secret }),
  });
} catch (error) {
  process.stderr.write(`Fail to ${argv.command} : ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
