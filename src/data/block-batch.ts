/** Encoded blocks on their way from the thread that makes them to the one that writes them. */
import { ByteWriter } from '../base/bytes.ts';
import type { Block, BlockKind } from '../graph/blocks.ts';
import type { BlockTarget } from './block-sink.ts';

export interface BlockBatch {
  readonly kinds: readonly { readonly tag: number; readonly logical: boolean }[];
  /** Which of `kinds` each block is. */
  readonly kindOf: Uint8Array;
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

const BATCH_BYTES = 1024 * 1024;
const BATCHES_AHEAD = 3;

/** Blocks that are taken by another thread, batch by batch; it waits where that one does not keep up. */
export class BlockQueue implements BlockTarget {
  #kinds: BlockBatch['kinds'][number][] = [];
  #kindOf: number[] = [];
  #numbers: number[] = [];
  #ends: number[] = [];
  readonly #bytes = new ByteWriter(BATCH_BYTES * 2);
  readonly #ready: BlockBatch[] = [];
  #isEnded = false;
  #failure: unknown;
  #taker: (() => void) | undefined;
  #maker: (() => void) | undefined;

  put<B extends Block>(kind: BlockKind<B>, number: number, block: B): void {
    kind.encode(block, this.#bytes);
    this.#note(kind, number);
  }

  putBytes(kind: Pick<BlockKind<Block>, 'tag' | 'logical'>, number: number, value: Uint8Array): void {
    this.#bytes.rawOf(value, 0, value.length);
    this.#note(kind, number);
  }

  /** The block's bytes are written. */
  #note(kind: Pick<BlockKind<Block>, 'tag' | 'logical'>, number: number): void {
    let at = this.#kinds.findIndex(({ tag }) => tag === kind.tag);
    if (at < 0) at = this.#kinds.push({ tag: kind.tag, logical: kind.logical }) - 1;
    this.#kindOf.push(at);
    this.#numbers.push(number);
    this.#ends.push(this.#bytes.length);
  }

  async drain(): Promise<void> {
    if (this.#bytes.length < BATCH_BYTES) return;
    this.#close();
    while (this.#ready.length >= BATCHES_AHEAD) {
      await new Promise<void>((resolve) => {
        this.#maker = resolve;
      });
    }
  }

  /** No more blocks come; with an error if that is why. */
  end(failure?: unknown): void {
    this.#close();
    this.#failure = failure;
    this.#isEnded = true;
    this.#taker?.();
  }

  /** The next batch; undefined: there are no more. */
  async take(): Promise<BlockBatch | undefined> {
    while (this.#ready.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#taker = resolve;
      });
    }
    const batch = this.#ready.shift();
    this.#maker?.();
    if (batch === undefined && this.#failure !== undefined) throw this.#failure;
    return batch;
  }

  #close(): void {
    if (this.#numbers.length === 0) return;
    this.#ready.push({
      kinds: this.#kinds, kindOf: Uint8Array.from(this.#kindOf), numbers: Float64Array.from(this.#numbers), bytes: new Uint8Array(this.#bytes.view()), ends: Uint32Array.from(this.#ends),
    });
    this.#kinds = [];
    this.#kindOf = [];
    this.#numbers = [];
    this.#ends = [];
    this.#bytes.reset();
    this.#taker?.();
  }
}
