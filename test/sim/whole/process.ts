/**
 * One life of a server: the real Consensus with everything below it, timers and ports of virtual time, and a state machine that
 * remembers what it was given. A machine (Host) outlives it, with its disk.
 */
import type { Timers } from '../../../src/base/timers.ts';
import type { Random } from '../../../src/base/random.ts';
import type { BulkFiles } from '../../../src/replica/bulk-files.ts';
import { Consensus } from '../../../src/replica/consensus.ts';
import type { Disk, DiskFile } from '../../../src/replica/log-store-disk.ts';
import type { Port } from '../../../src/replica/ports.ts';
import type { ConsensusOptions, ConsensusToMain, ConsensusToWriter, MainToConsensus, WriterToConsensus } from '../../../src/replica/protocol.ts';
import { PowerCut, SyncFailed } from '../disk.ts';
import type { Host } from './host.ts';
import { SimTransport } from './network.ts';
import { exportState, installState } from './state-work.ts';

export interface Proposal {
  readonly data: string;
  settle(outcome: string, index: number): void;
}

export class SimProcess {
  readonly host: Host;
  isAlive = true;
  readonly transport: SimTransport;
  consensus: Consensus | undefined;
  leadingTerm: number | undefined;
  #ready = Number.POSITIVE_INFINITY;
  readonly proposals = new Map<number, Proposal>();
  readonly replies = new Map<number, (ok: unknown, error: string | undefined) => void>();
  /** Why its greetings were refused, newest last. */
  readonly refusals = new Set<string>();
  readonly startedMs: number;
  readonly timers: Timers;
  /** A state is being put in the place of the one in use. */
  isInstalling = false;
  readonly #files: Disk;
  #isPaused = false;
  #late: { readonly isTimer: boolean; readonly work: () => void }[] = [];
  #soon: (() => void)[] = [];
  #toWriter: (message: WriterToConsensus) => void = () => undefined;
  #toMain: (message: MainToConsensus) => void = () => undefined;

  constructor(host: Host, options: ConsensusOptions) {
    this.host = host;
    this.startedMs = host.world.time.now;
    this.transport = new SimTransport(host.world.network, this, options.info.rpcAddress);
    this.timers = this.#newTimers();
    this.#files = this.#fenced();
  }

