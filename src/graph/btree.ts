/**
 * B+tree over blocks: the ordered index of a label's property (or of several). Entries are (key, id), unique as pairs,
 * ordered by key (Cypher's orderability) and then id; equal keys simply stand side by side.
 *
 * A composite key is one list value: lists order lexicographically and a shorter prefix comes first, so a prefix is a
 * range. The root keeps its page number for ever (a split of the root moves its content down), so the catalog never
 * changes with the data. A page that becomes empty goes, and one with few entries joins its neighbour where both fit one page.
 *
 * The shape depends only on the order of changes, which is the log's: replicas have the same pages.
 */
import { assert } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import { orderCompare } from '../value/compare.ts';
import { storedSize } from '../value/packed-floats.ts';
import type { Value } from '../value/value.ts';
import type { Block, BlockKind } from './blocks.ts';

const PAGE_MAX = 128;
/** With so few entries left, a page looks for a neighbour to join … */
const SMALL_MAX = 16;
/** … and together they have at most so many: room for what comes back. */
const JOINED_MAX = 96;

export class IndexPage implements Block {
  at = 0;
  /** Leaf: keys and ids of the entries. Inner: keys[i], ids[i] is the smallest entry below children[i + 1]. */
  keys: Value[];
  ids: number[];
  /** Undefined in a leaf. */
  children: number[] | undefined;
  /** Stored with what neighbouring entries share written once: keys are texts, and many repeat (full-text indexes). */
  readonly compact: boolean;

  constructor(keys: Value[], ids: number[], children: number[] | undefined, compact = false) {
    this.keys = keys;
    this.ids = ids;
    this.children = children;
    this.compact = compact;
  }
}

/**
 *   compact entries, each   | 0 | id - id before |                           the key of the one before
 *                           | shared + 1 | rest of the key | id |            the first `shared` characters of the one before, and the rest
 */
function encodeCompact({ keys, ids }: IndexPage, writer: ByteWriter): void {
  let last = '';
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key === last && i > 0) {
      writer.varint(0).varint(ids[i]! - ids[i - 1]!);
      continue;
    }
    let shared = 0;
    while (shared < last.length && shared < key.length && last.charCodeAt(shared) === key.charCodeAt(shared)) shared++;
    // A pair of surrogates stays together, or it would not survive as UTF-8.
    if (shared > 0 && (key.charCodeAt(shared - 1) & 0xfc00) === 0xd800) shared--;
    writer.varint(shared + 1).string(key.slice(shared)).varint(ids[i]!);
    last = key;
  }
}

function decodeCompact(reader: ByteReader, count: number): { keys: string[]; ids: number[] } {
  const keys: string[] = [];
  const ids: number[] = [];
  let [last, id] = ['', 0];
  for (let i = 0; i < count; i++) {
    const form = reader.varint();
    if (form === 0) id += reader.varint();
    else {
      const key = last.slice(0, form - 1) + reader.string();
      // Pieces of texts would keep those they are from.
      last = key.length < 13 ? key : Buffer.from(key).toString();
      id = reader.varint();
    }
    keys.push(last);
    ids.push(id);
  }
  return { keys, ids };
}

function decodePlain(reader: ByteReader, count: number): { keys: Value[]; ids: number[] } {
  const keys: Value[] = [];
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    keys.push(decodeValue(reader));
    ids.push(reader.varint());
  }
  return { keys, ids };
}

export const INDEX: BlockKind<IndexPage> = {
  tag: 8, name: 'index page', logical: false,
  encode(page, writer: ByteWriter) {
    writer.u8((page.children === undefined ? 0 : 1) + (page.compact ? 2 : 0)).varint(page.keys.length);
    if (page.compact) encodeCompact(page, writer);
    else for (let i = 0; i < page.keys.length; i++) {
      encodeValue(writer, page.keys[i]!);
      writer.varint(page.ids[i]!);
    }
    for (const child of page.children ?? []) writer.varint(child);
  },
  decode(reader: ByteReader) {
    const form = reader.u8();
    const count = reader.varint();
    const compact = form >= 2;
    const { keys, ids } = compact ? decodeCompact(reader, count) : decodePlain(reader, count);
    let children: number[] | undefined;
    if (form % 2 === 1) {
      children = [];
      for (let i = 0; i <= keys.length; i++) children.push(reader.varint());
    }
    return new IndexPage(keys, ids, children, compact);
  },
  copy: (page) => new IndexPage(page.keys.slice(), page.ids.slice(), page.children?.slice(), page.compact),
  size: (page) => 200 + (typeof page.keys[0] === 'object' ? storedSize(page.keys) : page.keys.length * (typeof page.keys[0] === 'string' ? 56 : 24)),
};

