import { FolderStorage } from './storage.ts';
import type { BackupStorage } from './storage.ts';
import { s3Options, S3Storage } from './s3-storage.ts';
import type { S3Given } from './s3-storage.ts';

/** A folder, or `s3://bucket/prefix` with keys from the environment. */
export function openStorage(place: string, given: S3Given = {}): BackupStorage {
  return place.startsWith('s3://') ? new S3Storage(s3Options(place, process.env, given)) : new FolderStorage(place);
}
