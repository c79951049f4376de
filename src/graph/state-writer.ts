/**
 * The one writer of the state store: the speculative head for write transactions on the leader, and the application of
 * committed entries everywhere.
 *
 *   head = engine + overlay.   The overlay holds the blocks of entries that are staged but not yet written, each with the
 *   sequence number of the last entry that changed it. A leader stages a transaction when it proposes it; a follower
 *   stages an entry when it applies it. `write` puts a run of staged entries, in order, into one engine batch together
 *   with the version record, and then takes what they changed out of the overlay.
 */
import { assert } from '../base/assert.ts';
import { ByteWriter } from '../base/bytes.ts';
import { VersionClocks } from '../storage/clocks.ts';
import type { BatchInProgress, Engine } from '../storage/engine.ts';
import { absentAsUndefined, BlockCache, readBlock } from './block-source.ts';
import type { BlockSource } from './block-source.ts';
import { blockKey, CatalogBlock, renumberKey } from './blocks.ts';
import type { Block, BlockKind } from './blocks.ts';
import type { Checksum } from './checksum.ts';
import { RecentChecksums } from './checksum.ts';
import { applyEffects } from './effects.ts';
import { encodeVersion, formatOf, readVersion, VERSION_KEY } from './version-record.ts';
import { ChangeSet } from './write-buffer.ts';
import type { Change } from './write-buffer.ts';

interface Overlaid {
  readonly block: Block | undefined;
  readonly sequence: number;
}

/** An entry whose changes are in the overlay. */
export interface Staged {
  readonly sequence: number;
  readonly changes: ChangeSet;
}

/** One entry to write: its changes, or none for an entry without data. */
export interface EntryToWrite {
  readonly index: number;
  readonly staged: Staged | undefined;
  readonly timeMs: number;
}

/** A block's form after the last of the entries that change it; its bytes, where the checksum needed them: they begin at `from`, else that is -1. */
interface LastForm {
  readonly change: Change;
  readonly from: number;
  readonly to: number;
}

const CHECKSUMS_KEPT = 4096;
const ENCODER_BYTES = 64 * 1024;
const ENCODER_KEPT_BYTES = 4 * 1024 * 1024;

export class StateWriter {
  readonly #engine: Engine;
  readonly #clocks: VersionClocks;
  readonly #cache: BlockCache;
  readonly #overlay = new Map<number, (Map<number, Overlaid> | undefined)[]>();
  readonly #heads = new Map<number, BlockSource>();
  /** What the last batch was made of. */
  #encoder = new ByteWriter(ENCODER_BYTES);
  readonly #key = blockKey(0, 0, 0);
  readonly #checksums = new RecentChecksums(CHECKSUMS_KEPT);
  #checksum: Checksum;
  #format: number;
  #sequence = 0;
  #version: number;
  #timeMs: number;
  #durableVersion: number;

  constructor(engine: Engine, clocks: VersionClocks, cacheBytes: number) {
    this.#engine = engine;
    this.#clocks = clocks;
    this.#cache = new BlockCache(cacheBytes);
    const record = readVersion(engine);
    this.#version = record.version;
    this.#timeMs = record.timeMs;
    this.#checksum = record.checksum;
    this.#format = record.format;
    // What was read back from disk after a start is there; whether it survives the next power cut is not known.
    this.#durableVersion = 0;
    this.#checksums.set(record.version, record.checksum);
    clocks.publish(record.version);
    clocks.answered = 0;
  }

  /** The last entry written. */
  get version(): number {
    return this.#version;
  }
  /** A client is about to be told of this version, which is not written yet; 0: nobody is to wait for such a one any more. */
  noteAnswered(version: number): void {
    this.#clocks.answered = version;
  }
  /** The last entry known to survive a power cut. */
  get durableVersion(): number {
    return this.#durableVersion;
  }
  get cache(): BlockCache {
    return this.#cache;
  }
  /** The checksum at a recent version, or undefined when it is no longer (or not yet) known. */
  checksumAt(version: number): string | undefined {
    return this.#checksums.get(version);
  }

  /** Blocks of a graph as the next transaction will find them. */
  head(graph: number): BlockSource {
    let source = this.#heads.get(graph);
    if (source === undefined) this.#heads.set(graph, source = { get: (kind, block) => this.#get(graph, kind, block) });
    return source;
  }

