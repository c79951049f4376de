/**
 * For `HEALTHCHECK`: does the server of this data directory answer? Exit code 0 when it does.
 *
 * The address comes from a file beside the pid file, because a container's check does not see the flags its server was started with.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESS_FILE } from '../server/directory.ts';
import { probe, useTls } from './rest-client.ts';

const directory = process.argv[2] ?? process.env.LGRAPH_DIRECTORY ?? './lgraph_db';
try {
  const address = readFileSync(join(directory, ADDRESS_FILE), 'utf8').trim();
  // It asks whether our own process lives, and its name in the certificate need not be this address.
  if (address.startsWith('https://')) useTls({ ca: undefined, anybody: true });
  const answer = await probe(address.replace('https://', ''), '/livez');
  process.exitCode = answer?.status === 200 ? 0 : 1;
} catch (error) {
  process.stderr.write(`no server runs in ${directory}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
