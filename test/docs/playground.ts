/**
 * A server without its network, on a store in memory: statements with the procedures, permissions and files a server has, for the
 * examples of the documentation. There is no group: what shows one cannot be run here.
 */
import { DEFAULT_GRAPH, DEFAULT_USER, createFirstState } from '../../src/auth/first-start.ts';
import { seededRandom } from '../../src/base/random.ts';
import { execute, executeInTransactions, materialize, planText, prepare } from '../../src/cypher/engine.ts';
import type { ExecContext, Execution, PreparedQuery } from '../../src/cypher/engine.ts';
import type { ReadPoint } from '../../src/graph/state-reader.ts';
import type { SystemState } from '../../src/graph/system.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { OPTIONS } from '../../src/server/options.ts';
import { allProcedures } from '../../src/server/procedures.ts';
import { checkAccess } from '../../src/service/access.ts';
import type { GroupFacts } from '../../src/service/api.ts';
import { CallContext } from '../../src/service/call-context.ts';
import { csvFiles } from '../../src/service/csv-files.ts';
import type { Value } from '../../src/value/value.ts';
import { show } from '../cypher/show.ts';
import { LocalStore } from '../graph/fixture.ts';

export const PROCEDURES = allProcedures();

export const ALONE: GroupFacts = {
  status: {
    enabled: false, clusterId: '', nodeId: '', role: 'leader', term: 1, leaderId: undefined, commitIndex: 1, groupCommit: 1, lastIndex: 1, firstIndex: 1, appliedIndex: 1,
    waitingFor: undefined, peers: [], counters: {},
  },
  // A folder that is there.
  tasks: [], config: OPTIONS.map(({ name, default: value }) => [name, name === 'directory' ? '.' : value] as const), upSeconds: 1, serverVersion: '0.1.0',
};

/** Columns and rows as text, what was changed, and the plan where one was asked for. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly string[][];
  readonly changes: readonly string[];
  readonly plan: string | undefined;
}

export class Playground {
  readonly #store: LocalStore;
  /** Where LOAD CSV reads. */
  readonly #folder: string;
  readonly #user: string;
  readonly parameters = new Map<string, Value>();

  private constructor(store: LocalStore, folder: string, user: string) {
    this.#store = store;
    this.#folder = folder;
    this.#user = user;
  }

  static async open(folder: string): Promise<Playground> {
    const store = new LocalStore();
    await store.write((tx) => createFirstState(tx, undefined));
    return new Playground(store, folder, DEFAULT_USER);
  }

  /** The same server for another user. */
  as(user: string): Playground {
    return new Playground(this.#store, this.#folder, user);
  }

  /** One transaction: what fails changes nothing. */
  async run(text: string): Promise<Answer> {
    if (/IN (\d+ CONCURRENT )?TRANSACTIONS/.test(text)) return this.#runInTransactions(text);
    return this.#store.write((tx) => {
      const query = prepare(text, { catalog: tx.graph(DEFAULT_GRAPH).catalog, procedures: PROCEDURES });
      const view = tx.graph(query.graph ?? DEFAULT_GRAPH);
      checkAccess(tx.system, this.#user, view.graphName, query.access);
      return answerOf(query, execute(query, this.#context(view, tx.system, tx)), view);
    });
  }

  /** A state of this moment, for as long as the work takes. */
  async at<T>(work: (point: ReadPoint) => Promise<T>): Promise<T> {
    const point = this.#store.reader.acquire();
    try {
      return await work(point);
    } finally {
      this.#store.reader.release(point);
    }
  }

  async setParameter(name: string, expression: string): Promise<void> {
    const value = await this.#store.write((tx) => {
      const view = tx.graph(DEFAULT_GRAPH);
      const query = prepare(`RETURN ${expression} AS value`, { catalog: view.catalog, procedures: PROCEDURES });
      return [...execute(query, this.#context(view, tx.system, tx)).rows()][0]![0]![0]!;
    });
    this.parameters.set(name, value);
  }

  async #runInTransactions(text: string): Promise<Answer> {
    const { reader } = this.#store;
    const points = [reader.acquire()];
    const [before] = points as [(typeof points)[0]];
    const view = before.view(DEFAULT_GRAPH);
    const query = prepare(text, { catalog: view.catalog, procedures: PROCEDURES });
    const execution = await executeInTransactions(query, {
      read: this.#context(view, before.system, undefined),
      after: () => {
        points.push(reader.acquire());
        return this.#context(points[1]!.view(DEFAULT_GRAPH), points[1]!.system, undefined);
      },
      write: (work) => this.#store.write((tx) => work(this.#context(tx.graph(DEFAULT_GRAPH), tx.system, tx))),
    });
    const answer = answerOf(query, execution, points[1]!.view(DEFAULT_GRAPH));
    for (const point of points) reader.release(point);
    return answer;
  }

  #context(view: GraphView, system: SystemState, transaction: Transaction | undefined): ExecContext {
    const wallMs = Date.UTC(2026, 0, 31, 12);
    return {
      view, parameters: this.parameters, procedures: PROCEDURES, checkpoint: () => undefined, wallMs, random: seededRandom(7), timeZone: 'Z', limits: {},
      csv: csvFiles(this.#folder)!,
      session: new CallContext({ user: this.#user, system, group: ALONE, transaction, version: 1, checksum: '', nowMs: wallMs, killFlags: new Int32Array(1) }),
    };
  }
}

function answerOf(query: PreparedQuery, execution: Execution, view: GraphView): Answer {
  const rows: string[][] = [];
  for (const batch of execution.rows()) for (const row of batch) rows.push(row.map((value) => (query.columns[0] === '@plan' ? String(value) : show(materialize(value, view)))));
  const changes = Object.entries(execution.stats).filter(([name, count]) => name !== 'summary' && count > 0)
    .map(([name, count]) => `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}: ${count}`);
  if (query.mode === 'profile') return { columns: query.columns, rows, changes, plan: planText(execution.plan!).replace(/, ms: [\d.]+/g, '') };
  return query.columns[0] === '@plan' ? { columns: [], rows: [], changes, plan: rows[0]![0] } : { columns: query.columns, rows, changes, plan: undefined };
}
