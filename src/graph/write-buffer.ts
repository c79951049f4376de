/**
 * What a transaction has changed so far: blocks over a base that it does not touch. Reads see the changes; when the
 * transaction is dropped, nothing remains of it.
 */
import type { BlockSource } from './block-source.ts';
import type { Block, BlockKind } from './blocks.ts';

/** One changed block; `block` undefined: removed. `before` is what the base held when it was first touched. */
export interface Change<B extends Block = Block> {
  readonly kind: BlockKind<B>;
  readonly number: number;
  block: B | undefined;
  readonly before: B | undefined;
}

/** The changes to one graph. */
export class GraphBuffer implements BlockSource {
  readonly base: BlockSource;
  readonly #kinds: (Map<number, Change> | undefined)[] = [];

  constructor(base: BlockSource) {
    this.base = base;
  }

  get<B extends Block>(kind: BlockKind<B>, block: number): B | undefined {
    const change = this.#kinds[kind.tag]?.get(block);
    return change === undefined ? this.base.get(kind, block) : change.block as B | undefined;
  }

  /** The block for changing in place: this transaction's own copy. Undefined when there is none. */
  change<B extends Block>(kind: BlockKind<B>, block: number): B | undefined {
    const map = this.#kinds[kind.tag] ??= new Map();
    const known = map.get(block);
    if (known !== undefined) return known.block as B | undefined;
    const before = this.base.get(kind, block);
    if (before === undefined) return undefined;
    const copy = kind.copy(before);
    map.set(block, { kind, number: block, block: copy, before } as unknown as Change);
    return copy;
  }

  put<B extends Block>(kind: BlockKind<B>, block: number, value: B | undefined): void {
    const map = this.#kinds[kind.tag] ??= new Map();
    const known = map.get(block);
    if (known !== undefined) known.block = value;
    else map.set(block, { kind, number: block, block: value, before: this.base.get(kind, block) } as unknown as Change);
  }

  /** Puts a block of which the base has none: the number is a fresh one, so there is no need to look. */
  create<B extends Block>(kind: BlockKind<B>, block: number, value: B): void {
    const map = this.#kinds[kind.tag] ??= new Map();
    map.set(block, { kind, number: block, block: value, before: undefined } as unknown as Change);
  }

  /** Whether the block was changed here. */
  isChanged(kind: BlockKind<Block>, block: number): boolean {
    return this.#kinds[kind.tag]?.has(block) === true;
  }

  /** Whether the base has no such block, as far as is known without looking. */
  isNew(kind: BlockKind<Block>, block: number): boolean {
    const change = this.#kinds[kind.tag]?.get(block);
    return change !== undefined && change.before === undefined;
  }

  remove<B extends Block>(kind: BlockKind<B>, block: number): void {
    this.put(kind, block, undefined);
  }

  /** Calls `visit` with each change; not a generator, since every commit passes here twice. */
  forEachChange(visit: (change: Change) => void): void {
    for (const map of this.#kinds) map?.forEach(visit);
  }

  /** Whether any block of the kind is changed. */
  changes(kind: BlockKind<Block>): boolean {
    return (this.#kinds[kind.tag]?.size ?? 0) > 0;
  }

  /** Whether no block of another kind is changed. */
  changesOnly(kind: BlockKind<Block>): boolean {
    return this.#kinds.every((map, tag) => tag === kind.tag || (map?.size ?? 0) === 0);
  }

  /** How many blocks are changed. */
  get size(): number {
    return this.#kinds.reduce((sum, map) => sum + (map?.size ?? 0), 0);
  }
}

/** The changes of one transaction (or of several, one after the other) to all graphs. */
export class ChangeSet {
  readonly #base: (graph: number) => BlockSource;
  readonly #graphs = new Map<number, GraphBuffer>();

  constructor(base: (graph: number) => BlockSource) {
    this.#base = base;
  }

  graph(id: number): GraphBuffer {
    let buffer = this.#graphs.get(id);
    if (buffer === undefined) this.#graphs.set(id, buffer = new GraphBuffer(this.#base(id)));
    return buffer;
  }

  /** The changed graphs by number. */
  get graphs(): ReadonlyMap<number, GraphBuffer> {
    return this.#graphs;
  }

  get size(): number {
    let size = 0;
    for (const buffer of this.#graphs.values()) size += buffer.size;
    return size;
  }
}
