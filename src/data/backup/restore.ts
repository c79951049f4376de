/**
 * From backups back to a state: the parts of a full one, then the archived log entries of what goes on from it, up to the version
 * or the moment that is asked for. Everything is proved on the way: each part's SHA-256, and the state's checksum at every
 * version that a manifest names.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DbError } from '../../base/errors.ts';
import { Checksum } from '../../graph/checksum.ts';
import { timeOfRecord } from '../../graph/effects.ts';
import { StateWriter } from '../../graph/state-writer.ts';
import type { EntryToWrite } from '../../graph/state-writer.ts';
import { readVersion } from '../../graph/version-record.ts';
import { logEntriesIn } from '../../replica/log-part.ts';
import type { ArchivedEntry } from '../../replica/log-part.ts';
import { statePairs } from '../../replica/state-file.ts';
import { VersionClocks } from '../../storage/clocks.ts';
import type { Engine } from '../../storage/engine.ts';
import { openLevelEngine } from '../../storage/level-engine.ts';
import { OWNER_FILES, RESTORING, syncFolder } from '../staging.ts';
import { chooseChain } from './chain.ts';
import type { Target } from './chain.ts';
import { addLogical } from './create.ts';
import { readCatalog, readPart } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { isRunning } from './storage.ts';
import type { BackupStorage } from './storage.ts';

const CACHE_BYTES = 64 << 20;
const WRITE_BUFFER_BYTES = 64 << 20;
/** Entries of one write to the store. */
const RUN_ENTRIES = 512;

export interface Restored {
  readonly version: number;
  readonly timeMs: number;
  readonly checksum: string;
  readonly backups: readonly Manifest[];
}

export interface RestoreEvents {
  readonly onPart: (bytes: number) => void;
}

/** Where entries are no longer applied. */
export interface Stop {
  readonly version?: number | undefined;
  readonly timeMs?: number | undefined;
}

/** Fills an empty engine with the state that the chain holds at `stop`, or at its end; synced. Throws BackupDamaged. */
export async function buildState(storage: BackupStorage, chain: readonly Manifest[], stop: Stop, engine: Engine, events: RestoreEvents): Promise<{ version: number; timeMs: number; checksum: string }> {
  const [full, ...rest] = chain as [Manifest, ...Manifest[]];
  await fillFromFull(storage, full, engine, events);
  const applier = new Applier(engine, stop);
  for (const backup of rest) {
    for (const part of backup.parts) {
      const bytes = await readPart(storage, backup, part);
      for await (const entries of logEntriesIn(bytes, `${backup.id}/${part.name}`)) await applier.apply(entries, backup);
      events.onPart(bytes.length);
      if (applier.isDone) break;
    }
    if (applier.isDone) break;
    await applier.reachedEnd(backup);
  }
  return applier.finish();
}

async function fillFromFull(storage: BackupStorage, full: Manifest, engine: Engine, events: RestoreEvents): Promise<void> {
  const sum = new Checksum();
  for (const part of full.parts) {
    const bytes = await readPart(storage, full, part);
    for await (const puts of statePairs(bytes, `${full.id}/${part.name}`)) {
      addLogical(sum, puts);
      await engine.batch(puts, { sync: false });
    }
    events.onPart(bytes.length);
  }
  const { version } = readVersion(engine);
  if (version !== full.version) throw new DbError('BackupDamaged', `${full.id} holds the state at version ${version}, its manifest says ${full.version}`);
  compare(full, sum.toString());
}

function compare({ id, version, checksum }: Manifest, found: string): void {
  if (found !== checksum) throw new DbError('BackupDamaged', `${id}: the state at version ${version} has the checksum ${found}, the server said ${checksum}`, { hint: 'restore an earlier state, or from a copy; make a full backup now' });
}

class Applier {
  readonly #writer: StateWriter;
  readonly #stop: Stop;
  #run: EntryToWrite[] = [];
  #next: number;
  #timeMs: number;
  isDone: boolean;

