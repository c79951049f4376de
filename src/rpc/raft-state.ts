/**
 * One state file from one server to another, over a stream and a connection of its own: heartbeats and entries never wait for it.
 *
 *   part   | offset u48 | crc u32 | bytes |      little-endian; CRC-32 of the bytes
 *
 * At most a few parts are under way, so a slow disk on the other side slows the sender down instead of filling memory. A part that
 * is not as it was sent ends the stream; what was stored before it stays, and the next attempt goes on there.
 */
import { crc32 } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { pause as pauseFor, systemTimers } from '../base/timers.ts';
import type { Timers } from '../base/timers.ts';
import type { Hello, SendState, StateHeader, StateOutcome, StateSink, TransportHandlers } from '../replica/consensus-transport.ts';
import type { Frame, FrameStream, PeerClient } from './raft-proto.ts';

const PART_BYTES = 256 * 1024;
const PART_HEAD_BYTES = 10;
const PARTS_UNDER_WAY = 8;
/** A transfer that does not move for so long has failed. */
const SILENCE_MS = 30_000;

/** The simulator's. */
export interface StateSettings {
  readonly timers?: Timers;
  readonly partBytes?: number;
}

type Answer = { readonly offset?: number; readonly refused?: string; readonly at?: number; readonly done?: boolean };

/** Frames of a stream as answers, one at a time, with a limit on the silence between them. */
class Answers {
  readonly #arrived: Buffer[] = [];
  #wake: (() => void) | undefined;
  #error: Error | undefined;

  readonly #timers: Timers;

  constructor(stream: FrameStream, timers: Timers) {
    this.#timers = timers;
    stream.on('data', (frame: Frame) => {
      this.#arrived.push(frame.payload);
      this.#wake?.();
    });
    stream.on('error', (error: Error) => {
      this.#error ??= error;
      this.#wake?.();
    });
    stream.on('end', () => {
      this.#error ??= new Error('the other server ended the transfer');
      this.#wake?.();
    });
  }

  get waiting(): number {
    return this.#arrived.length;
  }

  async next(): Promise<Answer> {
    if (this.#arrived.length === 0 && this.#error === undefined) {
      await new Promise<void>((resolve, reject) => {
        const callOff = this.#timers.after(SILENCE_MS, () => reject(new Error('the other server does not answer')));
        this.#wake = () => {
          callOff();
          resolve();
        };
      });
    }
    const payload = this.#arrived.shift();
    if (payload === undefined) throw this.#error ?? new Error('no answer');
    return JSON.parse(payload.toString()) as Answer;
  }
}

/** Takes over `client`, and closes it in the end. */
export async function sendStateTo(client: Pick<PeerClient, 'State' | 'close'>, hello: Buffer, { header, open, pause, onProgress }: SendState, settings: StateSettings = {}): Promise<StateOutcome> {
  const { timers = systemTimers, partBytes = PART_BYTES } = settings;
  const stream = client.State();
  const answers = new Answers(stream, timers);
  const file = await open();
  try {
    stream.write({ payload: hello });
    await answers.next();
    stream.write({ payload: Buffer.from(JSON.stringify(header)) });
    const { offset, refused } = await answers.next();
    if (refused === 'installing' || refused === 'there') return refused;
    if (offset === undefined) throw new Error(refused ?? 'refused');
    onProgress(offset);
    const under: number[] = [];
    const confirmed = async () => {
      const { at } = await answers.next();
      if (at !== under.shift()) throw new Error('the other server confirms what was not sent');
      onProgress(at!);
    };
    for (let at = offset; at < header.bytes;) {
      const frame = Buffer.allocUnsafe(PART_HEAD_BYTES + Math.min(partBytes, header.bytes - at));
      const part = frame.subarray(PART_HEAD_BYTES);
      const waitMs = pause(part.length);
      if (waitMs > 0) await pauseFor(timers, waitMs);
      if (await file.read(part, at) < part.length) throw new Error('the file of the state is shorter than it was');
      frame.writeUIntLE(at, 0, 6);
      frame.writeUInt32LE(crc32(part), 6);
      stream.write({ payload: frame });
      under.push(at += part.length);
      while (under.length >= PARTS_UNDER_WAY || (under.length > 0 && answers.waiting > 0)) await confirmed();
    }
    while (under.length > 0) await confirmed();
    stream.write({ payload: Buffer.alloc(0) });
    const { done } = await answers.next();
    if (done !== true) throw new Error('the other server could not store the state');
    return 'stored';
  } finally {
    await file.close();
    stream.cancel();
    client.close();
  }
}

/** Frames are handled one after the other: at most as many wait as the sender has under way. */
export function receiveState(call: ServerDuplexStream<Frame, Frame>, hello: Hello, handlers: TransportHandlers): void {
  let sink: StateSink | undefined;
  let at = 0;
  let isOver = false;
  let work = Promise.resolve();
  const answer = (what: Answer) => {
    if (call.writable) call.write({ payload: Buffer.from(JSON.stringify(what)) });
  };
  const onFrame = async (payload: Buffer): Promise<void> => {
    if (isOver) return;
    if (sink === undefined) {
      const answered = handlers.onState(hello.fromId, JSON.parse(payload.toString()) as StateHeader);
      if ('refused' in answered) return answer(answered);
      sink = answered;
      at = sink.offset;
      answer({ offset: at });
    } else if (payload.length > 0) {
      const bytes = partAt(payload, at);
      await sink.write(bytes);
      at += bytes.length;
      answer({ at });
    } else {
      await sink.end();
      isOver = true;
      answer({ done: true });
    }
  };
  const end = async () => {
    if (isOver) return;
    isOver = true;
    await sink?.abort();
  };
  call.on('data', (frame: Frame) => {
    work = work.then(() => onFrame(frame.payload)).catch(async (error: unknown) => {
      handlers.log('warn', `a state from ${hello.fromId} could not be stored: ${(error as Error).message}`);
      await end();
      call.emit('error', { code: status.INTERNAL, details: (error as Error).message });
    });
  });
  call.on('close', () => void (work = work.then(end)));
}

/** The bytes of a part that must begin at `at`. */
function partAt(payload: Buffer, at: number): Buffer {
  if (payload.length <= PART_HEAD_BYTES || payload.readUIntLE(0, 6) !== at) throw new Error(`the part at byte ${at} is missing`);
  const bytes = payload.subarray(PART_HEAD_BYTES);
  if (crc32(bytes) !== payload.readUInt32LE(6)) throw new Error(`the part at byte ${at} fails its checksum`);
  return bytes;
}
