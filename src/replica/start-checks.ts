/**
 * What a start is refused for: options that do not fit what this directory is, or what the other servers are.
 *
 *   ha_bootstrap_role   EMPTY             with data, never a group    MEMBER         REMOVED
 *   0                   form or join      form if all hold the same   normal start   join
 *   1                   form alone        form alone, with the data   refused        refused
 *   2                   join              refused                     normal start   join
 *
 * Role 1 on a member is refused rather than ignored: whoever starts it so believes that the group does not exist yet.
 */
import type { NewId } from '../base/random.ts';
import type { NodeId, Recovered } from '../raft/types.ts';
import type { Transport } from './consensus-transport.ts';
import { decodeInfo } from './consensus-status.ts';
import { probeAll } from './formation.ts';
import type { ProbeAnswer } from './formation.ts';
import type { Disk } from './log-store-disk.ts';
import { newIdentity, readIdentity } from './log-store-identity.ts';
import type { Identity } from './log-store-identity.ts';
import type { ConsensusOptions } from './protocol.ts';

export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

export const BOOTSTRAP_ROLES = [0, 1, 2] as const;

/** As much of the options as the directory alone can fit or not. */
export type BootOptions = Pick<ConsensusOptions, 'bootstrapRole' | 'appliedIndex' | 'enabled'> & { readonly info: Pick<ConsensusOptions['info'], 'isWitness'> };

/** Who this server is from now on; refused where the directory does not fit the options. Nothing is written. */
export function bootOf(disk: Disk, options: BootOptions, newId: NewId): Identity {
  const { isWitness } = options.info;
  if (isWitness && options.bootstrapRole === 1) {
    throw new StartRefused('Can not bootstrap on witness node: a witness holds no data to begin a group with (ha_bootstrap_role 1)');
  }
  let known = readIdentity(disk);
  if (known === undefined && disk.list().some((name) => name.startsWith('log-'))) {
    throw new StartRefused('there is a log but no node.json beside it, so nobody knows whose it is: restore node.json, or wipe the directory and let the server join again');
  }
  known ??= newIdentity(isWitness, newId);
  // Whoever was removed comes back as somebody new: its old vote died with the old identity.
  if (known.membership === 'REMOVED') known = { ...newIdentity(isWitness, newId), membership: 'REMOVED', clusterId: known.clusterId, stateTerm: known.stateTerm };
  if (known.membership !== 'EMPTY' && known.isWitness !== isWitness) {
    throw new StartRefused(`this directory belongs to a ${known.isWitness ? 'witness' : 'server with data'}; its role cannot change`);
  }
  const identity: Identity = { ...known, isWitness, bootSeq: known.bootSeq + 1 };
  checkDirectory(options, identity);
  return identity;
}

/** A member has a log from before it is one: without it, votes and entries that it promised to keep are gone. Gives what is wrong. */
export function missingLog(disk: Disk, identity: Identity, logDirectory: string): string | undefined {
  if (identity.membership !== 'MEMBER' || disk.list().some((name) => /^log-[0-9a-f]{16}$/.test(name))) return undefined;
  return `the log in ${logDirectory} is gone, but this server is a member of the group ${identity.clusterId}: `
    + 'put the files back, or wipe this server (data and log) and let it join again';
}

/** Data that is gone, or an older copy of it, cannot be made whole from a log that begins later. Gives what is wrong. */
export function missingData(recovered: Recovered, { info, appliedIndex }: BootOptions): string | undefined {
  if (info.isWitness || appliedIndex >= recovered.startIndex) return undefined;
  return `the data is at version ${appliedIndex}, but the log begins behind version ${recovered.startIndex}: what was written between the two is not here. `
    + 'Put the data back that goes with this log, or wipe this server (data and log) and let it join again, or restore a backup';
}

/** A server of a group does not run without it: what it would be told alone, the others would never have. Gives what is wrong. */
export function notAlone(recovered: Recovered, identity: Identity): string | undefined {
  if (isAlone(recovered, identity.nodeId)) return undefined;
  const members = recovered.configs.at(-1)?.config.members.map((member) => decodeInfo(member).rpcAddress) ?? [];
  return `this directory belongs to a server of the group ${members.join(', ')}: start it with --enable_ha true`;
}

/** What the directory alone tells. */
function checkDirectory(options: BootOptions, identity: Identity): void {
  if (options.bootstrapRole === 1) {
    if (identity.membership === 'MEMBER' && !identity.isStandalone) {
      throw new StartRefused(`this server belongs to the group ${identity.clusterId} already: ha_bootstrap_role 1 is for the first start only; start it again without ha_bootstrap_role`);
    }
    if (identity.membership === 'REMOVED') {
      throw new StartRefused(`this server left the group ${identity.clusterId} and would begin a second one beside it: start it again without ha_bootstrap_role to join, or on another directory`);
    }
  }
  if (options.bootstrapRole === 2 && (identity.membership === 'EMPTY' || identity.isStandalone) && options.appliedIndex > 0 && !options.info.isWitness) {
    throw new StartRefused(`this server holds data of its own (version ${options.appliedIndex}) and ha_bootstrap_role 2 copies that of the group: `
      + 'give it an empty --directory, or --ha_join_discard_local_data true to set the data aside; ha_bootstrap_role 1 is for the server whose data the group begins with');
  }
}

/** Role 1 makes the first server of a new group out of its data: never beside a group that is there already, or one that is about to be. */
export async function checkBootstrap(transport: Transport, others: readonly string[]): Promise<void> {
  for (const { info, identity, bootstrapRole } of await probeAll(transport, others)) {
    if (identity.membership === 'MEMBER') {
      throw new StartRefused(`${info.rpcAddress} belongs to the group ${identity.clusterId} already: start this server with ha_bootstrap_role 2 (or 0) to join it`);
    }
    if (bootstrapRole === 1) throw new StartRefused(`${info.rpcAddress} is started with ha_bootstrap_role 1 too: only one server of a group begins it, all others have ha_bootstrap_role 2`);
  }
}

/** The term of an entry that the log still holds, or begins behind; 0: it does not know. */
export function recoveredTerm(recovered: Recovered, index: number): number {
  if (index === recovered.startIndex) return recovered.startTerm;
  if (index < recovered.startIndex || index > recovered.lastIndex) return 0;
  return recovered.terms.findLast((run) => run.index <= index)?.term ?? 0;
}

/**
 * Of the servers at these addresses, one that knows of a commit behind the end of this log: the entry that gave another server a vote is such
 * a one. That it holds more is no proof: a learner may well have what its only voter had not saved yet.
 */
export async function whoIsAhead(transport: Transport, addresses: readonly string[], self: {
  readonly nodeId: NodeId; readonly clusterId: string; readonly lastIndex: number;
}): Promise<string | undefined> {
  const answers = await probeAll(transport, addresses);
  const isAhead = ({ identity, commitIndex = 0 }: ProbeAnswer) => identity.clusterId === self.clusterId && identity.nodeId !== self.nodeId && commitIndex > self.lastIndex;
  return answers.find(isAhead)?.info.rpcAddress;
}

export function isAlone(recovered: Recovered, id: NodeId): boolean {
  const { members } = recovered.configs.at(-1)!.config;
  return members.length === 1 && members[0]!.id === id;
}
