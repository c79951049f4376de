/**
 * Adjacency in compressed sparse rows: the relationships of one type and direction of 512 neighbouring vertices in two arrays, made from
 * their blocks once many of them were asked for. A traversal then costs two or three cache misses a vertex instead of one for each object
 * on the way to a block's columns.
 *
 * Belongs to one thread's block cache and holds nothing that blocks do not say. Validity is theirs (storage/clocks.ts): what a page says of a
 * vertex serves a view at V when the clock of the vertex's adjacency block is ≤ min(page.at, V).
 */
import { VersionClocks } from '../storage/clocks.ts';
import { PageTable } from './page-table.ts';
import type { AdjacencyBlock, AdjacencyGroup } from './blocks.ts';
import type { AdjacencySegment, Direction } from './view.ts';

const PAGE_BITS = 9;
const PAGE = 1 << PAGE_BITS;
export const ADJACENCY_PAGE = PAGE;
/** Ids beyond have no pages: shifts are of 32 bits. */
const IDS_MAX = 2 ** 31;
/** A page is made once so many look-ups of its vertices went to blocks: making it costs as much as looking up each vertex once. */
const READS_BEFORE = PAGE / 2;
/** After so many reads of an outdated page it is checked as a whole. */
const STALE_READS_MAX = 256;
/** With more vertices changed than this, a page is made anew when it is wanted again. */
const CHANGED_MAX = PAGE / 8;
const NO_SEGMENTS: readonly AdjacencySegment[] = [];
/** A page up to this is kept where others would have to go for a larger one. */
const SMALL_BYTES = 1000;
/** Of all pages without a relationship. */
const NO_OFFSETS = new Uint32Array(new SharedArrayBuffer((PAGE + 1) * 4));
const NOWHERE_ELSE = new Uint8Array(PAGE);
const NO_IDS = new Uint32Array(new SharedArrayBuffer(0));
/** What a page takes beside its arrays. */
const PAGE_BYTES = 160;
/** Of a graph with more types it is not noted which of them a page lacks, and what is asked for without a type is looked up in blocks. */
const TYPES_ASKED = 32;

const NO_ROWS: AdjacencyRows = { offsets: NO_OFFSETS, neighbours: NO_IDS, edges: NO_IDS, elsewhere: NOWHERE_ELSE };

type Ids = Uint32Array | Float64Array;

/** The relationships of a page's vertices at one version. All but `elsewhere` lies in memory that threads share and nobody changes. */
export interface AdjacencyRows {
  readonly offsets: Uint32Array;
  readonly neighbours: Ids;
  readonly edges: Ids;
  /** Places whose block has to be asked: hubs, whose relationships lie in chunks, and what has changed. */
  readonly elsewhere: Uint8Array;
}

/** A page for other threads: `row` is type * 2 + (in ? 1 : 0). Without `rows`: no vertex of the page has such a relationship. */
export interface AdjacencyPage {
  readonly row: number;
  readonly number: number;
  readonly rows?: AdjacencyRows;
}

class Page implements AdjacencyRows {
  at: number;
  reads = 0;
  readonly offsets: Uint32Array;
  readonly neighbours: Ids;
  readonly edges: Ids;
  elsewhere: Uint8Array;
  changed = 0;
  constructor(at: number, { offsets, neighbours, edges, elsewhere }: AdjacencyRows) {
    this.at = at;
    this.offsets = offsets;
    this.neighbours = neighbours;
    this.edges = edges;
    this.elsewhere = elsewhere;
  }
  get bytes(): number {
    return PAGE_BYTES + (this.offsets === NO_OFFSETS ? 0 : PAGE * 4) + (this.elsewhere === NOWHERE_ELSE ? 0 : PAGE) + this.neighbours.byteLength + this.edges.byteLength;
  }

  /** The place has changed: its block has to be asked. */
  leave(place: number): void {
    if (this.elsewhere === NOWHERE_ELSE) this.elsewhere = new Uint8Array(PAGE);
    this.elsewhere[place] = 1;
    this.changed++;
  }
}

export type ReadAdjacency = (vertex: number) => AdjacencyBlock | undefined;

/** The pages of one graph. */
export class AdjacencyPages {
  readonly #clocks: VersionClocks;
  readonly #graph: number;
  readonly #kind: number;
  /** By type * 2 + (in ? 1 : 0). */
  readonly pages = new PageTable<Page>(PAGE * 4);

