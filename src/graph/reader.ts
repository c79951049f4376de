/**
 * `GraphView` over any source of blocks: what labels, properties, adjacency, sets and indexes mean in terms of blocks.
 */
import { DbError } from '../base/errors.ts';
import { equals } from '../value/compare.ts';
import { Float, RelationshipValue } from '../value/value.ts';
import type { CypherMap, NodeValue, Value } from '../value/value.ts';
import { unpacked, vectorOf } from '../value/packed-floats.ts';
import type { PackedFloats } from '../value/packed-floats.ts';
import { BITMAP, BitmapBlock, PAGE_IDS, SUMMARY, setPage } from './bitmaps.ts';
import { ADJACENCY, CHUNK, COUNTERS, DEGREE, EDGE, isElementId, VERTEX, VertexBlock, EdgeBlock, propertyOf, storedOf } from './blocks.ts';
import type { AdjacencyBlock, AdjacencyGroup } from './blocks.ts';
import type { BlockSource } from './block-source.ts';
import { compareKeys, INDEX, leaves, leavesFrom, seekEqual } from './btree.ts';
import type { IndexPage, PageSource } from './btree.ts';
import type { BuiltIndex, GraphCatalog, IndexDef, TextIndexDef, VectorTree } from './catalog.ts';
import type { AdjacencyPages } from './adjacency-pages.ts';
import { LABELS_COLUMN, type ColumnTable } from './columns.ts';
import { membersNear } from './vectors/vector-search.ts';
import type { Wanted } from './vectors/vector-search.ts';
import type { AdjacencySegment, Direction, GraphView, IdBuffer, IndexRange, IntegerRange } from './view.ts';

function segmentOf(typeId: number, { neighbours, edges }: { readonly neighbours: ArrayLike<number>; readonly edges: ArrayLike<number> }): AdjacencySegment {
  return { typeId, from: 0, to: edges.length, neighbours, edges };
}

/** At most `count` of a list, evenly spread. */
function spread(list: readonly number[], count: number): number[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]!);
}

/** To look at the ids of so many pages costs next to nothing; those of more are taken to lie evenly. */
const PAGES_COUNTED = 16;

function cutIds(ids: readonly number[], parts: number): number[] {
  const each = Math.max(1, Math.ceil(ids.length / parts));
  const cuts = [0];
  for (let at = each; at < ids.length; at += each) cuts.push(ids[at]!);
  return cuts;
}

/** Where pages of ids begin, or at even distances in each of them. */
function cutPages(firsts: readonly number[], parts: number): number[] {
  const [pagesEach, partsEach] = [Math.ceil(firsts.length / parts), Math.max(1, Math.floor(parts / firsts.length))];
  const cuts: number[] = [];
  for (let page = 0; page < firsts.length; page += pagesEach) {
    for (let part = 0; part < partsEach; part++) cuts.push(firsts[page]! + Math.floor((part * PAGE_IDS) / partsEach));
  }
  return cuts;
}

export function adjacencyNumber(nodeId: number, direction: Direction): number {
  return nodeId * 2 + (direction === 'in' ? 1 : 0);
}

/** The set of all vertices; label + 1 is the set of a label. */
export const ALL_VERTICES = 0;

/** Up to so many labels a graph has, a bit is looked at for each rather than a vertex's block: they fit one number. */
const LABELS_ASKED = 30;

export class GraphReader implements GraphView, PageSource {
  readonly graphName: string;
  readonly version: number;
  protected readonly source: BlockSource;
  /** Whether handles may remember their block: in a snapshot they may, in a transaction blocks are replaced. */
  readonly #remember: boolean;
  readonly #vertexColumns: ColumnTable | undefined;
  readonly #edgeColumns: ColumnTable | undefined;
  readonly #adjacencyPages: AdjacencyPages | undefined;
  readonly #readOut = (id: number): AdjacencyBlock | undefined => this.source.get(ADJACENCY, adjacencyNumber(id, 'out'));
  readonly #readIn = (id: number): AdjacencyBlock | undefined => this.source.get(ADJACENCY, adjacencyNumber(id, 'in'));
  /** By label and page. */
  readonly #labelBits: (BitmapBlock | undefined)[][] = [];
  /** By the bits of the labels. */
  readonly #labelLists = new Map<number, readonly number[]>();
  #catalog: GraphCatalog;

