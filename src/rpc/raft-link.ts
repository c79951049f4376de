/**
 * Our streams to one peer: opened, greeted, opened again with a growing pause when they break.
 *
 * Two connections, because a megabyte of entries in a socket's buffer would delay a heartbeat behind it: one for control
 * and requests, one for entries.
 */
import { credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { FrameEncoder } from '../raft/codec.ts';
import { isBulk } from '../raft/messages.ts';
import type { Message } from '../raft/messages.ts';
import { FRAME_BYTES_MAX, peerService } from './raft-proto.ts';
import type { FrameStream, PeerClient } from './raft-proto.ts';

export interface LinkHost {
  /** The greeting for this peer, as bytes. */
  hello(): Buffer;
  onLost(): void;
  log(level: 'debug' | 'info' | 'warn', message: string): void;
}

const PAUSE_MS = 50;
const PAUSE_MS_MAX = 1000;
/** Frames that may wait in a stream before more are dropped; the core sends again what matters. */
const CONTROL_WAITING_MAX = 1000;
const BULK_WAITING_MAX = 1000;
const REQUESTS_WAITING_MAX = 10_000;

const CHANNEL_OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': FRAME_BYTES_MAX,
  'grpc.max_send_message_length': FRAME_BYTES_MAX,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': PAUSE_MS_MAX,
  // A host name may get another address: gRPC would look it up again after 30 s only.
  'grpc.dns_min_time_between_resolutions_ms': 500,
  'grpc.keepalive_time_ms': 2000,
  'grpc.keepalive_timeout_ms': 2000,
  'grpc.keepalive_permit_without_calls': 1,
};

export function newClient(address: string): PeerClient {
  return new (peerService())(address, credentials.createInsecure(), CHANNEL_OPTIONS) as unknown as PeerClient;
}

/** One stream that comes back. */
class Line {
  readonly #name: string;
  readonly #open: () => FrameStream;
  readonly #host: LinkHost;
  readonly #waitingMax: number;
  readonly #onFrame: (payload: Buffer) => void;
  readonly #onBroken: (reason: string) => void;
  #stream: FrameStream | undefined;
  #isReady = false;
  #isClosed = false;
  #pauseMs = PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #reported = '';

  constructor(name: string, open: () => FrameStream, host: LinkHost, waitingMax: number, on: { frame?: (payload: Buffer) => void; broken: (reason: string) => void }) {
    this.#name = name;
    this.#open = open;
    this.#host = host;
    this.#waitingMax = waitingMax;
    this.#onFrame = on.frame ?? (() => undefined);
    this.#onBroken = on.broken;
    this.#connect();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  #connect(): void {
    if (this.#isClosed) return;
    const stream = this.#open();
    this.#stream = stream;
    stream.on('data', (frame: { payload: Buffer }) => {
      if (this.#isReady) {
        this.#onFrame(frame.payload);
        return;
      }
      this.#isReady = true;
      this.#pauseMs = PAUSE_MS;
      this.#reported = '';
    });
    stream.on('error', (error: ServiceError) => this.#broken(stream, error.details || error.message));
    stream.on('end', () => this.#broken(stream, 'the peer closed the stream'));
    stream.write({ payload: this.#host.hello() });
  }

  #broken(stream: FrameStream, reason: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    const wasReady = this.#isReady;
    this.#isReady = false;
    stream.cancel();
    if (this.#isClosed) return;
    if (reason !== this.#reported) this.#host.log('debug', `${this.#name}: ${reason}`);
    this.#reported = reason;
    if (wasReady) this.#onBroken(reason);
    this.#timer = setTimeout(() => this.#connect(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
  }

  /** False: not connected, or too much waits already. */
  write(payload: Buffer): boolean {
    if (!this.#isReady || this.#stream === undefined) return false;
    if (this.#stream.writableLength > this.#waitingMax) return false;
    this.#stream.write({ payload });
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
    this.#stream = undefined;
    this.#isReady = false;
  }
}

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class RaftLink {
  readonly address: string;
  readonly #controlClient: PeerClient;
  readonly #bulkClient: PeerClient;
  readonly #control: Line;
  readonly #bulk: Line;
  readonly #requests: Line;
  readonly #waiting = new Map<number, Waiting>();
  #nextRequest = 1;

  constructor(address: string, host: LinkHost) {
    this.address = address;
    this.#controlClient = newClient(address);
    this.#bulkClient = newClient(address);
    this.#control = new Line(`control stream to ${address}`, () => this.#controlClient.Control(), host, CONTROL_WAITING_MAX, { broken: () => host.onLost() });
    this.#bulk = new Line(`bulk stream to ${address}`, () => this.#bulkClient.Bulk(), host, BULK_WAITING_MAX, { broken: () => host.onLost() });
    this.#requests = new Line(`request stream to ${address}`, () => this.#controlClient.Requests(), host, REQUESTS_WAITING_MAX, {
      frame: (payload) => this.#onAnswer(payload), broken: (reason) => this.#failRequests(reason),
    });
  }

  send(messages: readonly Message[], encoder: FrameEncoder): void {
    const bulk = messages.filter(isBulk);
    const control = bulk.length === 0 ? messages : messages.filter((message) => !isBulk(message));
    if (control.length > 0 && this.#control.isReady) this.#control.write(encoder.encode(control));
    if (bulk.length > 0 && this.#bulk.isReady) this.#bulk.write(encoder.encode(bulk));
  }

  request(bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const id = this.#nextRequest++;
      const frame = new ByteWriter(bytes.length + 8).varint(id).raw(bytes).finish();
      if (!this.#requests.write(frame)) {
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
    this.#controlClient.close();
    this.#bulkClient.close();
  }
}
