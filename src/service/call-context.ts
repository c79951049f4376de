/** What a procedure of the server may know and change: passed through the query engine as its `session`. */
import { DbError } from '../base/errors.ts';
import type { SystemState } from '../graph/system.ts';
import type { Transaction } from '../graph/transaction.ts';
import type { GroupFacts } from './api.ts';
import { isAdmin } from './access.ts';

const GRAPHS_MAX = 4096;

export interface CallContextOptions {
  readonly user: string;
  readonly tokenIssuedMs?: number | undefined;
  readonly system: SystemState;
  readonly group: GroupFacts | undefined;
  /** Set in a write. */
  readonly transaction: Transaction | undefined;
  readonly version: number;
  readonly checksum: string;
  readonly nowMs: number;
  /** Kill switches of the statements of this server. */
  readonly killFlags: Int32Array;
  /** How many graphs there may be. */
  readonly graphsMax?: number | undefined;
}

export class CallContext {
  readonly #options: CallContextOptions;

  constructor(options: CallContextOptions) {
    this.#options = options;
  }

  get user(): string {
    return this.#options.user;
  }
  get tokenIssuedMs(): number | undefined {
    return this.#options.tokenIssuedMs;
  }
  get nowMs(): number {
    return this.#options.nowMs;
  }
  /** The system state, with this transaction's own changes. */
  get system(): SystemState {
    return this.#options.transaction?.system ?? this.#options.system;
  }
  get version(): number {
    return this.#options.version;
  }
  get checksum(): string {
    return this.#options.checksum;
  }

  /** Asks a statement of this server to end; it does at its next checkpoint. */
  killTask(taskId: string): void {
    if (!this.group.tasks.some((task) => task.taskId === taskId)) throw new DbError('NotFound', `Task [${taskId}] not exist.`);
    Atomics.store(this.#options.killFlags, Number(taskId.split('_')[0]), 1);
  }

  get graphsMax(): number {
    return this.#options.graphsMax ?? GRAPHS_MAX;
  }

  get isAdmin(): boolean {
    return isAdmin(this.system, this.user);
  }

  requireAdmin(message = 'Admin access right required.'): void {
    if (!this.isAdmin) throw new DbError('Forbidden', message);
  }

  get transaction(): Transaction {
    const { transaction } = this.#options;
    if (transaction === undefined) throw new DbError('Internal', 'this procedure changes data and needs a write transaction');
    return transaction;
  }

  get group(): GroupFacts {
    const { group } = this.#options;
    if (group === undefined) throw new DbError('Internal', 'the status of the group was not fetched for this statement');
    return group;
  }
}
