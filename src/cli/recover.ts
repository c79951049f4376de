/** `lgraph_peer --command recover`: says what is there and what may be lost, asks twice, and only then does it (replica/recover.ts). */
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { ProbeAnswer } from '../replica/formation.ts';
import { Recovery } from '../replica/recover.ts';
import type { Survivor } from '../replica/recover.ts';
import { askPeer } from '../rpc/peer-question.ts';
import type { PeerCredentials } from '../rpc/raft-channel.ts';
import { runningPid } from '../server/directory.ts';

export interface RecoverOptions {
  readonly directory: string;
  readonly logDirectory: string | undefined;
  /** Other survivors that run: the one that has come furthest is to be recovered. */
  readonly others: readonly string[];
  readonly secret: string | undefined;
  readonly credentials: PeerCredentials | undefined;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

export async function recover(options: RecoverOptions): Promise<number> {
  const directory = resolve(options.directory);
  const pid = runningPid(directory);
  if (pid !== undefined) throw new Error(`the server runs (process ${pid}): stop it first`);
  const recovery = new Recovery(options.logDirectory ?? resolve(directory, 'ha'));
  try {
    const { survivor } = recovery;
    describe(survivor);
    await refuseIfBehind(survivor, options);
    if (!await isConfirmed(survivor.clusterId)) {
      say('Nothing was changed.');
      return 1;
    }
    const { copy, clusterId } = recovery.run(new Date().toISOString().replaceAll(/[:.]/g, '-'));
    say(`This server is the only voter of the new group ${clusterId} now. A copy of its old log is in ${copy}.`);
    say('Start it as before, then each of the others with --ha_join_discard_local_data true: they copy its data and vote again.');
    return 0;
  } finally {
    recovery.close();
  }
}

function describe(survivor: Survivor): void {
  say(`group      ${survivor.clusterId}`);
  say(`this node  ${survivor.nodeId}`);
  say(`log        ${survivor.firstIndex} to ${survivor.lastIndex}, last entry of term ${survivor.lastTerm}; term ${survivor.term}`);
  for (const { address, voter, witness, isSelf } of survivor.members) {
    say(`member     ${address}${voter ? '' : ', learner'}${witness ? ', witness' : ''}${isSelf ? '   <- this one' : ''}`);
  }
  say('');
  say('This makes this server the only voter of a new group. Do it only when a majority of the voters above is lost for good.');
  say('Writes that the lost servers acknowledged and this one never received are lost. Writes at the end of this log that were');
  say('never acknowledged become part of the data. The other servers of the old group can join again only without their data.');
}

async function refuseIfBehind(survivor: Survivor, { others, secret, credentials }: RecoverOptions): Promise<void> {
  for (const address of others) {
    const probe = await askPeer(address, 'probe', {}, { secret, timeoutMs: 2000, credentials }).catch(() => undefined) as ProbeAnswer | undefined;
    if (probe === undefined || probe.identity.clusterId !== survivor.clusterId || probe.info.isWitness) continue;
    if (probe.lastTerm > survivor.lastTerm || (probe.lastTerm === survivor.lastTerm && probe.lastIndex > survivor.lastIndex)) {
      throw new Error(`${address} has come further (entry ${probe.lastIndex} of term ${probe.lastTerm}): recover that one`);
    }
  }
}

/** Twice, and once by something that cannot be typed without having looked. */
async function isConfirmed(clusterId: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const iterator = lines[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string> => {
    process.stdout.write(question);
    const { value, done } = await iterator.next() as { value?: string; done?: boolean };
    process.stdout.write('\n');
    return done === true ? '' : (value ?? '').trim();
  };
  const isSure = await ask('Is a majority lost for good? (yes/no) ') === 'yes' && await ask(`Type the id of the group to go on (${clusterId}): `) === clusterId;
  lines.close();
  return isSure;
}
