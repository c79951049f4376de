/**
 * Reads all graphs of a store into memory a little at a time, beside other work, so that the first queries after a start or after a load do not pay
 * for it: what db.warmup does (warm-up.ts), and again for what has changed much since.
 *
 * Each step is some milliseconds, on the newest version: a page is valid from then on, whatever becomes of its neighbours, and no old version
 * is held open meanwhile. Ends for good where there is no more room: from then on the reads themselves decide what stays.
 */
import { VersionClocks } from '../storage/clocks.ts';
import { ADJACENCY, EDGE, VERTEX } from './blocks.ts';
import { COLUMN_PAGE } from './columns.ts';
import type { StateReader } from './state-reader.ts';
import { idsEnd, WARM_AREAS, WARM_UP_PARTS, warmUpPart } from './warm-up.ts';
import type { WarmArea } from './warm-up.ts';

/** Pages are made anew once so many of their elements (of vertices, of either direction's relationships) have changed; till then reads go past them for these. */
const CHANGED_MAX = COLUMN_PAGE / 8;
/** Pages looked at in one step. */
const LOOKS_MAX = 16;

export class ReadAhead {
  readonly #reader: StateReader;
  readonly #clocks: VersionClocks;

  constructor(reader: StateReader, clocks: VersionClocks) {
    this.#reader = reader;
    this.#clocks = clocks;
  }

  get hasRoom(): boolean {
    return this.#reader.cache.hasRoomForDerived;
  }

  /** Goes through all graphs once, a step each time it is asked for the next; gives how many pages were read. */
  *pass(): Generator<void, number> {
    let count = 0;
    for (const { id: graph } of this.#reader.system.graphs) {
      for (const area of WARM_AREAS) count += yield* this.#area(graph, area);
    }
    return count;
  }

  *#area(graph: number, area: WarmArea): Generator<void, number> {
    let count = 0;
    const end = this.#reader.at((point) => idsEnd(point.source(graph), area));
    // What db.warmup has read need not be read again.
    const versions = this.#reader.cache.warmPages(graph, area);
    for (let page = 0; page * COLUMN_PAGE < end && this.hasRoom; page++) {
      if (page % LOOKS_MAX === LOOKS_MAX - 1) yield;
      if (!this.#isDue(graph, area, page, versions[page])) continue;
      versions[page] = this.#reader.publishedVersion;
      for (let part = 0; part < WARM_UP_PARTS[area]; part++) {
        this.#reader.at((point) => warmUpPart(point.source(graph), area, page * COLUMN_PAGE, part, this.#reader.cache.onMade));
        yield;
      }
      count++;
    }
    return count;
  }

  #isDue(graph: number, area: WarmArea, page: number, version: number | undefined): boolean {
    if (version === undefined) return true;
    if (version === this.#reader.publishedVersion) return false;
    const first = page * COLUMN_PAGE;
    if (area === 'edge') return this.#changed(EDGE.tag, graph, first, 1, version);
    return this.#changed(VERTEX.tag, graph, first, 1, version) || this.#changed(ADJACENCY.tag, graph, first * 2, 2, version);
  }

  #changed(kind: number, graph: number, first: number, each: number, version: number): boolean {
    let changed = 0;
    for (let block = first; block < first + COLUMN_PAGE * each; block++) {
      if (this.#clocks.read(VersionClocks.slot(kind, graph, block)) > version && ++changed > CHANGED_MAX) return true;
    }
    return false;
  }
}
