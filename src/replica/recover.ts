/**
 * Unsafe recovery of a group that lost its majority for good: one survivor, offline, is made the only voter of a group with
 * a new cluster id, so that no server of the old one can ever talk to it again. The others join it as new servers.
 *
 * Nothing is rewritten: configurations that lead to one voter, a member less each, are appended to the log in a new term, and
 * the last one counts from there on (raft thesis §4.1: a configuration is in effect as soon as it is in the log). Entries behind the last known commit become
 * committed by it; what only the lost servers had is gone. That is why it asks a person.
 */
import { cpSync, existsSync } from 'node:fs';
import { systemIds } from '../base/random.ts';
import { encodeConfig, memberOf } from '../raft/config.ts';
import { ENTRY_CONFIG } from '../raft/types.ts';
import type { Config, Entry, NodeId } from '../raft/types.ts';
import { decodeInfo } from './consensus-status.ts';
import { newName } from './formation.ts';
import { realDisk } from './log-store-disk.ts';
import { lockDirectory, readIdentity, writeIdentity } from './log-store-identity.ts';
import { LogStore } from './log-store.ts';

export interface Survivor {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly term: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Address, and whether it votes or is a witness. */
  readonly members: readonly { readonly address: string; readonly voter: boolean; readonly witness: boolean; readonly isSelf: boolean }[];
}

/** Holds the directory of a server that does not run; `close` gives it back. */
export class Recovery {
  readonly #logDirectory: string;
  readonly #unlock: () => void;
  readonly survivor: Survivor;

  /** Throws with a clear line where this directory cannot be the one to go on from. */
  constructor(logDirectory: string) {
    if (!existsSync(logDirectory)) throw new Error(`${logDirectory} does not exist: --directory is the data directory of a server of the group`);
    this.#logDirectory = logDirectory;
    const disk = realDisk(logDirectory);
    this.#unlock = lockDirectory(disk, logDirectory);
    try {
      this.survivor = this.#examine();
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  #openStore(): LogStore {
    return new LogStore({ disk: realDisk(this.#logDirectory), durable: true, monotonicMs: () => performance.now() });
  }

  #examine(): Survivor {
    const identity = readIdentity(realDisk(this.#logDirectory));
    if (identity === undefined || identity.membership !== 'MEMBER') throw new Error('this directory does not belong to a member of a group');
    if (identity.isWitness) throw new Error('this is a witness: it holds no data to go on from; recover a server with data');
    const store = this.#openStore();
    const { hard, startIndex, lastIndex, terms, startTerm, configs, suspect } = store.recovered;
    store.close();
    if (suspect) throw new Error('the last record of this log is damaged: recover another survivor, or start this one in the group so that it is repaired');
    const { config } = configs.at(-1)!;
    const self = memberOf(config, identity.nodeId);
    if (self === undefined) throw new Error('this server had left the group: recover one that is a member');
    if (config.members.filter((member) => member.voter).length === 1 && self.voter) throw new Error('this server is the only voter: it needs no recovery, start it');
    return {
      clusterId: identity.clusterId, nodeId: identity.nodeId, term: hard.term, firstIndex: startIndex + 1, lastIndex, lastTerm: terms.at(-1)?.term ?? startTerm,
      members: config.members.map((member) => ({
        address: decodeInfo(member).rpcAddress, voter: member.voter, witness: member.witness, isSelf: member.id === identity.nodeId,
      })),
    };
  }

  /** Keeps a copy beside the log, then makes this server the only voter. Returns the copy's path and the new cluster id. */
  run(stamp: string): { readonly copy: string; readonly clusterId: string } {
    const copy = `${this.#logDirectory}.before-recover-${stamp}`;
    cpSync(this.#logDirectory, copy, { recursive: true, errorOnExist: true, force: false });
    const disk = realDisk(this.#logDirectory);
    const identity = readIdentity(disk)!;
    // First: with a new cluster id and the old configuration it leads nobody, and a second run does the rest.
    const clusterId = newName(systemIds);
    writeIdentity(disk, { ...identity, clusterId, formation: undefined, formed: undefined });
    const store = this.#openStore();
    const { hard, lastIndex, configs } = store.recovered;
    const term = hard.term + 1;
    const entries: Entry[] = stepsToOne(configs.at(-1)!.config, identity.nodeId)
      .map((config, i) => ({ index: lastIndex + 1 + i, term, kind: ENTRY_CONFIG, data: encodeConfig(config) }));
    store.persist({ seq: 1, hard: { term, votedFor: undefined }, start: undefined, truncateFrom: undefined, entries });
    store.close();
    return { copy, clusterId };
  }

  close(): void {
    this.#unlock();
  }
}

/** Every server that replays this log later sees changes by one voter only, as in any other. */
function stepsToOne(config: Config, selfId: NodeId): Config[] {
  let members = config.members.map((member) => (member.id === selfId ? { ...member, voter: true } : member));
  const steps: Config[] = memberOf(config, selfId)!.voter ? [] : [{ members }];
  for (const { id } of config.members) {
    if (id === selfId) continue;
    members = members.filter((member) => member.id !== id);
    steps.push({ members });
  }
  return steps;
}
