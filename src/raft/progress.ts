/**
 * What the leader knows about one peer, and whether it may send more.
 *
 *   probe      one message at a time until the peer's log is known to match
 *   replicate  optimistic: `next` moves as messages leave; a window in messages and bytes bounds what is in flight
 *   snapshot   the peer needs entries that are gone; nothing is sent until the snapshot has arrived or failed
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  state: ProgressState = 'probe';
  /** Highest index known to be on the peer's disk and equal to ours. */
  match = 0;
  next: number;
  /** Highest index it ever acknowledged to this leader: a restart does not take that back. */
  promised = 0;
  /** Probe: a message is out and not answered. A heartbeat's answer clears it, since the message may be lost. */
  probeSent = false;
  /** Heartbeat answers since the probe left: the first may have been on its way already. */
  probeAge = 0;
  /** Snapshot: the index of the one on its way. */
  snapshotIndex = 0;
  /** Snapshot: ticks since the driver last said that it moves. */
  snapshotTicks = 0;
  /** Heard from within the current check-quorum window. */
  isActive = false;
  /** Ticks since the last message. */
  silentTicks = 0;
  /** Last read round it confirmed. */
  round = 0;
  /** Highest commit index it was told. */
  commitSent = 0;
  /** As it says in heartbeat answers. */
  applied = 0;
  first = 0;
  /** Removed by a configuration it may not have seen yet: still served, so that it learns. */
  isLeaving = false;
  /** An append was acknowledged since its last heartbeat answer. */
  hadAck = false;
  /** How often connections to it broke since it last acknowledged something new. Those that break together, without a word from it in between, are one. */
  losses = 0;
  isHeardSinceLoss = true;
  /** An empty message must go out to find out whether something was lost. */
  mustAsk = false;
  #inFlight: { readonly last: number; readonly bytes: number }[] = [];
  #inFlightBytes = 0;

  constructor(next: number) {
    this.next = next;
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  hasRoom(messagesMax: number, bytesMax: number): boolean {
    return this.#inFlight.length < messagesMax && this.#inFlightBytes < bytesMax;
  }

  sent(last: number, bytes: number): void {
    this.#inFlight.push({ last, bytes });
    this.#inFlightBytes += bytes;
    this.next = last + 1;
  }

  /** Everything up to `index` has arrived. Returns whether that is news. */
  acknowledged(index: number): boolean {
    let count = 0;
    while (count < this.#inFlight.length && this.#inFlight[count]!.last <= index) {
      this.#inFlightBytes -= this.#inFlight[count]!.bytes;
      count += 1;
    }
    if (count > 0) this.#inFlight.splice(0, count);
    this.next = Math.max(this.next, index + 1);
    if (index <= this.match) return false;
    this.match = index;
    this.losses = 0;
    this.promised = Math.max(this.promised, index);
    return true;
  }

  becomeProbe(): void {
    // After a snapshot, continue behind it even if its answer got lost (etcd pull 10308).
    this.next = this.state === 'snapshot' ? Math.max(this.match, this.snapshotIndex) + 1 : this.match + 1;
    this.#reset('probe');
  }

  becomeReplicate(): void {
    this.#reset('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#reset('snapshot');
    this.snapshotIndex = index;
    this.snapshotTicks = 0;
  }

  #reset(state: ProgressState): void {
    this.state = state;
    this.probeSent = false;
    this.mustAsk = false;
    if (state !== 'snapshot') this.snapshotIndex = 0;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
  }

  /** The peer has no entry `rejected` like ours; `retry` is our best guess where the logs meet. False: an old answer. */
  rejected(rejected: number, retry: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state !== 'probe' || this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, retry + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }
}
