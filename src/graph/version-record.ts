/**
 * The version record: which log entry the state store holds last. It is written in the same batch as that entry's
 * changes, so a crash can neither lose nor repeat one.
 *
 *   key 'v' | format u8 | version f64 | time of the last change (ms) f64 | checksum, 16 hex digits |
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { Engine, EngineSnapshot } from '../storage/engine.ts';
import type { CatalogData } from './catalog.ts';
import { Checksum } from './checksum.ts';

/**
 * Of a store with a full-text index, now or ever: releases that would not keep it up to date refuse the store. Until then a store has the
 * format of all releases.
 */
export const STATE_FORMAT_TEXT = 2;
/** The same of a vector index of Neo4j's kind. */
export const STATE_FORMAT_VECTOR = 3;
/** The same of a tree over vectors. */
export const STATE_FORMAT_VECTOR_TREE = 4;
/** The same of an index that is built in parts. */
export const STATE_FORMAT_BUILDS = 5;
/** The same of a range or full-text index that is. */
export const STATE_FORMAT_ALL_BUILDS = 6;
export const STATE_FORMAT = 1;
export const VERSION_KEY = Buffer.from('v');

export interface VersionRecord {
  /** 0: nothing was ever applied. */
  readonly version: number;
  readonly timeMs: number;
  readonly checksum: Checksum;
  readonly format: number;
}

export function readVersion(engine: Engine, snapshot?: EngineSnapshot): VersionRecord {
  const bytes = engine.getSync(VERSION_KEY, snapshot);
  if (bytes === undefined) return { version: 0, timeMs: 0, checksum: new Checksum(), format: STATE_FORMAT };
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format < STATE_FORMAT || format > STATE_FORMAT_ALL_BUILDS) {
    throw new DbError('Corrupted', `the data directory has format ${format}, this server knows ${STATE_FORMAT_ALL_BUILDS}`, {
      hint: format > STATE_FORMAT_ALL_BUILDS ? 'it was written by a newer server: upgrade this one' : 'see docs/UPGRADING.md',
    });
  }
  return { version: reader.f64(), timeMs: reader.f64(), checksum: Checksum.parse(reader.string()), format };
}

export function encodeVersion(record: VersionRecord): Buffer {
  return new ByteWriter(64).u8(record.format).f64(record.version).f64(record.timeMs).string(record.checksum.toString()).finish();
}

/** The format that a store with this catalog needs. */
export function formatOf({ indexes, texts, vectorIndexes, vectorTrees }: CatalogData): number {
  if (indexes.some((index) => index.isUnfinished) || texts?.some((text) => text.isUnfinished) === true) return STATE_FORMAT_ALL_BUILDS;
  if (vectorTrees?.some((tree) => tree.isUnfinished) === true) return STATE_FORMAT_BUILDS;
  if ((vectorTrees ?? []).length > 0) return STATE_FORMAT_VECTOR_TREE;
  return (vectorIndexes ?? []).length > 0 ? STATE_FORMAT_VECTOR : (texts ?? []).length > 0 ? STATE_FORMAT_TEXT : STATE_FORMAT;
}
