/**
 * What must always hold, whatever the cluster went through. Numbers are those of the project's list of invariants.
 *
 * The checker is an oracle: it sees all servers, their disks as a power cut would leave them, and true time.
 */
import { quorumSize, voterIds } from '../../src/raft/config.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { NodeView } from '../../src/raft/node.ts';
import type { Config, ConfigAt, Entry, HardState, NodeId, Persist } from '../../src/raft/types.ts';
import { witnessFloor } from '../../src/raft/config.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
}

function must(claim: boolean, message: () => string): void {
  if (!claim) throw new Violation(message());
}

/** A server's disk, were the power to go now. */
export class DiskImage {
  hard: HardState = { term: 0, votedFor: undefined };
  start = 0;
  startTerm = 0;
  terms: number[] = [];

  get last(): number {
    return this.start + this.terms.length;
  }

  term(index: number): number | undefined {
    if (index === this.start) return this.startTerm;
    return this.terms[index - this.start - 1];
  }

  apply(write: Persist): void {
    if (write.hard !== undefined) this.hard = write.hard;
    if (write.start !== undefined) {
      const keep = write.start.reset ? [] : this.terms.slice(write.start.index - this.start);
      this.start = write.start.index;
      this.startTerm = write.start.term;
      this.terms = keep;
    }
    if (write.truncateFrom !== undefined) this.terms.length = Math.max(0, write.truncateFrom - this.start - 1);
    for (const entry of write.entries) this.terms.push(entry.term);
  }

  copy(): DiskImage {
    const copy = new DiskImage();
    copy.hard = this.hard;
    copy.start = this.start;
    copy.startTerm = this.startTerm;
    copy.terms = [...this.terms];
    return copy;
  }
}

export interface Seen {
  readonly id: NodeId;
  readonly view: NodeView;
  readonly image: DiskImage;
  /** The state machine's durable index: a snapshot counts as durable before the log begins behind it. */
  readonly stateIndex: number;
  readonly isWitness: boolean;
  termAt(index: number): number | undefined;
  configAt(index: number): ConfigAt;
}

/** What servers are set to, in messages and bytes under way to one peer. */
export const WINDOW = { messages: 3, bytes: 2000, batchBytes: 400 };

interface Canonical {
  readonly term: number;
  readonly data: string;
  readonly kind: number;
  /** The term, or a later one, in which it was committed. */
  readonly committedIn: number;
}

export class Checker {
  readonly #leaders = new Map<number, NodeId>();
  readonly #grants = new Map<string, NodeId>();
  readonly #terms = new Map<NodeId, number>();
  readonly #commits = new Map<NodeId, number>();
  readonly #isLeader = new Map<NodeId, number>();
  /** Every entry that ever reached a disk, by index and term: what it holds and which term comes before it. */
  readonly #saved = new Map<string, { readonly before: number | undefined; readonly data: string }>();
  readonly #configs = new Map<number, string>();
  readonly #matches = new Map<string, number>();
  /** What is committed, by index - 1: the one history. */
  readonly log: Canonical[] = [];
  readonly #dataAt = new Map<string, number>();
  readonly #hashAt: string[] = [];
  readonly refused = new Set<string>();
  committedIndex = 0;

