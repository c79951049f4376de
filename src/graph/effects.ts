/**
 * Effects: what a transaction did, as the record that the log carries. Small, versioned, and independent of the disk
 * layout: every replica applies it with the same code to the same state and gets the same state.
 *
 *   record   | format u8 = 1, or what its changes need | time (ms since 1970) varint | op … |
 *   op       | code u8 | fields |      numbers as varint, values as in value/codec.ts; properties by ascending key
 *
 *    1 graph          graph number: the ops that follow are about it
 *    2 name           kind u8 (0 label, 1 type, 2 key), text: gets the next number of its kind
 *    3 createVertex   id, labels, properties
 *    4 createEdge     id, type, start, end, properties
 *    5 vertexProperty id, key, value (null removes)
 *    6 edgeProperty   id, key, value
 *    7 addLabel       id, label        8 removeLabel
 *    9 deleteEdge     id              10 deleteVertex  id (its edges were deleted before)
 *   11 schema         JSON SchemaChange
 *   12 system         JSON SystemChange
 *   13 outcome        idempotency key, answer bytes
 *   14 forget         idempotency keys that are too old: count, numbers of their blocks
 *   15 build          an index: its id, how far (index-builds.ts)
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import { decodeValue, encodeValue } from '../value/codec.ts';
import type { Value } from '../value/value.ts';
import { CATALOG, CatalogBlock } from './blocks.ts';
import { EMPTY_CATALOG, GraphCatalog } from './catalog.ts';
import type { PropertyEntry } from './catalog.ts';
import { buildPart } from './index-builds.ts';
import { GraphMutator } from './mutator.ts';
import { addName, applySchemaChange } from './schema-change.ts';
import type { NameKind, SchemaChange } from './schema-change.ts';
import { applySystemChange, EMPTY_SYSTEM, OUTCOME, OutcomeBlock, outcomeNumber, SYSTEM, SYSTEM_GRAPH, SystemBlock } from './system.ts';
import type { SystemChange, SystemState } from './system.ts';
import type { ChangeSet } from './write-buffer.ts';

export const EFFECT_FORMAT = 1;
/** Of a record with a change that releases without full-text indexes do not know: they refuse it by its format. */
export const EFFECT_FORMAT_TEXT = 2;
/** The same for vector indexes of Neo4j's kind. */
export const EFFECT_FORMAT_VECTOR = 3;
/** The same for trees over vectors. */
export const EFFECT_FORMAT_VECTOR_TREE = 4;
/** The same for indexes that are built in parts. */
export const EFFECT_FORMAT_BUILDS = 5;
/** The same for range and full-text indexes that are. */
export const EFFECT_FORMAT_ALL_BUILDS = 6;
/** The format that a change needs, where it is not the first. */
const FORMATS: Partial<Record<SchemaChange['kind'], number>> = {
  createText: EFFECT_FORMAT_TEXT, deleteText: EFFECT_FORMAT_TEXT, rebuildText: EFFECT_FORMAT_TEXT,
  createVectorIndex: EFFECT_FORMAT_VECTOR, deleteVectorIndex: EFFECT_FORMAT_VECTOR,
  createVectorTree: EFFECT_FORMAT_VECTOR_TREE, deleteVectorTree: EFFECT_FORMAT_VECTOR_TREE,
  beginVectorTree: EFFECT_FORMAT_BUILDS, finishIndex: EFFECT_FORMAT_BUILDS,
  beginIndex: EFFECT_FORMAT_ALL_BUILDS, beginText: EFFECT_FORMAT_ALL_BUILDS,
};
/** Codes of what changes nothing by itself. */
const NAME = 2;
const OUTCOME_KEPT = 13;
const NAME_KINDS: readonly NameKind[] = ['label', 'type', 'key'];

export function entryTooLarge(bytes: number, bytesMax: number): DbError {
  return new DbError('RequestTooLarge', `the transaction's effects take ${bytes} bytes or more, at most ${bytesMax} are allowed`, {
    hint: 'split it, for example with CALL { … } IN TRANSACTIONS, or raise max_entry_bytes',
  });
}

/** Writes a transaction's effects in the order in which they happen. */
export class EffectWriter {
  readonly #writer = new ByteWriter(512);
  readonly #bytesMax: number;
  #graph = SYSTEM_GRAPH;
  count = 0;
  /** How many there are without names and remembered answers. */
  changes = 0;

