/**
 * Making backups. Nothing here stops a server from taking writes: it reads a snapshot of the store, or the log.
 *
 * A backup in the making is a folder with `progress.json`, written behind each part: whoever comes after a crash goes on from there, if
 * the server still holds the version (full), or its log (incremental). The manifest is written last and makes it a backup.
 */
import { DbError } from '../../base/errors.ts';
import { Checksum } from '../../graph/checksum.ts';
import { logEntriesIn } from '../../replica/log-part.ts';
import { statePairs } from '../../replica/state-file.ts';
import type { Put } from '../../replica/state-file.ts';
import { kindOfKey } from '../block-kinds.ts';
import { chainOf } from './chain.ts';
import { encodeManifest, idOf, isoTime, MANIFEST, readCatalog } from './manifest.ts';
import type { Catalog, Manifest, Part } from './manifest.ts';
import type { BackupPoint } from '../../replica/backup-point.ts';
import type { BackupSource } from './source.ts';
import { sha256 } from './storage.ts';
import type { BackupStorage } from './storage.ts';

export type BackupType = 'full' | 'incremental' | 'auto';
export const BACKUP_TYPES = ['auto', 'full', 'incremental'] as const;

export interface CreateOptions {
  /** `auto`: incremental where that can be, else full. */
  readonly type: BackupType;
  /** A full one in place of an incremental one that cannot be. */
  readonly fullIfNeeded: boolean;
  readonly partBytes: number;
  readonly onPart: (bytes: number) => void;
  /** A line for people about something worth knowing. */
  readonly onNote: (line: string) => void;
}

interface Progress {
  readonly kind: Manifest['kind'];
  readonly id: string;
  readonly point: BackupPoint;
  readonly base: string | null;
  readonly baseVersion: number;
  /** Full: the server knows the version by it. */
  readonly token: string;
  /** Full: of what is in the parts. */
  checksum: string;
  parts: Part[];
}

const PROGRESS = 'progress.json';
const ATTEMPTS = 3;

/** Makes a backup, and for a full one also what ties it to the one before; gives the manifests, none if nothing has changed. */
export async function createBackup(source: BackupSource, storage: BackupStorage, options: CreateOptions): Promise<Manifest[]> {
  const unlock = await storage.lock();
  try {
    return await new Maker(source, storage, options).run();
  } finally {
    unlock();
  }
}

class Maker {
  readonly #source: BackupSource;
  readonly #storage: BackupStorage;
  readonly #options: CreateOptions;

  constructor(source: BackupSource, storage: BackupStorage, options: CreateOptions) {
    this.#source = source;
    this.#storage = storage;
    this.#options = options;
  }

