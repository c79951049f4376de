/**
 * The other way to run operators: rows are pushed into a sink, one at a time, and are only lent.
 *
 * A consumer that takes everything and keeps no rows (aggregates, the top of a sort, subqueries) need not pull batches. Its inputs then
 * run as nested loops that write their slots into one and the same row: nothing is copied. A sink that keeps a row copies it; one
 * that answers true has enough. Operators that cannot push are pulled.
 */
import type { Wanted } from './narrowing.ts';
import type { Operator, Row, Runtime } from './runtime.ts';

export type Sink = (row: Row) => boolean;
/** True if the sink had enough. */
export type Push = (rt: Runtime, source: Iterable<Row[]>, sink: Sink) => boolean;

const pushes = new WeakMap<Operator, Push>();

export function withPush(operator: Operator, push: Push): Operator {
  pushes.set(operator, push);
  return operator;
}

/** Rows that `wanted` has no use for may be left out. */
export type PushWanted = (rt: Runtime, source: Iterable<Row[]>, sink: Sink, wanted?: Wanted) => boolean;

const wantedPushes = new WeakMap<Operator, { readonly slot: number; readonly push: PushWanted }>();

/** An operator that can push, and leave out rows by the node in the slot. */
export function withWanted(operator: Operator, slot: number, push: PushWanted): Operator {
  wantedPushes.set(operator, { slot, push });
  return withPush(operator, push);
}

/** Undefined: the operator cannot leave out rows by the node in that slot. */
export function wantedPusher(operator: Operator, slot: number): PushWanted | undefined {
  const known = wantedPushes.get(operator);
  return known?.slot === slot ? known.push : undefined;
}

/** Rows that lack the values of some slots until `complete` is called, which a sink that refuses most rows need not do. */
export type PushLate = (rt: Runtime, source: Iterable<Row[]>, sink: (row: Row, complete: () => void) => boolean) => boolean;

interface Late {
  readonly slots: readonly number[];
  readonly push: PushLate;
}

const latePushes = new WeakMap<Operator, Late>();

/** `slots`: those that are completed. */
export function withLate(operator: Operator, { slots, push }: Late): Operator {
  latePushes.set(operator, { slots, push });
  return withPush(operator, (rt, source, sink) => push(rt, source, (row, complete) => {
    complete();
    return sink(row);
  }));
}

/** Undefined: its rows are complete. */
export function lateOf(operator: Operator): Late | undefined {
  return latePushes.get(operator);
}

/** Whether its rows are lent when pushed; otherwise they are the sink's own. */
export function canPush(operator: Operator): boolean {
  return pushes.has(operator);
}

/** A compiled input: looked up once, not for every run. */
export function pusher(operator: Operator): Push {
  return pushes.get(operator) ?? ((rt, source, sink) => {
    for (const batch of operator(rt, source)) for (const row of batch) if (sink(row)) return true;
    return false;
  });
}