  /** `bytesMax`: of a record; beyond it effects are refused with RequestTooLarge. */
  constructor(timeMs: number, bytesMax = Infinity) {
    this.#bytesMax = bytesMax;
    this.#writer.u8(EFFECT_FORMAT).varint(timeMs);
  }

  #op(code: number, graph: number): ByteWriter {
    // Here already: what it takes to hold a transaction is many times the bytes of its effects.
    if (this.#writer.length > this.#bytesMax) throw entryTooLarge(this.#writer.length, this.#bytesMax);
    if (graph !== this.#graph) {
      this.#writer.u8(1).varint(graph);
      this.#graph = graph;
    }
    this.count++;
    if (code !== NAME && code !== OUTCOME_KEPT) this.changes++;
    return this.#writer.u8(code);
  }

  name(graph: number, kind: NameKind, name: string): void {
    this.#op(NAME, graph).u8(NAME_KINDS.indexOf(kind)).string(name);
  }

  createVertex(graph: number, id: number, labels: readonly number[], properties: readonly PropertyEntry[]): void {
    const writer = this.#op(3, graph).varint(id).varint(labels.length);
    for (const label of labels) writer.varint(label);
    writeProperties(writer, properties);
  }

  createEdge(graph: number, id: number, typeId: number, start: number, end: number, properties: readonly PropertyEntry[]): void {
    writeProperties(this.#op(4, graph).varint(id).varint(typeId).varint(start).varint(end), properties);
  }

  property(graph: number, what: 'vertex' | 'edge', id: number, keyId: number, value: Value): void {
    encodeValue(this.#op(what === 'vertex' ? 5 : 6, graph).varint(id).varint(keyId), value);
  }

  label(graph: number, id: number, label: number, on: boolean): void {
    this.#op(on ? 7 : 8, graph).varint(id).varint(label);
  }

  deleteEdge(graph: number, id: number): void {
    this.#op(9, graph).varint(id);
  }
  deleteVertex(graph: number, id: number): void {
    this.#op(10, graph).varint(id);
  }
  schema(graph: number, change: SchemaChange): void {
    this.#op(11, graph).string(JSON.stringify(change));
    this.#needs(FORMATS[change.kind] ?? EFFECT_FORMAT);
  }
  build(graph: number, index: number, to: number): void {
    this.#op(15, graph).varint(index).varint(to);
    this.#needs(EFFECT_FORMAT_BUILDS);
  }
  system(change: SystemChange): void {
    this.#op(12, this.#graph).string(JSON.stringify(change));
  }
  outcome(key: string, answer: Uint8Array): void {
    this.#op(OUTCOME_KEPT, this.#graph).string(key).bytes(answer);
  }
  forget(blocks: readonly number[]): void {
    const writer = this.#op(14, this.#graph).varint(blocks.length);
    for (const block of blocks) writer.varint(block);
  }

  #needs(format: number): void {
    this.#writer.view()[0] = Math.max(this.#writer.view()[0]!, format);
  }

  get length(): number {
    return this.#writer.length;
  }

  /** A buffer of its own memory, so that it can be transferred between threads. */
  finish(): Uint8Array {
    return new Uint8Array(this.#writer.view());
  }
}

function writeProperties(writer: ByteWriter, properties: readonly PropertyEntry[]): void {
  writer.varint(properties.length);
  for (const [key, value] of properties) {
    writer.varint(key);
    encodeValue(writer, value);
  }
}

function readProperties(reader: ByteReader): PropertyEntry[] {
  const properties: PropertyEntry[] = [];
  for (let left = reader.varint(); left > 0; left--) properties.push([reader.varint(), decodeValue(reader)]);
  return properties;
}

/** The system state in a change set. */
export function systemState(changes: ChangeSet): SystemState {
  return changes.graph(SYSTEM_GRAPH).get(SYSTEM, 0)?.state ?? EMPTY_SYSTEM;
}

export function changeSystem(changes: ChangeSet, change: SystemChange): void {
  changes.graph(SYSTEM_GRAPH).put(SYSTEM, 0, new SystemBlock(applySystemChange(systemState(changes), change)));
}

/** The graph's mutator over the change set, with the catalog of this moment. */
export function mutatorOf(changes: ChangeSet, graph: number): GraphMutator {
  const buffer = changes.graph(graph);
  return new GraphMutator(buffer, new GraphCatalog(buffer.get(CATALOG, 0)?.data ?? EMPTY_CATALOG));
}

export function putCatalog(mutator: GraphMutator, catalog: GraphCatalog): void {
  mutator.catalog = catalog;
  mutator.buffer.put(CATALOG, 0, new CatalogBlock(catalog.data));
}

/** When a record was made, in ms since 1970. */
export function timeOfRecord(record: Uint8Array): number {
  return new ByteReader(record, 1).varint();
}

/** Applies one record; `index` is the entry's place in the log. Returns the record's time. */
export function applyEffects(changes: ChangeSet, record: Uint8Array, index: number): number {
  const reader = new ByteReader(record);
  const format = reader.u8();
  if (format < EFFECT_FORMAT || format > EFFECT_FORMAT_ALL_BUILDS) {
    throw new DbError('Corrupted', `log entry ${index} has effect format ${format}, this server knows ${EFFECT_FORMAT_ALL_BUILDS}`, {
      hint: 'the entry was written by a newer server: upgrade this one',
    });
  }
  const timeMs = reader.varint();
  const applier = new Applier(changes, index, timeMs);
  while (!reader.done) applier.apply(reader);
  return timeMs;
}

class Applier {
  readonly #changes: ChangeSet;
  readonly #index: number;
  readonly #timeMs: number;
  #mutator: GraphMutator;

  constructor(changes: ChangeSet, index: number, timeMs: number) {
    this.#changes = changes;
    this.#index = index;
    this.#timeMs = timeMs;
    this.#mutator = mutatorOf(changes, SYSTEM_GRAPH);
  }

  apply(reader: ByteReader): void {
    const mutator = this.#mutator;
    const code = reader.u8();
    switch (code) {
      case 1:
        this.#mutator = mutatorOf(this.#changes, reader.varint());
        return;
      case 2:
        putCatalog(mutator, addName(mutator.catalog, NAME_KINDS[reader.u8()]!, reader.string()));
        return;
      case 3: {
        const id = reader.varint();
        const labels: number[] = [];
        for (let left = reader.varint(); left > 0; left--) labels.push(reader.varint());
        mutator.createVertex(id, labels, readProperties(reader));
        return;
      }
      case 4:
        mutator.createEdge(reader.varint(), reader.varint(), reader.varint(), reader.varint(), readProperties(reader));
        return;
      case 5:
        mutator.setVertexProperty(reader.varint(), reader.varint(), decodeValue(reader));
        return;
      case 6:
        mutator.setEdgeProperty(reader.varint(), reader.varint(), decodeValue(reader));
        return;
      case 7:
      case 8:
        mutator.setLabel(reader.varint(), reader.varint(), code === 7);
        return;
      case 9:
        mutator.deleteEdge(reader.varint());
        return;
      case 10:
        mutator.deleteVertex(reader.varint());
        return;
      case 11:
        putCatalog(mutator, applySchemaChange(mutator, JSON.parse(reader.string())));
        return;
      case 12:
        changeSystem(this.#changes, JSON.parse(reader.string()));
        return;
      case 13:
        this.#remember(reader.string(), reader.bytes());
        return;
      case 14:
        for (let left = reader.varint(); left > 0; left--) this.#changes.graph(SYSTEM_GRAPH).remove(OUTCOME, reader.varint());
        return;
      case 15:
        buildPart(mutator, reader.varint(), reader.varint());
        return;
      default:
        throw new DbError('Corrupted', `log entry ${this.#index} holds the unknown effect ${code}`);
    }
  }

  #remember(key: string, answer: Uint8Array): void {
    rememberOutcome(this.#changes, key, this.#timeMs, answer);
  }
}

export function rememberOutcome(changes: ChangeSet, key: string, atMs: number, answer: Uint8Array): void {
  const buffer = changes.graph(SYSTEM_GRAPH);
  const number = outcomeNumber(key);
  const others = (buffer.get(OUTCOME, number)?.outcomes ?? []).filter((one) => one.key !== key);
  buffer.put(OUTCOME, number, new OutcomeBlock([...others, { key, atMs, answer: new Uint8Array(answer) }]));
}