  constructor(clocks: VersionClocks, graph: number, kind: number) {
    this.#clocks = clocks;
    this.#graph = graph;
    this.#kind = kind;
  }

  /** The relationships of a vertex, or undefined: ask its block. `read` gives blocks as of `version`. */
  get(id: number, direction: Direction, typeId: number, version: number, read: ReadAdjacency): readonly AdjacencySegment[] | undefined {
    if (id >= IDS_MAX) return undefined;
    const page = this.#page(id, direction, typeId, version, read);
    const place = id & (PAGE - 1);
    if (page === undefined || page.elsewhere[place] !== 0) return undefined;
    const from = page.offsets[place]!;
    const to = page.offsets[place + 1]!;
    return from === to ? NO_SEGMENTS : [{ typeId, from, to, neighbours: page.neighbours, edges: page.edges }];
  }

  /** The relationships of a vertex of all of so many types, or undefined: ask its block. Looks at what is there, and makes no page. */
  whole(id: number, direction: Direction, types: number, version: number): readonly AdjacencySegment[] | undefined {
    if (id >= IDS_MAX || types > TYPES_ASKED) return undefined;
    const side = direction === 'in' ? 1 : 0;
    const place = id & (PAGE - 1);
    let found: AdjacencySegment[] | undefined;
    for (let typeId = 0; typeId < types; typeId++) {
      const page = this.#known(typeId * 2 + side, id, version);
      if (page === undefined) return undefined;
      const from = page.offsets[place]!;
      const to = page.offsets[place + 1]!;
      if (from !== to) (found ??= []).push({ typeId, from, to, neighbours: page.neighbours, edges: page.edges });
    }
    return found ?? NO_SEGMENTS;
  }

  /** How many relationships of a type a vertex has, or undefined: ask its block. */
  degree(id: number, direction: Direction, typeId: number, version: number): number | undefined {
    const page = id >= IDS_MAX ? undefined : this.#known(typeId * 2 + (direction === 'in' ? 1 : 0), id, version);
    const place = id & (PAGE - 1);
    return page === undefined ? undefined : page.offsets[place + 1]! - page.offsets[place]!;
  }

  /** The page of a vertex, where it is there, and right for that one. */
  #known(row: number, id: number, version: number): Page | undefined {
    const page = this.pages.get(row, id >>> PAGE_BITS);
    if (page === undefined || (page.at !== version && !this.#isValid(page, row, id, version))) return undefined;
    return page.elsewhere[id & (PAGE - 1)] === 0 ? page : undefined;
  }

  /**
   * Gives `sink` the neighbours of the vertices from place `at` of `ids` on, as far as their rows lie one behind the other; returns of how many
   * vertices. 0: ask the block of the first.
   */
  run(
    ids: ArrayLike<number>, at: number, to: number, direction: Direction, typeId: number, version: number, read: ReadAdjacency,
    sink: (neighbours: ArrayLike<number>, from: number, to: number) => void,
  ): number {
    const first = ids[at]!;
    if (first >= IDS_MAX) return 0;
    const page = this.#page(first, direction, typeId, version, read);
    let place = first & (PAGE - 1);
    if (page === undefined || page.elsewhere[place] !== 0) return 0;
    const { offsets, elsewhere } = page;
    const from = offsets[place]!;
    let next = at + 1;
    // Of a page that is right as a whole.
    if (page.at === version) {
      while (next < to && place + 1 < PAGE && ids[next] === ids[next - 1]! + 1 && elsewhere[place + 1] === 0) {
        next++;
        place++;
      }
    }
    if (offsets[place + 1]! > from) sink(page.neighbours, from, offsets[place + 1]!);
    return next - at;
  }

  /** The page of a vertex, where it is right for that one. */
  #page(id: number, direction: Direction, typeId: number, version: number, read: ReadAdjacency): Page | undefined {
    const row = typeId * 2 + (direction === 'in' ? 1 : 0);
    const number = id >>> PAGE_BITS;
    let page = this.pages.get(row, number);
    if (page === undefined) {
      const isDue = this.pages.isDue(row, number, READS_BEFORE);
      // Most pages hold nothing of a type that few vertices have; once they are asked for so often, it is worth a look.
      if (!isDue && this.pages.reads(row, number) !== READS_BEFORE) return undefined;
      page = this.#make(number * PAGE, typeId, version, read);
      if (isDue || page.bytes <= SMALL_BYTES) this.pages.set(row, number, page, page.bytes);
    }
    return page.at !== version && !this.#isValid(page, row, id, version) ? undefined : page;
  }

