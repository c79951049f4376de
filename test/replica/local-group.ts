/**
 * Consensus servers inside the test process, over the real transport on loopback, with a counting writer each.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { noTransport } from '../../src/replica/consensus-transport.ts';
import { Consensus } from '../../src/replica/consensus.ts';
import type { ConsensusOptions, ConsensusToMain, ConsensusToWriter, GroupStatus, MainToConsensus } from '../../src/replica/protocol.ts';
import { RaftTransport } from '../../src/rpc/raft-transport.ts';

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;
export type Ask = WithoutId<MainToConsensus>;

export class LocalServer {
  readonly applied: string[] = [];
  readonly outcomes = new Map<number, string>();
  readonly logs: string[] = [];
  fatal: string | undefined;
  /** It was removed for its silence, and asks its process to start it again. */
  wantsRejoin = false;
  toInstall: { index: number; applied: string[] } | undefined;
  leadingTerm: number | undefined;
  role = '';
  leaderId: string | undefined;
  answer: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  readonly #consensus: Consensus;
  readonly #writer: MessagePort;
  readonly #main: MessagePort;
  readonly #replies = new Map<number, { resolve: (ok: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #lastApplied: number;
  #ready = Infinity;

  constructor(options: ConsensusOptions) {
    const writer = new MessageChannel();
    const main = new MessageChannel();
    this.#writer = writer.port2;
    this.#main = main.port2;
    this.#lastApplied = options.appliedIndex;
    const transport = options.enabled ? new RaftTransport({ listenHost: options.listenHost, port: options.rpcPort, secret: options.secret, electionTimeoutMs: options.electionTimeoutMs }) : noTransport;
    this.#consensus = new Consensus({ options, writerPort: writer.port1, mainPort: main.port1, transport, clock: systemClock, random: systemRandom });
    this.#writer.on('message', (message: ConsensusToWriter) => this.#onWriter(message));
    this.#main.on('message', (message: ConsensusToMain) => this.#onMain(message));
  }

  get nodeId(): string {
    return this.#consensus.nodeId;
  }
  get appliedIndex(): number {
    return this.#lastApplied;
  }

  start(): Promise<void> {
    return this.#consensus.start();
  }

  #onWriter(message: ConsensusToWriter): void {
    if (message.kind === 'leading') {
      this.leadingTerm = message.term;
      this.#ready = message.readyIndex;
    } else if (message.kind === 'following') this.leadingTerm = undefined;
    else if (message.kind === 'rejected') for (const id of message.ids) this.outcomes.set(id, message.reason);
    else if (message.kind === 'committed') {
      if (message.first !== this.#lastApplied + 1) throw new Error(`gap: ${message.first} after ${this.#lastApplied}`);
      let at = 0;
      for (const [i, length] of message.data.lengths.entries()) {
        if (message.kinds[i] === 1) this.applied.push(Buffer.from(message.data.bytes.subarray(at, at + length)).toString());
        at += length;
        if (message.ids[i] !== 0) this.outcomes.set(message.ids[i]!, 'committed');
      }
      this.#lastApplied = message.first + message.ids.length - 1;
      this.#writer.postMessage({ kind: 'applied', index: this.#lastApplied, durable: this.#lastApplied });
    }
  }

  #onMain(message: ConsensusToMain): void {
    if (message.kind === 'reply') this.#replies.get(message.id)?.resolve(message.ok);
    else if (message.kind === 'replyError') this.#replies.get(message.id)?.reject(new Error(`${message.code}: ${message.message}`));
    else if (message.kind === 'peerReply') this.#replies.get(message.id)?.resolve(message.bytes);
    else if (message.kind === 'peerCall') this.#main.postMessage({ kind: 'peerAnswer', callId: message.callId, bytes: this.answer(message.bytes) });
    else if (message.kind === 'role') {
      this.role = message.role;
      this.leaderId = message.leaderId;
    } else if (message.kind === 'log') this.logs.push(`${message.level} ${message.message}`);
    else if (message.kind === 'fatal') this.fatal = message.message;
    else if (message.kind === 'rejoin') this.wantsRejoin = true;
    else if (message.kind === 'exportState') {
      const file = JSON.stringify(this.applied) + ' '.repeat(1_000_000);
      writeFileSync(message.path, file);
      const state = { index: this.#lastApplied, bytes: Buffer.byteLength(file), sha256: createHash('sha256').update(file).digest('hex') };
      this.#main.postMessage({ kind: 'stateExported', exportId: message.exportId, state } satisfies MainToConsensus);
    } else if (message.kind === 'installState') this.toInstall = { index: message.index, applied: JSON.parse(readFileSync(message.path, 'utf8')) as string[] };
  }

  ask<T>(message: Ask): Promise<T> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve: (ok) => resolve(ok as T), reject });
      this.#main.postMessage({ ...message, id });
    });
  }

  status(): Promise<GroupStatus> {
    return this.ask({ kind: 'status' });
  }

  /** Proposes one entry; returns its id. */
  propose(text: string): number {
    const id = this.#nextId++;
    const bytes = new Uint8Array(Buffer.from(text));
    this.#writer.postMessage({ kind: 'propose', term: this.leadingTerm ?? 0, epoch: id, ids: [id], data: { bytes, lengths: [bytes.length] } });
    return id;
  }

  get isReady(): boolean {
    return this.leadingTerm !== undefined && this.#lastApplied >= this.#ready;
  }

  async stop(timeoutMs = 1000): Promise<void> {
    await this.ask({ kind: 'stop', timeoutMs });
    this.#main.close();
    this.#writer.close();
  }
}

export class LocalGroup {
  readonly directory = mkdtempSync(join(tmpdir(), 'group-'));
  readonly servers: LocalServer[] = [];
  readonly running = new Set<LocalServer>();

  async options(index: number, ports: readonly number[], extra: Partial<ConsensusOptions> = {}): Promise<ConsensusOptions> {
    const address = `127.0.0.1:${ports[index]}`;
    await Promise.resolve();
    return {
      enabled: true, logDirectory: join(this.directory, `ha${index}`), listenHost: '127.0.0.1', rpcPort: ports[index]!,
      info: { rpcAddress: address, restAddress: '', boltAddress: '', isWitness: false, serverVersion: 'test' },
      initialAddresses: ports.map((port) => `127.0.0.1:${port}`), electionTimeoutMs: 300, heartbeatMs: 30, durable: true, secret: 's',
      formOnMajority: false, joinGroupSeconds: 1, appliedIndex: 0, maxInflightBytes: 8 << 20, maxUncommittedBytes: 64 << 20,
      maxEntryBytes: 16 << 20, leaseReads: false, ...extra,
    };
  }

  async start(options: ConsensusOptions): Promise<LocalServer> {
    const server = new LocalServer(options);
    this.running.add(server);
    await server.start();
    return server;
  }

  async stop(server: LocalServer): Promise<void> {
    this.running.delete(server);
    await server.stop();
  }

  async leader(among: readonly LocalServer[]): Promise<LocalServer> {
    await until('a leader', () => among.some((server) => server.isReady));
    return among.find((server) => server.isReady)!;
  }

  async end(): Promise<void> {
    await Promise.all([...this.running].map((server) => server.stop(0).catch(() => undefined)));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => resolve(server));
  })));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => {
    server.close(resolve);
  })));
  return ports;
}

export async function until(what: string, test: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  const began = performance.now();
  while (!(await test())) {
    if (performance.now() - began > limitMs) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