  constructor(graphName: string, version: number, source: BlockSource, catalog: GraphCatalog, remember = true) {
    this.graphName = graphName;
    this.version = version;
    this.source = source;
    this.#catalog = catalog;
    this.#remember = remember;
    this.#vertexColumns = remember ? source.vertexColumns : undefined;
    this.#edgeColumns = remember ? source.edgeColumns : undefined;
    this.#adjacencyPages = remember ? source.adjacencyPages : undefined;
  }

  get catalog(): GraphCatalog {
    return this.#catalog;
  }
  protected replaceCatalog(catalog: GraphCatalog): void {
    this.#catalog = catalog;
  }

  nodeExists(id: number): boolean {
    return isElementId(id) && this.source.get(VERTEX, id) !== undefined;
  }

  relationshipExists(id: number): boolean {
    return isElementId(id) && this.source.get(EDGE, id) !== undefined;
  }

  findRelationship(id: number): RelationshipValue | undefined {
    const block = isElementId(id) ? this.source.get(EDGE, id) : undefined;
    return block === undefined ? undefined : new RelationshipValue(id, block.typeId, block.start, block.end);
  }

  protected vertex(node: NodeValue): VertexBlock {
    if (node.record instanceof VertexBlock) return node.record;
    const block = this.source.get(VERTEX, node.id);
    if (block === undefined) throw gone('node', node.id);
    if (this.#remember) node.record = block;
    return block;
  }

  protected edge(relationship: RelationshipValue): EdgeBlock {
    if (relationship.record instanceof EdgeBlock) return relationship.record;
    const block = this.source.get(EDGE, relationship.id);
    if (block === undefined) throw gone('relationship', relationship.id);
    if (this.#remember) relationship.record = block;
    return block;
  }

  nodeLabels(node: NodeValue): readonly number[] {
    if (this.#vertexColumns === undefined || node.record !== undefined || this.#catalog.data.labels.length > LABELS_ASKED) return this.vertex(node).labels;
    let mask = 0;
    for (let labelId = 0; labelId < this.#catalog.data.labels.length; labelId++) if (this.#isIn(labelId, node.id)) mask |= 1 << labelId;
    // Without a label, whether it is there at all only its block can say.
    return mask === 0 ? this.vertex(node).labels : this.#labelsOf(mask);
  }

  /** Few sets of labels are those of many nodes. */
  #labelsOf(mask: number): readonly number[] {
    let labels = this.#labelLists.get(mask);
    if (labels === undefined) {
      labels = Array.from({ length: LABELS_ASKED }, (_, labelId) => labelId).filter((labelId) => ((mask >>> labelId) & 1) === 1);
      this.#labelLists.set(mask, labels);
    }
    return labels;
  }

  hasLabel(node: NodeValue, labelId: number): boolean {
    const columns = this.#vertexColumns;
    if (columns === undefined || node.record !== undefined) return contains(this.vertex(node).labels, labelId);
    if (this.#isIn(labelId, node.id)) return true;
    // Whether it is there at all only its block can say.
    const known = columns.get(node.id, LABELS_COLUMN, this.version) as readonly number[] | undefined;
    if (known !== undefined) return contains(known, labelId);
    const { labels } = this.vertex(node);
    columns.put(node.id, LABELS_COLUMN, this.version, labels);
    return contains(labels, labelId);
  }

  keepLabelled(ids: ArrayLike<number>, from: number, to: number, labelId: number, left: IdBuffer): boolean {
    if (!this.#remember) return false;
    const pages = this.#pagesOf(labelId);
    const kept = left.ids;
    let count = 0;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      const page = pages[Math.floor(id / PAGE_IDS)] ?? this.#bitsAt(pages, labelId, id);
      kept[count] = id;
      count += Number(page.has(id & (PAGE_IDS - 1)));
    }
    left.count = count;
    left.isExact = true;
    return true;
  }

  /** Whether the set of the label has the node, from its bits, which are kept for as long as the view: many nodes are asked about one after the other. */
  #isIn(labelId: number, id: number): boolean {
    const pages = this.#pagesOf(labelId);
    const page = pages[Math.floor(id / PAGE_IDS)] ?? this.#bitsAt(pages, labelId, id);
    return page.has(id & (PAGE_IDS - 1));
  }

  #pagesOf(labelId: number): (BitmapBlock | undefined)[] {
    while (this.#labelBits.length <= labelId) this.#labelBits.push([]);
    return this.#labelBits[labelId]!;
  }

  #bitsAt(pages: (BitmapBlock | undefined)[], labelId: number, id: number): BitmapBlock {
    const number = Math.floor(id / PAGE_IDS);
    return pages[number] = this.source.get(BITMAP, setPage(labelId + 1, number)) ?? NO_BITS;
  }

  nodeProperty(node: NodeValue, keyId: number): Value {
    const columns = this.#vertexColumns;
    if (columns === undefined || node.record !== undefined) return propertyOf(this.vertex(node), keyId);
    const known = columns.get(node.id, keyId, this.version) as Value | undefined;
    if (known !== undefined) return known;
    const value = propertyOf(this.vertex(node), keyId);
    columns.put(node.id, keyId, this.version, value);
    return value;
  }

  relationshipProperty(relationship: RelationshipValue, keyId: number): Value {
    const columns = this.#edgeColumns;
    if (columns === undefined || relationship.record !== undefined) return propertyOf(this.edge(relationship), keyId);
    const known = columns.get(relationship.id, keyId, this.version) as Value | undefined;
    if (known !== undefined) return known;
    const value = propertyOf(this.edge(relationship), keyId);
    columns.put(relationship.id, keyId, this.version, value);
    return value;
  }

  nodeVector(id: number, keyId: number): PackedFloats | undefined {
    const block = this.source.get(VERTEX, id);
    return block === undefined ? undefined : vectorOf(storedOf(block, keyId));
  }

  relationshipVector(id: number, keyId: number): PackedFloats | undefined {
    const block = this.source.get(EDGE, id);
    return block === undefined ? undefined : vectorOf(storedOf(block, keyId));
  }

  nodeProperties(node: NodeValue): CypherMap {
    return this.#map(this.vertex(node));
  }

  relationshipProperties(relationship: RelationshipValue): CypherMap {
    return this.#map(this.edge(relationship));
  }

  #map(block: VertexBlock | EdgeBlock): CypherMap {
    const map: CypherMap = new Map();
    for (let i = 0; i < block.keys.length; i++) map.set(this.#catalog.keyName(block.keys[i]!), unpacked(block.values[i]!));
    return map;
  }

  *scanNodes(labelId?: number): Generator<ArrayLike<number>> {
    for (const { bits, first } of this.#sets(labelId === undefined ? ALL_VERTICES : labelId + 1)) {
      const ids = bits.ids(first);
      if (ids.length > 0) yield ids;
    }
  }

  cutNodes(labelId: number | undefined, parts: number): number[] {
    const pages = [...this.#sets(labelId === undefined ? ALL_VERTICES : labelId + 1)];
    const cuts = pages.length > PAGES_COUNTED ? cutPages(pages.map(({ first }) => first), parts) : cutIds(pages.flatMap(({ bits, first }) => bits.ids(first)), parts);
    return [...cuts, Number.MAX_SAFE_INTEGER];
  }

  *scanNodesBetween(labelId: number | undefined, from: number, to: number): Generator<ArrayLike<number>> {
    for (const { bits, first } of this.#sets(labelId === undefined ? ALL_VERTICES : labelId + 1, Math.floor(from / PAGE_IDS))) {
      if (first >= to) return;
      const ids = bits.ids(first);
      const isWhole = first >= from && first + PAGE_IDS <= to;
      const some = isWhole ? ids : ids.filter((id) => id >= from && id < to);
      if (some.length > 0) yield some;
    }
  }

  /** Ids of nodes from one on, ascending. */
  *nodesFrom(from: number, labelId?: number): Generator<number> {
    for (const { bits, first } of this.#sets(labelId === undefined ? ALL_VERTICES : labelId + 1, Math.floor(from / PAGE_IDS))) {
      for (const id of bits.ids(first)) if (id >= from) yield id;
    }
  }

  /** The pages of a set of vertices from one on, each with the id of its first bit. */
  *#sets(set: number, from = 0): Generator<{ readonly bits: BitmapBlock; readonly first: number }> {
    const pages = Math.ceil((this.source.get(COUNTERS, 0)?.nextVertex ?? 0) / PAGE_IDS);
    for (let base = from - from % PAGE_IDS; base < pages; base += PAGE_IDS) {
      for (const page of this.source.get(SUMMARY, setPage(set, base / PAGE_IDS))?.ids(base) ?? []) {
        if (page < from) continue;
        const bits = this.source.get(BITMAP, setPage(set, page));
        if (bits !== undefined) yield { bits, first: page * PAGE_IDS };
      }
    }
  }

  countByInteger(labelId: number, keyId: number, low: number, high: number, rest: (ids: number[]) => void, counted: (nodes: number) => void): number | undefined {
    const columns = this.#vertexColumns;
    if (columns === undefined) return undefined;
    let count = 0;
    for (const { bits, first } of this.#sets(labelId + 1)) {
      const unknown: number[] = [];
      count += columns.count(bits.parts, first, keyId, this.version, low, high, unknown);
      if (unknown.length > 0) rest(unknown);
      counted(PAGE_IDS);
    }
    return count;
  }

  narrowByInteger(ids: ArrayLike<number>, from: number, to: number, keyId: number, range: IntegerRange, left: IdBuffer): boolean {
    return this.#vertexColumns !== undefined && this.#vertexColumns.narrow(ids, from, to, keyId, this.version, range, left);
  }

  integersOf(ids: ArrayLike<number>, from: number, to: number, keyId: number, integers: Float64Array): boolean {
    return this.#vertexColumns !== undefined && this.#vertexColumns.integers(ids, from, to, keyId, this.version, integers);
  }

  sampleNodes(labelId: number, count: number): number[] {
    const set = labelId + 1;
    const pages: number[] = [];
    const last = Math.ceil((this.source.get(COUNTERS, 0)?.nextVertex ?? 0) / PAGE_IDS);
    for (let base = 0; base < last; base += PAGE_IDS) {
      for (const page of this.source.get(SUMMARY, setPage(set, base / PAGE_IDS))?.ids(base) ?? []) pages.push(page);
    }
    const chosen = spread(pages, Math.ceil(count / 4));
    const each = Math.ceil(count / Math.max(1, chosen.length));
    return chosen.flatMap((page) => spread(this.source.get(BITMAP, setPage(set, page))?.ids(page * PAGE_IDS) ?? [], each));
  }

  *scanRelationships(typeId?: number): Generator<ArrayLike<number>> {
    const types = typeId === undefined ? undefined : [typeId];
    for (const ids of this.scanNodes()) {
      for (let i = 0; i < ids.length; i++) {
        for (const { edges } of this.#blockAdjacency(ids[i]!, 'out', types)) yield edges;
      }
    }
  }

  adjacency(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): Iterable<AdjacencySegment> {
    const pages = this.#adjacencyPages;
    if (pages === undefined || typeIds?.length === 0) return this.#blockAdjacency(nodeId, direction, typeIds);
    if (typeIds === undefined) return pages.whole(nodeId, direction, this.#catalog.data.types.length, this.version) ?? this.#blockAdjacency(nodeId, direction, typeIds);
    const read = direction === 'in' ? this.#readIn : this.#readOut;
    const found = pages.get(nodeId, direction, typeIds[0]!, this.version, read);
    if (found === undefined) return this.#blockAdjacency(nodeId, direction, typeIds);
    if (typeIds.length === 1) return found;
    const all = [...found];
    for (let i = 1; i < typeIds.length; i++) {
      const more = pages.get(nodeId, direction, typeIds[i]!, this.version, read);
      if (more === undefined) return this.#blockAdjacency(nodeId, direction, typeIds);
      for (const segment of more) all.push(segment);
    }
    return all;
  }

  neighbours(
    nodeIds: ArrayLike<number>, from: number, to: number, direction: Direction, typeIds: readonly number[] | undefined,
    sink: (neighbours: ArrayLike<number>, from: number, to: number) => void,
  ): void {
    const pages = typeIds?.length === 1 ? this.#adjacencyPages : undefined;
    const read = direction === 'in' ? this.#readIn : this.#readOut;
    for (let i = from; i < to;) {
      const done = pages === undefined ? 0 : pages.run(nodeIds, i, to, direction, typeIds![0]!, this.version, read, sink);
      if (done > 0) {
        i += done;
        continue;
      }
      const segments = pages === undefined ? this.adjacency(nodeIds[i]!, direction, typeIds) : this.#blockAdjacency(nodeIds[i]!, direction, typeIds);
      for (const segment of segments) sink(segment.neighbours, segment.from, segment.to);
      i++;
    }
  }

  /** Whole columns, straight from the blocks: `from` is 0. */
  #blockAdjacency(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): Iterable<AdjacencySegment> {
    const block = this.source.get(ADJACENCY, adjacencyNumber(nodeId, direction));
    if (block === undefined) return NO_SEGMENTS;
    // The common cases without a generator: few relationships, all inline.
    let found: AdjacencySegment[] | undefined;
    for (const group of block.groups) {
      if (typeIds !== undefined && !typeIds.includes(group.typeId)) continue;
      if (group.chunks !== undefined) return this.#chunked(block, typeIds);
      (found ??= []).push(segmentOf(group.typeId, group));
    }
    return found ?? NO_SEGMENTS;
  }

  *#chunked(block: AdjacencyBlock, typeIds: readonly number[] | undefined): Generator<AdjacencySegment> {
    for (const group of block.groups) {
      if (typeIds !== undefined && !typeIds.includes(group.typeId)) continue;
      yield* this.#segments(group);
    }
  }

  *#segments(group: AdjacencyGroup): Generator<AdjacencySegment> {
    if (group.chunks === undefined) {
      yield segmentOf(group.typeId, group);
      return;
    }
    for (const ref of group.chunks) {
      const chunk = this.source.get(CHUNK, ref.chunk);
      if (chunk !== undefined) yield segmentOf(group.typeId, chunk);
    }
  }

  typesAt(nodeId: number, direction: Direction): readonly number[] {
    return this.source.get(ADJACENCY, adjacencyNumber(nodeId, direction))?.groups.map(({ typeId }) => typeId) ?? [];
  }

  degree(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): number {
    const known = this.#degreeInPages(nodeId, direction, typeIds);
    if (known !== undefined) return known;
    const place = adjacencyNumber(nodeId, direction);
    const block = this.source.get(ADJACENCY, place);
    let degree = 0;
    for (const group of block?.groups ?? []) {
      if (typeIds !== undefined && !typeIds.includes(group.typeId)) continue;
      degree += group.chunks === undefined ? group.edges.length : this.source.get(DEGREE, place)?.counts.get(group.typeId) ?? 0;
    }
    return degree;
  }

  #degreeInPages(nodeId: number, direction: Direction, typeIds: readonly number[] | undefined): number | undefined {
    const pages = this.#adjacencyPages;
    if (pages === undefined) return undefined;
    if (typeIds?.length === 1) return pages.degree(nodeId, direction, typeIds[0]!, this.version);
    if (typeIds !== undefined) return undefined;
    return pages.whole(nodeId, direction, this.#catalog.data.types.length, this.version)?.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  page(number: number): IndexPage | undefined {
    return this.source.get(INDEX, number);
  }

  indexSeek(index: IndexDef, values: readonly Value[]): ArrayLike<number> {
    if (values.some((value) => value === null)) return [];
    const found = seekEqual(this, index.root, index.keyIds.length === 1 ? values[0]! : [...values]);
    return found.length === 0 || values.every(isToldByOrder) ? found : found.filter((id) => this.#equals(index, id, values));
  }

  #equals({ kind, keyIds }: IndexDef, id: number, values: readonly Value[]): boolean {
    const block = kind === 'vertex' ? this.source.get(VERTEX, id) : this.source.get(EDGE, id);
    return block !== undefined && values.every((value, i) => equals(propertyOf(block, keyIds[i]!), value) === true);
  }

  *indexRange(index: IndexDef, range: IndexRange): Generator<ArrayLike<number>> {
    const bounds = new Bounds(index.keyIds.length > 1, range);
    const descending = range.descending === true;
    for (const leaf of leaves(this, index.root, bounds.from, undefined, descending)) {
      const ids: number[] = [];
      let ended = false;
      for (let n = 0; n < leaf.keys.length; n++) {
        const i = descending ? leaf.keys.length - 1 - n : n;
        const side = bounds.side(leaf.keys[i]!);
        if (side === 0) ids.push(leaf.ids[i]!);
        else if (side > 0 !== descending) {
          ended = true;
          break;
        }
      }
      if (ids.length > 0) yield ids;
      if (ended) return;
    }
  }

  textEntries(index: TextIndexDef, from: string): Generator<{ readonly page: IndexPage; readonly start: number }> {
    return leavesFrom(this, index.root, from);
  }

  textSums(index: TextIndexDef): { readonly texts: number; readonly tokens: number }[] {
    const sums = this.source.get(COUNTERS, 0)?.texts.get(index.id) ?? [];
    return index.keyIds.map((_, field) => ({ texts: sums[field * 2] ?? 0, tokens: sums[field * 2 + 1] ?? 0 }));
  }

  vectorCount(tree: VectorTree): number {
    return this.source.get(COUNTERS, 0)?.vectors.get(tree.id) ?? 0;
  }

  builtShare({ id, isUnfinished }: Pick<BuiltIndex, 'id' | 'isUnfinished'>): number {
    if (isUnfinished !== true) return 1;
    const counters = this.source.get(COUNTERS, 0);
    return (counters?.built.get(id) ?? 0) / Math.max(1, counters?.nextVertex ?? 0);
  }

  vectorsNear(tree: VectorTree, wanted: Wanted): number[] {
    const { source } = this;
    return membersNear(source, tree, wanted, (id) => {
      const block = tree.kind === 'vertex' ? source.peek?.(VERTEX, id, true) : source.peek?.(EDGE, id, true);
      return block === undefined ? undefined : vectorOf(storedOf(block, tree.keyId));
    });
  }

  warmUp(checkpoint: (elements: number) => void): void {
    this.source.warmUp?.(checkpoint);
  }

  nodeCount(labelId?: number): number {
    const counters = this.source.get(COUNTERS, 0);
    return (labelId === undefined ? counters?.vertices : counters?.byLabel[labelId]) ?? 0;
  }

  relationshipCount(typeId?: number): number {
    const counters = this.source.get(COUNTERS, 0);
    return (typeId === undefined ? counters?.edges : counters?.byType[typeId]) ?? 0;
  }
}

const NO_SEGMENTS: readonly AdjacencySegment[] = [];
const NO_BITS = new BitmapBlock();

/** Interned arrays are frozen, and V8's own `includes` is many times slower on those. */
function contains(list: readonly number[], wanted: number): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === wanted) return true;
  return false;
}