  start(options: ConsensusOptions, random: Random, newId: (bytes: number) => string): void {
    const { world } = this.host;
    const failed = (error: unknown) => {
      if (!this.isAlive) return;
      this.host.onFatal(this, error instanceof Error ? error.message : String(error));
    };
    this.run(() => {
      try {
        this.consensus = new Consensus({
          options, transport: this.transport, random, newId, timers: this.timers, disk: this.#files, bulk: this.bulk,
          logSizes: { segmentBytes: 6000, allocateBytes: 2000, reserveBytes: 300, cacheBytesMax: 4000 }, mutants: world.mutants,
          clock: { monotonicMs: () => this.host.clockMs, wallMs: () => world.time.now },
          writerPort: this.#port<WriterToConsensus, ConsensusToWriter>((message) => this.#onWriter(message), (listener) => (this.#toWriter = listener)),
          mainPort: this.#port<MainToConsensus, ConsensusToMain>((message) => this.#onMain(message), (listener) => (this.#toMain = listener)),
        });
        this.consensus.start().catch(failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  // ---- time ----

  /** Everything that happens in this process; while it is stopped, things wait. */
  run(work: () => void, isTimer = false): void {
    if (!this.isAlive) return;
    if (this.#isPaused) {
      this.#late.push({ isTimer, work });
      return;
    }
    try {
      work();
    } catch (error) {
      // The machine is off already, or the thread has ended by what nobody caught.
      if (error instanceof SyncFailed) this.host.onFatal(this, error.message);
      else if (!(error instanceof PowerCut)) throw error;
    }
    this.host.world.touched.add(this);
  }

  /** Comes back only in this life of the server. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.host.world.time.after(ms, () => this.run(resolve));
    });
  }

  /** Large files, which other threads of the process write: each call takes a while. */
  get bulk(): BulkFiles {
    const { stateRates, stateRandom } = this.host.world;
    const aWhile = () => this.wait(stateRandom.next() * stateRates.ioMs);
    const opened = async (name: string, isNew: boolean) => {
      await aWhile();
      return this.#files.open(name, isNew && !this.#files.list().includes(name));
    };
    return {
      path: (name) => name,
      append: async (name) => {
        const file = await opened(name, true);
        return {
          append: async (bytes) => {
            await aWhile();
            file.write(file.size, bytes);
          },
          sync: async () => {
            await aWhile();
            file.sync();
          },
          close: () => Promise.resolve(file.close()),
        };
      },
      read: async (name) => {
        const file = await opened(name, false);
        return {
          read: async (part, position) => {
            await aWhile();
            const bytes = file.read(position, part.length);
            part.set(bytes);
            return bytes.length;
          },
          close: () => Promise.resolve(file.close()),
        };
      },
    };
  }

  get files(): Disk {
    return this.#files;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** As Node.js goes on after SIGCONT: timers that are due, then the sockets, then what was put off. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const late = this.#late;
    this.#late = [];
    for (const { isTimer, work } of late) if (isTimer) this.run(work);
    for (const { isTimer, work } of late) if (!isTimer) this.run(work);
  }

  #newTimers(): Timers {
    const { time } = this.host.world;
    const { clockRate } = this.host;
    return {
      after: (ms, work) => {
        let isOn = true;
        time.after(ms * clockRate, () => this.run(() => {
          if (isOn) work();
        }, true));
        return () => (isOn = false);
      },
      every: (ms, work) => {
        let isOn = true;
        const again = () => time.after(ms * clockRate + this.host.lagMs, () => {
          if (!isOn || !this.isAlive) return;
          this.run(() => {
            if (!isOn) return;
            again();
            work();
          }, true);
        });
        again();
        return () => (isOn = false);
      },
      soon: (work) => {
        this.#soon.push(work);
        if (this.#soon.length > 1) return;
        time.after(0.01 + this.host.lagMs, () => this.run(() => {
          for (const one of this.#soon.splice(0)) if (this.isAlive) one();
        }));
      },
    };
  }

  /** After its death nothing of a process reaches the disk. */
  #fenced(): Disk {
    const { disk } = this.host;
    const check = <T>(work: () => T): T => this.guarded(work);
    const fence = (file: DiskFile): DiskFile => ({
      get size() {
        return file.size;
      },
      write: (at, bytes) => check(() => file.write(at, bytes)),
      read: (at, length) => check(() => file.read(at, length)),
      truncate: (size) => check(() => file.truncate(size)),
      sync: () => check(() => file.sync()),
      close: () => file.close(),
    });
    return {
      list: () => check(() => disk.list()),
      open: (name, create) => check(() => fence(disk.open(name, create))),
      remove: (name) => check(() => disk.remove(name)),
      rename: (from, to) => check(() => disk.rename(from, to)),
      syncDirectory: () => check(() => disk.syncDirectory()),
      freeBytes: () => disk.freeBytes(),
    };
  }

  #port<In, Out>(toUs: (message: Out) => void, listen: (listener: (message: In) => void) => void): Port<In, Out> {
    const { time } = this.host.world;
    return {
      postMessage: (message) => time.after(0.05, () => this.run(() => toUs(message))),
      on: (_event, listener) => listen((message) => time.after(0.05, () => this.run(() => listener(message)))),
    };
  }

  /** Something that reaches a disk. */
  guarded<T>(work: () => T): T {
    if (!this.isAlive) throw new PowerCut('this process is dead');
    try {
      return work();
    } catch (error) {
      if (error instanceof PowerCut) this.host.onPowerCut(this);
      throw error;
    }
  }

  // ---- the other threads ----

  #onWriter(message: ConsensusToWriter): void {
    if (message.kind === 'leading') {
      this.leadingTerm = message.term;
      this.#ready = message.readyIndex;
    } else if (message.kind === 'following') this.leadingTerm = undefined;
    else if (message.kind === 'rejected') {
      for (const id of message.ids) this.#settle(id, message.reason, 0);
    } else if (message.kind === 'committed') {
      let at = 0;
      for (const [i, length] of message.data.lengths.entries()) {
        const data = Buffer.from(message.data.bytes.subarray(at, at + length)).toString();
        at += length;
        this.host.apply(this, { index: message.first + i, term: message.terms[i]!, data });
        if (message.ids[i] !== 0) this.#settle(message.ids[i]!, 'committed', message.first + i);
      }
      this.host.maybeSync();
      this.#toWriter({ kind: 'applied', index: this.host.state.index, durable: this.host.durable.index });
    } else {
      this.host.sync();
      this.#toWriter({ kind: 'applied', index: this.host.state.index, durable: this.host.durable.index });
    }
  }

  #settle(id: number, outcome: string, index: number): void {
    const proposal = this.proposals.get(id);
    this.proposals.delete(id);
    proposal?.settle(outcome, index);
  }

  #onMain(message: ConsensusToMain): void {
    const { host } = this;
    if (message.kind === 'log') host.onLog(this, message.level, message.message);
    else if (message.kind === 'fatal') host.onFatal(this, message.message);
    else if (message.kind === 'rejoin') host.onRejoin(this);
    else if (message.kind === 'exportState') exportState(this, message).then((answer) => this.tell(answer), (error: unknown) => this.run(() => {
      throw error;
    }));
    else if (message.kind === 'installState') {
      installState(this, message).catch((error: unknown) => this.run(() => {
        throw error;
      }));
    }
    else if (message.kind === 'reply' || message.kind === 'replyError') {
      const done = this.replies.get(message.id);
      this.replies.delete(message.id);
      if (message.kind === 'reply') done?.(message.ok, undefined);
      else done?.(undefined, `${message.code}: ${message.message}`);
    }
  }

  tell(message: MainToConsensus): void {
    if (this.isAlive) this.#toMain(message);
  }

  ask(message: MainToConsensus & { readonly id: number }, done: (ok: unknown, error: string | undefined) => void): void {
    this.replies.set(message.id, done);
    this.#toMain(message);
  }

  propose(id: number, proposal: Proposal): void {
    this.proposals.set(id, proposal);
    const bytes = new Uint8Array(Buffer.from(proposal.data));
    this.#toWriter({ kind: 'propose', term: this.leadingTerm ?? 0, epoch: id, ids: [id], data: { bytes, lengths: [bytes.length] } });
  }

  get isReady(): boolean {
    return this.leadingTerm !== undefined && this.host.state.index >= this.#ready;
  }

  onRefused(reason: string): void {
    this.refusals.add(reason);
  }

  /** The process is gone, from one instant to the next. */
  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.transport.hangUp();
    for (const { settle } of this.proposals.values()) settle('unknown', 0);
    this.proposals.clear();
    this.replies.clear();
  }
}
