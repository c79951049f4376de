/**
 * What a leader decides about the members: whom to let in, when a learner may vote, who has left.
 *
 * Every change is one configuration entry, proposed when none is pending; what cannot be proposed now is tried again at
 * the next tick, and callers wait for the commit.
 */
import { DbError } from '../base/errors.ts';
import { isVoter, memberOf } from '../raft/config.ts';
import type { ConfigChange } from '../raft/config.ts';
import { takesNoEntries } from '../raft/replication.ts';
import type { Member, NodeId } from '../raft/types.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import { AwakeClock, chooseRemoval } from './consensus-removal.ts';
import type { RemovalOptions } from './consensus-removal.ts';
import { decodeInfo, encodeInfo, NO_ENTRIES, replacedBy } from './consensus-status.ts';
import type { PeerCall, Transport } from './consensus-transport.ts';
import type { NodeInfo } from './protocol.ts';
import type { JoinAnswer, JoinRequest, JoinStart, ProbeAnswer } from './formation.ts';

export interface GroupHost {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly driver: ConsensusDriver;
  readonly transport: Transport;
  readonly electionTimeoutMs: number;
  /** Undefined: nobody is removed for being silent. */
  readonly removal: RemovalOptions | undefined;
  /** What a server that is connected now says about itself. */
  infoOf(id: NodeId): NodeInfo | undefined;
  readonly nowMs: () => number;
  log(level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface Gone {
  readonly member: Member;
  readonly lastHeardMs: number;
}

interface Wanted {
  readonly change: ConfigChange;
  readonly askedMs: number;
  readonly deadlineMs: number;
  index: number | undefined;
  readonly term: number;
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
}

/** A learner this close to the end of the log is caught up (braft's margin). */
const PROMOTE_LAG_ENTRIES = 1000;
/** A server that is sent away is told for so long; one that is down will not come back by itself anyway. */
const DISMISS_MS = 1000;
const MEMBER_CALL_MS = 1000;
const UPDATE_MS = 10_000;
/** How often a leader looks at its members: it reads what each says about itself, which is too much for every tick. */
const LOOK_MS = 100;

interface MembershipAnswer {
  readonly isMember?: boolean;
  readonly leader?: string;
}

export class ConsensusGroup {
  readonly #host: GroupHost;
  readonly #wanted: Wanted[] = [];
  /** Since when a learner has been caught up without a break. */
  readonly #steadySince = new Map<NodeId, number>();
  /** Those that heartbeats reach and entries do not. */
  readonly #deaf = new Set<NodeId>();
  /** Why one that has caught up does not vote, as it was told last. */
  readonly #notPromoted = new Map<NodeId, string>();
  /** Why silent members are still there, for the status. */
  notes: ReadonlyMap<NodeId, string> = new Map();
  readonly #awake: AwakeClock;
  /** When this leadership began, by the awake clock. */
  #leadingSince: number | undefined;
  /** Since when this leader knows each member: one that was just let in has not been silent before. */
  readonly #knownSince = new Map<NodeId, number>();
  /** Removed for their silence, and still listed as OFFLINE until they have been silent for `removeMs`. */
  readonly #gone = new Map<NodeId, Gone>();
  #lastRemoval = Number.NEGATIVE_INFINITY;
  #updateAfterMs = Number.NEGATIVE_INFINITY;
  /** Why a new address is not taken, as it was told last. */
  readonly #notUpdated = new Map<NodeId, string>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(host: GroupHost) {
    this.#host = host;
    this.#awake = new AwakeClock(host.electionTimeoutMs / 2);
  }

  /**
   * Proposes `change` as soon as it can be; resolves when it is committed. A removal waits until a majority of the voters that it
   * leaves has been heard from since it was asked for.
   */
  change(change: ConfigChange, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const askedMs = this.#host.nowMs();
      this.#wanted.push({
        change, askedMs, deadlineMs: askedMs + timeoutMs, index: undefined, term: this.#host.driver.node.view.term, resolve, reject,
      });
      // Not all of onTick: it asks for changes itself, and one that is refused at once would be asked for again without end.
      if (this.#host.driver.node.view.role === 'leader') this.#propose();
    });
  }

  onTick(nowMs: number): void {
    this.#awake.tick(nowMs);
    const view = this.#host.driver.node.view;
    for (const wanted of [...this.#wanted]) {
      const isCommitted = wanted.index !== undefined && view.commitIndex >= wanted.index;
      if (isCommitted && this.#host.driver.node.termAt(wanted.index!) === wanted.term) this.#settle(wanted, undefined);
      else if (view.role !== 'leader' || view.term !== wanted.term) this.#settle(wanted, new DbError('NotLeader', 'this server does not lead any more'));
      else if (nowMs >= wanted.deadlineMs) this.#settle(wanted, new DbError('Timeout', 'the change was not committed in time'));
    }
    if (view.role !== 'leader') {
      this.#steadySince.clear();
      this.#notPromoted.clear();
      this.#deaf.clear();
      this.#knownSince.clear();
      this.#gone.clear();
      this.#leadingSince = undefined;
      this.#awake.forget();
      this.#lookedMs = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#propose();
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    this.#promote(nowMs);
    this.#removeReplaced(nowMs);
    this.#removeSilent(nowMs);
    this.#updateInfo();
    this.#tellDeaf();
  }

  #tellDeaf(): void {
    const { view } = this.#host.driver.node;
    for (const member of view.config.config.members) {
      const progress = view.progress.get(member.id);
      if (!takesNoEntries(progress, view.lastIndex)) this.#deaf.delete(member.id);
      else if (progress!.isActive && !this.#deaf.has(member.id)) {
        this.#deaf.add(member.id);
        this.#host.log('warn', `${decodeInfo(member).rpcAddress}: ${NO_ENTRIES}`, { nodeId: member.id });
      }
    }
  }

  /** New addresses of a known server: its id, role and vote stay (etcd issue 21694). */
  #updateInfo(): void {
    if (this.#wanted.length > 0 || this.#host.nowMs() < this.#updateAfterMs) return;
    for (const member of this.#host.driver.node.view.config.config.members) {
      const info = this.#host.infoOf(member.id);
      if (info === undefined || encodeInfo(info, replacedBy(member)) === member.info) continue;
      this.#updateAfterMs = this.#host.nowMs() + UPDATE_MS;
      this.#update(member, info).then(() => (this.#updateAfterMs = Number.NEGATIVE_INFINITY), (error: Error) => {
        // Refused for now: by a witness that leads for a moment, say, or because nobody reaches it there.
        this.#updateAfterMs = this.#host.nowMs() + this.#host.electionTimeoutMs;
        if (this.#notUpdated.get(member.id) === error.message) return;
        this.#notUpdated.set(member.id, error.message);
        this.#host.log('warn', `${decodeInfo(member).rpcAddress} says that it is ${info.rpcAddress} now, and is not known so: ${error.message}`, { nodeId: member.id });
      });
      return;
    }
  }

  async #update(member: Member, info: NodeInfo): Promise<void> {
    const before = decodeInfo(member).rpcAddress;
    if (info.rpcAddress !== before && member.id !== this.#host.nodeId) await this.#dialBack(info.rpcAddress, member.id);
    this.#host.log('info', `${info.rpcAddress} has a new address or version`, { nodeId: member.id, before });
    await this.change({ kind: 'update', id: member.id, info: encodeInfo(info, replacedBy(member)) }, UPDATE_MS);
    this.#notUpdated.delete(member.id);
  }

  #removeSilent(nowMs: number): void {
    const { removal, driver } = this.#host;
    const { view } = driver.node;
    for (const { id } of view.config.config.members) if (!this.#knownSince.has(id)) this.#knownSince.set(id, nowMs);
    this.#leadingSince ??= this.#awake.nowMs;
    if (removal === undefined) return;
    const { remove, kept } = chooseRemoval(removal, {
      nowMs: this.#awake.nowMs, selfId: this.#host.nodeId, view, leadingSinceMs: this.#leadingSince, lastRemovalMs: this.#lastRemoval,
      lastHeardMs: (id) => this.#awake.heard(id, driver.lastHeardMs(id) ?? 0),
    });
    this.notes = kept;
    this.#forget(nowMs, removal.removeMs);
    if (remove === undefined || this.#wanted.some(({ change }) => change.kind === 'remove')) return;
    this.#lastRemoval = this.#awake.nowMs;
    const member = memberOf(view.config.config, remove)!;
    this.#host.log('warn', `${decodeInfo(member).rpcAddress} has been silent for too long and is removed`, { nodeId: remove });
    const lastHeardMs = Math.max(driver.lastHeardMs(remove) ?? 0, this.#knownSince.get(remove) ?? 0);
    // At once: the change holds when it is appended, and until it is committed the list would have neither of the two.
    if (member.voter) this.#gone.set(remove, { member, lastHeardMs });
    this.change({ kind: 'remove', id: remove }, removal.offlineMs).catch((error: Error) => {
      // Not done: to be tried again at the next tick.
      this.#gone.delete(remove);
      this.#lastRemoval = Number.NEGATIVE_INFINITY;
      this.#host.log('warn', `removal failed: ${error.message}`);
    });
  }

  get gone(): ReadonlyMap<NodeId, Gone> {
    return this.#gone;
  }

  #forget(nowMs: number, removeMs: number): void {
    for (const [id, { member, lastHeardMs }] of this.#gone) {
      const isBack = this.#membersAt(decodeInfo(member).rpcAddress).some((one) => one.id !== id);
      if (isBack || nowMs - lastHeardMs >= removeMs) this.#gone.delete(id);
    }
  }

  /**
   * Leaves the group for good, on its own wish. Called on the server that leaves; resolves to why it may not, or to nothing when
   * the configuration without it is committed.
   */
  async leave(timeoutMs: number): Promise<string | undefined> {
    const { driver, transport, nodeId } = this.#host;
    const { view } = driver.node;
    const voters = view.config.config.members.filter((member) => member.voter);
    if (!voters.some((member) => member.id === nodeId)) return 'it is not a voter';
    if (voters.length === 1) return 'it is the last voter';
    const leader = memberOf(view.config.config, view.leader ?? '');
    if (leader === undefined) return 'there is no leader to ask';
    try {
      if (leader.id === nodeId) await this.letGo(nodeId, timeoutMs);
      else await transport.call(decodeInfo(leader).rpcAddress, { op: 'leave', body: { nodeId } }, timeoutMs);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Removes a live server that wants to go; called on the leader. */
  async letGo(nodeId: NodeId, timeoutMs: number): Promise<void> {
    const { view } = this.#host.driver.node;
    if (view.role !== 'leader') throw new DbError('NotLeader', 'ask the leader');
    await this.change({ kind: 'remove', id: nodeId }, timeoutMs);
  }

  /**
   * Whether a majority of the voters without this one has been heard from since `sinceMs`. The new configuration counts from when it is
   * appended: a group that it leaves without a majority could never undo it, so that a server was there a moment ago is not enough.
   */
  #hasMajorityWithout(nodeId: NodeId, sinceMs: number): boolean {
    const { driver, nodeId: selfId } = this.#host;
    const rest = driver.node.view.config.config.members.filter((member) => member.voter && member.id !== nodeId);
    const alive = rest.filter((member) => member.id === selfId || (driver.lastHeardMs(member.id) ?? 0) > sinceMs);
    return alive.length >= Math.floor(rest.length / 2) + 1;
  }

  /** Whether the committed configuration has this server; asked by one that hears from nobody. Who does not lead says who does. */
  membership(nodeId: NodeId): MembershipAnswer {
    const { view } = this.#host.driver.node;
    if (view.role === 'leader' && view.isReady) return { isMember: memberOf(view.config.config, nodeId) !== undefined };
    const leader = memberOf(view.config.config, view.leader ?? '');
    return leader === undefined || view.role === 'leader' ? {} : { leader: decodeInfo(leader).rpcAddress };
  }

  /**
   * For a learner: nobody tells one that it was let go again, because it asks for no votes. Once nobody has led it for a while it
   * asks; true when it is no member any more.
   */
  async isForgotten(addresses: readonly string[]): Promise<boolean> {
    const { transport, nodeId } = this.#host;
    const ask = (address: string) => transport.call(address, { op: 'member', body: { nodeId } }, MEMBER_CALL_MS).catch(() => ({})) as Promise<MembershipAnswer>;
    const answers = await Promise.all(addresses.map(ask));
    // The leader may have moved since this server was let go: others know where to.
    const leaders = new Set(answers.map(({ leader }) => leader).filter((leader) => leader !== undefined && !addresses.includes(leader)));
    answers.push(...await Promise.all([...leaders].map((leader) => ask(leader!))));
    return answers.some(({ isMember }) => isMember === false);
  }

  #settle(wanted: Wanted, error: Error | undefined): void {
    this.#wanted.splice(this.#wanted.indexOf(wanted), 1);
    if (error === undefined) wanted.resolve(wanted.index!);
    else wanted.reject(error);
  }

  #propose(): void {
    const next = this.#wanted.find((wanted) => wanted.index === undefined);
    if (next === undefined) return;
    const { driver } = this.#host;
    const { view } = driver.node;
    const isFree = view.isReady && !view.isTransferring && view.config.index <= view.commitIndex;
    if (!isFree) return;
    const { change, askedMs } = next;
    if (change.kind === 'remove' && isVoter(view.config.config, change.id) && !this.#hasMajorityWithout(change.id, askedMs)) {
      if (this.#host.nowMs() - askedMs >= this.#host.electionTimeoutMs * 2) this.#settle(next, noMajority());
      return;
    }
    const result = driver.node.changeConfig(change);
    if (typeof result === 'string') {
      this.#settle(next, new DbError('InvalidRequest', result));
      return;
    }
    next.index = result;
    driver.wake();
  }

  /** Gives a learner its vote once it has kept up for a while: a slow voter makes every commit slow. */
  #promote(nowMs: number): void {
    const { view } = this.#host.driver.node;
    for (const member of view.config.config.members) {
      if (member.voter || this.#wanted.some(({ change }) => change.kind === 'promote' && change.id === member.id)) continue;
      const progress = view.progress.get(member.id);
      const isCaughtUp = progress?.state === 'replicate' && progress.match > 0 && progress.match + PROMOTE_LAG_ENTRIES >= view.lastIndex
        && progress.silentTicks < 20;
      if (!isCaughtUp) {
        this.#steadySince.delete(member.id);
        continue;
      }
      const since = this.#steadySince.get(member.id) ?? nowMs;
      this.#steadySince.set(member.id, since);
      if (nowMs - since < this.#host.electionTimeoutMs) continue;
      this.#steadySince.delete(member.id);
      this.change({ kind: 'promote', id: member.id }, 10_000).then(() => {
        this.#notPromoted.delete(member.id);
        this.#host.log('info', `${decodeInfo(member).rpcAddress} has caught up and votes from now on`, { nodeId: member.id });
      }, (error: Error) => this.#onNotPromoted(member, error.message));
    }
  }

  /** It is tried again and again: a witness may wait for a server with data for as long as nobody adds one. */
  #onNotPromoted(member: Member, why: string): void {
    if (this.#notPromoted.get(member.id) === why) return;
    this.#notPromoted.set(member.id, why);
    this.#host.log('warn', `${decodeInfo(member).rpcAddress} has caught up, and does not vote: ${why}`, { nodeId: member.id });
  }

  // ---- joining and leaving ----

  /** Takes in a server that asks; called on the leader. Idempotent. */
  async join({ nodeId, info, appliedIndex, appliedTerm }: JoinRequest): Promise<JoinAnswer> {
    const { driver, clusterId } = this.#host;
    const { view } = driver.node;
    if (view.role !== 'leader') throw new DbError('NotLeader', 'ask the leader');
    const start = this.#startFor(appliedIndex, appliedTerm);
    const known = memberOf(view.config.config, nodeId);
    if (known?.voter === true) {
      // Whoever votes has a log, and needs not ask: this directory was put back from before it had one.
      throw new DbError('InvalidRequest', `${nodeId} votes in this group, and what it promised is gone from its directory, which is an older copy: wipe this server and let it join again`);
    }
    if (known === undefined) {
      await this.#dialBack(info.rpcAddress, nodeId);
      const replaces = await this.#replaceAt(info.rpcAddress, nodeId);
      await this.change({ kind: 'addLearner', member: { id: nodeId, witness: info.isWitness, info: encodeInfo(info, replaces) } }, 8000);
      this.#host.log('info', `${info.rpcAddress} joins as a learner`, { nodeId });
    }
    return { clusterId, start };
  }

  /**
   * Where the log of a server begins that brings data of this group. Behind what this log still holds its own word about the term
   * counts: it is asked for older entries than there are, and gets the whole state.
   */
  #startFor(appliedIndex: number, appliedTerm: number): JoinStart | undefined {
    if (appliedIndex === 0) return undefined;
    const { node } = this.#host.driver;
    const { view } = node;
    const term = appliedIndex <= view.commitIndex ? node.termAt(appliedIndex) : undefined;
    const isBehindLog = appliedIndex < view.firstIndex - 1 && appliedTerm > 0;
    // Nobody here knows the configuration of that place any more: the log, of another leader perhaps, or the whole state will say it.
    if (term === undefined && isBehindLog) return { index: appliedIndex, term: appliedTerm, config: { members: [] } };
    if (term === undefined || (appliedTerm > 0 && term !== appliedTerm)) {
      throw new DbError('InvalidRequest', `its data (version ${appliedIndex}) is not part of the history of this group; --ha_join_discard_local_data true sets it aside and joins`);
    }
    return { index: appliedIndex, term, config: node.configAt(appliedIndex).config };
  }

  /** Who asks must be who answers at the address it gives. */
  async #dialBack(address: string, nodeId: NodeId | undefined): Promise<ProbeAnswer> {
    const call: PeerCall = { op: 'probe', body: {} };
    let answer: ProbeAnswer;
    try {
      answer = await this.#host.transport.call(address, call, 2000) as ProbeAnswer;
    } catch (cause) {
      throw new DbError('InvalidRequest', `${address} does not answer: ${(cause as Error).message}`, { cause });
    }
    if (nodeId !== undefined && answer.identity.nodeId !== nodeId) {
      throw new DbError('InvalidRequest', `${address} answers as ${answer.identity.nodeId}, not as ${nodeId}`);
    }
    if (answer.identity.membership === 'MEMBER' && answer.identity.clusterId !== this.#host.clusterId) {
      throw new DbError('InvalidRequest', `${address} is a member of another group, ${answer.identity.clusterId}`);
    }
    return answer;
  }

  /**
   * A wiped disk comes back as a new server at an old address: the old identity is gone for good. One that did not vote makes way at
   * once; one that did only when its successor votes (`#removeReplaced`), so that no step leaves fewer live voters than before.
   * A witness cannot wait for that, because there would be one too many: it makes way if the rest has a live majority. Gives those that
   * make way later.
   */
  async #replaceAt(address: string, nodeId: NodeId): Promise<NodeId[]> {
    const later: NodeId[] = [];
    for (const old of this.#membersAt(address)) {
      const isElsewhere = (this.#host.infoOf(old.id)?.rpcAddress ?? address) !== address;
      if (old.id === nodeId || isElsewhere) continue;
      this.#host.log('warn', `${address} has a new identity: it takes the place of the old one`, { old: old.id, nodeId });
      if (!old.voter || (old.witness && this.#hasMajorityWithout(old.id, this.#host.nowMs() - this.#host.electionTimeoutMs * 2))) await this.change({ kind: 'remove', id: old.id }, 8000);
      else later.push(old.id);
    }
    return later;
  }

  #removeReplaced(nowMs: number): void {
    if (this.#wanted.length > 0) return;
    const { driver } = this.#host;
    // Silence counts from when a member is known: the one that was heard last is the one that lives there now.
    const isSilent = (id: NodeId) => nowMs - Math.max(driver.lastHeardMs(id) ?? 0, this.#knownSince.get(id) ?? nowMs) > this.#host.electionTimeoutMs * 2;
    for (const member of driver.node.view.config.config.members) {
      if (!member.voter || (member.id !== this.#host.nodeId && isSilent(member.id))) continue;
      const old = replacedBy(member).find((id) => memberOf(driver.node.view.config.config, id) !== undefined && isSilent(id));
      if (old === undefined) continue;
      this.#host.log('info', 'the successor of a wiped server votes: its old identity is removed', { old, nodeId: member.id });
      this.change({ kind: 'remove', id: old }, 8000).catch((error: Error) => this.#host.log('warn', `removal failed: ${error.message}`));
      return;
    }
  }

  #membersAt(address: string): Member[] {
    return this.#host.driver.node.view.config.config.members.filter((member) => decodeInfo(member).rpcAddress === address);
  }

  /** Those that are listed at an address, or answer there. */
  #knownAt(address: string): Member[] {
    return this.#host.driver.node.view.config.config.members.filter((member) => decodeInfo(member).rpcAddress === address || this.#host.infoOf(member.id)?.rpcAddress === address);
  }

  #heardMs(id: NodeId): number {
    return id === this.#host.nodeId ? Infinity : this.#host.driver.lastHeardMs(id) ?? 0;
  }

  /** The server at an address; the one that was heard last, where a wiped one has not lost its old identity yet. */
  memberAt(address: string): Member {
    const found = this.#knownAt(address).sort((a, b) => this.#heardMs(b.id) - this.#heardMs(a.id))[0];
    if (found !== undefined) return found;
    const known = this.#host.driver.node.view.config.config.members.map((member) => decodeInfo(member).rpcAddress);
    throw new DbError('InvalidRequest', `no server of the group has the address ${address}`, { hint: `they are ${known.join(', ')}` });
  }

  async addByAddress(address: string, timeoutMs: number): Promise<{ readonly nodeId: NodeId; readonly index: number }> {
    const { driver } = this.#host;
    if (driver.node.view.role !== 'leader') throw new DbError('NotLeader', 'only the leader adds servers');
    const answer = await this.#dialBack(address, undefined);
    const { nodeId } = answer.identity;
    if (memberOf(driver.node.view.config.config, nodeId) !== undefined) return { nodeId, index: driver.node.view.config.index };
    const replaces = this.#membersAt(answer.info.rpcAddress).map(({ id }) => id);
    const index = await this.change({ kind: 'addLearner', member: { id: nodeId, witness: answer.info.isWitness, info: encodeInfo(answer.info, replaces) } }, timeoutMs);
    return { nodeId, index };
  }

  /** `named`: its address, or its node id. */
  async removeNamed(named: string, timeoutMs: number): Promise<{ readonly nodeId: NodeId; readonly index: number }> {
    const { driver } = this.#host;
    if (driver.node.view.role !== 'leader') throw new DbError('NotLeader', 'only the leader removes servers');
    const member = memberOf(driver.node.view.config.config, named) ?? this.#onlyMemberAt(named);
    const nodeId = member.id;
    // Told before it is done: a server that was removed for its silence comes back by itself, one that is sent away stays away.
    await this.#host.transport.call(this.#host.infoOf(nodeId)?.rpcAddress ?? decodeInfo(member).rpcAddress, { op: 'dismiss', body: { nodeId } }, DISMISS_MS).catch(() => undefined);
    return { nodeId, index: await this.remove(nodeId, timeoutMs) };
  }

  /** One of two servers may have taken the address of the other, which was wiped, or never came to the address that it was to have instead. */
  #onlyMemberAt(address: string): Member {
    const members = this.#knownAt(address);
    if (members.length < 2) return this.memberAt(address);
    const nowMs = this.#host.nowMs();
    const told = members.map(({ id }) => `${id} (${id === this.#host.nodeId ? 'this one' : this.#heardMs(id) === 0 ? 'not heard by this leader' : `heard ${((nowMs - this.#heardMs(id)) / 1000).toFixed(1)} s ago`})`);
    throw new DbError('InvalidRequest', `${members.length} servers are listed at ${address}: ${told.join(', ')}`, { hint: 'name the one that is to go by its node id in place of the address' });
  }

  async remove(nodeId: NodeId, timeoutMs: number): Promise<number> {
    const { config } = this.#host.driver.node.view.config;
    if (isVoter(config, nodeId) && config.members.filter((member) => member.voter).length === 1) {
      throw new DbError('InvalidRequest', 'the last voter cannot leave the group');
    }
    return this.change({ kind: 'remove', id: nodeId }, timeoutMs);
  }
}

function noMajority(): DbError {
  return new DbError('InvalidRequest', 'the rest would have no live majority: first start or remove the servers that are down');
}
