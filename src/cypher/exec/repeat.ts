/**
 * Quantified path patterns (GQL, ISO/IEC 39075, 16.11): every trail of an allowed number of repetitions, depth first.
 *
 * A trail is a row of relationships of which none comes twice, over all repetitions. Each repetition has the pattern's variables to itself:
 * their slots are filled from the trail before something is tested, and in the end lists are made of all repetitions.
 */
import { NodeValue, type RelationshipValue, type Value } from '../../value/value.ts';
import type { Repeat } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { DIRECTIONS } from './directions.ts';
import { isTaken, nodeIn, relationshipOf } from './row-graph.ts';
import { batched, type Operator, type Row, type Runtime } from './runtime.ts';
import { compileTests, labelsTest, passes } from './row-tests.ts';
import { typeFilter } from './type-filter.ts';
import { frameAt, type Frame } from './var-expand.ts';

type Test = ReturnType<typeof compileTests>[number];

interface Compiled {
  readonly node: Repeat;
  readonly steps: readonly { readonly types: ReturnType<typeof typeFilter>; readonly directions: (typeof DIRECTIONS)['both'] }[];
  /** By place in the repetition. */
  readonly tests: readonly (readonly Test[])[];
  /** An earlier place with the same node, or -1. */
  readonly sameAs: readonly number[];
  readonly hasLabels: ((node: NodeValue, rt: Runtime) => boolean) | undefined;
  readonly filters: readonly Test[];
}

export function buildRepeat(node: Repeat, input: Operator, cc: CompileContext): Operator {
  const compiled: Compiled = {
    node,
    steps: node.steps.map(({ types, direction }) => ({ types: typeFilter(types, node.typesIn, cc), directions: DIRECTIONS[direction] })),
    tests: node.tests.map((each) => compileTests(each, cc)),
    sameAs: node.nodes.map((slot, place) => {
      const first = node.nodes.indexOf(slot);
      return first < place ? first : -1;
    }),
    hasLabels: labelsTest(node.labels, cc.catalog),
    filters: compileTests(node.filters, cc),
  };
  const rows = function* repeat(rt: Runtime, source: Iterable<Row[]>): Generator<Row> {
    for (const batch of input(rt, source)) {
      for (const row of batch) yield* new Trail(compiled, compiled.steps.map(({ types }) => types(rt, row)), row, rt).rows();
    }
  };
  return (rt, source) => batched(rt, rows(rt, source));
}

/** The trail being tried from one row's start. */
class Trail {
  readonly #compiled: Compiled;
  readonly #typeIds: readonly (readonly number[] | undefined)[];
  readonly #row: Row;
  readonly #rt: Runtime;
  /** A copy whose inner slots may be filled. */
  readonly #scratch: Row;
  readonly #nodes: NodeValue[] = [];
  readonly #links: RelationshipValue[] = [];
  readonly #edges = new Set<number>();
  readonly #ends: Set<number> | undefined;

  constructor(compiled: Compiled, typeIds: readonly (readonly number[] | undefined)[], row: Row, rt: Runtime) {
    this.#compiled = compiled;
    this.#typeIds = typeIds;
    this.#row = row;
    this.#rt = rt;
    this.#scratch = row.slice();
    this.#ends = compiled.node.distinctEnds ? new Set() : undefined;
  }