/** Where a tree reads its pages. A page that was never written is an empty leaf (the root of a new index). */
export interface PageSource {
  page(number: number): IndexPage | undefined;
}

/** Where it changes them: `change` gives a page that may be modified in place. */
export interface PageStore extends PageSource {
  change(number: number): IndexPage | undefined;
  put(number: number, page: IndexPage): void;
  remove(number: number): void;
  allocate(): number;
}

export function compareKeys(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === b) return 0;
  return orderCompare(a, b);
}

function compareEntries(key: Value, id: number, otherKey: Value, otherId: number): number {
  return compareKeys(key, otherKey) || id - otherId;
}

/** What is written often comes in ascending order: then there is nothing to search for. */
function isLast(page: IndexPage, key: Value, id: number): boolean {
  const last = page.keys.length - 1;
  // An inner page may be left with one child, and no key.
  return last >= 0 && compareEntries(page.keys[last]!, page.ids[last]!, key, id) < 0;
}

/** First place in the page whose entry is not below (key, id). */
function lowerBound(page: IndexPage, key: Value, id: number): number {
  let low = 0;
  let high = page.keys.length;
  if (isLast(page, key, id)) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(page.keys[middle]!, page.ids[middle]!, key, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child of an inner page under which (key, id) belongs. */
function childIndex(page: IndexPage, key: Value, id: number): number {
  let low = 0;
  let high = page.keys.length;
  if (isLast(page, key, id)) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(page.keys[middle]!, page.ids[middle]!, key, id) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function insertEntry(store: PageStore, root: number, key: Value, id: number): void {
  const split = insertBelow(store, root, key, id);
  if (split === undefined) return;
  // The root keeps its number: its left half moves to a new page.
  const page = store.change(root)!;
  const left = store.allocate();
  store.put(left, new IndexPage(page.keys, page.ids, page.children, page.compact));
  store.put(root, new IndexPage([split.key], [split.id], [left, split.page], page.compact));
}

interface Split {
  readonly key: Value;
  readonly id: number;
  readonly page: number;
}

function insertBelow(store: PageStore, number: number, key: Value, id: number): Split | undefined {
  const seen = store.page(number);
  if (seen?.children !== undefined) {
    const at = childIndex(seen, key, id);
    const split = insertBelow(store, seen.children[at]!, key, id);
    if (split === undefined) return undefined;
    const page = store.change(number)!;
    page.keys.splice(at, 0, split.key);
    page.ids.splice(at, 0, split.id);
    page.children!.splice(at + 1, 0, split.page);
    return page.keys.length > PAGE_MAX ? splitInner(store, page) : undefined;
  }
  let page = store.change(number);
  if (page === undefined) {
    page = new IndexPage([], [], undefined);
    store.put(number, page);
  }
  const at = lowerBound(page, key, id);
  if (at < page.keys.length && compareEntries(page.keys[at]!, page.ids[at]!, key, id) === 0) return undefined;
  page.keys.splice(at, 0, key);
  page.ids.splice(at, 0, id);
  if (page.keys.length <= PAGE_MAX) return undefined;
  // Ids and often keys grow: a split at the end keeps the left page nearly full.
  const middle = at >= page.keys.length - 1 ? page.keys.length - 8 : page.keys.length >>> 1;
  const right = new IndexPage(page.keys.splice(middle), page.ids.splice(middle), undefined, page.compact);
  const place = store.allocate();
  store.put(place, right);
  return { key: right.keys[0]!, id: right.ids[0]!, page: place };
}

function splitInner(store: PageStore, page: IndexPage): Split {
  const middle = page.keys.length >>> 1;
  const keys = page.keys.splice(middle);
  const ids = page.ids.splice(middle);
  const children = page.children!.splice(middle + 1);
  const up = { key: keys.shift()!, id: ids.shift()! };
  const place = store.allocate();
  store.put(place, new IndexPage(keys, ids, children, page.compact));
  return { ...up, page: place };
}

/** Takes away every page of a tree but its root. */
export function dropPages(store: PageStore, root: number): void {
  const drop = (number: number): void => {
    for (const child of store.page(number)?.children ?? []) drop(child);
    if (number !== root) store.remove(number);
  };
  drop(root);
}

export function removeEntry(store: PageStore, root: number, key: Value, id: number): void {
  if (!removeBelow(store, root, key, id)) return;
  // A root with one child takes its content, and is the lower for it; without any it is a leaf again.
  for (let page = store.page(root)!; page.children !== undefined && page.children.length < 2; page = store.page(root)!) {
    const [only] = page.children;
    const below = only === undefined ? new IndexPage([], [], undefined, page.compact) : store.page(only)!;
    store.put(root, new IndexPage(below.keys.slice(), below.ids.slice(), below.children?.slice(), below.compact));
    if (only !== undefined) store.remove(only);
  }
}

/** Returns whether the page has few entries now: the page above is to look after it. */
function removeBelow(store: PageStore, number: number, key: Value, id: number): boolean {
  const seen = store.page(number);
  if (seen === undefined) return false;
  if (seen.children === undefined) {
    const at = lowerBound(seen, key, id);
    if (at >= seen.keys.length || compareEntries(seen.keys[at]!, seen.ids[at]!, key, id) !== 0) return false;
    const page = store.change(number)!;
    page.keys.splice(at, 1);
    page.ids.splice(at, 1);
    return page.keys.length <= SMALL_MAX;
  }
  const at = childIndex(seen, key, id);
  return removeBelow(store, seen.children[at]!, key, id) && settle(store, number, at);
}

/** Takes the child out where it is empty, or joins it with a neighbour. Returns whether the page itself has few entries now. */
function settle(store: PageStore, number: number, at: number): boolean {
  const seen = store.page(number)!;
  const children = seen.children!;
  const child = store.page(children[at]!)!;
  const isEmpty = child.children === undefined ? child.keys.length === 0 : child.children.length === 0;
  if (isEmpty) {
    store.remove(children[at]!);
    unlink(store, number, { child: at, boundary: Math.max(0, at - 1) });
  } else {
    const left = [at - 1, at].find((one) => one >= 0 && one + 1 < children.length && fitTogether(store, children[one]!, children[one + 1]!));
    if (left === undefined) return false;
    const page = store.change(children[left]!)!;
    const next = store.page(children[left + 1]!)!;
    if (page.children === undefined) {
      page.keys.push(...next.keys);
      page.ids.push(...next.ids);
    } else {
      page.keys.push(seen.keys[left]!, ...next.keys);
      page.ids.push(seen.ids[left]!, ...next.ids);
      page.children.push(...next.children!);
    }
    store.remove(children[left + 1]!);
    unlink(store, number, { child: left + 1, boundary: left });
  }
  return store.page(number)!.keys.length <= SMALL_MAX;
}

function fitTogether(store: PageStore, left: number, right: number): boolean {
  const [a, b] = [store.page(left)!, store.page(right)!];
  return a.keys.length + b.keys.length + (a.children === undefined ? 0 : 1) <= JOINED_MAX;
}

function unlink(store: PageStore, number: number, place: { readonly child: number; readonly boundary: number }): void {
  const page = store.change(number)!;
  page.children!.splice(place.child, 1);
  page.keys.splice(place.boundary, 1);
  page.ids.splice(place.boundary, 1);
}

/** Ids of the entries whose key equals, ascending. */
export function seekEqual(source: PageSource, root: number, key: Value): number[] {
  const found: number[] = [];
  for (const leaf of leaves(source, root, key, undefined, false)) {
    for (let i = lowerBound(leaf, key, -1); i < leaf.keys.length; i++) {
      if (compareKeys(leaf.keys[i]!, key) !== 0) return found;
      found.push(leaf.ids[i]!);
    }
  }
  return found;
}

/** Leaves in key order from the first entry whose key is not below `from`, each with the place of its first one. */
export function* leavesFrom(source: PageSource, root: number, from: Value): Generator<{ readonly page: IndexPage; readonly start: number }> {
  let isFirst = true;
  for (const page of leaves(source, root, from, undefined, false)) {
    const start = isFirst ? lowerBound(page, from, -1) : 0;
    if (start === page.keys.length) continue;
    isFirst = false;
    yield { page, start };
  }
}

/** Leaves in key order from the one that may hold `from` (or, descending, from the one that may hold `to`). */
export function* leaves(
  source: PageSource, number: number, from: Value | undefined, to: Value | undefined, descending: boolean,
): Generator<IndexPage> {
  const page = source.page(number);
  if (page === undefined) return;
  if (page.children === undefined) {
    yield page;
    return;
  }
  assert(page.children.length === page.keys.length + 1, 'an inner index page has one child more than keys');
  if (descending) {
    const start = to === undefined ? page.children.length - 1 : childIndex(page, to, Number.MAX_SAFE_INTEGER);
    for (let i = start; i >= 0; i--) yield* leaves(source, page.children[i]!, from, i === start ? to : undefined, true);
    return;
  }
  const start = from === undefined ? 0 : childIndex(page, from, -1);
  for (let i = start; i < page.children.length; i++) {
    yield* leaves(source, page.children[i]!, i === start ? from : undefined, to, false);
  }
}
