/** From a request to a running statement: how reads (read-host.ts) and writes (write-host.ts) alike prepare one, check it and give it its surroundings. */
import type { Random } from '../base/random.ts';
import { DbError } from '../base/errors.ts';
import { onBehalfOf } from '../base/allowance.ts';
import { Board, execute, HelperLeaves, helpWith, prepare, surroundingsOf } from '../cypher/engine.ts';
import type { CsvSource, ExecContext, ExecLimits, FullTextSettings, HelperParts, Helpers, ProcedureHost, SpillStore } from '../cypher/engine.ts';
import { guardedView } from '../graph/guarded-view.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import type { SystemState } from '../graph/system.ts';
import type { Transaction } from '../graph/transaction.ts';
import type { GraphView } from '../graph/view.ts';
import type { LocalRequest, RowEncoder, RunReply, RunRequest } from './api.ts';
import { accessLevel, checkAccess, fieldRules } from './access.ts';
import { CallContext } from './call-context.ts';
import type { CallContextOptions } from './call-context.ts';
import type { HelpRequest } from './reader-crew.ts';
import { parametersOf } from './parameters.ts';
import { RunningStatement, StatementControl } from './statement.ts';
import type { ControlOptions } from './statement.ts';

export interface HostOptions {
  readonly procedures: ProcedureHost;
  readonly encoders: ReadonlyMap<string, RowEncoder>;
  readonly killFlags: Int32Array;
  readonly random: Random;
  readonly wallMs: () => number;
  readonly timeZone: string;
  readonly limits: ExecLimits;
  /** How many graphs there may be; absent: 4,096. */
  readonly graphsMax?: number | undefined;
  /** Where LOAD CSV reads from; absent: the clause is refused. */
  readonly csv?: CsvSource | undefined;
  /** Where statements put what they may not hold in memory; absent: they end with MemoryLimit. */
  readonly spill?: SpillStore | undefined;
  /** Absent: offered, with the analyzer `standard`. */
  readonly fullText?: FullTextSettings | undefined;
}

/** So long what a reader was asked for itself waits until it is through with a chunk of what it helps with. */
const LEAVES_AFTER_MS = 5;

export interface HowToRun {
  readonly inlineBudget?: ControlOptions['inlineBudget'];
  readonly helpers?: Helpers | undefined;
}

/** The state a statement runs on. */
export type StatementState = Pick<CallContextOptions, 'system' | 'transaction' | 'version' | 'checksum' | 'nowMs'>;

/** The committed state at one version. */
export function stateAt({ system, version, checksum }: ReadPoint, nowMs: number): StatementState {
  return { system, version, checksum, transaction: undefined, nowMs };
}

/** What a write transaction sees: a state that has no checksum yet. */
export function stateIn(transaction: Transaction): StatementState {
  return { system: transaction.system, transaction, version: transaction.baseVersion, nowMs: transaction.timeMs, checksum: '' };
}

export class StatementRunner {
  readonly #options: HostOptions;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  start(request: RunRequest | LocalRequest, viewOf: (graph: string) => GraphView, state: StatementState, how: HowToRun = {}): { running: RunningStatement; type: RunReply['type'] } {
    const encoder = this.encoder(request);
    let view = viewOf(request.graph);
    const query = prepare(request.text, { catalog: view.catalog, procedures: this.#options.procedures });
    if (query.graph !== undefined && query.graph !== request.graph) view = viewOf(query.graph);
    checkAccess(state.system, request.user, view.graphName, query.access);
    const control = this.control(request, how.inlineBudget);
    const context = this.context(request, view, control, state, how.helpers);
    const execution = execute(query, context);
    return { running: new RunningStatement({ query, execution, view: context.view, encoder, control, summaryRow: request.summaryRow, surroundings: surroundingsOf(context) }), type: query.summary };
  }

  /** Parts of what runs in another thread: within what is left of its time, and a share of its memory. */
  help(asked: HelpRequest, viewOf: (graph: string) => GraphView, state: StatementState, mayLeave: () => boolean): HelperParts | undefined {
    const { request, board, memoryBytes } = asked;
    let view = viewOf(request.graph);
    const query = prepare(request.text, { catalog: view.catalog, procedures: this.#options.procedures });
    if (query.graph !== undefined && query.graph !== request.graph) view = viewOf(query.graph);
    checkAccess(state.system, request.user, view.graphName, query.access);
    const control = this.control(request);
    const shared = new Board(board);
    let wantedSinceMs = 0;
    const context: ExecContext = {
      ...this.context(request, view, control, state), wallMs: asked.wallMs, spill: undefined, limits: { ...this.#options.limits, memoryBytes },
      checkpoint: (rows) => {
        control.checkpoint(rows);
        if (shared.isStopped) throw new HelperLeaves();
        if (!mayLeave()) return;
        if (wantedSinceMs === 0) wantedSinceMs = performance.now();
        else if (performance.now() - wantedSinceMs > LEAVES_AFTER_MS) throw new HelperLeaves();
      },
    };
    return onBehalfOf(surroundingsOf(context), () => helpWith(query, context, asked, mayLeave));
  }

  encoder({ encoding }: Pick<RunRequest, 'encoding'>): RowEncoder {
    const encoder = this.#options.encoders.get(encoding);
    if (encoder === undefined) throw new DbError('Internal', `no encoder named ${encoding}`);
    return encoder;
  }

  control({ timeoutMs, killSlot }: Pick<RunRequest, 'timeoutMs' | 'killSlot'>, inlineBudget?: ControlOptions['inlineBudget']): StatementControl {
    return new StatementControl({ timeoutMs, killSlot, killFlags: this.#options.killFlags, inlineBudget });
  }

  /** Its view shows what the user may see, in every protocol: nothing reads the graph for a statement in another way. */
  context(request: RunRequest | LocalRequest, view: GraphView, control: StatementControl, state: StatementState, helpers?: Helpers): ExecContext {
    const { procedures, random, timeZone, killFlags, csv, spill, fullText, limits, graphsMax, wallMs } = this.#options;
    const { user, tokenIssuedMs, group } = request;
    const rules = fieldRules(state.system, user, view.graphName);
    const { system, transaction, version, checksum, nowMs } = state;
    return {
      view: guardedView(view, rules), parameters: parametersOf(request), procedures, checkpoint: (rows) => control.checkpoint(rows),
      wallMs: wallMs(), random, timeZone, limits: limitsFor(limits, system, user), csv, spill, fullText, helpers,
      mayRead: rules === undefined ? undefined : (kind, label, field) => rules.mayRead(kind, label, field),
      graphs: () => system.graphs.filter(({ name }) => accessLevel(system, user, name) !== 'NONE'),
      session: new CallContext({ user, tokenIssuedMs, group, killFlags, graphsMax, system, transaction, version, checksum, nowMs }),
    };
  }
}

/** A user's own memory limit counts where it is the smaller one. */
function limitsFor(limits: ExecLimits, system: SystemState, user: string): ExecLimits {
  const own = system.users[user]?.memoryLimit ?? Infinity;
  return own < (limits.memoryBytes ?? Infinity) ? { ...limits, memoryBytes: own } : limits;
}