  *rows(): Generator<Row> {
    const { node, sameAs } = this.#compiled;
    const start = nodeIn(this.#row[node.from]!);
    const target = node.into ? nodeIn(this.#row[node.to]!) : undefined;
    if (start === null || target === null) return;
    const length = node.steps.length;
    this.#nodes.push(start);
    if (node.min === 0) yield* this.#ended(target);
    const frames: Frame[] = [];
    this.#goOn(frames);
    while (frames.length > 0) {
      const found = this.#next(frames);
      if (!found) {
        frames.pop();
        this.#back();
        continue;
      }
      const place = ((this.#links.length - 1) % length) + 1;
      const same = sameAs[place]!;
      const fits = (same < 0 || this.#nodes[this.#nodes.length - 1 - place + same]!.id === this.#nodes.at(-1)!.id) && this.#passes(place);
      if (!fits) {
        this.#back();
        continue;
      }
      if (place === length && this.#links.length >= node.min * length) yield* this.#ended(target);
      if (!this.#goOn(frames)) this.#back();
    }
  }

  /** Takes the next relationship from the innermost node. */
  #next(frames: readonly Frame[]): boolean {
    const frame = frames[frames.length - 1]!;
    for (;;) {
      const at = frame.segments[frame.segment];
      if (at === undefined) return false;
      const { segment, direction, second } = at;
      const index = frame.index++;
      if (index >= segment.to) {
        frame.segment++;
        frame.index = frame.segments[frame.segment]?.segment.from ?? 0;
        continue;
      }
      this.#rt.tick();
      const edge = segment.edges[index]!;
      const neighbour = segment.neighbours[index]!;
      // A self-loop stands in both directions but is one match.
      if ((second && neighbour === frame.id) || this.#edges.has(edge) || isTaken(this.#row, this.#compiled.node.distinctFrom, edge)) continue;
      this.#edges.add(edge);
      this.#links.push(relationshipOf(edge, segment.typeId, frame.id, neighbour, direction));
      this.#nodes.push(new NodeValue(neighbour));
      return true;
    }
  }

  #back(): void {
    const link = this.#links.pop();
    if (link === undefined) return;
    this.#edges.delete(link.id);
    this.#nodes.pop();
  }

  /** Begins the next step, or the next repetition: false if there is none. */
  #goOn(frames: Frame[]): boolean {
    const { node, steps } = this.#compiled;
    const place = this.#links.length % steps.length;
    if (place === 0 && (this.#links.length / steps.length >= node.max || !this.#passes(0))) return false;
    frames.push(frameAt(this.#rt, this.#nodes.at(-1)!.id, steps[place]!.directions, this.#typeIds[place]));
    return true;
  }

  /** Whether what is tested in that place of the current repetition holds. */
  #passes(place: number): boolean {
    const { node, tests } = this.#compiled;
    if (tests[place]!.length === 0) return true;
    const firstNode = this.#nodes.length - 1 - place;
    const firstLink = this.#links.length - place;
    for (let i = 0; i <= place; i++) this.#scratch[node.nodes[i]!] = this.#nodes[firstNode + i]!;
    for (let i = 0; i < place; i++) this.#scratch[node.steps[i]!.relationship] = this.#links[firstLink + i]!;
    return passes(tests[place]!, this.#scratch, this.#rt);
  }

  /** The row for the trail as it is, unless something outside the repetitions does not hold. */
  *#ended(target: NodeValue | undefined): Generator<Row> {
    const { node, hasLabels, filters } = this.#compiled;
    const last = this.#nodes.at(-1)!;
    if (target !== undefined && target.id !== last.id) return;
    if (this.#ends !== undefined) {
      if (this.#ends.has(last.id)) return;
      this.#ends.add(last.id);
    }
    const value = target ?? last;
    if (hasLabels !== undefined && !hasLabels(value, this.#rt)) return;
    const made = this.#row.slice();
    made[node.to] = value;
    for (const { slot, kind, place } of node.lists) made[slot] = this.#list(kind, place);
    if (node.chain !== undefined) made[node.chain] = node.reversed ? this.#links.toReversed() : this.#links.slice();
    if (passes(filters, made, this.#rt)) yield made;
  }

  #list(kind: 'node' | 'relationship', place: number): Value[] {
    const { node } = this.#compiled;
    const { length } = node.steps;
    const list: Value[] = [];
    const items: readonly Value[] = kind === 'node' ? this.#nodes : this.#links;
    const followed = !node.reversed ? place : (kind === 'node' ? length : length - 1) - place;
    for (let at = 0; at < this.#links.length; at += length) list.push(items[at + followed]!);
    return node.reversed ? list.reverse() : list;
  }
}
