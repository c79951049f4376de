/**
 * Writes that reach a follower, done on the leader: executor calls as bytes between the main threads of two servers.
 *
 * v8's structured-clone form carries every value there is; it is only ever read from servers of the own group.
 */
import { deserialize, serialize } from 'node:v8';
import { asDbError, DbError, fromWire } from '../base/errors.ts';
import type { WireError } from '../base/errors.ts';
import { CallingExecutor } from '../service/executors.ts';
import type { Executor, ExecutorCall } from '../service/executors.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import type { GroupLink } from '../service/group-link.ts';
import type { TaskRegistry } from '../service/tasks.ts';

interface Answer {
  readonly ok?: unknown;
  readonly error?: WireError;
}

type PeerCall = ExecutorCall | { readonly method: 'status' };

const STATUS_TIMEOUT_MS = 1000;
/** Room for the way and for the leader's own waiting. */
const MARGIN_MS = 10_000;
const TIMEOUT_MS = 600_000;
/** Whoever is refused here asks again only after a pause. */
const OPENING_MS = 1000;
/** A leader that was replaced has so long to answer what it was asked. */
const DEPOSED_MS = 1000;
const WATCH_MS = 250;

export function leaderExecutor(group: GroupLink): Executor {
  const deposals = new Deposals(group);
  return new CallingExecutor(async (call) => {
    if (call.method !== 'run') return ask(group, call, TIMEOUT_MS);
    const answer = ask(group, call, call.argument.timeoutMs > 0 ? call.argument.timeoutMs + MARGIN_MS : TIMEOUT_MS);
    // Only what may be asked for again under its key: what is open for others stays with the server that knows.
    return call.argument.idempotencyKey === undefined ? answer : deposals.watch(answer);
  });
}

/**
 * Requests to a leader that has been replaced are given up. Cut off in silence it will not answer, and its connection is known to be
 * dead only seconds after the group has a new leader. One that is merely deposed answers within the time that it is given.
 */
class Deposals {
  readonly #group: GroupLink;
  readonly #open = new Set<{ readonly leader: string; deposedMs: number | undefined; readonly giveUp: () => void }>();
  #watching = false;

  constructor(group: GroupLink) {
    this.#group = group;
  }

  watch(answer: Promise<unknown>): Promise<unknown> {
    const leader = this.#group.leader?.rpcAddress;
    if (leader === undefined) return answer;
    return new Promise((resolve, reject) => {
      const request = {
        leader, deposedMs: undefined,
        giveUp: () => reject(new DbError('OutcomeUnknown', `${leader} does not lead any more and has not answered`)),
      };
      this.#open.add(request);
      void answer.then(resolve, reject).finally(() => this.#open.delete(request));
      if (!this.#watching) void this.#watch();
    });
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#open.size > 0) {
      await this.#group.leaderChange(WATCH_MS);
      const leader = this.#group.leader?.rpcAddress;
      const now = performance.now();
      for (const request of this.#open) {
        if (leader === undefined || leader === request.leader) continue;
        request.deposedMs ??= now;
        if (now - request.deposedMs < DEPOSED_MS) continue;
        this.#open.delete(request);
        request.giveUp();
      }
    }
    this.#watching = false;
  }
}

/** Answers calls from followers with this server's writer. */
export function answerForwarded(writer: Executor, group: GroupLink, tasks: TaskRegistry): (bytes: Uint8Array) => Promise<Uint8Array> {
  return async (bytes) => {
    let answer: Answer;
    try {
      answer = { ok: await perform(deserialize(bytes) as PeerCall, writer, group, tasks) };
    } catch (error) {
      answer = { error: asDbError(error).toWire() };
    }
    return new Uint8Array(serialize(answer));
  };
}

/** The status of the group from its leader. */
export async function leaderStatus(group: GroupLink): Promise<GroupStatus> {
  return await ask(group, { method: 'status' }, STATUS_TIMEOUT_MS) as GroupStatus;
}

async function ask(group: GroupLink, call: PeerCall, timeoutMs: number): Promise<unknown> {
  const answer = deserialize(await group.callLeader(new Uint8Array(serialize(call)), timeoutMs)) as Answer;
  if (answer.error !== undefined) throw fromWire(answer.error);
  return answer.ok;
}

async function perform(call: PeerCall, writer: Executor, group: GroupLink, tasks: TaskRegistry): Promise<unknown> {
  if (call.method === 'status') return group.status();
  if (group.isOpening) await opened(group);
  if (!group.isLeader) throw await whyNotOpen(group);
  switch (call.method) {
    case 'run': {
      const task = tasks.start(`[CYPHER] ${call.argument.text}`, call.argument.user, call.argument.graph);
      try {
        // A copy with memory of its own, for the way to the writer thread.
        return await writer.run({ ...call.argument, parameters: new Uint8Array(call.argument.parameters), killSlot: task.slot });
      } finally {
        tasks.end(task);
      }
    }
    case 'pull': return writer.pull(call.argument);
    case 'discard': return writer.discard(call.argument);
    case 'begin': return writer.begin(call.argument);
    case 'commit': return writer.commit(call.argument);
    case 'rollback': return writer.rollback(call.argument);
  }
}

/** One that is elected and has no room for its first entry, or for what is committed, leads in name only: asking again soon is of no use. */
async function whyNotOpen(group: GroupLink): Promise<DbError> {
  const counters = group.isOpening ? (await group.status()).counters : undefined;
  if (counters?.isDiskFull !== 1 && counters?.isStoreFull !== 1) return new DbError('NotLeader', 'this server is not the leader');
  return new DbError('ReadOnlyDisk', "the leader's disk is full; the write was not made", { hint: 'free space in the data directory; writes resume by themselves' });
}

/** Waits until this server, just elected, takes writes, or does not lead after all. */
async function opened(group: GroupLink): Promise<void> {
  const untilMs = performance.now() + OPENING_MS;
  while (group.isOpening && performance.now() < untilMs) await group.leaderChange(untilMs - performance.now());
}
