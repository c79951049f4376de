import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { EMPTY_SYSTEM } from '../../src/graph/system.ts';
import type { BeginReply, RunReply, RunRequest } from '../../src/service/api.ts';
import type { Executor } from '../../src/service/executors.ts';
import { DeferredTransaction, EagerTexts } from '../../src/service/deferred-transaction.ts';
import { Session, SessionTransaction } from '../../src/service/session.ts';
import type { Service } from '../../src/service/service.ts';

/** As much of a session as a transaction asks of it. */
const SESSION = {
  principal: { user: 'u' },
  service: { options: { leader: undefined, reader: { system: EMPTY_SYSTEM } }, checkPresence: () => undefined },
  prepare: () => ({ access: 'read', mode: 'run', summary: 'r' }),
  statement: (text: string, graph: string, _options: unknown, understand: (graph: string) => unknown, work: (request: object, end: () => void) => Promise<unknown>) => {
    understand(graph);
    return work({ text, graph, parameters: new Map() }, () => undefined);
  },
} as unknown as Session;

const ROWS: RunReply = { columns: ['x'], type: 'r', version: 7, execution: 0, bytes: new Uint8Array(), count: 0, summary: undefined };
const OPTIONS = { encoding: 'json', firstRows: 10 };

function open(begun: Promise<BeginReply>, run: (request: RunRequest) => Promise<RunReply>): { transaction: SessionTransaction; ended: number[] } {
  const ended: number[] = [];
  const executor = { run, rollback: (id: number) => (ended.push(id), new Promise(() => undefined)) } as unknown as Executor;
  return { transaction: new SessionTransaction(SESSION, executor, { transaction: 3, version: 0, beginning: begun }, { mode: 'read' }, EMPTY_SYSTEM), ended };
}

describe('a read transaction', () => {
  it('sends its first statement before it is known to have begun, and ends without waiting', async () => {
    let begin: (reply: BeginReply) => void = () => undefined;
    const asked: (number | undefined)[] = [];
    const { transaction, ended } = open(new Promise((resolve) => (begin = resolve)), async (request) => (asked.push(request.transaction), ROWS));
    const stream = await transaction.run('RETURN 1 AS x', OPTIONS);
    expect([asked, stream.version]).toEqual([[3], 7]);
    begin({ transaction: 3, version: 7 });
    expect(await transaction.commit()).toEqual({ version: 7 });
    await transaction.rollback();
    expect(ended).toEqual([3]);
  });

  it('says why it could not begin, whichever statement hears of it', async () => {
    const refused = Promise.reject(new DbError('Busy', 'too many'));
    const { transaction } = open(refused, () => Promise.reject(new DbError('TransactionNotFound', 'there is no open transaction 3')));
    await expect(transaction.run('RETURN 1 AS x', OPTIONS)).rejects.toThrow('too many');
    await expect(transaction.commit()).rejects.toThrow('too many');
  });

  it('passes on what was wrong with a statement', async () => {
    const { transaction } = open(Promise.resolve({ transaction: 3, version: 7 }), () => Promise.reject(new DbError('Timeout', 'too slow')));
    await expect(transaction.run('RETURN 1 AS x', OPTIONS)).rejects.toThrow('too slow');
  });

  /** A session at a server whose reader thread never says that a transaction has begun. */
  function atSilentReader(): { session: Session; begun: (number | undefined)[] } {
    const begun: (number | undefined)[] = [];
    const reader = { begin: (request: { transaction?: number }) => (begun.push(request.transaction), new Promise(() => undefined)), run: async () => ROWS };
    let transactions = 40;
    const service = { readIndexes: { versionFor: async () => 0 }, waitForVersion: async () => undefined, chooseReader: () => reader, nextReadTransaction: () => ++transactions, options: { reader: { system: EMPTY_SYSTEM } } } as unknown as Service;
    const session = new Session(service, { user: 'u', isAdmin: false });
    session.statement = SESSION.statement;
    session.prepare = SESSION.prepare;
    return { session, begun };
  }

  it('has begun at the reader when its client hears so, unless a statement follows at once', async () => {
    const { session, begun } = atSilentReader();
    const soon = <T>(work: Promise<T>) => Promise.race([work.then(() => 'answered'), new Promise((resolve) => setTimeout(() => resolve('waits'), 20))]);
    expect(await soon(session.begin({ mode: 'read' }))).toBe('waits');
    expect(await soon(session.begin({ mode: 'read', runsAtOnce: true }))).toBe('answered');
    expect(begun).toEqual([41, 42]);
  });

  it('that was not said to be one sends its beginning and its first statement together', async () => {
    const { session } = atSilentReader();
    session.writes = () => false;
    const deferred = new DeferredTransaction(session, { mode: 'write' }, new EagerTexts());
    expect((await deferred.run('RETURN 1 AS x', OPTIONS)).columns).toEqual(['x']);
  });
});
