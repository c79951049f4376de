/**
 * One client's connection: bytes in, messages to the dialogue, answers out. TCP or WebSocket, anything that is a Duplex.
 *
 * In:  messages wait in a queue of bounded size, beyond which nothing more is read from the client.
 * Out: what is written in one turn of the event loop leaves as one write. When the client is slow to take it, the dialogue is
 *      told to wait, so a result of any size passes through in constant memory.
 */
import type { Duplex } from 'node:stream';
import { asDbError } from '../base/errors.ts';
import type { Value } from '../value/value.ts';
import { MessageReader, MessageWriter } from './chunking.ts';
import { Dialogue } from './dialogue.ts';
import type { Client, Output } from './dialogue.ts';
import type { Door } from './door.ts';
import { failureMetadata } from './failure.ts';
import { atLeast, Handshake } from './handshake.ts';
import type { Version } from './handshake.ts';
import { requestKind } from './requests.ts';
import { BOLT_5 } from './structures.ts';
import type { Dialect } from './structures.ts';

export interface ConnectionOptions {
  readonly id: string;
  readonly address: string;
  readonly messageBytesMax: number;
  readonly authTimeoutMs: number;
  /** A client that takes nothing for so long is gone. */
  readonly writeTimeoutMs: number;
  readonly log: (message: string) => void;
  readonly onClose: () => void;
}

/** A client that has not said who it is may not make the server hold much. */
const HELLO_BYTES_MAX = 64 * 1024;
const QUEUE_MESSAGES_MAX = 1000;
/** Bytes waiting to be sent above which results pause. */
const OUTPUT_BYTES_MAX = 512 * 1024;
/** Rows up to here are copied next to the messages around them, so that a short answer is one write. */
const JOINED_BYTES_MAX = 4096;
/** A login that was begun is answered, also by a server that is about to go: drivers retry on a closed connection, but not on half a login. */
const LOGIN_MS = 1000;
/** How long a client may take to close after the last answer. */
const LINGER_MS = 2000;

export class Connection implements Output {
  readonly #socket: Duplex;
  readonly #door: Door;
  readonly #options: ConnectionOptions;
  readonly #handshake: Handshake;
  readonly #reader = new MessageReader(HELLO_BYTES_MAX);
  readonly #writer = new MessageWriter();
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dialogue: Dialogue | undefined;
  #version: Version | undefined;
  #isWorking = false;
  #isFlushDue = false;
  #isDraining = false;
  #isEnded = false;
  #authTimer: NodeJS.Timeout | undefined;
  readonly #openedMs = performance.now();
  #lastWriteMs = this.#openedMs;

