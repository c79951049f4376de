/** A bare Bolt client for tests: sends what it is told, even nonsense, and shows every answer. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { MessageReader, MessageWriter } from '../../src/bolt/chunking.ts';
import { mapFrom } from '../../src/bolt/metadata.ts';
import { BOLT_5, unpackMessage } from '../../src/bolt/structures.ts';
import type { Message } from '../../src/bolt/structures.ts';
import type { Value } from '../../src/value/value.ts';

export const TAGS = {
  HELLO: 0x01, LOGON: 0x6a, LOGOFF: 0x6b, GOODBYE: 0x02, RESET: 0x0f, RUN: 0x10, DISCARD: 0x2f, PULL: 0x3f, BEGIN: 0x11, COMMIT: 0x12,
  ROLLBACK: 0x13, TELEMETRY: 0x54, ROUTE: 0x66,
} as const;

const NAMES: Readonly<Record<number, string>> = { 0x70: 'SUCCESS', 0x71: 'RECORD', 0x7e: 'IGNORED', 0x7f: 'FAILURE' };

type Fields = Readonly<Record<string, unknown>>;

export function toValue(value: unknown): Value {
  if (Array.isArray(value)) return value.map(toValue);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return mapFrom(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toValue(item)])));
  }
  return value as Value;
}

function toPlain(value: Value | undefined): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toPlain(item)]));
  return value;
}

export interface Answer {
  readonly name: string;
  readonly data: unknown;
}

export class BareClient {
  readonly socket: Duplex;
  readonly #reader = new MessageReader(16 * 1024 * 1024);
  readonly #messages: Message[] = [];
  #raw: Buffer[] = [];
  #framed = false;
  #wake: (() => void) | undefined;
  closed = false;

  /** To a port of this machine, or over something that is connected already. */
  constructor(to: number | Duplex) {
    this.socket = typeof to === 'number' ? connect({ port: to, host: '127.0.0.1', noDelay: true }) : to;
    this.socket.on('data', (data: Buffer) => {
      if (this.#framed) this.#messages.push(...this.#reader.push(data).map((message) => unpackMessage(Buffer.from(message))));
      else this.#raw.push(data);
      this.#wake?.();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake?.();
    });
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.closed) throw new Error('the server closed the connection');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Raw bytes, before messages begin. */
  async raw(count: number): Promise<Buffer> {
    return this.#until(() => {
      const all = Buffer.concat(this.#raw);
      if (all.length < count) return undefined;
      this.#raw = [all.subarray(count)];
      return all.subarray(0, count);
    });
  }

  async handshake(major = 5, minor = 8, range = 8): Promise<string> {
    this.socket.write(Buffer.from([0x60, 0x60, 0xb0, 0x17, 0, range, minor, major, ...new Uint8Array(12)]));
    const chosen = await this.raw(4);
    this.#framed = true;
    return `${chosen[3]}.${chosen[2]}`;
  }

  send(...messages: readonly (readonly [keyof typeof TAGS, ...unknown[]])[]): void {
    const writer = new MessageWriter();
    for (const [name, ...fields] of messages) writer.write(TAGS[name], fields.map(toValue), BOLT_5);
    this.socket.write(writer.take());
  }

  async answer(): Promise<Answer> {
    const message = await this.#until(() => this.#messages.shift());
    return { name: NAMES[message.tag] ?? String(message.tag), data: toPlain(message.fields[0]) };
  }

  /** The names of the next answers, records left out. */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const { name } = await this.answer();
      if (name !== 'RECORD') names.push(name);
    }
    return names;
  }

  async ask(...message: readonly [keyof typeof TAGS, ...unknown[]]): Promise<Answer> {
    this.send(message);
    return this.answer();
  }

  /** All answers up to the one that is no record. */
  async rows(...message: readonly [keyof typeof TAGS, ...unknown[]]): Promise<{ rows: unknown[]; last: Fields; name: string }> {
    this.send(message);
    const rows: unknown[] = [];
    for (;;) {
      const { name, data } = await this.answer();
      if (name !== 'RECORD') return { rows, last: (data ?? {}) as Fields, name };
      rows.push(data);
    }
  }

  async login(minor = 8, password = 'right'): Promise<void> {
    await this.handshake(5, minor, 0);
    await this.ask('HELLO', { user_agent: 'test/1', bolt_agent: {} });
    const { name } = await this.ask('LOGON', { scheme: 'basic', principal: 'admin', credentials: password });
    if (name !== 'SUCCESS') throw new Error('no login');
  }

  async ended(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
