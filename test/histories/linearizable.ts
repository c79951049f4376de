/**
 * Was there an order? Decides whether a history of real clients is linearizable (Herlihy and Wing), after Wing and Gong's search with
 * Lowe's memory of visited configurations ("Testing for linearizability", 2016), split by key where the model allows it.
 *
 * An operation without an answer (timeout, broken connection) stays open to the end: it may take effect at any later time, or never.
 * One that surely did nothing must be left out by the caller.
 */

export interface Operation<In, Out> {
  readonly client: string | number;
  /** Moments on one monotonic clock, any unit. */
  readonly called: number;
  /** Undefined: no answer came. */
  readonly returned: number | undefined;
  readonly input: In;
  /** Ignored when no answer came. */
  readonly output: Out | undefined;
}

export interface Model<State, In, Out> {
  readonly initial: State;
  /** The state afterwards, or undefined where `output` cannot be the answer. `output` undefined: the answer is unknown. Never changes `state`. */
  step(state: State, input: In, output: Out | undefined): State | undefined;
  /** Equal states give equal keys. */
  keyOf(state: State): string;
  /** Operations on different parts do not touch each other; without it the history is one part. */
  partOf?(input: In): string;
}

export interface Verdict<In, Out> {
  readonly ok: boolean | 'unknown';
  /** The part in which no order exists, and the longest prefix that has one. */
  readonly part?: string;
  readonly longest?: readonly Operation<In, Out>[];
  readonly stuckAt?: readonly Operation<In, Out>[];
}

/**
 * `statesMax` bounds the search of each part: beyond it the verdict is `'unknown'`, never a guess. Throws `RangeError` for an operation
 * that returns before it is called.
 */
export function checkLinearizable<State, In, Out>(
  model: Model<State, In, Out>, history: readonly Operation<In, Out>[], statesMax = 5_000_000,
): Verdict<In, Out> {
  const parts = new Map<string, Operation<In, Out>[]>();
  for (const operation of history) {
    if (operation.returned !== undefined && operation.returned < operation.called) {
      throw new RangeError(`client ${operation.client}: an operation called at ${operation.called} returned at ${operation.returned}`);
    }
    const part = model.partOf?.(operation.input) ?? '';
    const known = parts.get(part);
    if (known === undefined) parts.set(part, [operation]);
    else known.push(operation);
  }
  let isOpen = false;
  for (const [part, operations] of parts) {
    const verdict = checkPart(model, operations, statesMax);
    if (verdict.ok === false) return { ...verdict, part };
    isOpen ||= verdict.ok === 'unknown';
  }
  return { ok: isOpen ? 'unknown' : true };
}

/** A call or a return, in a doubly linked list ordered by time. */
interface Event {
  readonly operation: number;
  readonly isCall: boolean;
  readonly at: number;
  /** Of a call: its return. */
  match: Event | undefined;
  next: Event | undefined;
  previous: Event | undefined;
}

function checkPart<State, In, Out>(model: Model<State, In, Out>, operations: readonly Operation<In, Out>[], statesMax: number): Verdict<In, Out> {
  const head = eventList(operations);
  const done = new Uint32Array(Math.ceil(operations.length / 32) || 1);
  const seen = new Set<string>();
  const taken: { readonly call: Event; readonly before: State }[] = [];
  let open = operations.filter((operation) => operation.returned !== undefined).length;
  let longest: number[] = [];
  let stuckAt: number[] = [];
  let state = model.initial;
  let event = head.next;
  // Done as soon as everything that was answered has its place: what is open may never have happened.
  while (open > 0) {
    if (event?.isCall === true) {
      const { input, output, returned } = operations[event.operation]!;
      const next = model.step(state, input, returned === undefined ? undefined : output);
      if (next !== undefined) {
        flip(done, event.operation);
        const key = `${done.join()}|${model.keyOf(next)}`;
        if (!seen.has(key)) {
          if (seen.size >= statesMax) return { ok: 'unknown' };
          seen.add(key);
          taken.push({ call: event, before: state });
          state = next;
          if (returned !== undefined) open -= 1;
          lift(event);
          event = head.next;
          continue;
        }
        flip(done, event.operation);
      }
      event = event.next;
      continue;
    }
    // A return whose call has no place yet, or the end: the last choice was wrong.
    if (taken.length >= longest.length) {
      longest = taken.map(({ call }) => call.operation);
      stuckAt = event === undefined ? [] : [event.operation];
    }
    const last = taken.pop();
    if (last === undefined) {
      return { ok: false, longest: longest.map((i) => operations[i]!), stuckAt: stuckAt.map((i) => operations[i]!) };
    }
    state = last.before;
    flip(done, last.call.operation);
    if (operations[last.call.operation]!.returned !== undefined) open += 1;
    unlift(last.call);
    event = last.call.next;
  }
  return { ok: true };
}

function eventList(operations: readonly Operation<unknown, unknown>[]): Event {
  const events: Event[] = [];
  for (const [operation, { called, returned }] of operations.entries()) {
    const call: Event = { operation, isCall: true, at: called, match: undefined, next: undefined, previous: undefined };
    events.push(call);
    if (returned === undefined) continue;
    call.match = { operation, isCall: false, at: returned, match: undefined, next: undefined, previous: undefined };
    events.push(call.match);
  }
  // At equal times calls come first: operations that only touch count as concurrent.
  events.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  const head: Event = { operation: -1, isCall: false, at: Number.NEGATIVE_INFINITY, match: undefined, next: events[0], previous: undefined };
  for (const [i, event] of events.entries()) {
    event.previous = events[i - 1] ?? head;
    event.next = events[i + 1];
  }
  return head;
}

function lift(call: Event): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

function unlift(call: Event): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function unlink(event: Event): void {
  event.previous!.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

function relink(event: Event): void {
  event.previous!.next = event;
  if (event.next !== undefined) event.next.previous = event;
}

function flip(bits: Uint32Array, at: number): void {
  bits[at >> 5]! ^= 1 << (at & 31);
}
