/**
 * Scans, and ends of relationships, with a filter like `m.length > 80`: where the view has the property's integers in columns (graph/columns.ts), whole pages of ids are
 * compared there, and a row is made only for what is left.
 *
 * Only the filters that stand first, so that none is passed over that would have failed with an error; only against literals and parameters, which
 * are the same for all candidates.
 */
import type { IdBuffer, IntegerRange } from '../../graph/view.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import type { Binary, Expression, PropertyAccess } from '../ast.ts';
import type { PlanNode, Scoped, SortKey } from '../plan/plan.ts';
import { compile, slotOf, type CompileContext } from './compile.ts';
import type { Row, Runtime } from './runtime.ts';
import { passes, type LabelsTest, type Test } from './row-tests.ts';

/** Ids of which those that cannot be wanted are left out, step by step. It may be taken for one list of ids after the other. */
export class Narrowed {
  /** Those in places `from` to `to` - 1 are left. */
  ids: ArrayLike<number> = [];
  from = 0;
  to = 0;
  /** How many of the filters they are known to pass. */
  decided = 0;
  readonly #buffer: IdBuffer = { ids: [], count: 0, isExact: false };

  begin(ids: ArrayLike<number>, from: number, to: number): void {
    this.ids = ids;
    this.from = from;
    this.to = to;
    this.decided = 0;
  }

  keep(ids: ArrayLike<number>, from: number, to: number): void {
    this.ids = ids;
    this.from = from;
    this.to = to;
  }

  /** Leaves the nodes with the label; false: they are to be asked for it. */
  leaveLabelled(rt: Runtime, labelId: number): boolean {
    const buffer = this.#buffer;
    if (!rt.view.keepLabelled(this.ids, this.from, this.to, labelId, buffer)) return false;
    this.keep(buffer.ids, 0, buffer.count);
    return true;
  }

  /** Leaves those of which the view knows or does not know the property; true: it knows all that is asked of it. */
  leave(rt: Runtime, keyId: number, range: IntegerRange): boolean {
    const buffer = this.#buffer;
    if (!rt.view.narrowByInteger(this.ids, this.from, this.to, keyId, range, buffer)) return false;
    this.keep(buffer.ids, 0, buffer.count);
    return buffer.isExact;
  }

  /** Leaves the nodes that have the labels and pass the filters which are not decided yet; each is tried in the slot of the row. */
  leavePassing(tests: readonly Test[], row: Row, slot: number, rt: Runtime, hasLabels?: LabelsTest): void {
    if (hasLabels === undefined && this.decided >= tests.length) return;
    const kept: number[] = [];
    for (let i = this.from; i < this.to; i++) {
      const node = new NodeValue(this.ids[i]!);
      if (hasLabels !== undefined && !hasLabels(node, rt)) continue;
      row[slot] = node;
      if (passes(tests, row, rt, this.decided)) kept.push(node.id);
    }
    this.keep(kept, 0, kept.length);
    this.decided = tests.length;
  }
}

/** Leaves fewer ids, where more is known. */
export type Narrow = (ids: Narrowed, row: Row, rt: Runtime) => void;

type Comparing = '=' | '<>' | '<' | '<=' | '>' | '>=';

interface Bound {
  readonly keyId: number;
  readonly op: Comparing;
  readonly value: (row: Row, rt: Runtime) => Value;
}

const MIRRORED: Readonly<Record<Comparing, Comparing>> = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** Undefined: none of the filters that stand first is such a comparison. */
export function compileNarrow(filters: readonly Scoped[], slot: number, cc: CompileContext): Narrow | undefined {
  const bounds: Bound[] = [];
  for (const filter of filters) {
    const bound = boundOf(filter, slot, cc);
    if (bound === undefined) break;
    bounds.push(bound);
  }
  if (bounds.length === 0) return undefined;
  return (narrowed, row, rt) => {
    for (let i = 0; i < bounds.length && narrowed.from < narrowed.to; i++) {
      const { keyId, op, value } = bounds[i]!;
      const range = integersThat(op, value(row, rt));
      if (range !== undefined && narrowed.leave(rt, keyId, range) && narrowed.decided === i) narrowed.decided = i + 1;
    }
  };
}

/**
 * What a consumer that wants the first rows by a property of a node has no use for any more, as it knows better: integers out of the range. It
 * grows narrower as rows come.
 */
export class Wanted implements IntegerRange {
  readonly keyId: number;
  /** Without the property a row may come first, or last. */
  readonly withAbsent: boolean;
  readonly isOutside = false;
  low = Number.NEGATIVE_INFINITY;
  high = Number.POSITIVE_INFINITY;

