/**
 * What a vertex or an edge must be so that it may be written: fields as their label declares them, values of the types that constraints
 * name, no value twice in a unique index, what is required.
 *
 * A property that is set may for a while be there twice, until the statement has set the others too: `SET a.k = 2, b.k = 1` exchanges two
 * values, and each of two keys of an index over both is set on its own. What was there twice when it was set is looked at again where the
 * statement ends. What is required may even be missing until the transaction ends.
 */
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { equals, hashKey } from '../value/compare.ts';
import { formatLiteral } from '../value/format.ts';
import type { Value } from '../value/value.ts';
import type { BlockSource } from './block-source.ts';
import { EDGE, VERTEX } from './blocks.ts';
import type { EdgeBlock, Properties, VertexBlock } from './blocks.ts';
import type { BuiltIndex, IndexDef, LabelSchema, PropertyEntry } from './catalog.ts';
import { checkStorable, fieldValue } from './field-values.ts';
import { indexKey } from './mutator.ts';
import { findLack, mustExist } from './required-properties.ts';
import { checkType } from './type-rules.ts';
import type { GraphView } from './view.ts';

export type ElementKind = 'vertex' | 'edge';

/** The ends of an edge, for indexes that hold a value once for each pair. */
export interface Ends {
  readonly start: number;
  readonly end: number;
}

export class ElementRules {
  readonly #view: GraphView;
  readonly #source: BlockSource;
  /** Elements that lacked a required property when they were changed. */
  readonly #lacking = { vertex: new Set<number>(), edge: new Set<number>() };
  /** Elements that were set to what another one has in a unique index. */
  readonly #contested: { readonly index: IndexDef; readonly id: number }[] = [];

  constructor(view: GraphView, source: BlockSource) {
    this.#view = view;
    this.#source = source;
  }

  // -------------------------------------------------------------- values

