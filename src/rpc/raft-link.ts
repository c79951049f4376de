/**
 * Our streams to one peer: opened, greeted, opened again with a growing pause when they break.
 *
 * A connection for each: a megabyte of entries in a socket's buffer would delay a heartbeat behind it, and a connection that is
 * given up early for raft's sake (see `KeepAlive`) must not take requests with it. Before dialling, a line knocks with a bare TCP
 * connection: a SYN that was lost in a partition is repeated by TCP only after as long again, and gRPC pauses on top of that. A
 * knock ends after half an election timeout, the next follows within another half, and at once when the peer reaches us.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { FrameEncoder } from '../raft/codec.ts';
import { isBulk } from '../raft/messages.ts';
import type { Message } from '../raft/messages.ts';
import type { Random } from '../base/random.ts';
import { FramePacker } from './frame-packing.ts';
import { newClient } from './raft-channel.ts';
import type { ChannelSettings, KeepAlive } from './raft-channel.ts';
import type { Frame, FrameStream, PeerClient, Welcome } from './raft-proto.ts';

export interface LinkHost {
  readonly settings: ChannelSettings;
  readonly random: Random;
  /** The greeting for this peer, as bytes. */
  hello(): Buffer;
  onLost(): void;
  log(level: 'debug' | 'info', message: string): void;
}

const PAUSE_MS = 20;
const KNOCK_MS_MIN = 250;
/** From an open port to the answer to our greeting: slow where the machine is busy. */
const GREETING_MS = 5000;
/** Frames that may wait in a stream before more are dropped; the core sends again what matters. */
const CONTROL_WAITING_MAX = 1000;
const BULK_WAITING_MAX = 1000;
const REQUESTS_WAITING_MAX = 10_000;

/** One stream that comes back. */
class Line {
  readonly #name: string;
  readonly #address: string;
  readonly #dial: () => PeerClient;
  readonly #open: (client: PeerClient) => FrameStream;
  readonly #host: LinkHost;
  readonly #waitingMax: number;
  readonly #onFrame: (payload: Buffer) => void;
  readonly #onBroken: (reason: string) => void;
  #knocking: Socket | undefined;
  #client: PeerClient | undefined;
  #stream: FrameStream | undefined;
  #welcome: Welcome | undefined;
  #isClosed = false;
  #pauseMs = PAUSE_MS;
  /** Of the pause, or of the attempt. */
  #timer: NodeJS.Timeout | undefined;
  #reported = '';

  constructor(parts: {
    name: string; address: string; host: LinkHost; waitingMax: number; dial: () => PeerClient; open: (client: PeerClient) => FrameStream;
    onFrame?: (payload: Buffer) => void; onBroken: (reason: string) => void;
  }) {
    this.#name = `${parts.name} to ${parts.address}`;
    this.#address = parts.address;
    this.#dial = parts.dial;
    this.#open = parts.open;
    this.#host = parts.host;
    this.#waitingMax = parts.waitingMax;
    this.#onFrame = parts.onFrame ?? (() => undefined);
    this.#onBroken = parts.onBroken;
    this.#knock();
  }

  get isReady(): boolean {
    return this.#welcome !== undefined;
  }

  get inflates(): boolean {
    return this.#welcome?.inflates === true;
  }

  get #halfElectionMs(): number {
    return Math.max(KNOCK_MS_MIN, this.#host.settings.electionTimeoutMs / 2);
  }

  #knock(): void {
    const socket = connect({ host: this.#address.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''), port: Number(/\d+$/.exec(this.#address)![0]) });
    this.#knocking = socket;
    this.#limit(this.#halfElectionMs, () => this.#knocking === socket, 'cannot be reached');
    socket.once('connect', () => {
      if (this.#knocking !== socket) return;
      this.#hangUp();
      this.#connect();
    });
    socket.on('error', (error) => {
      if (this.#knocking === socket) this.#retry(error.message);
    });
  }

  /** What waits in the sockets comes first: the timer may be late because we were away. */
  #limit(ms: number, isOpen: () => boolean, reason: string): void {
    this.#timer = setTimeout(() => setImmediate(() => {
      if (isOpen()) this.#retry(reason);
    }), ms);
  }

  #connect(): void {
    this.#client = this.#dial();
    const stream = this.#open(this.#client);
    this.#stream = stream;
    this.#limit(GREETING_MS, () => this.#stream === stream && !this.isReady, 'no answer');
    stream.on('data', (frame: Frame) => {
      if (this.#stream !== stream) return;
      if (this.#welcome !== undefined) {
        this.#onFrame(frame.payload);
        return;
      }
      this.#welcome = JSON.parse(frame.payload.toString()) as Welcome;
      clearTimeout(this.#timer);
      this.#pauseMs = PAUSE_MS;
      this.#reported = '';
    });
    stream.on('error', (error: ServiceError) => {
      // Refused by what it is told, not by the network: somebody should look at it.
      const level = error.code === status.FAILED_PRECONDITION ? 'info' : 'debug';
      if (this.#stream === stream) this.#retry(error.details || error.message, level);
    });
    stream.on('end', () => {
      if (this.#stream === stream) this.#retry('the peer closed the stream');
    });
    stream.write({ payload: this.#host.hello() });
  }

  #retry(reason: string, level: 'debug' | 'info' = 'debug'): void {
    const wasReady = this.isReady;
    this.#hangUp();
    if (this.#isClosed) return;
    if (reason !== this.#reported) this.#host.log(level, `${this.#name}: ${reason}`);
    this.#reported = reason;
    if (wasReady) this.#onBroken(reason);
    this.#timer = setTimeout(() => this.#knock(), this.#pauseMs * (0.5 + this.#host.random.next() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#halfElectionMs);
  }

  #hangUp(): void {
    clearTimeout(this.#timer);
    this.#knocking?.destroy();
    this.#knocking = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    this.#welcome = undefined;
    stream?.cancel();
    this.#client?.close();
    this.#client = undefined;
  }

  /** The peer can be reached: no pause now, and no waiting for a knock that nobody heard. */
  hurry(): void {
    if (this.#isClosed || this.#stream !== undefined) return;
    this.#hangUp();
    this.#pauseMs = PAUSE_MS;
    this.#knock();
  }

  /** False: not connected, or too much waits already. */
  write(frame: Frame): boolean {
    if (!this.isReady || this.#stream === undefined) return false;
    if (this.#stream.writableLength > this.#waitingMax) return false;
    this.#stream.write(frame);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#hangUp();
  }
}

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
    const dial = (keepAlive: KeepAlive) => () => newClient(address, host.settings, keepAlive);
    this.#control = new Line({
      name: 'control stream', address, host, waitingMax: CONTROL_WAITING_MAX, dial: dial('tight'), open: (client) => client.Control(), onBroken: () => host.onLost(),
    });
    this.#bulk = new Line({
      name: 'bulk stream', address, host, waitingMax: BULK_WAITING_MAX, dial: dial('tight'), open: (client) => client.Bulk(), onBroken: () => host.onLost(),
    });
    this.#requests = new Line({
      name: 'request stream', address, host, waitingMax: REQUESTS_WAITING_MAX, dial: dial('patient'), open: (client) => client.Requests(),
      onFrame: (payload) => this.#onAnswer(payload), onBroken: (reason) => this.#failRequests(reason),
    });
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
