/**
 * Our streams to one peer, and the requests on one of them.
 *
 * A connection for each: a megabyte of entries in a socket's buffer would delay a heartbeat behind it, and a connection that is
 * given up early for raft's sake (see `KeepAlive`) must not take requests with it.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { FrameEncoder } from '../raft/codec.ts';
import { isBulk } from '../raft/messages.ts';
import type { Message } from '../raft/messages.ts';
import { FramePacker } from './frame-packing.ts';
import { Line } from './raft-line.ts';
import type { LinkHost } from './raft-line.ts';
import { BULK, CONTROL, REQUESTS } from './raft-wire.ts';

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class RaftLink {
  readonly address: string;
  readonly #control: Line;
  readonly #bulk: Line;
  readonly #requests: Line;
  readonly #packer: FramePacker;
  readonly #waiting = new Map<number, Waiting>();
  #nextRequest = 1;

  constructor(address: string, host: LinkHost) {
    this.address = address;
    this.#packer = new FramePacker(host.settings.compressBytesMin);
    this.#control = new Line({ address, host, kind: CONTROL, onBroken: () => host.onLost() });
    this.#bulk = new Line({ address, host, kind: BULK, onBroken: () => host.onLost() });
    this.#requests = new Line({ address, host, kind: REQUESTS, onFrame: (payload) => this.#onAnswer(payload), onBroken: (reason) => this.#failRequests(reason) });
  }

  send(messages: readonly Message[], encoder: FrameEncoder): void {
    const bulk = messages.filter(isBulk);
    const control = bulk.length === 0 ? messages : messages.filter((message) => !isBulk(message));
    if (control.length > 0 && this.#control.isReady) this.#control.write({ payload: encoder.encode(control) });
    if (bulk.length > 0 && this.#bulk.isReady) this.#bulk.write(this.#packer.pack(encoder.encode(bulk), this.#bulk.inflates));
  }

  /** The peer has just reached us. */
  hurry(): void {
    for (const line of [this.#control, this.#bulk, this.#requests]) line.hurry();
  }

  request(bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const id = this.#nextRequest++;
      const frame = new ByteWriter(bytes.length + 8).varint(id).raw(bytes).finish();
      if (!this.#requests.write({ payload: frame })) {
        reject(new DbError('NoLeader', `${this.address} cannot be reached`));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new DbError('OutcomeUnknown', `${this.address} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  #onAnswer(payload: Buffer): void {
    const reader = new ByteReader(payload);
    const id = reader.varint();
    const isOk = reader.u8() === 0;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    const rest = reader.raw(reader.remaining);
    if (isOk) waiting.resolve(new Uint8Array(rest));
    else waiting.reject(new DbError('Internal', rest.toString()));
  }

  /** They may have been carried out: only the other side knows. */
  #failRequests(reason: string): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new DbError('OutcomeUnknown', `the connection to ${this.address} broke: ${reason}`));
    }
    this.#waiting.clear();
  }

  close(): void {
    this.#control.close();
    this.#bulk.close();
    this.#requests.close();
    this.#failRequests('closed');
  }
}
