/** The main thread's end of the port to the consensus thread: the group as the service sees it. */
import type { MessagePort } from 'node:worker_threads';
import { asDbError, DbError, fromWire } from '../base/errors.ts';
import type { ConsensusToMain, ExportedState, GroupStatus, LogEntries, MainToConsensus, NodeInfo, SnapshotDone } from '../replica/protocol.ts';
import type { GroupLink } from '../service/group-link.ts';

export interface ConsensusLinkHandlers {
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>): void;
  fatal(message: string, isRefusal: boolean): void;
  /** This server was removed for its silence and is to be started again. */
  rejoin(): void;
  /** Write the whole state to a file. */
  exportState(path: string): Promise<ExportedState>;
  /** Put the state of a file, at that version, in the place of this server's own. */
  installState(state: { readonly path: string; readonly index: number; readonly sha256: string }): void;
  /** A request from another server; resolves with the answer's bytes. */
  call(bytes: Uint8Array): Promise<Uint8Array>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A request without an id of its own yet. */
type Ask = MainToConsensus extends infer M ? M extends { readonly id: number } ? Omit<M, 'id'> : never : never;

export class ConsensusLink implements GroupLink {
  readonly #port: MessagePort;
  readonly #handlers: ConsensusLinkHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #changed: (() => void)[] = [];
  #next = 1;
  #leader: NodeInfo | undefined;
  #term = 0;
  /** Set by the writer thread: leading, caught up, and open for writes. */
  #isOpen = false;
  #isElected = false;
  #begin: () => void = () => undefined;
  /** Nothing about this start will be refused any more. */
  readonly begun = new Promise<void>((resolve) => (this.#begin = resolve));

  constructor(port: MessagePort, handlers: ConsensusLinkHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.on('message', (message: ConsensusToMain) => this.#receive(message));
  }

  get isLeader(): boolean {
    return this.#isOpen;
  }
  get isOpening(): boolean {
    return this.#isElected && !this.#isOpen;
  }
  get leader(): NodeInfo | undefined {
    return this.#leader;
  }
  get term(): number {
    return this.#term;
  }

  /** The writer thread opened or closed for writes. */
  setOpen(open: boolean): void {
    this.#isOpen = open;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  leaderChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#changed.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #ask(message: Ask, transfer: ArrayBuffer[] = []): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage({ ...message, id }, transfer);
    });
  }

  async status(): Promise<GroupStatus> {
    return await this.#ask({ kind: 'status' }) as GroupStatus;
  }

  async readIndex(timeoutMs: number): Promise<number> {
    return await this.#ask({ kind: 'readIndex', timeoutMs }) as number;
  }

  async callLeader(bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return await this.#ask({ kind: 'peerRequest', to: 'leader', bytes, timeoutMs }) as Uint8Array;
  }

  /** The state store takes no writes any more. */
  reportStoreFull(): void {
    this.#port.postMessage({ kind: 'storeFull' } satisfies MainToConsensus);
  }

  /** The file that was to be installed is not what it should be. */
  refuseState(index: number): void {
    this.#port.postMessage({ kind: 'stateRefused', index } satisfies MainToConsensus);
  }

  async snapshot(address: string | undefined, timeoutMs: number): Promise<SnapshotDone> {
    return await this.#ask({ kind: 'snapshot', address, timeoutMs }) as SnapshotDone;
  }
  async logEntries(from: number, to: number, bytesMax: number): Promise<LogEntries> {
    return await this.#ask({ kind: 'logEntries', from, to, bytesMax }) as LogEntries;
  }
  async transferLeader(address: string | undefined, timeoutMs: number): Promise<unknown> {
    return this.#ask({ kind: 'transferLeader', address, timeoutMs });
  }
  async addPeer(address: string, timeoutMs: number): Promise<unknown> {
    return this.#ask({ kind: 'addPeer', address, timeoutMs });
  }
  async removePeer(address: string, timeoutMs: number): Promise<unknown> {
    return this.#ask({ kind: 'removePeer', address, timeoutMs });
  }
  /** Stops consensus; tells in a line whether this server left its group. */
  async stop(timeoutMs: number, leave: boolean): Promise<string> {
    const { left, reason } = await this.#ask({ kind: 'stop', timeoutMs, leave }) as { left?: boolean; reason?: string };
    if (!leave) return 'consensus stopped';
    return left === true ? 'left the group' : `stopped without leaving the group${reason === undefined ? '' : `: ${reason}`}`;
  }

  #receive(message: ConsensusToMain): void {
    switch (message.kind) {
      case 'reply':
        this.#settle(message.id)?.resolve(message.ok);
        return;
      case 'peerReply':
        this.#settle(message.id)?.resolve(message.bytes);
        return;
      case 'replyError':
        this.#settle(message.id)?.reject(fromWire(message));
        return;
      case 'peerCall':
        this.#handlers.call(message.bytes).then(
          (bytes) => this.#port.postMessage({ kind: 'peerAnswer', callId: message.callId, bytes } satisfies MainToConsensus),
          (error: unknown) => this.#handlers.log('error', `a forwarded request was not answered: ${String(error)}`),
        );
        return;
      case 'role':
        this.#leader = message.leader;
        this.#isElected = message.role === 'leader';
        this.#term = message.term;
        this.#notify();
        return;
      case 'exportState': {
        const { exportId, path } = message;
        const answer = (state: ExportedState | undefined, error?: string, isOutOfSpace = false) => this.#port.postMessage({ kind: 'stateExported', exportId, state, ...(error === undefined ? {} : { error, isOutOfSpace }) } satisfies MainToConsensus);
        this.#handlers.exportState(path).then((state) => answer(state), (thrown: unknown) => {
          const { code, message } = asDbError(thrown);
          answer(undefined, message, code === 'ReadOnlyDisk');
        });
        return;
      }
      case 'installState':
        this.#handlers.installState(message);
        return;
      case 'begun':
        this.#begin();
        return;
      case 'rejoin':
        this.#handlers.rejoin();
        return;
      case 'log':
        this.#handlers.log(message.level, message.message, message.fields);
        return;
      case 'fatal':
        this.#handlers.fatal(message.message, message.isRefusal === true);
        return;
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Every open question fails. */
  close(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new DbError('ShuttingDown', 'this server is shutting down'));
    this.#waiting.clear();
    this.#port.close();
  }
}
