/**
 * Readers that help each other with one long statement (decision 027): the reader that runs it asks those that have nothing to do.
 *
 * What each reader has to do stands in memory that all threads share: the main thread counts the requests it has given it, and whoever asks it for help
 * marks it. It helps only while it has no request of its own.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Board } from '../cypher/engine.ts';
import type { Helper, HelperParts, Helpers, SharedPlan } from '../cypher/engine.ts';
import type { RunRequest } from './api.ts';
import { flatRequest, requestOf } from './thread-wire.ts';
import type { Flat } from './thread-wire.ts';

/** In a reader's load, beside the number of its requests. */
const HELPS = 1 << 20;

/** Of all readers; and how often one of them has helped. */
export class ReaderLoads {
  readonly buffer: SharedArrayBuffer;
  readonly readers: number;
  readonly #loads: Int32Array;

  constructor(readers: number | SharedArrayBuffer) {
    this.buffer = typeof readers === 'number' ? new SharedArrayBuffer((readers + 1) * 4) : readers;
    this.#loads = new Int32Array(this.buffer);
    this.readers = this.#loads.length - 1;
  }

  /** How often a reader took part in a statement of another one. */
  get helped(): number {
    return Atomics.load(this.#loads, this.readers) >>> 0;
  }

  noteHelp(): void {
    Atomics.add(this.#loads, this.readers, 1);
  }

  add(reader: number, requests: 1 | -1): void {
    Atomics.add(this.#loads, reader, requests);
  }

  isIdle(reader: number): boolean {
    return Atomics.load(this.#loads, reader) === 0;
  }

  /** False: it has something to do. */
  engage(reader: number): boolean {
    return Atomics.compareExchange(this.#loads, reader, 0, HELPS) === 0;
  }

  release(reader: number): void {
    Atomics.sub(this.#loads, reader, HELPS);
  }

  /** Whether a reader that helps has requests of its own. */
  isWanted(reader: number): boolean {
    return Atomics.load(this.#loads, reader) % HELPS > 0;
  }

  helps(reader: number): boolean {
    return Atomics.load(this.#loads, reader) >= HELPS;
  }
}

/** What a reader is asked to take parts of. */
export interface HelpRequest {
  readonly request: RunRequest;
  /** Only this version will do. */
  readonly version: number;
  readonly wallMs: number;
  readonly memoryBytes: number;
  readonly board: SharedArrayBuffer;
  readonly plan: string;
}

type Packet = readonly [request: Flat, version: number, wallMs: number, memoryBytes: number, board: SharedArrayBuffer, plan: string, helper: number, answer: MessagePort];

/** The statement's part of it: what a request that runs in this thread says to those who help. */
export type StatementFacts = Pick<HelpRequest, 'version' | 'wallMs'> & { readonly request: RunRequest; readonly elapsedMs: () => number };

export class ReaderCrew {
  readonly #own: number;
  readonly #loads: ReaderLoads;
  /** By reader; there is none to itself. */
  readonly #ports: readonly (MessagePort | undefined)[];

  constructor(own: number, loads: ReaderLoads, ports: readonly (MessagePort | undefined)[]) {
    this.#own = own;
    this.#loads = loads;
    this.#ports = ports;
  }

  /** Begins to help the others when they ask. */
  listen(help: (request: HelpRequest, mayLeave: () => boolean) => HelperParts | undefined): void {
    for (const port of this.#ports) {
      port?.on('message', ([flat, version, wallMs, memoryBytes, board, plan, helper, answer]: Packet) => {
        const onBoard = new Board(board);
        try {
          if (!onBoard.begin(helper)) return;
          const parts = help({ request: requestOf(flat), version, wallMs, memoryBytes, board, plan }, () => this.#loads.isWanted(this.#own));
          if (parts !== undefined && parts.parts.length > 0) this.#loads.noteHelp();
          // Without an answer the statement does all of it itself.
          answer.postMessage(parts);
        } catch {
          onBoard.giveUp();
        } finally {
          onBoard.end(helper);
          answer.close();
          this.#loads.release(this.#own);
        }
      });
    }
  }

  close(): void {
    for (const port of this.#ports) port?.close();
  }

  helpersFor(facts: StatementFacts): Helpers {
    const loads = this.#loads;
    const isThere = (reader: number): boolean => this.#ports[reader] !== undefined && loads.isIdle(reader);
    return {
      get areIdle() {
        for (let reader = 0; reader < loads.readers; reader++) if (isThere(reader)) return true;
        return false;
      },
      ask: (work, most) => this.#ask(facts, work, most),
    };
  }

  #ask({ request, version, wallMs, elapsedMs }: StatementFacts, work: SharedPlan, most: number): Helper[] {
    const readers: number[] = [];
    for (const [reader, port] of this.#ports.entries()) if (port !== undefined && readers.length < most && this.#loads.engage(reader)) readers.push(reader);
    const left = { ...request, timeoutMs: request.timeoutMs > 0 ? Math.max(1, request.timeoutMs - elapsedMs()) : request.timeoutMs };
    return readers.map((reader, helper) => {
      const { port1, port2 } = new MessageChannel();
      const packet: Packet = [flatRequest(left), version, wallMs, work.memoryBytes(readers.length), work.board, work.plan, helper, port2];
      this.#ports[reader]!.postMessage(packet, [port2]);
      return {
        result: () => (receiveMessageOnPort(port1) as { readonly message: unknown } | undefined)?.message,
        release: () => port1.close(),
      };
    });
  }
}
