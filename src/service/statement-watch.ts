/**
 * Every statement from its arrival to its last row: counted for the metrics, and told to whoever keeps a log of them.
 *
 * A statement costs an object, two looks at the clock and an addition; all else is done when it is asked for.
 */
import type { Buckets } from '../base/histogram.ts';
import { LatencyHistogram } from '../base/histogram.ts';
import { asDbError } from '../base/errors.ts';
import type { DbError } from '../base/errors.ts';
import type { CypherMap } from '../value/value.ts';
import type { Principal } from './api.ts';
import { NO_ORIGIN } from './origin.ts';
import type { Origin } from './origin.ts';

export const STATEMENT_KINDS = ['read', 'write', 'schema', 'procedure'] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

export interface WatchedStatement {
  readonly text: string;
  readonly graph: string;
  readonly user: string;
  readonly origin: Origin;
  /** W3C trace context of the client, where it sent one. */
  readonly traceparent: string | undefined;
  readonly parameters: CypherMap | undefined;
  /** Undefined: it was refused before it was understood. */
  readonly kind: StatementKind | undefined;
}

export type StatementListener = (statement: WatchedStatement, tookMs: number, error: DbError | undefined) => void;

export class StatementWatch {
  readonly #listeners: StatementListener[] = [];
  /** By `protocol kind`. */
  readonly #latencies = new Map<string, LatencyHistogram>();
  /** By `protocol code`. */
  readonly #errors = new Map<string, number>();

  listen(listener: StatementListener): void {
    this.#listeners.push(listener);
  }

  begin(principal: Principal, text: string, graph: string, options: { readonly parameters?: CypherMap | undefined; readonly traceparent?: string | undefined }): RunningWatch {
    return new RunningWatch(this, principal, text, graph, options.parameters, options.traceparent);
  }

  ended(statement: WatchedStatement, tookMs: number, error: unknown): void {
    const failure = error === undefined ? undefined : asDbError(error);
    const { protocol } = statement.origin;
    if (failure !== undefined) {
      const key = `${protocol} ${failure.code}`;
      this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1);
    }
    if (statement.kind !== undefined) {
      const key = `${protocol} ${statement.kind}`;
      let histogram = this.#latencies.get(key);
      if (histogram === undefined) this.#latencies.set(key, histogram = new LatencyHistogram());
      histogram.add(tookMs);
    }
    for (const listener of this.#listeners) listener(statement, tookMs, failure);
  }

  get latencies(): { readonly protocol: string; readonly kind: string; readonly buckets: Buckets }[] {
    return [...this.#latencies].map(([key, histogram]) => {
      const [protocol, kind] = key.split(' ') as [string, string];
      return { protocol, kind, buckets: histogram.buckets };
    });
  }

  get errors(): { readonly protocol: string; readonly code: string; readonly count: number }[] {
    return [...this.#errors].map(([key, count]) => {
      const [protocol, code] = key.split(' ') as [string, string];
      return { protocol, code, count };
    });
  }
}

/** One statement under way. */
export class RunningWatch implements WatchedStatement {
  readonly text: string;
  readonly graph: string;
  readonly user: string;
  readonly origin: Origin;
  readonly traceparent: string | undefined;
  readonly parameters: CypherMap | undefined;
  kind: StatementKind | undefined = undefined;
  readonly #watch: StatementWatch;
  readonly #startedMs = performance.now();
  #isOver = false;

  constructor(watch: StatementWatch, principal: Principal, text: string, graph: string, parameters: CypherMap | undefined, traceparent: string | undefined) {
    this.#watch = watch;
    this.text = text;
    this.graph = graph;
    this.user = principal.user;
    this.origin = principal.origin ?? NO_ORIGIN;
    this.parameters = parameters;
    this.traceparent = traceparent ?? this.origin.traceparent;
  }

  /** The first end counts. */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch.ended(this, performance.now() - this.#startedMs, error);
  }
}