  constructor(socket: Duplex, door: Door, options: ConnectionOptions) {
    this.#socket = socket;
    this.#door = door;
    this.#options = options;
    this.#handshake = new Handshake((bytes) => this.#socket.write(bytes));
    this.#authTimer = setTimeout(() => this.close('no login within the time'), options.authTimeoutMs);
    socket.on('data', (data: Buffer) => this.#receive(data));
    socket.on('error', (error) => this.close(error.message));
    socket.on('end', () => this.close('the client has left'));
    socket.on('close', () => this.#closed());
  }

  // -------------------------------------------------------------- in

  #receive(data: Buffer): void {
    if (this.#isEnded) return;
    if (this.#dialogue !== undefined) return this.#messages(data);
    const step = this.#handshake.take(data);
    switch (step.kind) {
      case 'more': return;
      case 'refused':
        this.#options.log(`Bolt connection from ${this.#options.address} refused: ${step.reason}`);
        return this.end();
      case 'chosen': {
        this.#version = step.version;
        const client: Client = { id: this.#options.id, address: this.#options.address, version: step.version };
        this.#dialogue = new Dialogue(this.#door, client, this, () => this.#authenticated());
        if (step.rest.length > 0) this.#messages(step.rest);
      }
    }
  }

  #authenticated(): void {
    clearTimeout(this.#authTimer);
    this.#authTimer = undefined;
    this.#reader.messageBytesMax = this.#options.messageBytesMax;
  }

  #messages(data: Buffer): void {
    try {
      for (const message of this.#reader.push(data)) {
        if (requestKind(message) === 'RESET') this.#dialogue!.interrupt();
        this.#queue.push(message);
        this.#queuedBytes += message.length;
      }
    } catch (error) {
      // The framing is lost, or what follows would be too much: nothing after this can be understood.
      const metadata = failureMetadata(asDbError(error), { version: this.#version!, routes: false, repeatable: true });
      this.message(0x7f, [metadata], BOLT_5);
      return this.end();
    }
    if (this.#isQueueFull) this.#socket.pause();
    // One client's trouble, even of our making, stays its own.
    if (!this.#isWorking) this.#work().catch((error: Error) => this.close(`internal error: ${error.message}`));
  }

  get #isQueueFull(): boolean {
    return this.#queue.length >= QUEUE_MESSAGES_MAX || this.#queuedBytes > this.#options.messageBytesMax;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let message = this.#queue.shift(); message !== undefined && !this.#isEnded; message = this.#queue.shift()) {
      this.#queuedBytes -= message.length;
      await this.#dialogue!.handle(message);
      if (this.#socket.isPaused() && !this.#isQueueFull) this.#socket.resume();
    }
    this.#isWorking = false;
    if (this.#isDraining) this.#endIfIdle();
  }

  // -------------------------------------------------------------- out

  message(tag: number, fields: readonly Value[], dialect: Dialect): void {
    if (this.#isEnded) return;
    this.#writer.write(tag, fields, dialect);
    this.#flushSoon();
  }

  records(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    if (bytes.length <= JOINED_BYTES_MAX) {
      this.#writer.raw(bytes);
      this.#flushSoon();
      return;
    }
    this.#flush();
    this.#socket.write(bytes);
  }

  drained(): Promise<void> | undefined {
    const socket = this.#socket;
    if (socket.writableLength < OUTPUT_BYTES_MAX || this.#isEnded) return undefined;
    return new Promise((resolve) => {
      const stalled = setTimeout(() => this.close('it takes no data'), this.#options.writeTimeoutMs);
      const done = () => {
        clearTimeout(stalled);
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  /** Tells a client that waits for a long statement that the server lives. */
  keepAlive(quietMs: number): void {
    if (!this.#isWorking || this.#version === undefined || !atLeast(this.#version, 4, 1)) return;
    if (this.#socket.writableLength > 0 || this.#writer.length > 0 || performance.now() - this.#lastWriteMs < quietMs) return;
    this.#writer.writeNoop();
    this.#flushSoon();
  }

  /** What one turn of the event loop answers leaves together. */
  #flushSoon(): void {
    this.#lastWriteMs = performance.now();
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#writer.length > 0 && !this.#socket.destroyed) this.#socket.write(this.#writer.take());
  }

  // -------------------------------------------------------------- ends

  /** Ends once nothing is open that the client would miss. */
  drain(): void {
    this.#isDraining = true;
    this.#endIfIdle();
    if (!this.#isEnded) setTimeout(() => this.#endIfIdle(), LOGIN_MS).unref();
  }

  /** It has just come, and will say who it is. */
  get isLoggingIn(): boolean {
    return !this.#isEnded && this.#authTimer !== undefined && performance.now() - this.#openedMs < LOGIN_MS;
  }

  #endIfIdle(): void {
    if (!this.#isWorking && !this.isLoggingIn && (this.#dialogue?.isIdle ?? true)) this.end();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#flush();
    this.#isEnded = true;
    this.#queue.length = 0;
    this.#dialogue?.close();
    // What it still sends is read and dropped, because closing on unread data would take the last answer from it.
    this.#socket.resume();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  close(reason: string): void {
    if (!this.#isEnded) this.#options.log(`Bolt connection ${this.#options.id} closed: ${reason}`);
    this.#isEnded = true;
    this.#socket.destroy();
  }

  #closed(): void {
    this.#isEnded = true;
    clearTimeout(this.#authTimer);
    this.#queue.length = 0;
    this.#dialogue?.close();
    this.#options.onClose();
  }
}