  /** After every event of one server. `all` are the servers that exist, dead ones with their disks. */
  check(node: Seen, all: ReadonlyMap<NodeId, DiskImage>): void {
    const { id, view } = node;
    must(view.term >= (this.#terms.get(id) ?? 0), () => `6: ${id} went back to term ${view.term}`);
    this.#terms.set(id, view.term);
    must(view.commitIndex <= view.lastIndex, () => `9: ${id} commits ${view.commitIndex}, has ${view.lastIndex}`);
    const before = this.#commits.get(id) ?? 0;
    must(view.commitIndex >= before, () => `7: ${id} takes back its commit index`);
    this.#commits.set(id, view.commitIndex);
    if (view.role === 'leader') this.#checkLeader(node, all);
    else this.#isLeader.delete(id);
    if (view.commitIndex > before && view.role === 'leader') this.#checkQuorum(node, all);
    must(view.durableIndex <= Math.max(node.image.last, node.stateIndex), () => `12: ${id} believes ${view.durableIndex} durable, its disk ends at ${node.image.last}`);
    must(node.isWitness || node.image.start <= node.stateIndex, () => `15: the log of ${id} begins behind ${node.image.start}, its state would survive at ${node.stateIndex}`);
    this.#checkConfig(id, view.committedConfig);
  }

  /** The committed configuration at one index is the same everywhere. */
  #checkConfig(id: NodeId, { index, config }: ConfigAt): void {
    if (config.members.length === 0) return;
    const text = describe(config);
    const known = this.#configs.get(index);
    must(known === undefined || known === text, () => `15: the configuration at ${index} is ${text} for ${id}, ${known} for others`);
    this.#configs.set(index, text);
  }

  /** 15: a snapshot says which term and configuration are those at its index. */
  onSnapshot(index: number, term: number, configAt: ConfigAt): void {
    must(this.log[index - 1]?.term === term, () => `15: a snapshot at ${index} claims term ${term}, committed is ${this.log[index - 1]?.term}`);
    this.#checkConfig('a snapshot', configAt);
  }

  /** 2: a leader only appends. Called when a write is handed out, which may be long before it is done. */
  onPersist(id: NodeId, view: NodeView, write: Persist): void {
    const hasLed = view.role === 'leader' && this.#isLeader.get(id) === view.term;
    must(!hasLed || write.truncateFrom === undefined, () => `2: ${id} leads and removes entries from ${write.truncateFrom} on`);
  }

  /** 3, 6, 10: what a server does to its disk. `image` is the disk before. */
  onWrite(id: NodeId, image: DiskImage, write: Persist): void {
    const { hard, start, truncateFrom, entries } = write;
    if (hard !== undefined) {
      must(hard.term >= image.hard.term, () => `6: ${id} saves term ${hard.term} over ${image.hard.term}`);
      const isKept = hard.term > image.hard.term || image.hard.votedFor === undefined || hard.votedFor === image.hard.votedFor;
      must(isKept, () => `6: ${id} takes back its vote for ${image.hard.votedFor} in term ${hard.term}`);
    }
    if (truncateFrom !== undefined) {
      const first = image.term(truncateFrom);
      must(first === undefined || first !== this.log[truncateFrom - 1]?.term, () => `10: ${id} removes entries from ${truncateFrom} on, which are committed`);
    }
    let before = entries.length === 0 ? undefined : start?.reset === true && start.index === entries[0]!.index - 1 ? start.term : image.term(entries[0]!.index - 1);
    for (const entry of entries) {
      const key = `${entry.index} ${entry.term}`;
      const data = `${entry.kind} ${textOf(entry)}`;
      const known = this.#saved.get(key);
      if (known === undefined) this.#saved.set(key, { before, data });
      else must(known.before === before && known.data === data, () => `3: entry ${key} of ${id} follows term ${before}, elsewhere ${known.before}, or holds something else`);
      before = entry.term;
    }
  }

  /** A leader is told that a peer may have forgotten what it was told. */
  onPeerRestarted(leader: NodeId, peer: NodeId): void {
    this.#matches.delete(`${leader} ${peer}`);
  }

  /** 13: at most one configuration is uncommitted, and none comes before an entry of the leader's own term. */
  #checkChange({ id, view, termAt, configAt }: Seen): void {
    const { index } = view.config;
    if (index <= view.commitIndex) return;
    const before = configAt(index - 1).index;
    // Until it has committed something of its term, a leader may not know how far others got.
    must(!view.isReady || before <= view.commitIndex, () => `13: ${id} has uncommitted configurations at ${before} and ${index}`);
    must(view.isReady || termAt(index) !== view.term, () => `13: ${id} changes the group before it has committed anything of term ${view.term}`);
  }

  /** Memory is gone; what was on disk holds on. */
  onRestart(id: NodeId, image: DiskImage): void {
    this.#terms.set(id, image.hard.term);
    this.#commits.delete(id);
    this.#isLeader.delete(id);
  }

