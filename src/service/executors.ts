/** The places where statements run, as the service sees them. */
import type { Channel } from '../base/channel.ts';
import { flatPart, flatReply, flatRequest, partOf, replyOf, requestOf } from './thread-wire.ts';
import type { Flat } from './thread-wire.ts';
import type { ReaderLoads } from './reader-crew.ts';
import type { BeginReply, BeginRequest, CommitRequest, PullRequest, RowsPart, RunReply, RunRequest } from './api.ts';

/** Of readers without requests the one that helps nobody is the better choice. */
const HELP_COUNTS = 0.5;

/** Runs statements; what it answers with are parts of results. In this thread, in another, or on the leader. */
export interface Executor {
  run(request: RunRequest): Promise<RunReply>;
  pull(request: PullRequest): Promise<RowsPart>;
  discard(execution: number): void;
  begin(request: BeginRequest): Promise<BeginReply>;
  commit(request: CommitRequest): Promise<{ readonly version: number }>;
  rollback(transaction: number): Promise<void>;
}

/** Requests that are open there: the measure by which a reader thread is chosen. */
export interface LoadedExecutor extends Executor {
  readonly load: number;
}

/** Names of the calls between threads and servers; arguments and answers are the parameters above. */
export type ExecutorCall =
  | { readonly method: 'run'; readonly argument: RunRequest }
  | { readonly method: 'pull'; readonly argument: PullRequest }
  | { readonly method: 'discard'; readonly argument: number }
  | { readonly method: 'begin'; readonly argument: BeginRequest }
  | { readonly method: 'commit'; readonly argument: CommitRequest }
  | { readonly method: 'rollback'; readonly argument: number };

/** An executor on the other side of something that carries calls. */
export class CallingExecutor implements LoadedExecutor {
  readonly #call: (call: ExecutorCall) => Promise<unknown>;
  readonly #load: () => number;

  constructor(call: (call: ExecutorCall) => Promise<unknown>, load: () => number = () => 0) {
    this.#call = call;
    this.#load = load;
  }

  get load(): number {
    return this.#load();
  }

  async run(request: RunRequest): Promise<RunReply> {
    return await this.#call({ method: 'run', argument: request }) as RunReply;
  }
  async pull(request: PullRequest): Promise<RowsPart> {
    return await this.#call({ method: 'pull', argument: request }) as RowsPart;
  }
  discard(execution: number): void {
    // Nobody waits for it, and a lost connection has dropped the result anyway.
    this.#call({ method: 'discard', argument: execution }).catch(() => undefined);
  }
  async begin(request: BeginRequest): Promise<BeginReply> {
    return await this.#call({ method: 'begin', argument: request }) as BeginReply;
  }
  async commit(request: CommitRequest): Promise<{ version: number }> {
    return await this.#call({ method: 'commit', argument: request }) as { version: number };
  }
  async rollback(transaction: number): Promise<void> {
    await this.#call({ method: 'rollback', argument: transaction });
  }
}

/** An executor in another thread. */
export function threadExecutor(channel: Channel): LoadedExecutor {
  return new CallingExecutor((call) => callThread(channel, call), () => channel.inFlight);
}

/** The same in a reader thread, which helps others only while nothing is asked of it here. */
export function readerExecutor(channel: Channel, loads: ReaderLoads, reader: number): LoadedExecutor {
  return new CallingExecutor(async (call) => {
    loads.add(reader, 1);
    try {
      return await callThread(channel, call);
    } finally {
      loads.add(reader, -1);
    }
  }, () => channel.inFlight + (loads.helps(reader) ? HELP_COUNTS : 0));
}

async function callThread(channel: Channel, call: ExecutorCall): Promise<unknown> {
  if (call.method === 'run') return replyOf(await channel.call<Flat>('run', flatRequest(call.argument)));
  if (call.method === 'pull') return partOf(await channel.call<Flat>('pull', call.argument));
  return channel.call(call.method, call.argument);
}

/** The other end of `threadExecutor`: the handlers of a thread that executes. */
export function executorHandlers(executor: {
  run(request: RunRequest): RunReply | Promise<RunReply>;
  pull(request: PullRequest): RowsPart | Promise<RowsPart>;
  discard(execution: number): void;
  begin(request: BeginRequest): unknown;
  commit(request: CommitRequest): unknown;
  rollback(transaction: number): unknown;
}): Readonly<Record<ExecutorCall['method'], (argument: never) => unknown>> {
  return {
    run: async (request: Flat) => flatReply(await executor.run(requestOf(request))),
    pull: async (request: PullRequest) => flatPart(await executor.pull(request)),
    discard: (execution: number) => executor.discard(execution),
    begin: (request: BeginRequest) => executor.begin(request),
    commit: (request: CommitRequest) => executor.commit(request),
    rollback: (transaction: number) => executor.rollback(transaction),
  };
}
