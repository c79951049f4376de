/**
 * When and how far the log is dropped behind the durable state.
 *
 *   by size      always: `keepsEntries` stay, more while a live follower lacks them (up to ten times as many)
 *   by time      every `intervalSeconds`, first at `firstTime`: the state store is synced, then all goes but a few entries and what
 *   on request   a member lacks (up to `keepsEntries`)
 *
 * Never further than a transfer under way goes on from, as long as the log behind it stays below `pinsLogBytes`; never what a
 * witness may still be needed for (`dropLimit`, §3.1 of the group's rules: the leader says how far). A witness holds no state: its
 * log alone is dropped, and by the same limit.
 */
import { DbError } from '../base/errors.ts';
import { pause } from '../base/timers.ts';
import type { NodeView } from '../raft/node.ts';
import type { SnapshotsHost } from './consensus-snapshots.ts';
import { decodeInfo } from './consensus-status.ts';

export interface CompactionOptions {
  readonly keepsEntries: number;
  /** 0: not by time. */
  readonly intervalSeconds: number;
  /** HH:MM:SS in local time; empty: some moment within an interval, at most a day. */
  readonly firstTime: string;
  readonly pinsLogBytes: number;
  readonly isWitness: boolean;
}

export interface Compacted {
  readonly durableIndex: number;
  readonly firstIndex: number;
  readonly dropped: number;
}

/** A live follower may hold back the log, but not for ever. */
const LAG_FACTOR = 10;
const LIVE_TICKS = 1000;
/** Kept even when the log is to be as short as it can: a follower that stops for a second needs no whole state. */
const KEEPS_AT_LEAST = 1000;
/** More than a follower usually lags, so that it need not be sent to a witness for older entries. */
const WITNESS_KEEPS_ENTRIES = 10_000;
const DAY_MS = 86_400_000;
const POLL_MS = 5;
const TIMED_SYNC_MS = 60_000;

export class LogCompaction {
  readonly #host: SnapshotsHost;
  readonly #pinnedAt: () => number | undefined;
  #dueMs: number;
  #isPinIgnored = false;
  #isHeldTold = false;

  constructor(host: SnapshotsHost, pinnedAt: () => number | undefined) {
    this.#host = host;
    this.#pinnedAt = pinnedAt;
    const { intervalSeconds, firstTime } = host.compaction;
    this.#dueMs = intervalSeconds === 0 ? Number.POSITIVE_INFINITY : firstDueMs(host.wallMs(), intervalSeconds * 1000, firstTime, host.random.next());
  }

