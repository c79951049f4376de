/**
 * The receiving side of whole states, in the folder of the log:
 *
 *   incoming.part, incoming.json   a file that arrives, and the header it arrives under: what a broken transfer goes on from
 *   pending.state, pending.json    a complete one that is to be installed, and where the log must begin behind it
 *
 * Order (rule P8): file synced → renamed → its note durable → the store is replaced by one filled from it → the log is begun
 * anew behind it → note and file go. A crash in between leaves something that the next start takes up.
 */
import { megabytesText } from '../base/disk-space.ts';
import type { Recovered } from '../raft/types.ts';
import type { StateHeader, StateRefusal, StateSink } from './consensus-transport.ts';
import type { SnapshotsHost } from './consensus-snapshots.ts';
import { readSmall, removeIfThere, sizeOf, writeSmall } from './log-store-disk.ts';
import type { Disk } from './log-store-disk.ts';
import type { LogStore } from './log-store.ts';
import type { SnapshotProgress } from './protocol.ts';

const PART = 'incoming.part';
const PART_HEADER = 'incoming.json';
const PENDING = 'pending.json';
const PENDING_FILE = 'pending.state';
const SYNC_BYTES = 8 << 20;
/** The store made from the file, and what LevelDB needs on the way; the file itself comes on top where it is on the same disk. */
const STORE_FACTOR = 1.2;
/** Senders ask again within a second or so; one that has not for so long has given up. */
const HELD_UP_MS = 5000;

interface Arriving {
  readonly header: StateHeader;
  readonly startedMs: number;
  readonly startedAt: number;
  bytes: number;
}

/** A transfer that was refused for lack of space. */
interface HeldUp {
  readonly header: StateHeader;
  readonly bytes: number;
  readonly problem: string;
  readonly atMs: number;
}

export class SnapshotReceiver {
  readonly #host: SnapshotsHost;
  #arriving: Arriving | undefined;
  #heldUp: HeldUp | undefined;
  /** A part file that may be gone on from. */
  #hasPart: boolean;

  constructor(host: SnapshotsHost) {
    this.#host = host;
    this.#takeBack();
    this.#hasPart = sizeOf(host.disk, PART) !== undefined;
  }