  /** Properties as they will be stored, by key: declared fields converted, every declared rule and constraint kept. The last of two values of a key counts. */
  checkedProperties(kind: ElementKind, names: readonly string[], properties: Iterable<PropertyEntry>): PropertyEntry[] {
    const entries: PropertyEntry[] = [];
    for (const entry of properties) {
      const checked = this.checkedValue(kind, names, entry[0], entry[1]);
      if (checked !== null) putEntry(entries, checked === entry[1] ? entry : [entry[0], checked]);
    }
    for (const name of names) {
      for (const field of this.#schema(kind, name)?.fields ?? []) {
        if (!field.optional && !entries.some(([key]) => key === this.#view.catalog.findKey(field.name))) fieldValue(field, null);
      }
    }
    return entries;
  }

  #schema(kind: ElementKind, name: string): LabelSchema | undefined {
    const { catalog } = this.#view;
    const schema = kind === 'vertex' ? catalog.vertexSchema(name) : catalog.edgeSchema(name);
    if (schema === undefined && catalog.strict) throw new DbError('LabelNotFound', `No such ${kind} label: ${name}`);
    return schema;
  }

  checkedValue(kind: ElementKind, names: readonly string[], keyId: number, value: Value): Value {
    const checked = this.#declaredValue(kind, names, keyId, value);
    checkType(this.#view.catalog, kind, names, keyId, checked);
    return checked;
  }

  #declaredValue(kind: ElementKind, names: readonly string[], keyId: number, value: Value): Value {
    const { catalog } = this.#view;
    let declared = false;
    let stored: Value | undefined;
    for (const name of names) {
      const schema = this.#schema(kind, name);
      if (schema === undefined) continue;
      declared = true;
      const field = schema.fields.find((one) => one.name === catalog.keyName(keyId));
      if (field !== undefined) stored = fieldValue(field, value);
    }
    if (stored !== undefined) return stored;
    if (declared && value !== null) throw new DbError('FieldNotFound', `Field [${catalog.keyName(keyId)}] does not exist.`);
    checkStorable(value);
    return value;
  }

  // -------------------------------------------------------------- required properties

  noteLack(kind: ElementKind, id: number, names: readonly string[], keys: readonly number[]): void {
    const { catalog } = this.#view;
    if (catalog.data.constraints.length > 0 && findLack(catalog, kind, names, keys) !== undefined) this.#lacking[kind].add(id);
  }

  /** To be called when the transaction ends. */
  checkRequired(): void {
    const { catalog } = this.#view;
    const { vertex, edge } = this.#lacking;
    for (const id of vertex) {
      const block = this.#source.get(VERTEX, id);
      if (block !== undefined) this.#require('vertex', block.labels.map((label) => catalog.labelName(label)), block);
    }
    for (const id of edge) {
      const block = this.#source.get(EDGE, id);
      if (block !== undefined) this.#require('edge', [catalog.typeName(block.typeId)], block);
    }
    vertex.clear();
    edge.clear();
  }

  #require(kind: ElementKind, names: readonly string[], { keys }: Properties): void {
    const lack = findLack(this.#view.catalog, kind, names, keys);
    if (lack !== undefined) throw mustExist(lack.rule, lack.field);
  }

  // -------------------------------------------------------------- unique indexes

  checkUnique(indexes: readonly IndexDef[], id: number, block: Properties, ends?: Ends): void {
    for (const index of indexes) if (this.#isTaken(index, id, block, ends)) throw this.#duplicate(index, id, block);
  }

  /** The same where the statement ends. */
  checkUniqueLater(indexes: readonly IndexDef[], id: number, block: Properties, ends?: Ends): void {
    for (const index of indexes) if (this.#isTaken(index, id, block, ends)) this.#contested.push({ index, id });
  }

  /** To be called when the statement ends. */
  checkContested(): void {
    const contested = this.#contested.splice(0);
    for (const { index, id } of contested) {
      const block: VertexBlock | EdgeBlock | undefined = index.kind === 'vertex' ? this.#source.get(VERTEX, id) : this.#source.get(EDGE, id);
      if (block === undefined || !this.#view.catalog.data.indexes.some((one) => one.id === index.id)) continue;
      if ('labels' in block) {
        if (block.labels.includes(index.labelId)) this.checkUnique([index], id, block);
      } else this.checkUnique([index], id, block, block);
    }
  }

  /** Of elements that are in the index, one that has what another one has, as an error. Where it is an index over pairs, edges come by the vertices where they begin, with all others that do. */
  findTwice(index: IndexDef, ids: Iterable<number>): DbError | undefined {
    const pairs = new Set<string>();
    let start = -1;
    for (const id of ids) {
      const block: VertexBlock | EdgeBlock | undefined = index.kind === 'vertex' ? this.#source.get(VERTEX, id) : this.#source.get(EDGE, id);
      if (block === undefined) continue;
      if ('start' in block && block.start !== start) {
        start = block.start;
        pairs.clear();
      }
      const isTwice = index.pairUnique ? this.#isPairTwice(index, block as EdgeBlock, pairs) : this.#isTaken(index, id, block, undefined);
      if (isTwice) return this.#duplicate(index, id, block);
    }
    return undefined;
  }

  /** Many edges may have the value that is to be there once for each pair: they are not looked through for each of them. */
  #isPairTwice(index: IndexDef, block: EdgeBlock, pairs: Set<string>): boolean {
    const key = indexKey(index, block);
    // What is not equal to itself, such as NaN, is never there twice.
    if (key === undefined || equals(key, key) !== true) return false;
    const pair = `${block.start} ${block.end} ${hashKey(key)}`;
    const isTwice = pairs.has(pair);
    pairs.add(pair);
    return isTwice;
  }

  /** Whether another element has what this one has in the index. */
  #isTaken(index: IndexDef, id: number, block: Properties, ends: Ends | undefined): boolean {
    if (!isUnique(index)) return false;
    const key = indexKey(index, block);
    if (key === undefined) return false;
    const found = Array.from(this.#view.indexSeek(index, index.keyIds.length === 1 ? [key] : key as Value[])).filter((other) => other !== id);
    if (!index.pairUnique || ends === undefined) return found.length > 0;
    return found.some((other) => {
      const edge = this.#view.findRelationship(other);
      return edge !== undefined && edge.start === ends.start && edge.end === ends.end;
    });
  }

  #duplicate(index: IndexDef, id: number, block: Properties): DbError {
    const key = indexKey(index, block)!;
    const fields = index.keyIds.map((one) => this.#view.catalog.keyName(one));
    const values = index.keyIds.length === 1 ? [key] : key as Value[];
    return new DbError('ConstraintValidation', `Failed to index ${index.kind} [${id}] with field value [${fields.map((field, i) => `${field}:${plain(values[i]!)}`).join(',')}]: index value already exists.`, {
      hint: 'use MERGE to match or create',
    });
  }
}

/** Whether something may be in the index once only. */
export function isUnique(index: BuiltIndex): index is IndexDef {
  return 'pairUnique' in index && (index.unique || index.pairUnique);
}

/** Puts an entry at its key's place; most come in order. */
function putEntry(entries: PropertyEntry[], entry: PropertyEntry): void {
  let at = entries.length;
  while (at > 0 && entries[at - 1]![0] >= entry[0]) at--;
  if (at === entries.length) entries.push(entry);
  else entries.splice(at, entries[at]![0] === entry[0] ? 1 : 0, entry);
}

export function propertiesOf(entries: readonly PropertyEntry[]): Properties {
  return { keys: entries.map(([key]) => key), values: entries.map(([, value]) => value) };
}

export function withValue(block: Properties, keyId: number, value: Value): Properties {
  const at = block.keys.indexOf(keyId);
  if (at >= 0) return { keys: block.keys, values: block.values.map((old, i) => (i === at ? value : old)) };
  assert(value !== null, 'removing what is not there was handled before');
  return { keys: [...block.keys, keyId], values: [...block.values, value] };
}

function plain(value: Value): string {
  return typeof value === 'string' ? value : formatLiteral(value);
}
