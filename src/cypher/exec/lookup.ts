/**
 * Nodes and relationships found by their ids, or by values that an index has.
 */
import type { IndexDef } from '../../graph/catalog.ts';
import { propertyOf } from '../../graph/view.ts';
import type { IndexRange } from '../../graph/view.ts';
import { hashKey } from '../../value/compare.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import type { IdFunction, Lookup, RelationshipSeek } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { batched, type Operator, type Row, type Runtime } from './runtime.ts';

/** Ids, none of them twice. */
export type Candidates = (row: Row, rt: Runtime) => Iterable<ArrayLike<number>>;

export const NONE: readonly ArrayLike<number>[] = [];

export function lookup(by: Lookup, cc: CompileContext): Candidates {
  switch (by.op) {
    case 'IdSeek': return idCandidates(by, cc);
    case 'IndexSeek': return seekCandidates(by, cc);
    case 'IndexRange': return rangeCandidates(by, cc);
    case 'UnionSeek': return unionCandidates(by, cc);
  }
}

export function buildRelationshipSeek({ slot, by }: RelationshipSeek, input: Operator, cc: CompileContext): Operator {
  const candidates = lookup(by, cc);
  const found = function* found(rt: Runtime, source: Iterable<Row[]>): Generator<Row> {
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        for (const ids of candidates(row, rt)) {
          for (let i = 0; i < ids.length; i++) {
            const relationship = rt.view.findRelationship(ids[i]!);
            if (relationship === undefined) continue;
            const made = row.slice();
            made[slot] = relationship;
            yield made;
          }
          rt.tick(ids.length);
        }
      }
    }
  };
  return (rt, source) => batched(rt, found(rt, source));
}

function unionCandidates({ of }: Lookup & { op: 'UnionSeek' }, cc: CompileContext): Candidates {
  const each = of.map((one) => lookup(one, cc));
  return (row, rt) => {
    const found = new Set<number>();
    for (const candidates of each) {
      for (const ids of candidates(row, rt)) {
        for (let i = 0; i < ids.length; i++) found.add(ids[i]!);
        rt.tick(ids.length);
      }
    }
    return [[...found]];
  };
}

function idCandidates({ ids, list, function: of }: Lookup & { op: 'IdSeek' }, cc: CompileContext): Candidates {
  const evaluate = compileScoped(ids, cc);
  const idOf = ID_OF[of];
  // Whether something of that id is there is for the reader to say: nodes and relationships have ids of their own.
  return (row, rt) => {
    const value = evaluate(row, rt);
    const wanted = list ? (Array.isArray(value) ? value : []) : [value];
    const found = new Set<number>();
    for (const each of wanted) {
      const id = idOf(each);
      if (id !== undefined) found.add(id);
    }
    return found.size === 0 ? NONE : [[...found]];
  };
}

const ID_OF: Readonly<Record<IdFunction, (value: Value) => number | undefined>> = { id: idOfNumber, elementId: idOfText, euid: idOfEuid };

/** 2 and 2.0 are equal. */
function idOfNumber(value: Value): number | undefined {
  const number = value instanceof Float ? value.value : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

/** As `elementId` writes it: `02` is no id. */
function idOfText(value: Value): number | undefined {
  return typeof value === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(value) ? Number(value) : undefined;
}

/** The last part of what `euid` writes. */
function idOfEuid(value: Value): number | undefined {
  return typeof value === 'string' ? idOfText(value.slice(value.lastIndexOf('_') + 1)) : undefined;
}

function seekCandidates(node: Lookup & { op: 'IndexSeek' }, cc: CompileContext): Candidates {
  const values = node.values.map((value) => compileScoped(value, cc));
  const { index, list } = node;
  if (!list) {
    const [only] = values;
    if (values.length === 1 && only !== undefined) {
      return (row, rt) => {
        const value = only(row, rt);
        return value === null ? NONE : [rt.view.indexSeek(index, [value])];
      };
    }
    return (row, rt) => {
      const given = values.map((value) => value(row, rt));
      return given.includes(null) ? NONE : [rt.view.indexSeek(index, given)];
    };
  }
  return (row, rt) => {
    const given = values.map((value) => value(row, rt));
    const choices = given.pop()!;
    if (!Array.isArray(choices) || given.includes(null)) return NONE;
    const seen = new Set<string | number>();
    const found: ArrayLike<number>[] = [];
    for (const choice of choices) {
      const key = hashKey(choice);
      if (choice === null || seen.has(key)) continue;
      seen.add(key);
      found.push(rt.view.indexSeek(index, [...given, choice]));
    }
    return found;
  };
}

function rangeCandidates(node: Lookup & { op: 'IndexRange' }, cc: CompileContext): Candidates {
  const equal = node.equal.map((value) => compileScoped(value, cc));
  const lower = node.lower && { value: compileScoped(node.lower.value, cc), inclusive: node.lower.inclusive };
  const upper = node.upper && { value: compileScoped(node.upper.value, cc), inclusive: node.upper.inclusive };
  const prefix = node.prefix === undefined ? undefined : compileScoped(node.prefix, cc);
  const { index } = node;
  return (row, rt) => {
    const range: { equal?: Value[]; lower?: IndexRange['lower']; upper?: IndexRange['upper'] } = {};
    if (equal.length > 0) {
      range.equal = equal.map((value) => value(row, rt));
      if (range.equal.includes(null)) return NONE;
    }
    for (const [side, bound] of [['lower', lower], ['upper', upper]] as const) {
      if (bound === undefined) continue;
      const value = bound.value(row, rt);
      if (value === null) return NONE;
      range[side] = { value, inclusive: bound.inclusive };
    }
    if (prefix !== undefined) {
      const text = prefix(row, rt);
      if (typeof text !== 'string') return NONE;
      range.lower = { value: text, inclusive: true };
    }
    // A prefix has no upper bound that is a string: the walk stops at the first string that does not begin with it.
    if (prefix === undefined) {
      if (node.descending === true) Object.assign(range, { descending: true });
      const found = rt.view.indexRange(index, range as IndexRange);
      return node.thenWithout === true ? thenWithout(rt, found, index) : found;
    }
    return withPrefix((id) => propertyOf(rt.view, index.kind, id, index.keyIds[equal.length]!), prefix(row, rt) as string, rt.view.indexRange(index, range as IndexRange));
  };
}

/** What the index gives, then the label's nodes that lack the property: they are in no index. */
function* thenWithout(rt: Runtime, found: Iterable<ArrayLike<number>>, { labelId, keyIds }: IndexDef): Generator<ArrayLike<number>> {
  yield* found;
  for (const ids of rt.view.scanNodes(labelId)) yield Array.from(ids).filter((id) => rt.view.nodeProperty(new NodeValue(id), keyIds[0]!) === null);
}

function* withPrefix(valueOf: (id: number) => Value, prefix: string, found: Iterable<ArrayLike<number>>): Generator<ArrayLike<number>> {
  for (const ids of found) {
    const kept: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const value = valueOf(ids[i]!);
      if (typeof value !== 'string' || !value.startsWith(prefix)) {
        yield kept;
        return;
      }
      kept.push(ids[i]!);
    }
    yield kept;
  }
}