/**
 * Whether equality is what the order of an index says of the value. It ties what is not equal as well: NaN with itself, durations and moments
 * that are written in different ways, and lists of such.
 */
function isToldByOrder(value: Value): boolean {
  return typeof value !== 'object' || (value instanceof Float && !Number.isNaN(value.value));
}

function gone(what: string, id: number): DbError {
  return new DbError('EntityNotFound', `DeletedEntityAccess: the ${what} ${id} has been deleted`, { detail: 'DeletedEntityAccess' });
}

/** An index range on the keys of the tree; for a composite index the bounded column follows the equal ones. */
class Bounds {
  readonly from: Value | undefined;
  readonly #composite: boolean;
  readonly #equal: readonly Value[];
  readonly #range: IndexRange;

  constructor(composite: boolean, range: IndexRange) {
    this.#composite = composite;
    this.#equal = range.equal ?? [];
    this.#range = range;
    const lower = range.lower === undefined ? [] : [range.lower.value];
    const start = [...this.#equal, ...lower];
    this.from = start.length === 0 ? undefined : composite ? start : start[0];
  }

  /** Negative: below the range; 0: in it; positive: above. */
  side(key: Value): number {
    const columns = this.#composite && Array.isArray(key) ? key : [key];
    for (let i = 0; i < this.#equal.length; i++) {
      const order = compareKeys(columns[i]!, this.#equal[i]!);
      if (order !== 0) return order;
    }
    const { lower, upper } = this.#range;
    const column = columns[this.#equal.length];
    if (column === undefined) return 0;
    if (lower !== undefined) {
      const order = compareKeys(column, lower.value);
      if (order < 0 || (order === 0 && !lower.inclusive)) return -1;
    }
    if (upper !== undefined) {
      const order = compareKeys(column, upper.value);
      if (order > 0 || (order === 0 && !upper.inclusive)) return 1;
    }
    return 0;
  }
}
