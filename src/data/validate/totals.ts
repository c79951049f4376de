/** What threads find in their parts of a store, in a form that can be sent and added up. */
import { CountersBlock } from '../../graph/blocks.ts';
import type { GraphCatalog } from '../../graph/catalog.ts';
import { Checksum } from '../../graph/checksum.ts';
import { EdgeSums } from './edge-sums.ts';

export interface Problem {
  /** Empty: of the store as a whole. */
  readonly graph: string;
  readonly what: 'block' | 'checksum' | 'adjacency' | 'degree' | 'set' | 'index' | 'counter';
  readonly text: string;
}

/** Entries of an index: what elements add the index must take away. */
export class EntrySums {
  expected = 0;
  found = 0;
  readonly sum = new Checksum();

  addAll(other: EntrySums): void {
    this.expected += other.expected;
    this.found += other.found;
    addChecksum(this.sum, other.sum);
  }

  get areEqual(): boolean {
    return this.expected === this.found && this.sum.high === 0 && this.sum.low === 0;
  }
}

export class GraphTotals {
  readonly counted = new CountersBlock();
  /** Relationships that are listed, outgoing and incoming. */
  readonly listed: [number, number] = [0, 0];
  readonly edges: EdgeSums;
  /** Members by set. */
  readonly members = new Map<number, number>();
  /** By the id of the index. */
  readonly indexes = new Map<number, EntrySums>();
  readonly texts = new Map<number, EntrySums>();
  /** Trees over vectors: their members. */
  readonly vectors = new Map<number, EntrySums>();

  constructor(catalog: GraphCatalog, edges: number) {
    this.edges = new EdgeSums(edges);
    for (const { id } of catalog.data.indexes) this.indexes.set(id, new EntrySums());
    for (const { id } of catalog.vectorTrees) this.vectors.set(id, new EntrySums());
    for (const { id, keyIds } of catalog.texts) {
      this.texts.set(id, new EntrySums());
      this.counted.texts.set(id, keyIds.flatMap(() => [0, 0]));
    }
  }

  /** `other` may be a copy that was sent: data without methods. */
  addAll(other: GraphTotals): void {
    const { counted } = this;
    counted.vertices += other.counted.vertices;
    counted.edges += other.counted.edges;
    counted.nextVertex = Math.max(counted.nextVertex, other.counted.nextVertex);
    counted.nextEdge = Math.max(counted.nextEdge, other.counted.nextEdge);
    addNumbers(counted.byLabel, other.counted.byLabel);
    addNumbers(counted.byType, other.counted.byType);
    for (const [id, sums] of counted.texts) addNumbers(sums, other.counted.texts.get(id)!);
    addNumbers(this.listed, other.listed);
    this.edges.addAll(other.edges.lanes);
    for (const [set, count] of other.members) this.members.set(set, (this.members.get(set) ?? 0) + count);
    for (const [id, sums] of this.indexes) sums.addAll(other.indexes.get(id)!);
    for (const [id, sums] of this.texts) sums.addAll(other.texts.get(id)!);
    for (const [id, sums] of this.vectors) sums.addAll(other.vectors.get(id)!);
  }
}

export interface StoreTotals {
  readonly checksum: Checksum;
  readonly graphs: ReadonlyMap<number, GraphTotals>;
}

export function addTotals(into: StoreTotals, other: StoreTotals): void {
  addChecksum(into.checksum, other.checksum);
  for (const [id, totals] of into.graphs) totals.addAll(other.graphs.get(id)!);
}

function addChecksum(into: Checksum, other: Checksum): void {
  into.high = (into.high + other.high) | 0;
  into.low = (into.low + other.low) | 0;
}

function addNumbers(into: number[], more: readonly number[]): void {
  for (const [i, one] of more.entries()) {
    while (into.length <= i) into.push(0);
    into[i]! += one;
  }
}

export function bump(counts: number[], at: number): void {
  while (counts.length <= at) counts.push(0);
  counts[at]!++;
}
