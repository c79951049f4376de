/** Blocks of a graph that is built from nothing, on their way into the engine: encoded at once, written in batches, one batch under way. */
import { ByteWriter } from '../base/bytes.ts';
import { blockKey, renumberKey } from '../graph/blocks.ts';
import type { Block, BlockKind } from '../graph/blocks.ts';
import type { Checksum } from '../graph/checksum.ts';
import type { BatchInProgress, Engine } from '../storage/engine.ts';
import type { BlockBatch } from './block-batch.ts';

const BATCH_BYTES = 4 * 1024 * 1024;
const COPIED_BYTES_MAX = 256;
/** What an operation costs beside its bytes. */
const OPERATION_BYTES = 64;

/** Takes blocks; `drain` is to be awaited now and then while blocks are put. */
export interface BlockTarget {
  put<B extends Block>(kind: BlockKind<B>, number: number, block: B): void;
  /** A block that is encoded already; the bytes are copied. */
  putBytes(kind: Pick<BlockKind<Block>, 'tag' | 'logical'>, number: number, value: Uint8Array): void;
  drain(): Promise<void>;
}

export class BlockSink implements BlockTarget {
  readonly #engine: Engine;
  readonly #checksum: Checksum;
  readonly #encoder = new ByteWriter(64 * 1024);
  readonly #key: Buffer;
  #batch: BatchInProgress;
  #bytes = 0;
  #underWay: Promise<void> = Promise.resolve();

  constructor(engine: Engine, graph: number, checksum: Checksum) {
    this.#engine = engine;
    this.#checksum = checksum;
    this.#key = blockKey(graph, 0, 0);
    this.#batch = engine.beginBatch();
  }

  put<B extends Block>(kind: BlockKind<B>, number: number, block: B): void {
    kind.encode(block, this.#encoder.reset());
    this.putBytes(kind, number, this.#encoder.plainView());
  }

  putBytes(kind: Pick<BlockKind<Block>, 'tag' | 'logical'>, number: number, value: Uint8Array): void {
    renumberKey(this.#key, kind.tag, number);
    if (kind.logical) this.#checksum.add(this.#key, value);
    this.#batch.put(this.#key, value);
    this.#bytes += value.length + OPERATION_BYTES;
  }

  /** The same of a part of `bytes`: copying a short one costs less than a view of it. */
  putPart(kind: Pick<BlockKind<Block>, 'tag' | 'logical'>, number: number, bytes: Uint8Array, from: number, to: number): void {
    this.putBytes(kind, number, to - from > COPIED_BYTES_MAX ? bytes.subarray(from, to) : this.#encoder.reset().rawOf(bytes, from, to).plainView());
  }

  putBatch({ kinds, kindOf, numbers, bytes, ends }: BlockBatch): void {
    for (let i = 0; i < numbers.length; i++) this.putPart(kinds[kindOf[i]!]!, numbers[i]!, bytes, i === 0 ? 0 : ends[i - 1]!, ends[i]!);
  }

  /** Hands a full batch over, after the one before. */
  async drain(): Promise<void> {
    if (this.#bytes >= BATCH_BYTES) await this.#send();
  }

  async finish(): Promise<void> {
    await this.#send();
    await this.#underWay;
  }

  async #send(): Promise<void> {
    await this.#underWay;
    if (this.#bytes === 0) return;
    this.#underWay = this.#batch.write({ sync: false });
    // Whoever awaits it next hears of a failure; nobody may, if the import stops for another reason first.
    this.#underWay.catch(() => undefined);
    this.#batch = this.#engine.beginBatch();
    this.#bytes = 0;
  }
}
