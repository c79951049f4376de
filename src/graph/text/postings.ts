/**
 * What a full-text index holds, as entries of a B+tree (btree.ts): for each token of each field of each text one entry,
 *
 *   key   a letter for the field ('A' the first), then the token
 *   id    document * 2^13 + length * 2^5 + frequency
 *
 * The document is the vertex or edge id (below 2^40), so entries of a token are in order of documents. The length of the text in tokens is
 * rounded to 8 bits (exact up to 63), the frequency of the token in it is at most 31: what ranking needs stands with the document, and a
 * small change of a long text touches few entries. Positions are not kept: a phrase is looked for in the text itself.
 *
 * Sums over all texts, which ranking needs too, are in the counters (blocks.ts).
 */
import type { Value } from '../../value/value.ts';
import { propertyOf } from '../blocks.ts';
import type { CountersBlock, Properties } from '../blocks.ts';
import { compareKeys, dropPages, insertEntry, removeEntry } from '../btree.ts';
import { TreeFiller } from '../btree-fill.ts';
import type { PageStore } from '../btree.ts';
import type { TextIndexDef } from '../catalog.ts';
import { analyzerOf } from './analyzer.ts';

export const TEXT_FIELDS_MAX = 16;
export const TEXT_LABELS_MAX = 64;

const PER_DOCUMENT = 2 ** 13;
const FREQUENCY_MAX = 31;
const FIRST_FIELD = 65;

export function fieldKey(field: number, token: string): string {
  return String.fromCharCode(FIRST_FIELD + field) + token;
}

/** Name of TuGraph's kind of index, over one field of one label. */
export function fieldTextName(kind: TextIndexDef['kind'], label: string, field: string): string {
  return kind === 'vertex' ? `${label}_${field}_fulltext` : `${label}_${field}_edge_fulltext`;
}

export function documentOf(posting: number): number {
  return Math.floor(posting / PER_DOCUMENT);
}
export function frequencyOf(posting: number): number {
  return posting % 32;
}
/** The length, rounded as it was for storing. */
export function lengthOf(posting: number): number {
  return LENGTHS[Math.floor(posting / 32) % 256]!;
}

/** Lengths below 64 are their own code; beyond, each doubling has 16 codes. */
function lengthCode(length: number): number {
  if (length < 64) return length;
  let [rest, doublings] = [length, 0];
  while (rest >= 64) {
    rest = Math.floor(rest / 2);
    doublings++;
  }
  return Math.min(255, 64 + (doublings - 1) * 16 + Math.floor((rest - 32) / 2));
}

const LENGTHS = Float64Array.from({ length: 256 }, (_, code) => {
  if (code < 64) return code;
  const doublings = Math.floor((code - 64) / 16) + 1;
  return (32 + ((code - 64) % 16) * 2 + 1) * 2 ** doublings;
});

/** The texts of a property: of a STRING, or of each STRING in a list. */
export function textsOf(value: Value): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Entries of one field of a document: the part of the posting below the document, by key. */
interface FieldEntries {
  readonly length: number;
  readonly codes: ReadonlyMap<string, number>;
}

function fieldEntries(index: TextIndexDef, field: number, value: Value): FieldEntries {
  const analyzer = analyzerOf(index);
  const counts = new Map<string, number>();
  let length = 0;
  for (const text of textsOf(value)) {
    for (const token of analyzer.tokens(text)) {
      const key = fieldKey(field, token);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      length++;
    }
  }
  const size = lengthCode(length) * 32;
  for (const [key, count] of counts) counts.set(key, size + Math.min(count, FREQUENCY_MAX));
  return { length, codes: counts };
}

/** Calls `add` with each entry of the document; notes its texts in the sums. */
export function eachPosting(index: TextIndexDef, document: number, block: Properties, sums: number[], add: (key: string, posting: number) => void): void {
  for (const [field, keyId] of index.keyIds.entries()) {
    const { length, codes } = fieldEntries(index, field, propertyOf(block, keyId));
    count(sums, field, length, 1);
    for (const [key, code] of codes) add(key, document * PER_DOCUMENT + code);
  }
}

/** Fields without a token are not counted. */
function count(sums: number[], field: number, length: number, sign: 1 | -1): void {
  while (sums.length < (field + 1) * 2) sums.push(0);
  if (length === 0) return;
  sums[field * 2]! += sign;
  sums[field * 2 + 1]! += sign * length;
}

function sumsOf(counters: CountersBlock, index: TextIndexDef): number[] {
  let sums = counters.texts.get(index.id);
  if (sums === undefined) counters.texts.set(index.id, sums = index.keyIds.flatMap(() => [0, 0]));
  return sums;
}

/** Where an index is changed. */
export type TextStore = PageStore & { counters(): CountersBlock };

/** Brings the entries of one field from one value to another; null: the document is not in the index. */
export function changeText(store: TextStore, index: TextIndexDef, change: { document: number; field: number; before: Value; after: Value }): void {
  const { document, field } = change;
  const before = fieldEntries(index, field, change.before);
  const after = fieldEntries(index, field, change.after);
  if (before.length === 0 && after.length === 0) return;
  const sums = sumsOf(store.counters(), index);
  count(sums, field, before.length, -1);
  count(sums, field, after.length, 1);
  const base = document * PER_DOCUMENT;
  for (const [key, code] of before.codes) if (after.codes.get(key) !== code) removeEntry(store, index.root, key, base + code);
  for (const [key, code] of after.codes) if (before.codes.get(key) !== code) insertEntry(store, index.root, key, base + code);
}

/** Adds documents that are not in the index, together: entries beside each other go into one page after the other. */
export function addTexts(store: TextStore, index: TextIndexDef, documents: Iterable<readonly [id: number, block: Properties]>): void {
  const sums = sumsOf(store.counters(), index);
  const postings = gathered(index, documents, sums);
  for (const key of [...postings.keys()].sort(compareKeys)) for (const posting of postings.get(key)!) insertEntry(store, index.root, key, posting);
}

/** The postings of documents, by key; their texts are counted. */
function gathered(index: TextIndexDef, documents: Iterable<readonly [id: number, block: Properties]>, sums: number[]): Map<string, number[]> {
  const postings = new Map<string, number[]>();
  for (const [id, block] of documents) {
    eachPosting(index, id, block, sums, (key, posting) => {
      const list = postings.get(key);
      if (list === undefined) postings.set(key, [posting]);
      else list.push(posting);
    });
  }
  return postings;
}

/** Makes the index anew from its documents, which come in order of their ids. */
export function buildText(store: TextStore, index: TextIndexDef, documents: Iterable<readonly [id: number, block: Properties]>): void {
  dropPages(store, index.root);
  const sums = index.keyIds.flatMap(() => [0, 0]);
  const postings = gathered(index, documents, sums);
  store.counters().texts.set(index.id, sums);
  const tree = new TreeFiller({ root: index.root, allocate: () => store.allocate(), put: (number, page) => store.put(number, page), compact: true });
  for (const key of [...postings.keys()].sort(compareKeys)) for (const posting of postings.get(key)!) tree.add(key, posting);
  tree.finish();
}

export function dropText(store: TextStore, index: TextIndexDef): void {
  dropPages(store, index.root);
  store.remove(index.root);
  store.counters().texts.delete(index.id);
}
