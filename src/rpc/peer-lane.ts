/**
 * A lane: frames in both directions between two servers, on a TCP (or TLS) connection of its own.
 *
 *   dialler    | "LGLANE1\n" | kind u8 |                        in the clear; TLS, where the group has it, begins behind it
 *   answerer   | "LGLANE1\n" |                                  inside TLS
 *   then both  | length u32 | flags u8 | crc u32 | payload |    little-endian; CRC-32 of the payload, begun with the flags
 *
 * gRPC can carry the same frames (proto/raft.proto); HTTP/2 and what Node makes of it cost more processor time than all else that
 * the consensus thread does for a small write (docs/decisions/023-peer-lanes.md). Each end asks the other for a sign of life, as
 * gRPC's keep-alive did: TCP alone would take a partition for silence.
 */
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { Frame } from './raft-proto.ts';

export const LANE_MAGIC = Buffer.from('LGLANE1\n');
export const LANE_KINDS = ['control', 'bulk', 'requests'] as const;
export type LaneKind = (typeof LANE_KINDS)[number];

const HEAD_BYTES = 9;
const DEFLATED = 1;
const PING = 2;
const PONG = 4;
const REFUSED = 8;
/** Up to here head and payload become one buffer: one system call, and a copy that costs less than a second piece. */
const JOIN_BYTES = 16 << 10;
/** The first frame says who speaks: nobody is known before, so nobody may fill memory before. */
const GREETING_BYTES_MAX = 64 << 10;
/** How often whoever receives a long frame says that it does. */
const SIGN_MS = 250;
/** For the reason of a refusal to arrive. */
const LAST_WORDS_MS = 1000;

export interface LaneSettings {
  /** Largest payload, in bytes. */
  readonly messageBytesMax: number;
  /** Milliseconds from one question for a sign of life to the next, and to the answer at the latest. */
  readonly pingMs: number;
  readonly pongMs: number;
}

/** Who uses the lane. Frames come in order. */
export interface LaneUser {
  onFrame(frame: Frame): void;
  /** Once, and last. `isRefusal`: the other server said no, and this is why. */
  onEnd(reason: string, isRefusal: boolean): void;
}

export class PeerLane {
  readonly #socket: Socket;
  readonly #settings: LaneSettings;
  readonly #user: LaneUser;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes that must be there before the next look. */
  #wanted: number;
  #awaitsMagic: boolean;
  #isGreeted = false;
  #isDeaf = false;
  #hasEnded = false;
  #asked = false;
  #signedMs = 0;
  readonly #pings: NodeJS.Timeout;
  #answerBy: NodeJS.Timeout | undefined;

  /** `awaitsMagic`: the other end has still to say that it speaks this. The socket is connected, and secured. */
  constructor(socket: Socket, settings: LaneSettings, awaitsMagic: boolean, user: LaneUser) {
    this.#socket = socket;
    this.#settings = settings;
    this.#user = user;
    this.#awaitsMagic = awaitsMagic;
    this.#wanted = awaitsMagic ? LANE_MAGIC.length : HEAD_BYTES;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#end('the other server closed the connection'));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the connection broke'));
    this.#pings = setInterval(() => this.#ping(), settings.pingMs);
  }

  // ---- sending ----

  write({ payload, deflated }: Frame): void {
    this.#write(deflated === true ? DEFLATED : 0, payload);
  }

  /** Says why, and hangs up. */
  refuse(reason: string): void {
    this.#isDeaf = true;
    this.#write(REFUSED, Buffer.from(reason));
    this.#socket.end();
    setTimeout(() => this.close(), LAST_WORDS_MS).unref();
  }

  /** Bytes that the network has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  #write(flags: number, payload: Buffer): void {
    if (this.#hasEnded) return;
    const joins = payload.length <= JOIN_BYTES;
    const head = Buffer.allocUnsafe(joins ? HEAD_BYTES + payload.length : HEAD_BYTES);
    head.writeUInt32LE(payload.length, 0);
    head[4] = flags;
    head.writeUInt32LE(crc32(payload, flags), 5);
    if (joins) {
      payload.copy(head, HEAD_BYTES);
      this.#socket.write(head);
      return;
    }
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(payload);
    this.#socket.uncork();
  }

  // ---- receiving ----

  #onData(chunk: Buffer): void {
    if (this.#isDeaf) return;
    this.#isAlive();
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#buffered >= this.#wanted && !this.#hasEnded && !this.#isDeaf) this.#next(this.#joined());
    if (this.#buffered > 0) this.#giveSign();
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #next(bytes: Buffer): void {
    if (this.#awaitsMagic) {
      if (!bytes.subarray(0, LANE_MAGIC.length).equals(LANE_MAGIC)) {
        this.#end(NOT_A_LANE);
        return;
      }
      this.#awaitsMagic = false;
      this.#consume(LANE_MAGIC.length);
      return;
    }
    const length = bytes.readUInt32LE(0);
    const bytesMax = this.#isGreeted ? this.#settings.messageBytesMax : GREETING_BYTES_MAX;
    if (length > bytesMax) {
      this.#end(`a frame of ${length} bytes, which is more than the ${bytesMax} that are allowed`);
      return;
    }
    if (bytes.length < HEAD_BYTES + length) {
      this.#wanted = HEAD_BYTES + length;
      return;
    }
    const flags = bytes[4]!;
    const payload = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length);
    if (crc32(payload, flags) !== bytes.readUInt32LE(5)) {
      this.#end('a frame fails its checksum');
      return;
    }
    this.#consume(HEAD_BYTES + length);
    this.#onFrame(flags, payload);
  }

  #consume(count: number): void {
    this.#buffered -= count;
    this.#chunks = this.#buffered === 0 ? [] : [this.#chunks[0]!.subarray(count)];
    this.#wanted = HEAD_BYTES;
  }

  #onFrame(flags: number, payload: Buffer): void {
    if (flags === 0 || flags === DEFLATED) {
      this.#isGreeted = true;
      this.#user.onFrame(flags === 0 ? { payload } : { payload, deflated: true });
    }
    else if (flags === PING) this.#write(PONG, EMPTY);
    else if (flags === PONG) return;
    else if (flags === REFUSED) this.#end(payload.toString(), true);
    else this.#end(`a frame with the unknown flags ${flags}`);
  }

  // ---- signs of life ----

  #ping(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#write(PING, EMPTY);
    // What waits in the sockets comes first: the timer may be late because we were away.
    this.#answerBy = setTimeout(() => setImmediate(() => {
      if (this.#asked) this.#end('no sign of life');
    }), this.#settings.pongMs);
  }

  /** A frame is on its way, and a question behind it: on a slow network that may take longer than an answer may. */
  #giveSign(): void {
    const now = performance.now();
    if (now - this.#signedMs < SIGN_MS) return;
    this.#signedMs = now;
    this.#write(PONG, EMPTY);
  }

  /** Whatever comes is a sign. */
  #isAlive(): void {
    if (!this.#asked) return;
    this.#asked = false;
    clearTimeout(this.#answerBy);
  }

  // ---- the end ----

  #end(reason: string, isRefusal = false): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#pings);
    clearTimeout(this.#answerBy);
    this.#chunks = [];
    this.#socket.destroy();
    this.#user.onEnd(reason, isRefusal);
  }

  close(): void {
    this.#end('closed');
  }
}

/** What answered speaks something else: a server from before there were lanes. */
export const NOT_A_LANE = 'the other server does not know lanes';
const EMPTY = Buffer.alloc(0);
