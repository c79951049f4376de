/**
 * One side of a search for shortest paths: breadth first from a node, a level at a time, with the links by which each node is reached on a shortest way.
 *
 * Nodes and links are places in columns, not objects: a search reaches thousands of nodes to tell of a few.
 */
import type { RelationshipValue } from '../../value/value.ts';
import type { Direction } from '../../graph/view.ts';
import { DIRECTIONS } from './directions.ts';
import { relationshipOf } from './row-graph.ts';
import { Holding } from './holding.ts';
import type { Row, Runtime } from './runtime.ts';
import { Visited } from './visited.ts';

export interface Search {
  readonly typeIds: readonly number[] | undefined;
  /** All links by which a node is reached on a shortest way, not one. */
  readonly all: boolean;
  readonly max: number;
  readonly linkTest: ((relationship: RelationshipValue, row: Row, rt: Runtime) => boolean) | undefined;
  readonly nodeTest: ((id: number, row: Row, rt: Runtime) => boolean) | undefined;
}

/** A way from a node back to where the search began: both ends included, nearest to the node first. */
export interface Chain {
  readonly nodes: readonly number[];
  readonly relationships: readonly RelationshipValue[];
}

const NONE = -1;
/** A node with its place and one link. */
const REACHED_BYTES = 64;

export class Side {
  readonly #rt: Runtime;
  readonly #search: Search;
  readonly #holding: Holding;
  readonly #directions: readonly Direction[];
  /** Node → place. */
  readonly #places = Visited.take();
  /** By place. */
  readonly #ids: number[];
  readonly #lastLinks: number[] = [NONE];
  /** By link: from which place, over what, and the link to the same node that was found before. */
  readonly #before: number[] = [];
  readonly #edges: number[] = [];
  /** Type * 2 + (in ? 1 : 0). */
  readonly #ways: number[] = [];
  readonly #linksBefore: number[] = [];
  /** Where the nodes reached last begin. */
  #frontier = 0;
  #depth = 0;

  constructor(rt: Runtime, start: number, direction: 'out' | 'in' | 'both', search: Search) {
    this.#rt = rt;
    this.#search = search;
    this.#holding = new Holding(rt);
    this.#directions = DIRECTIONS[direction];
    this.#ids = [start];
    this.#places.set(start, 0);
  }

  release(): void {
    this.#places.release();
    this.#holding.free();
  }

  get depth(): number {
    return this.#depth;
  }

  get frontierSize(): number {
    return this.#ids.length - this.#frontier;
  }

  has(id: number): boolean {
    return this.#places.get(id) >= 0;
  }

  /** Nodes reached last that the other side has reached as well. */
  meetings(other: Side): number[] {
    const found: number[] = [];
    for (let place = this.#frontier; place < this.#ids.length; place++) if (other.has(this.#ids[place]!)) found.push(this.#ids[place]!);
    return found;
  }

  advance(row: Row): void {
    const first = this.#frontier;
    const end = this.#ids.length;
    this.#frontier = end;
    this.#depth++;
    for (let place = first; place < end; place++) {
      for (const direction of this.#directions) this.#follow(row, place, direction, end);
    }
    this.#holding.add((this.#ids.length - end) * REACHED_BYTES);
  }

  /** `fresh`: places from there on are of this level. */
  #follow(row: Row, place: number, direction: Direction, fresh: number): void {
    const { typeIds, all, linkTest, nodeTest } = this.#search;
    const rt = this.#rt;
    const places = this.#places;
    const id = this.#ids[place]!;
    for (const { neighbours, edges, from, to, typeId } of rt.view.adjacency(id, direction, typeIds)) {
      rt.tick(to - from);
      const way = typeId * 2 + (direction === 'in' ? 1 : 0);
      for (let i = from; i < to; i++) {
        const neighbour = neighbours[i]!;
        const known = places.get(neighbour);
        if (known >= 0 && !(all && known >= fresh)) continue;
        if (linkTest !== undefined && !linkTest(relationshipOf(edges[i]!, typeId, id, neighbour, direction), row, rt)) continue;
        if (known >= 0) {
          this.#link(known, place, edges[i]!, way);
          continue;
        }
        if (nodeTest !== undefined && !nodeTest(neighbour, row, rt)) continue;
        places.set(neighbour, this.#ids.length);
        this.#lastLinks.push(NONE);
        this.#link(this.#ids.push(neighbour) - 1, place, edges[i]!, way);
      }
    }
  }

  #link(place: number, before: number, edge: number, way: number): void {
    this.#linksBefore.push(this.#lastLinks[place]!);
    this.#before.push(before);
    this.#ways.push(way);
    this.#lastLinks[place] = this.#edges.push(edge) - 1;
  }

  /** The ways back from a node that was reached. */
  *chains(id: number): Generator<Chain> {
    yield* this.#chainsFrom(this.#places.get(id));
  }

  *#chainsFrom(place: number): Generator<Chain> {
    const id = this.#ids[place]!;
    if (place === 0) {
      yield { nodes: [id], relationships: [] };
      return;
    }
    const links: number[] = [];
    for (let link = this.#lastLinks[place]!; link !== NONE; link = this.#linksBefore[link]!) links.push(link);
    for (const link of links.reverse()) {
      const relationship = this.#relationship(link, id);
      for (const { nodes, relationships } of this.#chainsFrom(this.#before[link]!)) yield { nodes: [id, ...nodes], relationships: [relationship, ...relationships] };
    }
  }

  #relationship(link: number, to: number): RelationshipValue {
    const way = this.#ways[link]!;
    return relationshipOf(this.#edges[link]!, way >> 1, this.#ids[this.#before[link]!]!, to, (way & 1) === 0 ? 'out' : 'in');
  }
}
