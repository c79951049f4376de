/**
 * A service that knows a few statements by their first word, for protocol tests without a database.
 *
 *   RANGE n   n rows, in parts of 1000      HANG      runs until it is killed
 *   WRITE     a write that succeeds         FAIL c    fails with the code c
 *   ECHO      a row with the parameter x
 */
import { ByteWriter } from '../../src/base/bytes.ts';
import { DbError, fromWire } from '../../src/base/errors.ts';
import type { Door, OpenTransaction, Results, Work } from '../../src/bolt/door.ts';
import { boltEncoders } from '../../src/bolt/record-encoder.ts';
import { emptyStats } from '../../src/cypher/context.ts';
import type { GroupStatus } from '../../src/replica/protocol.ts';
import type { QuerySummary, RowsPart } from '../../src/service/api.ts';
import type { BeginOptions, RunOptions } from '../../src/service/session.ts';
import type { Value } from '../../src/value/value.ts';

const encoders = new Map(boltEncoders.map((encoder) => [encoder.name, encoder]));

export class FakeDoor implements Door {
  version = 7;
  status_: Partial<GroupStatus> = {};
  readonly log: string[] = [];
  readonly #kills = new Map<string, () => void>();
  #tasks = 0;

  readonly options = {
    disableAuth: false, serverVersion: '1.2.3',
    tasks: {
      kill: (id: string) => {
        this.log.push('kill');
        this.#kills.get(id)?.();
      },
    },
  };

  async checkPassword(user: string, password: string): Promise<{ user: string; isAdmin: boolean }> {
    if (password !== 'right') throw new DbError('Unauthorized', 'Bad user/password.');
    return { user, isAdmin: true };
  }

  async authenticate(token: string): Promise<{ user: string; isAdmin: boolean }> {
    return this.checkPassword('admin', token);
  }

  async status(): Promise<GroupStatus> {
    return {
      enabled: false, clusterId: '', nodeId: 'n1', role: 'leader', term: 1, leaderId: 'n1', commitIndex: 0, groupCommit: 0, lastIndex: 0, firstIndex: 0,
      appliedIndex: 0, waitingFor: undefined, peers: [], counters: {}, ...this.status_,
    };
  }

  session(): Work {
    return {
      run: (text, options) => this.#run(text, options),
      begin: async (options) => this.#begin(options),
      beginDeferred: (options) => this.#begin(options),
    };
  }

  #begin(options: BeginOptions): OpenTransaction {
    this.log.push(`begin ${options.mode} ${options.graph ?? ''} ${options.minVersion ?? ''}`.trim());
    return {
      run: (text, options) => this.#run(text, options),
      commit: async () => {
        this.log.push('commit');
        if (this.log.includes('begin write lost')) throw new DbError('OutcomeUnknown', 'the leader is gone');
        return { version: ++this.version };
      },
      rollback: async () => {
        this.log.push('rollback');
      },
    };
  }

  async #run(text: string, options: RunOptions): Promise<Results> {
    this.log.push(`run ${text} ${options.graph ?? ''} ${options.minVersion ?? ''}`.trim());
    const [word, argument] = text.split(' ');
    const id = String(++this.#tasks);
    options.onTask?.(id);
    switch (word) {
      case 'FAIL': throw fromWire({ code: argument ?? '', message: 'it failed', detail: 'UndefinedVariable', hint: 'do better' });
      case 'HANG':
        return new Promise((_, reject) => {
          this.#kills.set(id, () => reject(new DbError('Killed', 'Task is killed.')));
        });
      case 'RANGE': return this.#rows(options, Number(argument), (i) => [i]);
      case 'ECHO': return this.#rows(options, 1, () => [options.parameters?.get('x') ?? null]);
      default: return this.#rows(options, 0, () => [], 'w');
    }
  }

  #rows(options: RunOptions, count: number, row: (i: number) => Value[], type: 'r' | 'w' = 'r'): Results {
    const encoder = encoders.get(options.encoding)!;
    const version = type === 'w' ? ++this.version : this.version;
    const summary: QuerySummary = {
      version, stats: { ...emptyStats(), nodesCreated: type === 'w' ? 1 : 0 }, plan: undefined, mode: 'run', elapsedMs: 1, repeated: false,
      notifications: [{ code: 'Neo.X', title: 't', description: 'd', severity: 'WARNING' }],
    };
    let at = 0;
    const next = async (): Promise<RowsPart> => {
      const writer = new ByteWriter();
      const end = Math.min(count, at + 1000);
      const rows = end - at;
      for (; at < end; at++) encoder.encode(row(at), writer);
      return { bytes: writer.finish(), count: rows, summary: at === count ? summary : undefined };
    };
    return { columns: type === 'r' ? ['x'] : [], type, version, summary: undefined, next, discard: () => this.log.push('discard') };
  }
}