  constructor(engine: Engine, stop: Stop) {
    this.#writer = new StateWriter(engine, new VersionClocks(), CACHE_BYTES);
    this.#stop = stop;
    this.#next = this.#writer.version + 1;
    this.#timeMs = readVersion(engine).timeMs;
    this.isDone = this.#writer.version === stop.version;
  }

  async apply(entries: readonly ArchivedEntry[], { id }: Manifest): Promise<void> {
    for (const { version, record } of entries) {
      if (this.isDone) return;
      if (version !== this.#next) throw new DbError('BackupDamaged', `${id} has version ${version} where ${this.#next} is expected`);
      if (record !== undefined && this.#stop.timeMs !== undefined && timeOfRecord(record) > this.#stop.timeMs) {
        this.isDone = true;
        return;
      }
      const staged = record === undefined ? { staged: undefined, timeMs: 0 } : this.#writer.stageRecord(record, version);
      this.#timeMs = Math.max(this.#timeMs, staged.timeMs);
      this.#run.push({ index: version, ...staged });
      this.#next++;
      this.isDone = version === this.#stop.version;
      if (this.#run.length >= RUN_ENTRIES) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#run.length > 0) await this.#writer.write(this.#run, { sync: false });
    this.#run = [];
  }

  async reachedEnd(backup: Manifest): Promise<void> {
    await this.#flush();
    if (this.#writer.version !== backup.version) throw new DbError('BackupDamaged', `${backup.id} ends at version ${this.#writer.version}, its manifest says ${backup.version}`);
    compare(backup, this.#writer.checksumAt(backup.version)!);
  }

  async finish(): Promise<{ version: number; timeMs: number; checksum: string }> {
    await this.#flush();
    await this.#writer.sync();
    const { version } = this.#writer;
    return { version, timeMs: this.#timeMs, checksum: this.#writer.checksumAt(version)! };
  }
}

/**
 * Makes a data directory that a new server starts on, alone or as the first of a new group. It is built in `<directory>.restoring` and
 * renamed when it is complete; what an interrupted one left is begun anew.
 */
export async function restoreBackup(storage: BackupStorage, target: Target, path: string, events: RestoreEvents): Promise<Restored> {
  const directory = resolve(path);
  checkTarget(directory);
  const chain = chooseChain(await readCatalog(storage), target);
  const staging = `${directory}${RESTORING}`;
  takeStaging(staging);
  try {
    const done = await inNewStore(join(staging, 'store'), (engine) => buildState(storage, chain, target, engine, events));
    rmSync(join(staging, OWNER_FILES.restoring));
    checkTarget(directory);
    syncFolder(join(staging, 'store'));
    syncFolder(staging);
    renameSync(staging, directory);
    syncFolder(dirname(directory));
    return { ...done, backups: chain };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

export async function inNewStore<T>(location: string, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openLevelEngine({ location, cacheBytes: CACHE_BYTES, writeBufferBytes: WRITE_BUFFER_BYTES });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Never over data. */
function checkTarget(directory: string): void {
  if (!existsSync(directory)) return;
  if (!statSync(directory).isDirectory()) throw new DbError('InvalidRequest', `${directory} is not a folder`);
  const names = readdirSync(directory);
  if (names.length > 0) {
    throw new DbError('InvalidRequest', `${directory} is not empty: it holds ${names.slice(0, 5).join(', ')}`, { hint: 'a backup is restored to a new directory, never over data: give another with --db_dir, or move that one away' });
  }
}

function takeStaging(staging: string): void {
  const owner = join(staging, OWNER_FILES.restoring);
  if (existsSync(owner)) {
    const pid = Number(readFileSync(owner, 'utf8'));
    if (Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && isRunning(pid)) throw new DbError('Busy', `another restore (process ${pid}) works on ${staging}`);
  } else if (existsSync(staging) && readdirSync(staging).some((name) => name !== 'store')) {
    throw new DbError('InvalidRequest', `${staging}, where ${basename(staging, RESTORING)} is to be built, holds other files`, { hint: 'move them away' });
  }
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  writeFileSync(owner, String(process.pid));
}
