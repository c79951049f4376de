/**
 * PROFILE: rows, time and db hits of each operator. Time and hits are the operator's own: what its inputs took is not in them, what the
 * subqueries and patterns inside its expressions took is.
 */
import type { GraphView } from '../../graph/view.ts';
import type { ExecContext } from '../context.ts';
import type { PlanNode } from '../plan/plan.ts';
import { countedView, type HitCounter } from './counted-view.ts';
import type { Operator, Row } from './runtime.ts';

export interface Measured {
  rows: number;
  ms: number;
  /** See counted-view.ts for what a hit is. */
  hits: number;
}

export class Profile {
  readonly #measured = new Map<PlanNode, Measured>();
  readonly #counter: HitCounter = { hits: 0 };
  /** Time and hits of operators further down since the innermost running one was asked. */
  #innerMs = 0;
  #innerHits = 0;

  of(node: PlanNode): Measured | undefined {
    return this.#measured.get(node);
  }

  /** The context with a view that counts. */
  counting(context: ExecContext): ExecContext {
    // Not a spread: a context may be an object with methods of a class.
    return Object.create(context, { view: { value: countedView<GraphView>(context.view, this.#counter), enumerable: true } }) as ExecContext;
  }

  measured(node: PlanNode, operator: Operator): Operator {
    const total: Measured = { rows: 0, ms: 0, hits: 0 };
    this.#measured.set(node, total);
    return (rt, source) => this.#run(operator, rt, source, total);
  }

  *#run(operator: Operator, rt: Parameters<Operator>[0], source: Iterable<Row[]>, total: Measured): Generator<Row[]> {
    const iterator = this.#timed(total, () => operator(rt, source)[Symbol.iterator]());
    try {
      for (;;) {
        const result = this.#timed(total, () => iterator.next());
        if (result.done === true) return;
        total.rows += result.value.length;
        yield result.value;
      }
    } finally {
      // Whoever has enough ends the operators below as well: they give back what they hold.
      this.#timed(total, () => iterator.return?.());
    }
  }

  #timed<T>(total: Measured, work: () => T): T {
    const [innerMs, innerHits] = [this.#innerMs, this.#innerHits];
    this.#innerMs = 0;
    this.#innerHits = 0;
    const started = performance.now();
    const hits = this.#counter.hits;
    try {
      return work();
    } finally {
      const tookMs = performance.now() - started;
      const tookHits = this.#counter.hits - hits;
      total.ms += tookMs - this.#innerMs;
      total.hits += tookHits - this.#innerHits;
      this.#innerMs = innerMs + tookMs;
      this.#innerHits = innerHits + tookHits;
    }
  }
}
