/**
 * The receiving side of whole states, in the folder of the log:
 *
 *   incoming.part, incoming.json   a file that arrives, and the header it arrives under: what a broken transfer goes on from
 *   pending.state, pending.json    a complete one that is to be installed, and where the log must begin behind it
 *
 * Order (rule P8): file synced → renamed → its note durable → the store is replaced by one filled from it → the log is begun
 * anew behind it → note and file go. A crash in between leaves something that the next start takes up.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recovered } from '../raft/types.ts';
import type { StateHeader, StateRefusal, StateSink } from './consensus-transport.ts';
import type { SnapshotsHost } from './consensus-snapshots.ts';
import type { Disk } from './log-store-disk.ts';
import type { LogStore } from './log-store.ts';
import type { SnapshotProgress } from './protocol.ts';

const PART = 'incoming.part';
const PART_HEADER = 'incoming.json';
const PENDING = 'pending.json';
const PENDING_FILE = 'pending.state';
const SYNC_BYTES = 8 << 20;
/** The file, the store made from it, and what LevelDB needs on the way. */
const SPACE_FACTOR = 2.2;

interface Arriving {
  readonly header: StateHeader;
  readonly startedMs: number;
  readonly startedAt: number;
  bytes: number;
}

export class SnapshotReceiver {
  readonly #host: SnapshotsHost;
  #arriving: Arriving | undefined;
  /** A part file that may be gone on from. */
  #hasPart: boolean;

  constructor(host: SnapshotsHost) {
    this.#host = host;
    this.#hasPart = existsSync(join(host.directory, PART));
  }

  progress(): SnapshotProgress | undefined {
    const pending = readPending(this.#host.directory);
    if (pending !== undefined) return { phase: 'installing', bytes: pending.bytes, bytesTotal: pending.bytes, secondsLeft: undefined };
    if (this.#arriving === undefined) return undefined;
    const { header, startedMs, startedAt, bytes } = this.#arriving;
    const perMs = (bytes - startedAt) / Math.max(1, this.#host.nowMs() - startedMs);
    return { phase: 'sending', bytes, bytesTotal: header.bytes, secondsLeft: perMs > 0 ? Math.ceil((header.bytes - bytes) / perMs / 1000) : undefined };
  }

  onState(header: StateHeader): StateSink | StateRefusal {
    const driver = this.#host.driver();
    if (driver === undefined) return { refused: 'this server is starting' };
    if (header.index <= driver.node.view.commitIndex) return { refused: 'there' };
    const pending = readPending(this.#host.directory);
    if (pending !== undefined) return { refused: pending.sha256 === header.sha256 ? 'installing' : 'this server is installing another state' };
    if (this.#arriving !== undefined) return { refused: 'another transfer of the state is not over yet' };
    return this.#begin(header);
  }

  #begin(header: StateHeader): StateSink | StateRefusal {
    const { directory, disk, nowMs } = this.#host;
    const part = join(directory, PART);
    let offset = this.#offsetOf(header);
    const needed = header.bytes * SPACE_FACTOR - offset;
    if (disk.freeBytes() < needed) {
      return { refused: `its disk has ${disk.freeBytes()} bytes left, and ${Math.ceil(needed)} are needed to take the state` };
    }
    if (offset === 0) {
      rmSync(part, { force: true });
      writeSmall(disk, PART_HEADER, JSON.stringify(header));
    }
    const file = open(part, 'a', 0o640);
    const arriving: Arriving = { header, startedMs: nowMs(), startedAt: offset, bytes: offset };
    this.#arriving = arriving;
    this.#hasPart = true;
    this.#host.log('info', `receiving the state of ${header.bytes} bytes at ${header.index}`, { offset });
    let synced = offset;
    return {
      offset,
      write: async (bytes) => {
        await append(await file, bytes);
        arriving.bytes = offset += bytes.length;
        // Often and little: one sync of everything in the end would hold up the log's.
        if (offset - synced < SYNC_BYTES) return;
        await (await file).datasync();
        synced = offset;
      },
      abort: async () => {
        await (await file).close();
        this.#arriving = undefined;
      },
      end: async () => {
        if (offset !== header.bytes) throw new Error(`${offset} of ${header.bytes} bytes arrived`);
        await (await file).sync();
        await (await file).close();
        disk.rename(PART, PENDING_FILE);
        disk.syncDirectory();
        writeSmall(disk, PENDING, JSON.stringify(header));
        rmSync(join(directory, PART_HEADER), { force: true });
        this.#arriving = undefined;
        this.#hasPart = false;
        this.askToInstall();
      },
    };
  }

  /** How much of this very file an earlier transfer left here. */
  #offsetOf({ sha256, bytes }: StateHeader): number {
    const part = join(this.#host.directory, PART);
    const noted = join(this.#host.directory, PART_HEADER);
    if (!existsSync(part) || !existsSync(noted)) return 0;
    const { size } = statSync(part);
    return (JSON.parse(readFileSync(noted, 'utf8')) as StateHeader).sha256 === sha256 && size <= bytes ? size : 0;
  }

  /** A state that arrived and is not installed yet, also after a crash in between. */
  askToInstall(): void {
    const pending = readPending(this.#host.directory);
    if (pending === undefined) return;
    const { index, sha256 } = pending;
    this.#host.post({ kind: 'installState', path: join(this.#host.directory, PENDING_FILE), index, sha256 });
  }

  /** It is not what it should be: the next transfer begins at its start. */
  onRefused(index: number): void {
    if (readPending(this.#host.directory)?.index !== index) return;
    this.#host.disk.remove(PENDING);
    this.#host.disk.syncDirectory();
    rmSync(join(this.#host.directory, PENDING_FILE), { force: true });
  }

  onTick(): void {
    // The log brought us further than the file would.
    if (!this.#hasPart || this.#arriving !== undefined) return;
    const noted = join(this.#host.directory, PART_HEADER);
    const isOld = !existsSync(noted) || (JSON.parse(readFileSync(noted, 'utf8')) as StateHeader).index <= this.#host.driver()!.node.view.commitIndex;
    if (!isOld) return;
    this.#hasPart = false;
    for (const name of [PART, PART_HEADER]) rmSync(join(this.#host.directory, name), { force: true });
  }
}

async function append(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten;
}

/** A small file that is there whole or not at all. */
export function writeSmall(disk: Disk, name: string, text: string): void {
  const file = disk.open(`${name}.new`, true);
  file.write(0, Buffer.from(text));
  file.sync();
  file.close();
  disk.rename(`${name}.new`, name);
  disk.syncDirectory();
}

export function readPending(directory: string): StateHeader | undefined {
  const path = join(directory, PENDING);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) as StateHeader : undefined;
}

/** The installed state's log begins behind it; then the note and the file have done their work. Returns whether it wrote. */
export function beginLogBehindState(disk: Disk, directory: string, appliedIndex: number, store: LogStore): boolean {
  const pending = readPending(directory);
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
  rmSync(join(directory, PENDING_FILE), { force: true });
  return !isThere;
}

function termIn(recovered: Recovered, index: number): number | undefined {
  if (index === recovered.startIndex) return recovered.startTerm;
  if (index < recovered.startIndex || index > recovered.lastIndex) return undefined;
  return recovered.terms.filter((run) => run.index <= index).at(-1)?.term;
}
