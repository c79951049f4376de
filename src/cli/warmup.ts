/**
 * `lgraph_warmup`: has running servers read graphs ahead, so that the first queries find them in memory (CALL db.warmup()).
 *
 *   lgraph_warmup --url http://host:7070[,http://…] [-g default,other] [-u admin -p …]
 *
 * Every server named is asked, each about all graphs. Exit codes: 0 done, 1 not everywhere, 255 wrong usage.
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_GRAPH, DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { addressesOf } from './group-client.ts';
import { RestClient } from './rest-client.ts';
import { failed, longFlags, usageFailure } from './usage.ts';

const TIMEOUT_MS = 3_600_000;

const argv = yargs(longFlags(hideBin(process.argv))).scriptName('lgraph_warmup')
  .option('url', { alias: 'r', type: 'string', default: 'http://127.0.0.1:7070', describe: 'http://host:port of a server, or of several with commas' })
  .option('graph_list', { alias: 'g', type: 'string', default: DEFAULT_GRAPH, describe: 'graphs, with commas between' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', describe: "the user's password; LGRAPH_PASSWORD, or the factory password" })
  .strict().fail(usageFailure('lgraph_warmup')).parseSync();

async function warmUp(address: string, graphs: readonly string[]): Promise<void> {
  const client = await RestClient.login(address, argv.user, argv.password ?? process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD);
  for (const graph of graphs) {
    const { rows } = await client.cypher(address, 'CALL db.warmup()', { graph, timeoutMs: TIMEOUT_MS });
    process.stdout.write(`${address}: ${graph}: ${String(rows[0]?.[0])}\n`);
  }
}

const from = performance.now();
const graphs = argv.graph_list.split(',').map((name) => name.trim());
const outcomes = await Promise.allSettled(addressesOf(argv.url).map((address) => warmUp(address, graphs)));
for (const outcome of outcomes) if (outcome.status === 'rejected') failed('Fail to warm up:', outcome.reason);
if (outcomes.every(({ status }) => status === 'fulfilled')) process.stdout.write(`Warm up successful in ${((performance.now() - from) / 1000).toFixed(2)} seconds.\n`);