  constructor(keyId: number, withAbsent: boolean) {
    this.keyId = keyId;
    this.withAbsent = withAbsent;
  }

  /** Nothing beyond the worst of the rows kept: what is equal to it may still be better by another key. */
  limit(worst: Value, descending: boolean): void {
    if (typeof worst !== 'number') return;
    if (descending) this.low = worst;
    else this.high = worst;
  }

  narrow(narrowed: Narrowed, rt: Runtime): void {
    if (this.low !== Number.NEGATIVE_INFINITY || this.high !== Number.POSITIVE_INFINITY) narrowed.leave(rt, this.keyId, this);
  }
}

/**
 * For a consumer that wants the first rows by that key: the slot of the node it is a property of, and what makes the `Wanted` of a run. Undefined: it is
 * no property of a node that the input finds, or a filter there may fail with an error, which would be missed where rows are left out before.
 */
export function compileWanted({ expression, env, descending }: SortKey, input: PlanNode, cc: CompileContext): { readonly slot: number; readonly begin: () => Wanted } | undefined {
  if (!('filters' in input) || expression.kind !== 'Property' || expression.target.kind !== 'Variable' || env.type(expression.target.name).kind !== 'node') return undefined;
  const slot = slotOf(expression.target.name, env);
  const keyId = cc.catalog.findKey(expression.key);
  if (keyId === undefined || input.filters.some((filter) => boundOf(filter, slot, cc) === undefined)) return undefined;
  // null is the largest: of descending rows it comes first.
  return { slot, begin: () => new Wanted(keyId, descending) };
}

/**
 * All filters are such comparisons, and of one property: the key and the integers that pass, first and last. Undefined as `compileNarrow`'s;
 * the range, where a bound is nothing that integers are compared with.
 */
export function compileRange(filters: readonly Scoped[], slot: number, cc: CompileContext): { readonly keyId: number; readonly range: (row: Row, rt: Runtime) => readonly [number, number] | undefined } | undefined {
  const bounds = filters.map((filter) => boundOf(filter, slot, cc));
  const keyId = bounds[0]?.keyId;
  if (keyId === undefined || bounds.some((bound) => bound?.keyId !== keyId || bound.op === '<>')) return undefined;
  return {
    keyId,
    range: (row, rt) => {
      let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const bound of bounds) {
        const range = integersThat(bound!.op, bound!.value(row, rt));
        if (range === undefined) return undefined;
        low = Math.max(low, range.low);
        high = Math.min(high, range.high);
      }
      return [low, high];
    },
  };
}

function boundOf({ expression, env }: Scoped, slot: number, cc: CompileContext): Bound | undefined {
  if (expression.kind !== 'Binary' || !(expression.op in MIRRORED)) return undefined;
  const { left, right } = expression as Binary;
  const op = expression.op as Comparing;
  const isOwn = (side: Expression): side is PropertyAccess => (
    side.kind === 'Property' && side.target.kind === 'Variable' && env.type(side.target.name).kind === 'node' && slotOf(side.target.name, env) === slot
  );
  const [own, other, way] = isOwn(left) ? [left, right, op] : isOwn(right) ? [right, left, MIRRORED[op]] : [];
  if (own === undefined || (other!.kind !== 'Literal' && other!.kind !== 'Parameter')) return undefined;
  const keyId = cc.catalog.findKey(own.key);
  return keyId === undefined ? undefined : { keyId, op: way!, value: compile(other!, env, cc) };
}

/** The integers for which the comparison with `value` is true; undefined for what is no number that says so. */
function integersThat(op: Comparing, value: Value): IntegerRange | undefined {
  const bound = value instanceof Float ? value.value : value;
  if (typeof bound !== 'number' || Number.isNaN(bound)) return undefined;
  switch (op) {
    case '=': return Number.isInteger(bound) ? between(bound, bound) : NO_INTEGER;
    case '<>': return Number.isInteger(bound) ? { low: bound, high: bound, isOutside: true, withAbsent: false } : between(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    case '<': return between(Number.NEGATIVE_INFINITY, Math.ceil(bound) - 1);
    case '<=': return between(Number.NEGATIVE_INFINITY, Math.floor(bound));
    case '>': return between(Math.floor(bound) + 1, Number.POSITIVE_INFINITY);
    case '>=': return between(Math.ceil(bound), Number.POSITIVE_INFINITY);
  }
}

function between(low: number, high: number): IntegerRange {
  return { low, high, isOutside: false, withAbsent: false };
}

const NO_INTEGER = between(1, 0);
