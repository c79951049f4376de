/**
 * Relationships between two nodes that are both bound, as of triangles, of `MERGE (a)-[:R]->(b)`, of `NOT (a)--(b)`.
 *
 * Looked for at the end with fewer. Where one of the two is the same check after check (a triangle's first node is, while all that its
 * neighbours know is tried), and looking has cost more than its neighbours are, these are put into a table, and each check is one look-up.
 */
import type { Direction } from '../../graph/view.ts';
import { DIRECTIONS, OPPOSITE } from './directions.ts';
import type { Runtime } from './runtime.ts';

type Visit = (edge: number, typeId: number, start: number, end: number) => void;

/** A table pays where looking one by one has taken so many times as many steps as it has entries. */
const TABLE_AFTER = 3;
/** No more of a hub's are put into a table: it would take megabytes, and be made anew for the next one. */
const TABLE_MAX = 100_000;
const ENTRY_BYTES = 72;

/** Neighbours of the node that was one of the two ends last time. */
class Neighbours {
  id = -1;
  /** Steps taken to look for one of them, as long as there is no table. */
  spent = 0;
  /** By neighbour the place of its first relationship; `next` leads to further ones, or to -1. */
  first: Map<number, number> | undefined;
  edges: number[] = [];
  types: number[] = [];
  next: number[] = [];
  claimed = 0;

  begin(rt: Runtime, id: number): void {
    if (this.first !== undefined) rt.claim(-this.claimed);
    this.id = id;
    this.spent = 0;
    this.first = undefined;
  }

  /** Counts what a check has cost; the table is made where it would have cost less. */
  spend(rt: Runtime, steps: number, degree: number, direction: Direction, typeIds: readonly number[] | undefined): void {
    this.spent += steps;
    if (this.spent <= degree * TABLE_AFTER || degree > TABLE_MAX) return;
    this.claimed = degree * ENTRY_BYTES;
    rt.claim(this.claimed);
    const ends: number[] = [];
    [this.edges, this.types] = [[], []];
    for (const { neighbours, edges, typeId, from, to } of rt.view.adjacency(this.id, direction, typeIds)) {
      for (let i = from; i < to; i++) {
        ends.push(neighbours[i]!);
        this.edges.push(edges[i]!);
        this.types.push(typeId);
      }
      rt.tick(to - from);
    }
    // From the last to the first, so that parallel ones are visited in their order.
    this.first = new Map();
    this.next = new Array<number>(ends.length).fill(-1);
    for (let i = ends.length - 1; i >= 0; i--) {
      this.next[i] = this.first.get(ends[i]!) ?? -1;
      this.first.set(ends[i]!, i);
    }
  }
}

/** What is known of both ends, for one direction. */
class Ends {
  readonly from = new Neighbours();
  readonly to = new Neighbours();
}

/** Checks of one operator; what it has learned holds as long as the graph that the statement sees does not change. */
export class Between {
  readonly #directions: readonly Direction[];
  readonly #isBoth: boolean;
  /** Types are the same in each row. */
  readonly #isSteady: boolean;
  readonly #known = new WeakMap<Runtime, Readonly<Record<Direction, Ends>>>();

  constructor(direction: 'out' | 'in' | 'both', isSteady: boolean) {
    this.#directions = DIRECTIONS[direction];
    this.#isBoth = direction === 'both';
    this.#isSteady = isSteady;
  }

  /** Each relationship between two nodes in that direction (seen from the first). */
  forEach(rt: Runtime, from: number, to: number, typeIds: readonly number[] | undefined, visit: Visit): void {
    const known = this.#isSteady && !rt.canWrite ? this.#knownOf(rt) : undefined;
    for (const direction of this.#directions) {
      if (direction === 'in' && this.#isBoth && from === to) continue;
      if (known === undefined) look(rt, from, to, direction, typeIds, visit);
      else check(rt, known[direction], from, to, direction, typeIds, visit);
    }
  }

  #knownOf(rt: Runtime): Readonly<Record<Direction, Ends>> {
    let known = this.#known.get(rt);
    if (known === undefined) this.#known.set(rt, known = { out: new Ends(), in: new Ends() });
    return known;
  }
}

function check(rt: Runtime, known: Ends, from: number, to: number, direction: Direction, typeIds: readonly number[] | undefined, visit: Visit): void {
  if (known.from.id !== from) known.from.begin(rt, from);
  if (known.to.id !== to) known.to.begin(rt, to);
  const [near, far] = known.from.first !== undefined ? [known.from, to] : [known.to, from];
  if (near.first === undefined) {
    const [degreeFrom, degreeTo] = look(rt, from, to, direction, typeIds, visit);
    const steps = Math.min(degreeFrom, degreeTo);
    known.from.spend(rt, steps, degreeFrom, direction, typeIds);
    if (known.from.first === undefined) known.to.spend(rt, steps, degreeTo, OPPOSITE[direction], typeIds);
    return;
  }
  rt.tick();
  const { edges, types, next } = near;
  for (let i = near.first.get(far) ?? -1; i !== -1; i = next[i]!) {
    if (direction === 'out') visit(edges[i]!, types[i]!, from, to);
    else visit(edges[i]!, types[i]!, to, from);
  }
}

/** Gives how many relationships each of the two has. */
function look(rt: Runtime, from: number, to: number, direction: Direction, typeIds: readonly number[] | undefined, visit: Visit): [from: number, to: number] {
  const { view } = rt;
  const reverse = OPPOSITE[direction];
  const degrees: [number, number] = [view.degree(from, direction, typeIds), view.degree(to, reverse, typeIds)];
  const [at, looking, wanted] = degrees[1] < degrees[0] ? [to, reverse, from] : [from, direction, to];
  for (const { neighbours, edges, typeId, from: first, to: stop } of view.adjacency(at, looking, typeIds)) {
    for (let i = first; i < stop; i++) {
      if (neighbours[i] !== wanted) continue;
      if (direction === 'out') visit(edges[i]!, typeId, from, to);
      else visit(edges[i]!, typeId, to, from);
    }
    rt.tick(stop - first);
  }
  return degrees;
}
