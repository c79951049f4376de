/**
 * One state file from one server to another, over a stream and a connection of its own: heartbeats and entries never wait for it.
 *
 * At most a few parts are under way, so a slow disk on the other side slows the sender down instead of filling memory.
 */
import { open } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Hello, StateHeader, StateSink, TransportHandlers } from '../replica/consensus-transport.ts';
import { newClient } from './raft-link.ts';
import type { Frame, FrameStream } from './raft-proto.ts';

const PART_BYTES = 256 * 1024;
const PARTS_UNDER_WAY = 8;
/** A transfer that does not move for so long has failed. */
const SILENCE_MS = 30_000;

type Answer = { readonly offset?: number; readonly refused?: string; readonly at?: number; readonly done?: boolean };

/** Frames of a stream as answers, one at a time, with a limit on the silence between them. */
class Answers {
  readonly #arrived: Buffer[] = [];
  #wake: (() => void) | undefined;
  #error: Error | undefined;

  constructor(stream: FrameStream) {
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
        const timer = setTimeout(() => reject(new Error('the other server does not answer')), SILENCE_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const payload = this.#arrived.shift();
    if (payload === undefined) throw this.#error ?? new Error('no answer');
    return JSON.parse(payload.toString()) as Answer;
  }
}

export async function sendStateTo(address: string, hello: Buffer, header: StateHeader, path: string, onProgress: () => void): Promise<void> {
  const client = newClient(address);
  const stream = client.State();
  const answers = new Answers(stream);
  const file = await open(path, 'r');
  try {
    stream.write({ payload: hello });
    await answers.next();
    stream.write({ payload: Buffer.from(JSON.stringify(header)) });
    const { offset, refused } = await answers.next();
    if (offset === undefined) throw new Error(refused ?? 'refused');
    let at = offset;
    let underWay = 0;
    while (at < header.bytes) {
      const part = Buffer.allocUnsafe(Math.min(PART_BYTES, header.bytes - at));
      const { bytesRead } = await file.read(part, 0, part.length, at);
      if (bytesRead === 0) throw new Error(`${path} is shorter than it was`);
      stream.write({ payload: part.subarray(0, bytesRead) });
      at += bytesRead;
      underWay += 1;
      while (underWay >= PARTS_UNDER_WAY || (underWay > 0 && answers.waiting > 0)) {
        await answers.next();
        underWay -= 1;
        onProgress();
      }
    }
    for (; underWay > 0; underWay--) await answers.next();
    stream.write({ payload: Buffer.alloc(0) });
    const { done } = await answers.next();
    if (done !== true) throw new Error('the other server could not store the state');
  } finally {
    await file.close();
    stream.cancel();
    client.close();
  }
}

export function receiveState(call: ServerDuplexStream<Frame, Frame>, hello: Hello, handlers: TransportHandlers): void {
  let sink: StateSink | undefined;
  let at = 0;
  let isDone = false;
  const answer = (what: Answer) => call.write({ payload: Buffer.from(JSON.stringify(what)) });
  call.on('data', (frame: Frame) => {
    try {
      if (sink === undefined) {
        sink = handlers.onState(hello.fromId, JSON.parse(frame.payload.toString()) as StateHeader);
        at = sink?.offset ?? 0;
        answer(sink === undefined ? { refused: 'this server does not need the state now' } : { offset: sink.offset });
      } else if (frame.payload.length > 0) {
        sink.write(frame.payload);
        at += frame.payload.length;
        answer({ at });
      } else {
        isDone = true;
        sink.end();
        answer({ done: true });
      }
    } catch (error) {
      handlers.log('warn', `a state from ${hello.fromId} could not be stored: ${(error as Error).message}`);
      call.emit('error', { code: status.INTERNAL, details: (error as Error).message });
    }
  });
  call.on('close', () => {
    if (!isDone) sink?.abort();
  });
}