  async run(): Promise<Manifest[]> {
    const catalog = await readCatalog(this.#storage);
    for (const { error } of catalog.damaged) this.#options.onNote(error.message);
    const left = await this.#leftOver(catalog);
    if (this.#options.type === 'full' || left?.kind === 'full') return this.#full(catalog, left);
    try {
      return await this.#incremental(catalog, left);
    } catch (error) {
      if (!(error instanceof NoBase) && !(error instanceof DbError && error.code === 'LogNotKept')) throw error;
      if (this.#options.type !== 'auto' && !this.#options.fullIfNeeded) {
        throw error instanceof NoBase ? new DbError('LogNotKept', error.message, { hint: HINT }) : new DbError('LogNotKept', `the log does not reach back to the newest backup: ${error.message}`, { hint: HINT });
      }
      this.#options.onNote(`${error.message}: making a full backup`);
      return this.#full(catalog, undefined);
    }
  }

  // -------------------------------------------------------------- what was interrupted

  /** The newest backup in the making; everything else without a manifest goes, but for what another group that shares the place is making. */
  async #leftOver({ unfinished, files }: Catalog): Promise<Progress | undefined> {
    if (unfinished.length === 0) return undefined;
    const { clusterId } = await this.#source.newest();
    let found: Progress | undefined;
    for (const id of [...unfinished].sort().reverse()) {
      const progress = parsed(await this.#storage.read(`${id}/${PROGRESS}`));
      if (progress?.id === id && progress.point.clusterId !== clusterId) continue;
      if (progress?.id === id && found === undefined) found = progress;
      else await this.#discard(id, files);
    }
    return found;
  }

  async #discard(id: string, files?: readonly string[]): Promise<void> {
    for (const name of files ?? await this.#storage.list(id)) if (name.startsWith(`${id}/`)) await this.#storage.remove(name);
  }

  // -------------------------------------------------------------- full

  async #full(catalog: Catalog, left: Progress | undefined): Promise<Manifest[]> {
    let progress = left?.kind === 'full' ? left : undefined;
    if (left !== undefined && progress === undefined) await this.#discard(left.id);
    if (progress !== undefined) this.#options.onNote(`going on with ${progress.id} behind ${progress.parts.length} parts`);
    for (let attempt = 1; ; attempt++) {
      progress ??= await this.#begin();
      try {
        const manifest = await this.#copyState(progress);
        const bridge = await this.#bridge(catalog, progress.point);
        return bridge === undefined ? [manifest] : [bridge, manifest];
      } catch (error) {
        if (!(error instanceof DbError) || error.code !== 'BackupExpired' || attempt === ATTEMPTS) throw error;
        this.#options.onNote(`${progress.id} cannot be gone on with: ${error.message}`);
        await this.#discard(progress.id);
        progress = undefined;
      }
    }
  }

  async #begin(): Promise<Progress> {
    const { token, ...point } = await this.#source.begin();
    const progress: Progress = { kind: 'full', id: idOf('full', point), point, base: null, baseVersion: 0, token, checksum: new Checksum().toString(), parts: [] };
    await this.#save(progress);
    return progress;
  }

