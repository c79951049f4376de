/**
 * Scans with a filter like `m.length > 80`: where the view has the property's integers in columns (graph/columns.ts), whole pages of ids are
 * compared there, and a row is made only for what is left.
 *
 * Only the filters that stand first, so that none is passed over that would have failed with an error; only against literals and parameters, which
 * are the same for all candidates.
 */
import { Float, type Value } from '../../value/value.ts';
import type { Binary, Expression, PropertyAccess } from '../ast.ts';
import type { Scoped } from '../plan/plan.ts';
import { compile, slotOf, type CompileContext } from './compile.ts';
import type { Row, Runtime } from './runtime.ts';

/** `decided`: how many of the filters all of `ids` are known to pass. */
export interface Narrowed {
  readonly ids: ArrayLike<number>;
  readonly decided: number;
}

export type Narrow = (ids: ArrayLike<number>, row: Row, rt: Runtime) => Narrowed;

type Comparing = '=' | '<' | '<=' | '>' | '>=';

interface Bound {
  readonly keyId: number;
  readonly op: Comparing;
  readonly value: (row: Row, rt: Runtime) => Value;
}

const MIRRORED: Readonly<Record<Comparing, Comparing>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** Undefined: none of the filters that stand first is such a comparison. */
export function compileNarrow(filters: readonly Scoped[], slot: number, cc: CompileContext): Narrow | undefined {
  const bounds: Bound[] = [];
  for (const filter of filters) {
    const bound = boundOf(filter, slot, cc);
    if (bound === undefined) break;
    bounds.push(bound);
  }
  if (bounds.length === 0) return undefined;
  return (ids, row, rt) => {
    let left = ids;
    let decided = 0;
    for (let i = 0; i < bounds.length && left.length > 0; i++) {
      const { keyId, op, value } = bounds[i]!;
      const range = integersThat(op, value(row, rt));
      const narrowed = range === undefined ? undefined : rt.view.narrowByInteger(left, keyId, range[0], range[1]);
      if (narrowed === undefined) continue;
      left = narrowed.ids;
      if (narrowed.isExact && decided === i) decided = i + 1;
    }
    return { ids: left, decided };
  };
}

/**
 * All filters are such comparisons, and of one property: the key and the integers that pass, first and last. Undefined as `compileNarrow`'s;
 * the range, where a bound is nothing that integers are compared with.
 */
export function compileRange(filters: readonly Scoped[], slot: number, cc: CompileContext): { readonly keyId: number; readonly range: (row: Row, rt: Runtime) => readonly [number, number] | undefined } | undefined {
  const bounds = filters.map((filter) => boundOf(filter, slot, cc));
  const keyId = bounds[0]?.keyId;
  if (keyId === undefined || bounds.some((bound) => bound?.keyId !== keyId)) return undefined;
  return {
    keyId,
    range: (row, rt) => {
      let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const bound of bounds) {
        const range = integersThat(bound!.op, bound!.value(row, rt));
        if (range === undefined) return undefined;
        low = Math.max(low, range[0]);
        high = Math.min(high, range[1]);
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

/** The integers for which the comparison with `value` is true, first and last; undefined for what is no number that says so. */
function integersThat(op: Comparing, value: Value): readonly [number, number] | undefined {
  const bound = value instanceof Float ? value.value : value;
  if (typeof bound !== 'number' || Number.isNaN(bound)) return undefined;
  switch (op) {
    case '=': return Number.isInteger(bound) ? [bound, bound] : NO_INTEGER;
    case '<': return [Number.NEGATIVE_INFINITY, Math.ceil(bound) - 1];
    case '<=': return [Number.NEGATIVE_INFINITY, Math.floor(bound)];
    case '>': return [Math.floor(bound) + 1, Number.POSITIVE_INFINITY];
    case '>=': return [Math.ceil(bound), Number.POSITIVE_INFINITY];
  }
}

const NO_INTEGER = [1, 0] as const;