  #isValid(page: Page, row: number, id: number, version: number): boolean {
    const side = row & 1;
    if (page.at < version && ++page.reads >= STALE_READS_MAX) {
      this.#refresh(page, id & ~(PAGE - 1), side, version);
      if (page.changed > CHANGED_MAX) this.pages.drop(row, id >>> PAGE_BITS);
      return true;
    }
    const clock = this.#clock(id * 2 + side);
    return clock <= page.at && clock <= version;
  }

  #clock(block: number): number {
    return this.#clocks.read(VersionClocks.slot(this.#kind, this.#graph, block));
  }

  #refresh(page: Page, first: number, side: number, version: number): void {
    for (let place = 0; place < PAGE; place++) {
      if (page.elsewhere[place] !== 0 || this.#clock((first + place) * 2 + side) <= page.at) continue;
      page.leave(place);
    }
    page.at = version;
    page.reads = 0;
  }

  #make(first: number, typeId: number, version: number, read: ReadAdjacency): Page {
    const rows = new Rows();
    for (let place = 0; place < PAGE; place++) {
      const group = read(first + place)?.groups.find((one) => one.typeId === typeId);
      if (group !== undefined) rows.add(place, group);
    }
    return new Page(version, rows.finish());
  }

  /**
   * Makes the pages of all of so many types for the vertices from `first` (a multiple of ADJACENCY_PAGE) on. What it gives may be adopted by other
   * threads.
   */
  fill(first: number, direction: Direction, types: number, version: number, read: ReadAdjacency): AdjacencyPage[] {
    const byType = new Map<number, Rows>();
    for (let place = 0; place < PAGE; place++) {
      for (const group of read(first + place)?.groups ?? []) {
        let rows = byType.get(group.typeId);
        if (rows === undefined) byType.set(group.typeId, rows = new Rows());
        rows.add(place, group);
      }
    }
    const side = direction === 'in' ? 1 : 0;
    const number = first >>> PAGE_BITS;
    const made = [...byType].map(([typeId, rows]): AdjacencyPage => ({ row: typeId * 2 + side, number, rows: rows.finish() }));
    for (let typeId = 0; types <= TYPES_ASKED && typeId < types; typeId++) if (!byType.has(typeId)) made.push({ row: typeId * 2 + side, number });
    for (const page of made) this.adopt(page, version);
    return made;
  }

  /** Takes a page that another thread made of the blocks at `version`. */
  adopt({ row, number, rows }: AdjacencyPage, version: number): void {
    const before = this.pages.get(row, number);
    if (before !== undefined && before.at > version) return;
    const page = new Page(version, rows ?? NO_ROWS);
    this.pages.set(row, number, page, page.bytes);
  }
}

/** Puts together the rows of one page, place by place. */
class Rows {
  readonly #ends = new Uint32Array(PAGE);
  readonly #elsewhere = new Uint8Array(PAGE);
  readonly #neighbours: number[] = [];
  readonly #edges: number[] = [];
  #isWide = false;

  /** By ascending place. */
  add(place: number, group: AdjacencyGroup): void {
    if (group.chunks !== undefined) this.#elsewhere[place] = 1;
    for (let i = 0; i < group.edges.length; i++) {
      this.#neighbours.push(group.neighbours[i]!);
      this.#edges.push(group.edges[i]!);
      this.#isWide ||= group.neighbours[i]! > 0xffffffff || group.edges[i]! > 0xffffffff;
    }
    this.#ends[place] = this.#edges.length;
  }

  finish(): AdjacencyRows {
    if (this.#edges.length === 0 && !this.#elsewhere.includes(1)) return NO_ROWS;
    const offsets = new Uint32Array(new SharedArrayBuffer((PAGE + 1) * 4));
    for (let place = 0; place < PAGE; place++) offsets[place + 1] = Math.max(offsets[place]!, this.#ends[place]!);
    return { offsets, neighbours: this.#shared(this.#neighbours), edges: this.#shared(this.#edges), elsewhere: this.#elsewhere };
  }

  #shared(list: readonly number[]): Ids {
    const ids = this.#isWide ? new Float64Array(new SharedArrayBuffer(list.length * 8)) : new Uint32Array(new SharedArrayBuffer(list.length * 4));
    ids.set(list);
    return ids;
  }
}
