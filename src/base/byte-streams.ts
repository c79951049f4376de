/** Streams of bytes from one thread to another, over the calls of a channel: the reader asks for each piece, and one is made ahead. */
import type { Channel } from './channel.ts';
import { DbError } from './errors.ts';

/** Bytes in one message, about. */
const MESSAGE_BYTES = 256 << 10;

/** The side that makes the bytes. Each piece of a source need be valid only until the next is taken. */
export class ByteStreams {
  readonly #open = new Map<number, Ahead>();
  #next = 1;

  /** Handlers for the channel that `pulledBytes` reads from. */
  readonly handlers = {
    nextBytes: (id: number): Promise<Uint8Array | null> => this.#take(id),
    endBytes: (id: number): Promise<void> => this.#end(id),
  };

  /** Its number, for the other side. What the source holds from the start on is let go by `releasing`. */
  open(source: AsyncIterable<Uint8Array>): number {
    this.#open.set(this.#next, new Ahead(source[Symbol.asyncIterator]()));
    return this.#next++;
  }

  async #take(id: number): Promise<Uint8Array | null> {
    const stream = this.#open.get(id);
    if (stream === undefined) throw new DbError('InvalidRequest', 'this stream has ended');
    try {
      const bytes = await stream.take();
      if (bytes === null) this.#open.delete(id);
      return bytes;
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  async #end(id: number): Promise<void> {
    const stream = this.#open.get(id);
    this.#open.delete(id);
    await stream?.end();
  }

  /** Ends all of them: what they hold is let go. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((id) => this.#end(id)));
  }
}

class Ahead {
  readonly #source: AsyncIterator<Uint8Array>;
  #ready: Promise<Uint8Array | null> | undefined;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  async take(): Promise<Uint8Array | null> {
    const bytes = await (this.#ready ?? this.#gather());
    this.#ready = bytes === null ? undefined : this.#gather();
    // It is told to whoever takes it; until then nobody listens.
    this.#ready?.catch(() => undefined);
    return bytes;
  }

  /** In memory of its own: a view would take its whole slab along. */
  async #gather(): Promise<Uint8Array | null> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length < MESSAGE_BYTES) {
      const { done, value } = await this.#source.next();
      if (done === true) break;
      pieces.push(Uint8Array.from(value));
      length += value.length;
    }
    if (pieces.length === 0) return null;
    if (pieces.length === 1) return pieces[0]!;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async end(): Promise<void> {
    // A source that is being asked ends when it has answered.
    await this.#ready?.catch(() => undefined);
    await this.#source.return?.();
  }
}

/** The side that reads. Whoever stops early, or never begins, lets go of the source. */
export function pulledBytes(channel: Channel, id: number): AsyncIterable<Uint8Array> {
  let isOver = false;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = await channel.call<Uint8Array | null>('nextBytes', id);
      isOver = bytes === null;
      if (bytes === null) return;
      yield bytes;
    }
  }
  return releasing(pieces(), () => {
    if (!isOver) void channel.call('endBytes', id).catch(() => undefined);
  });
}

/**
 * The same parts; `release` is called once when they are over, have failed or are not wanted any more. The `finally` of a generator is not that:
 * one that is ended before it was asked for its first part never runs it.
 */
export function releasing<T>(parts: AsyncIterable<T>, release: () => void): AsyncIterable<T> {
  let isReleased = false;
  const once = (): void => {
    if (isReleased) return;
    isReleased = true;
    release();
  };
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = parts[Symbol.asyncIterator]();
      return {
        next: async () => {
          try {
            const step = await iterator.next();
            if (step.done === true) once();
            return step;
          } catch (error) {
            once();
            throw error;
          }
        },
        return: async () => {
          once();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