  onTick(): void {
    const { wallMs, log, compaction } = this.#host;
    const intervalMs = compaction.intervalSeconds * 1000;
    if (intervalMs === 0) return;
    const nowMs = wallMs();
    // A clock that was ahead, and was set back, must not put it off until it is that late again.
    const isFar = this.#dueMs - nowMs > Math.max(intervalMs, DAY_MS);
    if (nowMs < this.#dueMs && !isFar) return;
    this.#dueMs = nextDueMs(this.#dueMs, nowMs, intervalMs);
    if (isFar) return;
    this.compactNow(TIMED_SYNC_MS).then(
      ({ durableIndex, firstIndex, dropped }) => log('info', 'timed compaction of the log', { durableIndex, firstIndex, dropped }),
      (error: Error) => log('warn', `timed compaction of the log: ${error.message}`),
    );
  }

  /** Syncs the state store and drops all of the log that nobody needs. Throws Timeout when the store is not synced in time. */
  async compactNow(timeoutMs: number): Promise<Compacted> {
    const { driver: driverOf, appliedIndex, durableIndex, syncState, nowMs, timers, mutants, compaction } = this.#host;
    const driver = driverOf();
    if (driver === undefined) throw new DbError('NoLeader', 'this server belongs to no group yet');
    const deadlineMs = nowMs() + timeoutMs;
    const wanted = compaction.isWitness ? 0 : appliedIndex();
    if (durableIndex() < wanted) syncState();
    while (durableIndex() < wanted && mutants?.has('drops-undurable') !== true) {
      if (nowMs() >= deadlineMs) throw new DbError('Timeout', 'the state store was not synced in time');
      await pause(timers, POLL_MS);
    }
    const before = driver.node.view.firstIndex;
    const keeps = Math.min(compaction.keepsEntries, KEEPS_AT_LEAST);
    const upTo = this.#limit(this.#lackedFrom(compaction.keepsEntries)) - keeps;
    if (upTo >= before) {
      driver.node.compactTo(upTo);
      driver.wake();
      while (driver.store.startIndex < upTo && nowMs() < deadlineMs) await pause(timers, POLL_MS);
    }
    const { firstIndex } = driver.node.view;
    return { durableIndex: compaction.isWitness ? driver.node.view.commitIndex : durableIndex(), firstIndex, dropped: firstIndex - before };
  }

  compactBySize(): void {
    const { driver: driverOf, durableIndex, compaction } = this.#host;
    const driver = driverOf()!;
    const { view } = driver.node;
    const keeps = compaction.isWitness ? WITNESS_KEEPS_ENTRIES : compaction.keepsEntries;
    this.#tellIfHeld(view, Math.min(durableIndex(), view.commitIndex), keeps);
    let upTo = Math.min(durableIndex(), view.dropLimit);
    const oldest = upTo - keeps * LAG_FACTOR;
    for (const progress of view.progress.values()) {
      if (progress.silentTicks < LIVE_TICKS && progress.match > 0) upTo = Math.min(upTo, Math.max(progress.match, oldest));
    }
    upTo = this.#limit(upTo - keeps);
    // In steps: each one writes a record and perhaps removes files.
    if (upTo - view.firstIndex < Math.max(100, compaction.isWitness ? keeps : keeps / 10)) return;
    driver.node.compactTo(upTo);
    driver.wake();
  }

  /** What only a witness and one server with data have must stay with both, however long another is away: nothing but the disk limits that. */
  #tellIfHeld(view: NodeView, index: number, keeps: number): void {
    const isHeld = index - view.dropLimit > keeps;
    if (isHeld && !this.#isHeldTold) {
      const lacking = view.config.config.members.filter(({ id, voter, witness }) => voter && !witness && (view.progress.get(id)?.match ?? index) <= view.dropLimit);
      const who = lacking.length === 0 ? 'a server with data lacks' : `${lacking.map((member) => decodeInfo(member).rpcAddress).join(', ')} lacks`;
      this.#host.log('warn', `the log grows: in a group with a witness nothing goes that ${who}, for as long as that is so. Start or wipe it, or add a server with data, before the disk is full`, {
        logBytes: this.#host.driver()!.store.size, from: view.firstIndex, to: index,
      });
    }
    this.#isHeldTold = isHeld;
  }

  /** The last entry that every member has, but for those that lag by more than `entriesMax`. */
  #lackedFrom(entriesMax: number): number {
    const { view } = this.#host.driver()!.node;
    const oldest = view.commitIndex - entriesMax;
    return Math.min(view.commitIndex, ...[...view.progress.values()].map(({ match }) => Math.max(match, oldest)));
  }

  /** `index`, or less where the state is not durable, a transfer goes on from, or a witness is needed. */
  #limit(index: number): number {
    const { driver: driverOf, appliedIndex, durableIndex, compaction, mutants, log } = this.#host;
    const { node: { view }, store } = driverOf()!;
    const kept = mutants?.has('drops-undurable') === true ? appliedIndex() : durableIndex();
    const limit = Math.min(index, kept, view.commitIndex, view.dropLimit);
    const pin = this.#pinnedAt();
    if (pin === undefined || pin >= limit) {
      this.#isPinIgnored = false;
      return limit;
    }
    if (store.size <= compaction.pinsLogBytes) return pin;
    if (!this.#isPinIgnored) log('warn', 'the log grew too long behind the state that is being sent: it is dropped, and a newer state follows', { logBytes: store.size });
    this.#isPinIgnored = true;
    return limit;
  }
}

/** The next moment after `nowMs` that is whole intervals away from `dueMs`: after a sleep or a jump of the clock once, not once for each time that was missed. */
export function nextDueMs(dueMs: number, nowMs: number, intervalMs: number): number {
  return dueMs + (Math.floor((nowMs - dueMs) / intervalMs) + 1) * intervalMs;
}

/** Wall-clock milliseconds of the first timed compaction after `nowMs`. `chance`: uniform in [0, 1). */
export function firstDueMs(nowMs: number, intervalMs: number, firstTime: string, chance: number): number {
  if (firstTime === '') return nowMs + chance * Math.min(intervalMs, DAY_MS);
  const [hours, minutes, seconds] = firstTime.split(':').map(Number) as [number, number, number];
  const at = new Date(nowMs);
  at.setHours(hours, minutes, seconds, 0);
  if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
  return at.getTime();
}
