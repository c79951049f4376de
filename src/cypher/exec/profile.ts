/**
 * PROFILE: rows and time of each operator. An operator's time is its own: what its inputs took is not in it.
 */
import type { PlanNode } from '../plan/plan.ts';
import type { Operator, Row } from './runtime.ts';

export interface Measured {
  rows: number;
  ms: number;
}

export class Profile {
  readonly #measured = new Map<PlanNode, Measured>();
  /** Time spent in operators further down since the innermost running one was asked. */
  #inner = 0;

  of(node: PlanNode): Measured | undefined {
    return this.#measured.get(node);
  }

  measured(node: PlanNode, operator: Operator): Operator {
    const total: Measured = { rows: 0, ms: 0 };
    this.#measured.set(node, total);
    const pull = (iterator: Iterator<Row[]>): IteratorResult<Row[]> => {
      const before = this.#inner;
      this.#inner = 0;
      const started = performance.now();
      const result = iterator.next();
      const took = performance.now() - started;
      total.ms += took - this.#inner;
      this.#inner = before + took;
      return result;
    };
    return function* measured(rt, source) {
      const iterator = operator(rt, source)[Symbol.iterator]();
      for (let result = pull(iterator); result.done !== true; result = pull(iterator)) {
        total.rows += result.value.length;
        yield result.value;
      }
    };
  }
}
