/**
 * The state store of a machine, on a disk of its own: which one is in use after a power cut is what the real switch
 * (server/store-switch.ts) makes of it.
 */
import { createHash } from 'node:crypto';
import type { Random } from '../../../src/base/random.ts';
import { FRESH, replaceStore, settleStore, STORE } from '../../../src/server/store-switch.ts';
import type { Folder } from '../../../src/server/store-switch.ts';
import { SimDisk } from '../disk.ts';

export interface State {
  readonly index: number;
  readonly hash: string;
}

const NOTHING: State = { index: 0, hash: '0' };

export class SimStore {
  readonly disk: SimDisk;
  /** What each store that was ever filled holds durably. */
  readonly #contents = new Map<string, State>();
  #inUse = 'first';
  #made = 0;

  constructor(random: Random) {
    this.disk = new SimDisk(random);
    this.disk.put(STORE, Buffer.from(this.#inUse));
  }

  get durable(): State {
    return this.#contents.get(this.#inUse) ?? NOTHING;
  }
  set durable(state: State) {
    this.#contents.set(this.#inUse, state);
  }

  /** At a start: ends what a crash interrupted. */
  open(): void {
    settleStore(this.#folder());
    this.#inUse = textOf(this.disk, STORE);
  }

  /** A new store beside the one in use. */
  fill(state: State): void {
    const name = `filled-${++this.#made}`;
    this.#contents.set(name, state);
    if (this.disk.list().includes(FRESH)) this.disk.remove(FRESH);
    const file = this.disk.open(FRESH, true);
    file.write(0, Buffer.from(name));
    file.sync();
  }

  /** `isHasty`: a deliberate bug, the name of the filled store may be lost with the power. */
  replace(isHasty = false): void {
    const folder = this.#folder();
    let syncs = 0;
    replaceStore(isHasty ? { ...folder, sync: () => (++syncs > 1 ? folder.sync() : undefined) } : folder);
  }

  #folder(): Folder {
    const { disk } = this;
    return {
      has: (name) => disk.list().includes(name),
      rename: (from, to) => disk.rename(from, to),
      remove: (name) => {
        if (disk.list().includes(name)) disk.remove(name);
      },
      sync: () => disk.syncDirectory(),
    };
  }
}

function textOf(disk: SimDisk, name: string): string {
  const file = disk.open(name, false);
  return file.read(0, file.size).toString();
}

/** A state as a file: more than fits in one part. */
export function encodeState(state: State, bytes: number): Buffer {
  const head = Buffer.from(`${JSON.stringify(state)}\n`);
  return Buffer.concat([head, Buffer.alloc(Math.max(0, bytes - head.length), createHash('sha256').update(head).digest())]);
}

/** Undefined: it is not what was written. */
export function decodeState(bytes: Buffer, sha256: string): State | undefined {
  if (sha256Of(bytes) !== sha256) return undefined;
  return JSON.parse(bytes.subarray(0, bytes.indexOf('\n')).toString()) as State;
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
