/**
 * Paths that a selector chooses (GQL, ISO/IEC 39075, 16.6): for each pair of ends the shortest, the k shortest, or all of the k shortest lengths.
 *
 * Breadth first from one end over nodes and states of the pattern (see path-automaton.ts), which tells how far each is from there at least. Then back from an
 * end that was reached, depth first, by trails that can still be of the length asked for (Korf's iterative deepening): of the least length, then of
 * longer ones until there are enough. No relationship comes twice in a path, which only the way back can tell.
 */
import { DbError } from '../../base/errors.ts';
import { NodeValue, PathValue, type RelationshipValue, type Value } from '../../value/value.ts';
import type { AdjacencySegment, Direction } from '../../graph/view.ts';
import type { PathSearch } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { nodeIn, relationshipOf } from './row-graph.ts';
import { Holding } from './holding.ts';
import { buildAutomaton, type Automaton, type Move, type NodeTest } from './path-automaton.ts';
import { batched, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';
import { compileTests, labelsTest, passes } from './row-tests.ts';
import { Visited } from './visited.ts';

type Test = ReturnType<typeof compileTests>[number];

interface Compiled {
  readonly node: PathSearch;
  readonly automaton: Automaton;
  readonly count: Evaluate;
  readonly repetitionTests: readonly (readonly Test[])[];
  readonly tests: readonly Test[];
  readonly filters: readonly Test[];
  readonly hasLabels: ((node: NodeValue, rt: Runtime) => boolean) | undefined;
}

/** What a node that was reached costs, roughly: its distance and its place in a frontier. */
const REACHED_BYTES = 24;

export type SearchRows = (rt: Runtime, row: Row) => Iterable<Row>;

export function buildPathSearch(node: PathSearch, input: Operator, cc: CompileContext): Operator {
  const search = searchRows(node, cc);
  const rows = function* pathSearch(rt: Runtime, source: Iterable<Row[]>): Generator<Row> {
    for (const batch of input(rt, source)) for (const row of batch) yield* search(rt, row);
  };
  return (rt, source) => batched(rt, rows(rt, source));
}

/** The rows that one row becomes. */
export function searchRows(node: PathSearch, cc: CompileContext): SearchRows {
  const compiled: Compiled = {
    node, automaton: buildAutomaton(node, cc), count: compileScoped(node.count, cc), tests: compileTests(node.tests, cc), filters: compileTests(node.filters, cc),
    repetitionTests: node.segments.map(({ tests }) => compileTests(tests, cc)), hasLabels: labelsTest(node.labels, cc.catalog),
  };
  return function* rows(rt, row) {
    const start = nodeIn(row[node.from]!);
    const target = node.into ? nodeIn(row[node.to]!) : undefined;
    if (start === null || target === null) return;
    const count = compiled.count(row, rt);
    if (typeof count !== 'number' || count < 1) throw new DbError('SyntaxError', 'InvalidArgumentType: a path selector asks for a number of paths, at least one', { detail: 'InvalidArgumentType' });
    const holding = new Holding(rt);
    const reach = new Reach(compiled, rt, row, start.id, target?.id, holding);
    try {
      yield* new Chooser(compiled, rt, row, reach, count).rows();
    } finally {
      reach.release();
      holding.free();
    }
  };
}

/** The search forth: how far each node is from the start at least, by state. */
class Reach {
  readonly #compiled: Compiled;
  readonly #rt: Runtime;
  readonly #scratch: Row;
  readonly #target: number | undefined;
  readonly #holding: Holding;
  readonly #distances: (Visited | undefined)[] = [];
  readonly #typeIds = new Map<Move, readonly number[] | undefined>();
  #ids: number[];
  #states: number[];
  #depth = 0;
  /** Ends that were reached, nearest first. */
  readonly ends: { readonly id: number; readonly length: number }[] = [];
  readonly #known = new Set<number>();

  constructor(compiled: Compiled, rt: Runtime, row: Row, start: number, target: number | undefined, holding: Holding) {
    this.#compiled = compiled;
    this.#rt = rt;
    this.#scratch = row.slice();
    this.#target = target;
    this.#holding = holding;
    this.#ids = [start];
    this.#states = [0];
    for (const moves of compiled.automaton.moves) for (const move of moves) this.#typeIds.set(move, move.types(rt, row));
    this.#visited(0).set(start, 0);
    this.#noteEnd(start, 0);
  }

  release(): void {
    for (const visited of this.#distances) visited?.release();
  }

  get isOver(): boolean {
    return this.#ids.length === 0 || this.#depth >= this.#compiled.automaton.lengthMax;
  }

  typeIds(move: Move): readonly number[] | undefined {
    return this.#typeIds.get(move);
  }

  /** -1: not reached so far. */
  distance(id: number, state: number): number {
    return this.#distances[state]?.get(id) ?? -1;
  }

  upTo(length: number): void {
    while (this.#depth < length && !this.isOver) this.advance();
  }

  advance(): void {
    const { moves } = this.#compiled.automaton;
    const [ids, states] = [this.#ids, this.#states];
    this.#ids = [];
    this.#states = [];
    this.#depth++;
    for (let i = 0; i < ids.length; i++) for (const move of moves[states[i]!]!) this.#follow(ids[i]!, move);
  }

  #follow(id: number, move: Move): void {
    const { directions, to } = move;
    const rt = this.#rt;
    if (!nodePasses(move.entering, id, this.#scratch, rt)) return;
    const visited = this.#visited(to);
    const asks = move.tests.length > 0 || move.arriving !== undefined;
    for (const direction of directions) {
      for (const { neighbours, edges, typeId, from, to: end } of rt.view.adjacency(id, direction, this.typeIds(move))) {
        rt.tick(end - from);
        for (let i = from; i < end; i++) {
          const neighbour = neighbours[i]!;
          if (visited.get(neighbour) >= 0) continue;
          if (asks && !movePasses(move, id, relationshipOf(edges[i]!, typeId, id, neighbour, direction), neighbour, this.#scratch, rt)) continue;
          visited.set(neighbour, this.#depth);
          this.#holding.add(REACHED_BYTES);
          this.#ids.push(neighbour);
          this.#states.push(to);
          this.#noteEnd(neighbour, to);
        }
      }
    }
  }

  #noteEnd(id: number, state: number): void {
    const asked = this.#compiled.automaton.finals[state];
    if (asked === undefined || (this.#target !== undefined && this.#target !== id) || this.#known.has(id)) return;
    if (!nodePasses(asked, id, this.#scratch, this.#rt)) return;
    this.#known.add(id);
    this.ends.push({ id, length: this.#depth });
  }

  #visited(state: number): Visited {
    return this.#distances[state] ??= Visited.take();
  }
}

function nodePasses(asked: readonly NodeTest[], id: number, scratch: Row, rt: Runtime): boolean {
  for (const { slot, tests } of asked) {
    scratch[slot] = new NodeValue(id);
    if (!passes(tests, scratch, rt)) return false;
  }
  return true;
}

function movePasses(move: Move, before: number, relationship: RelationshipValue, after: number, scratch: Row, rt: Runtime): boolean {
  const { slots, tests, arriving } = move;
  if (tests.length > 0) {
    scratch[slots[0]] = new NodeValue(before);
    scratch[slots[1]] = relationship;
    scratch[slots[2]] = new NodeValue(after);
    if (!passes(tests, scratch, rt)) return false;
  }
  if (arriving === undefined) return true;
  scratch[arriving.slot] = new NodeValue(after);
  return passes(arriving.tests, scratch, rt);
}

/** A node of the way back, and what is left to look at from there. */
interface Frame {
  readonly id: number;
  readonly items: readonly { readonly move: Move; readonly segment: AdjacencySegment; readonly direction: Direction; readonly second: boolean }[];
  item: number;
  index: number;
}

/** A path from the search's start: `states[i]` is where `links[i]` leads to in the pattern. */
interface Found {
  readonly nodes: readonly NodeValue[];
  readonly links: readonly RelationshipValue[];
  readonly states: readonly number[];
}

class Chooser {
  readonly #compiled: Compiled;
  readonly #rt: Runtime;
  readonly #row: Row;
  readonly #scratch: Row;
  readonly #reach: Reach;
  readonly #count: number;
  /** Something was left out that a longer path may hold. */
  #cutShort = false;

  constructor(compiled: Compiled, rt: Runtime, row: Row, reach: Reach, count: number) {
    this.#compiled = compiled;
    this.#rt = rt;
    this.#row = row;
    this.#scratch = row.slice();
    this.#reach = reach;
    this.#count = count;
  }

  *rows(): Generator<Row> {
    const reach = this.#reach;
    for (let next = 0; ;) {
      const end = reach.ends[next];
      if (end !== undefined) {
        next++;
        yield* this.#pathsTo(end.id, end.length);
        if (this.#compiled.node.into) return;
      } else if (reach.isOver) return;
      else reach.advance();
    }
  }

  *#pathsTo(end: number, shortest: number): Generator<Row> {
    const { node, hasLabels, filters, automaton } = this.#compiled;
    const value = new NodeValue(end);
    if (!node.into) {
      if (hasLabels !== undefined && !hasLabels(value, this.#rt)) return;
      this.#scratch[node.to] = value;
      if (!passes(filters, this.#scratch, this.#rt)) return;
    }
    let left = this.#count;
    for (let length = shortest; length <= automaton.lengthMax; length++) {
      this.#reach.upTo(length);
      this.#cutShort = false;
      let some = false;
      for (const found of this.#trails(end, length)) {
        const made = this.#made(found, value);
        if (made === undefined) continue;
        some = true;
        yield made;
        if (!node.groups && --left === 0) return;
      }
      if (some && node.groups && --left === 0) return;
      if (!this.#cutShort) return;
    }
  }

  /** Every trail of exactly that length, back from the end. */
  *#trails(end: number, length: number): Generator<Found> {
    const { finals } = this.#compiled.automaton;
    for (const [state, asked] of finals.entries()) {
      const distance = this.#reach.distance(end, state);
      if (asked === undefined || !nodePasses(asked, end, this.#scratch, this.#rt)) continue;
      if (distance < 0 || distance > length) {
        this.#cutShort ||= distance >= 0 || !this.#reach.isOver;
        continue;
      }
      if (state === 0) {
        if (length === 0) yield { nodes: [new NodeValue(end)], links: [], states: [] };
        continue;
      }
      yield* this.#trailsFrom(end, state, length);
    }
  }

  *#trailsFrom(end: number, last: number, length: number): Generator<Found> {
    const nodes = [new NodeValue(end)];
    const links: RelationshipValue[] = [];
    const states: number[] = [];
    const edges = new Set<number>();
    const frames = [this.#frameAt(end, last)];
    const back = (): void => {
      nodes.pop();
      states.pop();
      const link = links.pop();
      if (link !== undefined) edges.delete(link.id);
    };
    while (frames.length > 0) {
      const frame = frames[frames.length - 1]!;
      const at = frame.items[frame.item];
      if (at === undefined) {
        frames.pop();
        back();
        continue;
      }
      const { move, segment, direction, second } = at;
      const index = frame.index++;
      if (index >= segment.to) {
        frame.item++;
        frame.index = frame.items[frame.item]?.segment.from ?? 0;
        continue;
      }
      this.#rt.tick();
      const edge = segment.edges[index]!;
      const before = segment.neighbours[index]!;
      if ((second && before === frame.id) || edges.has(edge)) continue;
      const distance = this.#reach.distance(before, move.from);
      if (distance < 0 || links.length + 1 + distance > length) {
        this.#cutShort ||= distance >= 0 || !this.#reach.isOver;
        continue;
      }
      const link = relationshipOf(edge, segment.typeId, frame.id, before, direction);
      if (!nodePasses(move.entering, before, this.#scratch, this.#rt) || !movePasses(move, before, link, frame.id, this.#scratch, this.#rt)) continue;
      nodes.push(new NodeValue(before));
      links.push(link);
      states.push(move.to);
      edges.add(edge);
      if (move.from === 0) {
        if (links.length === length) yield { nodes: nodes.toReversed(), links: links.toReversed(), states: states.toReversed() };
        back();
      } else frames.push(this.#frameAt(before, move.from));
    }
  }

  #frameAt(id: number, state: number): Frame {
    const items: Frame['items'][number][] = [];
    for (const move of this.#compiled.automaton.incoming[state]!) {
      for (const direction of move.back) {
        const second = direction === 'in' && move.back.length === 2;
        for (const segment of this.#rt.view.adjacency(id, direction, this.#reach.typeIds(move))) items.push({ move, segment, direction, second });
      }
    }
    return { id, items, item: 0, index: items[0]?.segment.from ?? 0 };
  }

  /** The row for a path, unless something that is asked of it as a whole does not hold. */
  #made(found: Found, end: NodeValue): Row | undefined {
    const { node, tests } = this.#compiled;
    if (!this.#repetitionsPass(found)) return undefined;
    const made = this.#row.slice();
    made[node.to] = end;
    for (const { slot, kind, list, segment, place } of node.variables) made[slot] = list ? this.#list(found, kind, segment, place) : this.#single(found, kind, segment);
    const { nodes, links } = found;
    if (node.path !== undefined) made[node.path] = node.reversed ? new PathValue(nodes.toReversed(), links.toReversed()) : new PathValue(nodes, links);
    return passes(tests, made, this.#rt) ? made : undefined;
  }

  #place(found: Found, link: number): { readonly segment: number; readonly place: number } {
    return this.#compiled.automaton.places[found.states[link]!]!;
  }

  /** The node before a segment, or its only relationship. */
  #single(found: Found, kind: 'node' | 'relationship', segment: number): Value {
    let first = 0;
    while (first < found.links.length && this.#place(found, first).segment < segment) first++;
    return kind === 'node' ? found.nodes[first]! : found.links[first]!;
  }

  #list(found: Found, kind: 'node' | 'relationship', segment: number, place: number): Value[] {
    const list: Value[] = [];
    for (let i = 0; i < found.links.length; i++) {
      const at = this.#place(found, i);
      if (at.segment !== segment) continue;
      if (kind === 'relationship') {
        if (at.place === place + 1) list.push(found.links[i]!);
      } else if (at.place === place) list.push(found.nodes[i + 1]!);
      else if (place === 0 && at.place === 1) list.push(found.nodes[i]!);
    }
    return this.#compiled.node.reversed ? list.reverse() : list;
  }

  #repetitionsPass(found: Found): boolean {
    const { node: { segments }, repetitionTests } = this.#compiled;
    for (let i = 0; i < found.links.length;) {
      const { segment } = this.#place(found, i);
      const { nodes, steps } = segments[segment]!;
      const asked = repetitionTests[segment]!;
      if (asked.length > 0) {
        for (const [place, { slot }] of nodes.entries()) this.#scratch[slot] = found.nodes[i + place]!;
        for (const [place, { slot }] of steps.entries()) this.#scratch[slot] = found.links[i + place]!;
        if (!passes(asked, this.#scratch, this.#rt)) return false;
      }
      i += steps.length;
    }
    return true;
  }
}
