/** Which relationships and entries of indexes are wrong, where sums have shown that some are: each is looked up at its element. */
import { ByteReader } from '../../base/bytes.ts';
import { ADJACENCY, blockKey, CHUNK, EDGE, skimEdge, VERTEX } from '../../graph/blocks.ts';
import type { AdjacencyGroup, Block, BlockKind } from '../../graph/blocks.ts';
import { compareKeys, INDEX, leaves } from '../../graph/btree.ts';
import type { IndexPage } from '../../graph/btree.ts';
import type { IndexDef } from '../../graph/catalog.ts';
import { indexKey } from '../../graph/mutator.ts';
import type { Engine } from '../../storage/engine.ts';
import { INCOMING, OUTGOING } from './edge-sums.ts';
import type { Side } from './edge-sums.ts';
import { placeName } from './graph-scan.ts';
import { IdSet } from './id-set.ts';
import type { CheckedGraph } from './store-scan.ts';
import type { GraphTotals, Problem } from './totals.ts';

type Report = (what: Problem['what'], text: string) => void;

export interface ExplainOptions {
  readonly engine: Engine;
  readonly graph: CheckedGraph;
  readonly totals: GraphTotals;
  readonly report: Report;
}

/** An entry must be an edge with this vertex, neighbour and type; an edge must have an entry at either end. */
export async function explainAdjacency(options: ExplainOptions, ranges: ReadonlySet<number>): Promise<void> {
  const { graph, totals, report } = options;
  const isSuspect = (edge: number) => ranges.has(totals.edges.rangeOf(edge));
  const listed = [new IdSet(), new IdSet()] as const;
  await each(options, ADJACENCY, (place, block) => {
    for (const group of block.groups) explainGroup(options, Math.floor(place / 2), place % 2 === 1 ? INCOMING : OUTGOING, { group, isSuspect, listed });
  });
  await each(options, { ...EDGE, decode: (reader: ByteReader) => skimEdge(reader, () => false) }, (id, edge) => {
    if (!isSuspect(id)) return;
    if (!listed[OUTGOING].has(id)) report('adjacency', `INCONSISTENT: edge ${id} is not listed at ${placeName(graph.catalog, edge.start, OUTGOING, edge.typeId)}`);
    if (!listed[INCOMING].has(id)) report('adjacency', `INCONSISTENT: edge ${id} is not listed at ${placeName(graph.catalog, edge.end, INCOMING, edge.typeId)}`);
  });
}

interface Suspects {
  readonly group: AdjacencyGroup;
  readonly isSuspect: (edge: number) => boolean;
  /** Edges that are listed rightly, by side. */
  readonly listed: readonly [IdSet, IdSet];
}

function explainGroup({ graph: { source, catalog }, report }: ExplainOptions, vertex: number, side: Side, { group, isSuspect, listed }: Suspects): void {
  const where = placeName(catalog, vertex, side, group.typeId);
  const look = (neighbours: ArrayLike<number>, edges: ArrayLike<number>): void => {
    for (let i = 0; i < edges.length; i++) {
      const id = edges[i]!;
      if (!isSuspect(id)) continue;
      const edge = source.get(EDGE, id);
      if (edge === undefined) report('adjacency', `INCONSISTENT: ${where}: edge ${id} does not exist`);
      else if (edge.typeId !== group.typeId || (side === INCOMING ? edge.end : edge.start) !== vertex || (side === INCOMING ? edge.start : edge.end) !== neighbours[i]) {
        report('adjacency', `INCONSISTENT: ${where}: edge ${id} joins ${edge.start} to ${edge.end}, but is listed with the neighbour ${neighbours[i]}`);
      } else if (listed[side].has(id)) report('adjacency', `INCONSISTENT: ${where}: edge ${id} is listed twice`);
      else listed[side].add(id);
    }
  };
  if (group.chunks === undefined) look(group.neighbours, group.edges);
  for (const { chunk } of group.chunks ?? []) {
    const block = source.get(CHUNK, chunk);
    if (block !== undefined) look(block.neighbours, block.edges);
  }
}

async function each<B extends Block>({ engine, graph }: ExplainOptions, kind: BlockKind<B>, look: (number: number, block: B) => void): Promise<void> {
  for await (const entries of engine.entries({ gte: blockKey(graph.id, kind.tag, 0), lt: blockKey(graph.id, kind.tag + 1, 0) })) {
    for (const [key, bytes] of entries) {
      let block: B;
      try {
        block = kind.decode(new ByteReader(bytes));
      } catch {
        continue; // Reported before.
      }
      look(Buffer.from(key.buffer, key.byteOffset, key.length).readUIntBE(6, 6), block);
    }
  }
}

/** An entry must be what its element holds; each element that belongs into the index must have one. */
export function explainIndex({ graph: { source, catalog }, totals, report }: ExplainOptions, index: IndexDef): void {
  let right = 0;
  let last: { readonly key: IndexPage['keys'][number]; readonly id: number } | undefined;
  try {
    for (const leaf of leaves({ page: (page) => source.get(INDEX, page) }, index.root, undefined, undefined, false)) {
      for (const [i, key] of leaf.keys.entries()) {
        const id = leaf.ids[i]!;
        const block = index.kind === 'vertex' ? source.get(VERTEX, id) : source.get(EDGE, id);
        const isOf = block !== undefined && ('labels' in block ? block.labels.includes(index.labelId) : block.typeId === index.labelId);
        const own = isOf ? indexKey(index, block) : undefined;
        if (own === undefined || compareKeys(own, key) !== 0) report('index', `${index.name}: the entry for ${index.kind} ${id} is not what it holds`);
        else if (last === undefined || (compareKeys(last.key, key) || last.id - id) < 0) right++;
        last = { key, id };
      }
    }
  } catch {
    // That it cannot be walked was reported before.
  }
  const { expected } = totals.indexes.get(index.id)!;
  const label = (index.kind === 'vertex' ? catalog.data.labels : catalog.data.types)[index.labelId];
  if (right !== expected) report('index', `${index.name} on ${label}: ${right} right entries, but ${expected} elements belong into it`);
}