  #get<B extends Block>(graph: number, kind: BlockKind<B>, block: number): B | undefined {
    const overlaid = this.#overlay.get(graph)?.[kind.tag]?.get(block);
    if (overlaid !== undefined) return overlaid.block as B | undefined;
    const table = this.#cache.table(graph, kind.tag);
    const cached = table.get(block);
    if (cached !== undefined && this.#clocks.read(VersionClocks.slot(kind.tag, graph, block)) <= cached.at) return absentAsUndefined<B>(cached);
    const value = readBlock(this.#engine, undefined, graph, kind, block);
    this.#cache.put(table, kind, block, value, this.#version);
    return value;
  }

  /** Whether a block may have changed after `version`: written since, or waiting to be. */
  changedSince(graph: number, kind: number, block: number, version: number): boolean {
    return this.#overlay.get(graph)?.[kind]?.has(block) === true
      || this.#clocks.read(VersionClocks.slot(kind, graph, block)) > version;
  }

  /** Lays the changes over the head. */
  stage(changes: ChangeSet): Staged {
    const sequence = ++this.#sequence;
    for (const [graph, buffer] of changes.graphs) {
      const kinds = this.#overlay.get(graph) ?? [];
      this.#overlay.set(graph, kinds);
      buffer.forEachChange((change) => {
        (kinds[change.kind.tag] ??= new Map()).set(change.number, { block: change.block, sequence });
      });
    }
    return { sequence, changes };
  }

  /** Stages an entry from its record, as a follower does. */
  stageRecord(record: Uint8Array, index: number): { staged: Staged; timeMs: number } {
    const changes = new ChangeSet((graph) => this.head(graph));
    const timeMs = applyEffects(changes, record, index);
    return { staged: this.stage(changes), timeMs };
  }

  /** Forgets everything staged. Must not be called while a `write` is under way. */
  dropStaged(): void {
    this.#overlay.clear();
  }

  /** Writes consecutive entries as one batch and publishes the last one's version. */
  async write(entries: readonly EntryToWrite[], options: { readonly sync: boolean }): Promise<void> {
    const first = entries[0];
    const last = entries.at(-1);
    assert(first !== undefined && last !== undefined && first.index === this.#version + 1, 'entries are written in order');
    const batch = this.#engine.beginBatch();
    this.#fill(batch, entries, last.index);
    for (const entry of entries) if (entry.timeMs > this.#timeMs) this.#timeMs = entry.timeMs;
    batch.put(VERSION_KEY, encodeVersion({ version: last.index, timeMs: this.#timeMs, checksum: this.#checksum, format: this.#format }));
    await batch.write(options);
    this.#version = last.index;
    if (options.sync) this.#durableVersion = last.index;
    for (const entry of entries) if (entry.staged !== undefined) this.#settle(entry.staged, last.index);
    this.#clocks.publish(last.index);
  }

  /** Makes everything written so far survive a power cut. */
  async sync(): Promise<void> {
    const version = this.#version;
    const record = { version, timeMs: this.#timeMs, checksum: this.#checksum, format: this.#format };
    await this.#engine.batch([{ type: 'put', key: VERSION_KEY, value: encodeVersion(record) }], { sync: true });
    this.#durableVersion = Math.max(this.#durableVersion, version);
  }

  /** Raises the clocks, brings the checksum forward entry by entry, and puts each block's last form into the batch. */
  #fill(batch: BatchInProgress, entries: readonly EntryToWrite[], version: number): void {
    this.#encoder.reset();
    const latest = new Map<number, Map<number, LastForm>[]>();
    for (const entry of entries) {
      for (const [graph, buffer] of entry.staged?.changes.graphs ?? []) {
        const kinds = latest.get(graph) ?? [];
        latest.set(graph, kinds);
        buffer.forEachChange((change) => {
          const from = change.kind.logical ? this.#account(graph, change) : -1;
          if (change.block instanceof CatalogBlock) this.#format = Math.max(this.#format, formatOf(change.block.data));
          (kinds[change.kind.tag] ??= new Map()).set(change.number, { change, from, to: this.#encoder.length });
        });
      }
      this.#checksums.set(entry.index, this.#checksum);
    }
    for (const [graph, kinds] of latest) {
      for (const map of kinds) map?.forEach((form) => this.#putLast(batch, graph, form, version));
    }
    // One large batch must not be remembered by its memory.
    if (this.#encoder.length > ENCODER_KEPT_BYTES) this.#encoder = new ByteWriter(ENCODER_BYTES);
  }

  #putLast(batch: BatchInProgress, graph: number, { change, from, to }: LastForm, version: number): void {
    const { kind, number, block } = change;
    this.#clocks.raise(VersionClocks.slot(kind.tag, graph, number), version);
    const key = this.#keyOf(graph, change);
    if (block === undefined) batch.del(key);
    else if (from >= 0) batch.put(key, this.#encoder.part(from, to));
    else {
      const start = this.#encoder.length;
      kind.encode(block, this.#encoder);
      batch.put(key, this.#encoder.part(start, this.#encoder.length));
      this.#encoder.cut(start);
    }
  }

  /** The block's key, until the next call. */
  #keyOf(graph: number, { kind, number }: Change): Buffer {
    this.#key.writeUInt32BE(graph, 1);
    renumberKey(this.#key, kind.tag, number);
    return this.#key;
  }

  /** Takes the block's old form out of the checksum and adds the new one. Gives where in the encoder that begins. */
  #account(graph: number, change: Change): number {
    const key = this.#keyOf(graph, change);
    const { kind, before, block } = change;
    const encoder = this.#encoder;
    const start = encoder.length;
    if (before !== undefined) {
      kind.encode(before, encoder);
      this.#checksum.subtract(key, encoder.memory, start, encoder.length);
      encoder.cut(start);
    }
    if (block !== undefined) {
      kind.encode(block, encoder);
      this.#checksum.add(key, encoder.memory, start, encoder.length);
    }
    // Entry after entry may change the same large block; what is kept of them must not pile up.
    if (start < ENCODER_KEPT_BYTES) return start;
    encoder.cut(start);
    return -1;
  }

  /** Moves what an entry changed from the overlay to the cache, unless a later one has changed it again. */
  #settle(staged: Staged, version: number): void {
    for (const [graph, buffer] of staged.changes.graphs) {
      const kinds = this.#overlay.get(graph);
      buffer.forEachChange((change) => {
        const map = kinds?.[change.kind.tag];
        if (map?.get(change.number)?.sequence !== staged.sequence) return;
        map.delete(change.number);
        this.#cache.put(this.#cache.table(graph, change.kind.tag), change.kind, change.number, change.block, version);
      });
    }
  }
}