  progress(): SnapshotProgress | undefined {
    const pending = readPending(this.#host.disk);
    if (pending !== undefined) return { phase: 'installing', bytes: pending.bytes, bytesTotal: pending.bytes, secondsLeft: undefined };
    if (this.#arriving === undefined) return this.#heldUpProgress();
    const { header, startedMs, startedAt, bytes } = this.#arriving;
    const perMs = (bytes - startedAt) / Math.max(1, this.#host.nowMs() - startedMs);
    return { phase: 'sending', bytes, bytesTotal: header.bytes, secondsLeft: perMs > 0 ? Math.ceil((header.bytes - bytes) / perMs / 1000) : undefined };
  }

  #heldUpProgress(): SnapshotProgress | undefined {
    if (this.#heldUp === undefined || this.#host.nowMs() - this.#heldUp.atMs > HELD_UP_MS) return undefined;
    const { header, bytes, problem } = this.#heldUp;
    return { phase: 'sending', bytes, bytesTotal: header.bytes, secondsLeft: undefined, problem };
  }

  onState(header: StateHeader): StateSink | StateRefusal {
    const driver = this.#host.driver();
    if (driver === undefined) return { refused: 'this server is starting' };
    if (header.index <= driver.node.view.commitIndex) return { refused: 'there' };
    const pending = readPending(this.#host.disk);
    if (pending !== undefined) return { refused: pending.sha256 === header.sha256 ? 'installing' : 'this server is installing another state' };
    if (this.#arriving !== undefined) return { refused: 'another transfer of the state is not over yet' };
    return this.#begin(header);
  }

  #begin(header: StateHeader): StateSink | StateRefusal {
    const { disk, bulk, nowMs } = this.#host;
    this.#takeBack();
    let offset = this.#offsetOf(header);
    // What nothing goes on from goes first: it may be the very space that is lacking.
    if (offset === 0) for (const name of [PART, PART_HEADER]) removeIfThere(disk, name);
    const shortage = this.#shortage(header, offset);
    if (shortage !== undefined) return this.#holdUp(header, offset, shortage);
    this.#heldUp = undefined;
    if (offset === 0) writeSmall(disk, PART_HEADER, JSON.stringify(header));
    const file = bulk.append(PART);
    // Whoever writes first learns that it could not be opened; until then nobody waits for it.
    file.catch(() => undefined);
    const arriving: Arriving = { header, startedMs: nowMs(), startedAt: offset, bytes: offset };
    this.#arriving = arriving;
    this.#hasPart = true;
    this.#host.log('info', `receiving the state of ${header.bytes} bytes at ${header.index}`, { offset });
    let synced = offset;
    return {
      offset,
      write: async (bytes) => {
        await (await file).append(bytes);
        arriving.bytes = offset += bytes.length;
        // Often and little: one sync of everything in the end would hold up the log's.
        if (offset - synced < SYNC_BYTES) return;
        await (await file).sync();
        synced = offset;
      },
      abort: async () => {
        this.#arriving = undefined;
        await file.then((opened) => opened.close(), () => undefined);
      },
      end: async () => {
        if (offset !== header.bytes) throw new Error(`${offset} of ${header.bytes} bytes arrived`);
        await (await file).sync();
        await (await file).close();
        disk.rename(PART, PENDING_FILE);
        disk.syncDirectory();
        writeSmall(disk, PENDING, JSON.stringify(header));
        removeIfThere(disk, PART_HEADER);
        this.#arriving = undefined;
        this.#hasPart = false;
        this.askToInstall();
      },
    };
  }

  /** A file that is complete, and was not noted as such (a crash, a full disk), is a part again that lacks nothing. */
  #takeBack(): void {
    const { disk } = this.#host;
    const names = disk.list();
    if (names.includes(PENDING) || !names.includes(PENDING_FILE)) return;
    if (names.includes(PART)) disk.remove(PENDING_FILE);
    else disk.rename(PENDING_FILE, PART);
    disk.syncDirectory();
  }

  #shortage({ bytes }: StateHeader, offset: number): string | undefined {
    const { disk, storeFreeBytes } = this.#host;
    const lacks = (what: string, free: number, needed: number) => (free < needed ? `${what} has ${megabytesText(free)} left, and ${megabytesText(needed)} are needed to take the state` : undefined);
    if (storeFreeBytes === undefined) return lacks('its disk', disk.freeBytes(), bytes * (1 + STORE_FACTOR) - offset);
    return lacks('the disk of its log', disk.freeBytes(), bytes - offset) ?? lacks('the disk of its data', storeFreeBytes(), bytes * STORE_FACTOR);
  }

  /** Told in the log once, however often it is asked again. */
  #holdUp(header: StateHeader, bytes: number, problem: string): StateRefusal {
    if (this.#heldUpProgress() === undefined) this.#host.log('warn', `this server cannot take the state of the group: ${problem}`, { directory: this.#host.bulk.path('') });
    this.#heldUp = { header, bytes, problem, atMs: this.#host.nowMs() };
    return { refused: problem };
  }

  /** How much of this very file an earlier transfer left here. */
  #offsetOf({ sha256, bytes }: StateHeader): number {
    const size = sizeOf(this.#host.disk, PART);
    const noted = readSmall(this.#host.disk, PART_HEADER);
    if (size === undefined || noted === undefined) return 0;
    return (JSON.parse(noted) as StateHeader).sha256 === sha256 && size <= bytes ? size : 0;
  }

  /** A state that arrived and is not installed yet, also after a crash in between. */
  askToInstall(): void {
    const pending = readPending(this.#host.disk);
    if (pending === undefined) return;
    const { index, sha256 } = pending;
    this.#host.post({ kind: 'installState', path: this.#host.bulk.path(PENDING_FILE), index, sha256 });
  }

  /** It is not what it should be: the next transfer begins at its start. */
  onRefused(index: number): void {
    const { disk } = this.#host;
    if (readPending(disk)?.index !== index) return;
    disk.remove(PENDING);
    disk.syncDirectory();
    removeIfThere(disk, PENDING_FILE);
  }

  onTick(): void {
    // The log brought us further than the file would.
    if (!this.#hasPart || this.#arriving !== undefined) return;
    const noted = readSmall(this.#host.disk, PART_HEADER);
    const isOld = noted === undefined || (JSON.parse(noted) as StateHeader).index <= this.#host.driver()!.node.view.commitIndex;
    if (!isOld) return;
    this.#hasPart = false;
    for (const name of [PART, PART_HEADER]) removeIfThere(this.#host.disk, name);
  }
}

function readPending(disk: Disk): StateHeader | undefined {
  const noted = readSmall(disk, PENDING);
  return noted === undefined ? undefined : JSON.parse(noted) as StateHeader;
}

/** The installed state's log begins behind it; then the note and the file have done their work. Returns whether it wrote. */
export function beginLogBehindState(disk: Disk, appliedIndex: number, store: LogStore): boolean {
  const pending = readPending(disk);
  if (pending === undefined || appliedIndex < pending.index) return false;
  const { recovered } = store;
  const isThere = termIn(recovered, pending.index) === pending.term;
  if (!isThere) {
    store.persist({
      seq: 1, truncateFrom: undefined, entries: [], start: { index: pending.index, term: pending.term, config: pending.config, reset: true },
      // Nobody can have asked for our vote in a term that we had never heard of.
      hard: recovered.hard.term < pending.term ? { term: pending.term, votedFor: undefined } : undefined,
    });
  }
  disk.remove(PENDING);
  disk.syncDirectory();
  removeIfThere(disk, PENDING_FILE);
  return !isThere;
}

function termIn(recovered: Recovered, index: number): number | undefined {
  if (index === recovered.startIndex) return recovered.startTerm;
  if (index < recovered.startIndex || index > recovered.lastIndex) return undefined;
  return recovered.terms.filter((run) => run.index <= index).at(-1)?.term;
}
