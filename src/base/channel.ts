/**
 * Calls between two threads over a MessagePort: requests with answers, many per message.
 *
 * A message costs some 50 µs whatever is in it, so what is sent in one turn of the event loop goes as one array.
 * Values are structured-cloned; byte arrays must own their memory (a view would drag its whole slab along).
 */
import { asDbError, DbError, fromWire } from './errors.ts';
import type { WireError } from './errors.ts';
import { IdWindow } from './id-window.ts';

export interface PortLike {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/** Flat, because a clone writes the names of an object's fields each time: what it is, the call's id, and then by kind. */
type Packet =
  | readonly [kind: 0, id: number, method: string, argument: unknown]
  | readonly [kind: 1, id: number, value: unknown]
  | readonly [kind: 2, id: number, error: WireError];

export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Channel {
  readonly #port: PortLike;
  readonly #handlers: Handlers;
  readonly #waiting = new IdWindow<Waiting>();
  #queue: Packet[] = [];
  #closed = false;

  constructor(port: PortLike, handlers: Handlers = {}) {
    this.#port = port;
    this.#handlers = handlers;
    port.on('message', (packets) => this.#receive(packets as Packet[]));
    port.on('close', () => this.close());
  }

  /** How many calls wait for their answer: the other side's load as seen from here. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  call<T>(method: string, argument: unknown): Promise<T> {
    if (this.#closed) return Promise.reject(new DbError('ShuttingDown', 'the thread that would do this has ended'));
    return new Promise<T>((resolve, reject) => {
      const id = this.#waiting.add({ resolve: (value) => resolve(value as T), reject });
      this.#send([0, id, method, argument]);
    });
  }

  #send(packet: Packet): void {
    if (this.#queue.length === 0) setImmediate(() => this.#flush());
    this.#queue.push(packet);
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    if (!this.#closed) this.#port.postMessage(queue);
  }

  #receive(packets: readonly Packet[]): void {
    for (const packet of packets) {
      if (packet[0] === 0) {
        this.#handle(packet[1], packet[2], packet[3]);
        continue;
      }
      const waiting = this.#waiting.take(packet[1]);
      if (packet[0] === 1) waiting?.resolve(packet[2]);
      else waiting?.reject(fromWire(packet[2]));
    }
  }

  #handle(id: number, method: string, argument: unknown): void {
    const failed = (error: unknown) => this.#send([2, id, asDbError(error).toWire()]);
    try {
      const handler = this.#handlers[method];
      if (handler === undefined) throw new DbError('Internal', `no handler for ${method}`);
      const value = handler(argument as never);
      if (value instanceof Promise) value.then((result) => this.#send([1, id, result]), failed);
      else this.#send([1, id, value]);
    } catch (error) {
      failed(error);
    }
  }

  /** Every waiting call fails, with `reason` if that is known. */
  close(reason: Error = new DbError('ShuttingDown', 'the thread that would do this has ended')): void {
    this.#closed = true;
    for (const [id, waiting] of this.#waiting) {
      this.#waiting.take(id);
      waiting.reject(reason);
    }
  }
}
