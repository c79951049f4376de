/**
 * What a backup is: `<id>/manifest.json` beside its parts. A backup exists when its manifest does, and that is written last.
 *
 * The manifest carries the SHA-256 of its own text without that field, and of every part; `base` is the backup an incremental
 * one goes on from.
 */
import { DbError } from '../../base/errors.ts';
import type { BackupPoint } from '../../replica/backup-point.ts';
import { sha256 } from './storage.ts';
import type { BackupStorage } from './storage.ts';

export const MANIFEST = 'manifest.json';
const FORMAT = 1;

export interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Pairs of a state, or entries of the log. */
  readonly count: number;
  /** Of a state: its last key, in hex; of the log: its last version. */
  readonly last: string | number;
}

export interface Manifest {
  readonly format: number;
  readonly id: string;
  readonly kind: 'full' | 'incremental';
  readonly cluster_id: string;
  readonly server_version: string;
  /** Of an incremental one: the backup it goes on from, and that one's version. */
  readonly base: string | null;
  readonly base_version: number;
  /** The version it brings a restore to, the time of its last change, and the checksum of the state then. */
  readonly version: number;
  readonly time: string;
  readonly checksum: string;
  /** When the server was asked for it: every change it had by then is in the backup. */
  readonly created: string;
  readonly bytes: number;
  readonly parts: readonly Part[];
}

export function idOf(kind: Manifest['kind'], { askedMs, version }: Pick<BackupPoint, 'askedMs' | 'version'>): string {
  const stamp = new Date(askedMs).toISOString().replace(/[-:]/g, '');
  return `${stamp}-v${version}-${kind === 'full' ? 'full' : 'incr'}`;
}

/** Folders that may be backups. Whatever else lies beside them belongs to somebody else: it is neither shown nor touched. */
const ID = /^\d{8}T\d{6}\.\d{3}Z-v\d+-(?:full|incr)$/;

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function encodeManifest(manifest: Manifest): Buffer {
  const text = JSON.stringify(manifest, undefined, 1);
  return Buffer.from(JSON.stringify({ ...manifest, manifest_sha256: sha256(Buffer.from(text)) }, undefined, 1));
}

/** Throws BackupDamaged, with the name of the file. */
function decodeManifest(bytes: Buffer, name: string): Manifest {
  let json: Manifest & { manifest_sha256?: string };
  try {
    json = JSON.parse(bytes.toString()) as typeof json;
  } catch (cause) {
    throw new DbError('BackupDamaged', `${name} is truncated or is no JSON (${bytes.length} bytes)`, { hint: 'restore from an earlier backup, or from a copy', cause });
  }
  const { manifest_sha256: sum, ...manifest } = json;
  if (manifest.format > FORMAT) throw new DbError('BackupDamaged', `${name} has format ${manifest.format}; this version knows ${FORMAT}`, { hint: 'it was written by a newer lgraph_backup: use that one' });
  const folder = name.slice(0, name.indexOf('/'));
  if (sha256(Buffer.from(JSON.stringify(manifest, undefined, 1))) !== sum) throw new DbError('BackupDamaged', `${name} fails its checksum`, { hint: 'restore from an earlier backup, or from a copy' });
  if (manifest.id !== folder) throw new DbError('BackupDamaged', `${name} is that of ${manifest.id}`, { hint: 'the folder was renamed or copied: give it that name again' });
  return manifest;
}

export interface Damaged {
  readonly id: string;
  readonly error: DbError;
}

export interface Catalog {
  /** Oldest first. */
  readonly backups: readonly Manifest[];
  /** Manifests that cannot be read. */
  readonly damaged: readonly Damaged[];
  /** Folders without a manifest: a backup that runs, or was interrupted. */
  readonly unfinished: readonly string[];
  readonly files: readonly string[];
}

export async function readCatalog(storage: BackupStorage): Promise<Catalog> {
  const files = await storage.list();
  const ids = new Set(files.filter((name) => name.includes('/')).map((name) => name.slice(0, name.indexOf('/'))).filter((id) => ID.test(id)));
  const backups: Manifest[] = [];
  const damaged: Damaged[] = [];
  const unfinished: string[] = [];
  for (const id of ids) {
    const name = `${id}/${MANIFEST}`;
    if (!files.includes(name)) {
      unfinished.push(id);
      continue;
    }
    const bytes = await storage.read(name);
    if (bytes === undefined) continue; // Removed meanwhile: surely not one in the making.
    try {
      backups.push(decodeManifest(bytes, name));
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      damaged.push({ id, error });
    }
  }
  backups.sort((a, b) => a.version - b.version || Date.parse(a.created) - Date.parse(b.created));
  return { backups, damaged, unfinished, files };
}

/** The bytes of a part, proved to be what was written. Throws BackupDamaged, with the name of the file. */
export async function readPart(storage: BackupStorage, { id }: Manifest, part: Part): Promise<Buffer> {
  const name = `${id}/${part.name}`;
  const bytes = await storage.read(name);
  const damaged = (how: string) => new DbError('BackupDamaged', `${name} ${how}`, { hint: 'restore from an earlier backup, or from a copy; make a full one now' });
  if (bytes === undefined) throw damaged('is missing');
  if (bytes.length !== part.bytes) throw damaged(`has ${bytes.length} bytes, the manifest says ${part.bytes}`);
  if (sha256(bytes) !== part.sha256) throw damaged('fails its SHA-256');
  return bytes;
}