  #checkLeader(node: Seen, all: ReadonlyMap<NodeId, DiskImage>): void {
    const { id, view } = node;
    if (this.#isLeader.get(id) !== view.term) {
      this.#isLeader.set(id, view.term);
      const other = this.#leaders.get(view.term);
      must(other === undefined || other === id, () => `1: ${other} and ${id} both lead term ${view.term}`);
      this.#leaders.set(view.term, id);
      for (const key of this.#matches.keys()) if (key.startsWith(`${id} `)) this.#matches.delete(key);
      for (let index = Math.max(view.firstIndex, this.committedIndex - 100); index <= this.committedIndex; index++) {
        // One that wins an old election late owes nothing to what was committed in later terms, whichever term the entry is of.
        if (this.log[index - 1]!.committedIn >= view.term) continue;
        must(node.termAt(index) === this.log[index - 1]!.term, () => `4: the new leader ${id} of term ${view.term} lacks committed entry ${index}`);
      }
    }
    this.#checkChange(node);
    for (const [peer, progress] of view.progress) {
      // The last message that fits may be as large as a batch, or one entry.
      must(progress.inFlightCount <= WINDOW.messages && progress.inFlightBytes <= WINDOW.bytes + WINDOW.batchBytes,
        () => `23: ${id} has ${progress.inFlightCount} messages of ${progress.inFlightBytes} bytes under way to ${peer}`);
      const key = `${id} ${peer}`;
      must(progress.match >= (this.#matches.get(key) ?? 0), () => `11: ${id} takes back that ${peer} has ${this.#matches.get(key)}`);
      this.#matches.set(key, progress.match);
      const image = all.get(peer);
      // A peer that has moved on to a newer term may have dropped what it once acknowledged to this leader.
      if (image === undefined || progress.match <= image.start || image.hard.term > view.term) continue;
      must(progress.match <= image.last, () => `11: ${id} believes ${peer} has ${progress.match}, its disk ends at ${image.last}`);
    }
  }

  #checkQuorum({ id, view, termAt }: Seen, all: ReadonlyMap<NodeId, DiskImage>): void {
    const index = view.commitIndex;
    must(termAt(index) === view.term, () => `8: ${id} commits ${index} of term ${termAt(index)} in term ${view.term}`);
    const holds = (voter: NodeId) => {
      const image = all.get(voter)!;
      return image.start >= index || image.term(index) === view.term;
    };
    // A change proposed in the same moment may have come after the commit: the configuration before it counts as well.
    const isSafe = [view.config.config, view.committedConfig.config]
      .some((config) => voterIds(config).filter(holds).length >= quorumSize(config));
    must(isSafe, () => `7: ${id} commits ${index}, on the disks of ${[...all.keys()].filter(holds).join(',') || 'nobody'} only; members ${describe(view.config.config)}`);
  }

  /** 12: what a server says on the wire must be on its disk already. */
  onSend(from: NodeId, to: NodeId, message: Message, image: DiskImage): void {
    if (message.kind === 'voteReply' && message.granted) {
      const isSaved = image.hard.term > message.term || (image.hard.term === message.term && image.hard.votedFor === to);
      must(isSaved, () => `12: ${from} grants its vote of term ${message.term} to ${to} before it is saved`);
      const key = `${from} ${message.term}`;
      const other = this.#grants.get(key);
      must(other === undefined || other === to, () => `6: ${from} votes for ${other} and ${to} in term ${message.term}`);
      this.#grants.set(key, to);
    }
    if (message.kind === 'appendReply' && message.ok) {
      must(image.last >= message.index, () => `12: ${from} acknowledges ${message.index}, its disk ends at ${image.last}`);
      must(image.hard.term >= message.term, () => `12: ${from} answers in term ${message.term} before it is saved`);
    }
  }

  /** 3, 5: one entry at each committed index, everywhere. Called for each entry that some server is told to apply. */
  onApply(id: NodeId, entry: { readonly index: number; readonly term: number; readonly kind: number; readonly data: string }): void {
    const known = this.log[entry.index - 1];
    if (known === undefined) {
      must(entry.index === this.log.length + 1, () => `5: ${id} applies ${entry.index}, nobody had ${this.log.length + 1}`);
      this.log.push({ term: entry.term, data: entry.data, kind: entry.kind, committedIn: Math.max(entry.term, this.#terms.get(id) ?? 0) });
      this.committedIndex = entry.index;
      if (entry.data !== '') {
        must(!this.#dataAt.has(entry.data), () => `22: ${entry.data} is committed twice, at ${this.#dataAt.get(entry.data)} and ${entry.index}`);
        this.#dataAt.set(entry.data, entry.index);
        must(!this.refused.has(entry.data), () => `22: ${entry.data} was refused for good, yet committed at ${entry.index}`);
      }
      return;
    }
    must(known.term === entry.term && known.data === entry.data, () => `5: ${id} applies ${entry.data}@${entry.term} at ${entry.index}, others ${known.data}@${known.term}`);
  }

  onRefused(data: string): void {
    this.refused.add(data);
    must(!this.#dataAt.has(data), () => `22: ${data} is refused for good, yet committed at ${this.#dataAt.get(data)}`);
  }

  onHash(id: NodeId, index: number, hash: string): void {
    const known = this.#hashAt[index];
    must(known === undefined || known === hash, () => `5: the state of ${id} at ${index} differs`);
    this.#hashAt[index] = hash;
  }

  /** A write was acknowledged as entry `index`; `floor` was acknowledged or read before it began. */
  onWriteAcknowledged(data: string, index: number, floor: number): void {
    must(this.#dataAt.get(data) === index, () => `22: ${data} acknowledged at ${index}, committed at ${this.#dataAt.get(data)}`);
    must(index > floor, () => `19: ${data} is entry ${index}, before ${floor} which was known when it began`);
  }

  /** 20: the servers that would answer a read by their lease at one true instant. */
  onLeases(holders: readonly NodeId[]): void {
    must(holders.length <= 1, () => `20: ${holders.join(' and ')} hold a lease at the same time`);
  }

  /** Local reads of one client that carries its version along never go back in time. */
  onLocalRead(version: number, seen: number): void {
    must(version >= seen, () => `19: a local read saw version ${version}, its client had seen ${seen}`);
  }

  onRead(version: number, floor: number): void {
    must(version >= floor, () => `19: a read saw version ${version}, older than ${floor} which was known before it began`);
  }

  /** 17: what a witness dropped is held by enough data voters. */
  checkWitnesses(view: NodeView, all: ReadonlyMap<NodeId, DiskImage>): void {
    for (const { id: witness } of view.config.config.members.filter((member) => member.witness)) {
      const { start } = all.get(witness)!;
      const floor = witnessFloor(view.config.config, (id) => all.get(id)?.last ?? 0);
      must(start <= floor, () => `17: the witness ${witness} dropped entries up to ${start}, data voters are safe up to ${floor}`);
    }
  }
}

export function describe(config: Config): string {
  return config.members.map((member) => `${member.id}${member.voter ? '' : '(learner)'}${member.witness ? '(witness)' : ''}`).join(' ');
}

export function textOf(entry: Entry): string {
  return Buffer.from(entry.data).toString();
}