  async #copyState(progress: Progress): Promise<Manifest> {
    const sum = Checksum.parse(progress.checksum);
    for (;;) {
      const name = partName('state', progress);
      const bytes = await this.#source.state(progress.token, String(progress.parts.at(-1)?.last ?? ''), this.#options.partBytes);
      let count = 0;
      let last: Uint8Array | undefined;
      for await (const puts of statePairs(bytes, `${progress.id}/${name}`)) {
        addLogical(sum, puts);
        count += puts.length;
        last = puts.at(-1)!.key;
      }
      if (last === undefined) break;
      progress.checksum = sum.toString();
      await this.#keep(progress, name, bytes, count, Buffer.from(last).toString('hex'));
    }
    if (sum.toString() !== progress.point.checksum) {
      throw new DbError('Corrupted', `the state that came has the checksum ${sum.toString()}, the server says ${progress.point.checksum} at version ${progress.point.version}`, { hint: 'look at that server with lgraph_peer --command check, and back up from another' });
    }
    const manifest = await this.#finish(progress);
    await this.#source.end(progress.token).catch(() => undefined);
    return manifest;
  }

  /** From the backup before up to a full one, so that moments between the two can be restored. */
  async #bridge(catalog: Catalog, point: BackupPoint): Promise<Manifest | undefined> {
    const base = newestBase(catalog, point.clusterId);
    if (base === undefined || base.version >= point.version) return undefined;
    try {
      return await this.#copyLog(progressFrom(base, point));
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'LogNotKept') throw error;
      this.#options.onNote(`moments between ${base.time} and ${isoTime(point.timeMs)} cannot be restored: ${error.message}`);
      return undefined;
    }
  }

  // -------------------------------------------------------------- incremental

  async #incremental(catalog: Catalog, left: Progress | undefined): Promise<Manifest[]> {
    const point = left?.point ?? await this.#source.newest();
    const base = newestBase(catalog, point.clusterId);
    if (left !== undefined && left.base !== base?.id) {
      await this.#discard(left.id);
      return this.#incremental(catalog, undefined);
    }
    if (base === undefined) throw new NoBase(`${this.#storage.place} holds no full backup of the group ${point.clusterId}`);
    if (point.version < base.version) {
      throw new DbError('VersionNotReached', `this server is at version ${point.version}, and the newest backup at ${base.version}`, { hint: 'wait until it has caught up, or ask another server' });
    }
    if (point.version === base.version) return [];
    if (left !== undefined) this.#options.onNote(`going on with ${left.id} behind ${left.parts.length} parts`);
    return [await this.#copyLog(left ?? progressFrom(base, point))];
  }

  async #copyLog(progress: Progress): Promise<Manifest> {
    const { point } = progress;
    if (progress.parts.length === 0) await this.#save(progress);
    for (;;) {
      const from = Number(progress.parts.at(-1)?.last ?? progress.baseVersion) + 1;
      if (from > point.version) break;
      const name = partName('log', progress);
      let bytes: Buffer;
      try {
        bytes = await this.#source.log(from, point.version, this.#options.partBytes);
      } catch (error) {
        if (error instanceof DbError && error.code === 'LogNotKept') await this.#discard(progress.id);
        throw error;
      }
      let last = from - 1;
      for await (const entries of logEntriesIn(bytes, `${progress.id}/${name}`)) {
        if (entries[0]!.version !== last + 1) throw new DbError('Corrupted', `the server sent version ${entries[0]!.version} where ${last + 1} was asked for`);
        last = entries.at(-1)!.version;
      }
      await this.#keep(progress, name, bytes, last - from + 1, last);
    }
    return this.#finish(progress);
  }

  // -------------------------------------------------------------- both

  #save(progress: Progress): Promise<void> {
    return this.#storage.write(`${progress.id}/${PROGRESS}`, Buffer.from(JSON.stringify(progress)));
  }

  async #keep(progress: Progress, name: string, bytes: Buffer, count: number, last: string | number): Promise<void> {
    await this.#storage.write(`${progress.id}/${name}`, bytes);
    progress.parts = [...progress.parts, { name, bytes: bytes.length, sha256: sha256(bytes), count, last }];
    await this.#save(progress);
    this.#options.onPart(bytes.length);
  }

  async #finish({ id, kind, base, baseVersion, point, parts }: Progress): Promise<Manifest> {
    const manifest: Manifest = {
      format: 1, id, kind, cluster_id: point.clusterId, server_version: point.serverVersion, base, base_version: baseVersion, version: point.version,
      time: isoTime(point.timeMs), checksum: point.checksum, created: isoTime(point.askedMs), bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts,
    };
    await this.#storage.write(`${id}/${MANIFEST}`, encodeManifest(manifest));
    await this.#storage.remove(`${id}/${PROGRESS}`);
    return manifest;
  }
}

const HINT = 'make a full backup: --type full, or --full_if_needed true; ha_log_keeps_entries keeps more of the log';

class NoBase extends Error {}

function progressFrom(base: Manifest, point: BackupPoint): Progress {
  return { kind: 'incremental', id: idOf('incremental', point), point, base: base.id, baseVersion: base.version, token: '', checksum: '', parts: [] };
}

/** What the next incremental backup goes on from: the newest that can be restored, a full one before its equal. */
function newestBase(catalog: Catalog, clusterId: string): Manifest | undefined {
  const fits = catalog.backups.filter((backup) => {
    if (backup.cluster_id !== clusterId) return false;
    try {
      return chainOf(backup, catalog).length > 0;
    } catch {
      return false; // Said when somebody asks for it.
    }
  });
  return fits.reduce<Manifest | undefined>((best, one) => (best === undefined || one.version > best.version || (one.version === best.version && one.kind === 'full') ? one : best), undefined);
}

function partName(what: 'state' | 'log', { parts }: Progress): string {
  return `${what}-${String(parts.length + 1).padStart(6, '0')}`;
}

function parsed(bytes: Buffer | undefined): Progress | undefined {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString()) as Progress;
  } catch {
    return undefined; // Nothing to go on from.
  }
}

/** Vertices, edges, catalogs: what the checksum of a state is made of. */
export function addLogical(sum: Checksum, puts: readonly Put[]): void {
  for (const { key, value } of puts) if (key[0] === BLOCK_PREFIX && kindOfKey(key)?.logical === true) sum.add(key, value);
}

const BLOCK_PREFIX = 'g'.charCodeAt(0);
