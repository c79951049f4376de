/**
 * A graph as a Cypher script, one statement a line. Vertices of declared labels are found again by their primary keys; the others carry
 * a label and a number of the script, which its last statements take away (the way of APOC's cypher export).
 */
import { EDGE, VERTEX } from '../graph/blocks.ts';
import type { EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import type { LabelSchema } from '../graph/catalog.ts';
import type { GraphReader } from '../graph/reader.ts';
import type { AdjacencySegment } from '../graph/view.ts';
import { formatLiteral } from '../value/format.ts';
import { Point } from '../value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { Float } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { unpacked } from '../value/packed-floats.ts';
import { catalogParts } from './catalog-parts.ts';
import { schemaItem } from './config-json.ts';
import { outgoing, PART_CHARS, TURN_ELEMENTS, typeRanks } from './export-part.ts';
import type { ExportPart, ExportStep } from './export-part.ts';
import { KeyTable } from './key-table.ts';
import { addVectorStatements, createConstraintStatement, createIndexStatement, createTextStatement, createVectorStatement } from './statement-text.ts';

const LABEL = 'UNIQUE IMPORT LABEL';
const ID = 'UNIQUE IMPORT ID';

export class CypherWriter {
  readonly #view: GraphReader;
  readonly #source: BlockSource;
  readonly #path: string;
  #text: string[] = [];
  #chars = 0;
  #elements = 0;
  #seen = 0;
  #hasUndeclared = false;
  readonly #numbers = new KeyTable();

  constructor(view: GraphReader, source: BlockSource) {
    this.#view = view;
    this.#source = source;
    this.#path = `${view.graphName}.cypher`;
  }

  *parts(): Generator<ExportStep> {
    yield* this.#schema();
    for (const ids of this.#view.scanNodes()) {
      for (let i = 0; i < ids.length; i++) {
        this.#vertex(ids[i]!);
        if (this.#chars >= PART_CHARS) yield this.#part();
        else if (this.#isTurnOver()) yield undefined;
      }
    }
    const ranks = typeRanks(this.#view.catalog);
    for (const ids of this.#view.scanNodes()) {
      for (let at = 0; at < ids.length; at++) {
        if (this.#isTurnOver()) yield undefined;
        yield* this.#edgesFrom(outgoing(this.#view, ids[at]!, ranks));
      }
    }
    if (this.#hasUndeclared) {
      this.#add(`DROP INDEX ${quoted(`${LABEL}_${ID}`)}`);
      this.#add(`MATCH (n:${quoted(LABEL)}) REMOVE n:${quoted(LABEL)}, n.${quoted(ID)}`);
    }
    yield this.#part();
  }

  *#edgesFrom(segments: readonly AdjacencySegment[]): Generator<ExportStep> {
    for (const { edges, from, to } of segments) {
      for (let i = from; i < to; i++) {
        this.#edge(edges[i]!);
        if (this.#chars >= PART_CHARS) yield this.#part();
        else if (this.#isTurnOver()) yield undefined;
      }
    }
  }

  #isTurnOver(): boolean {
    return ++this.#seen % TURN_ELEMENTS === 0;
  }

  *#schema(): Generator<undefined> {
    const { catalog } = this.#view;
    const parts = catalogParts(catalog);
    for (const { schema, indexes, textFields } of parts.labels) {
      const procedure = schema.kind === 'vertex' ? 'createVertexLabelByJson' : 'createEdgeLabelByJson';
      this.#add(`CALL db.${procedure}(${literal(JSON.stringify(schemaItem(schema, indexes, textFields)))})`);
    }
    for (const { index, label, fields } of parts.indexes) {
      const { kind, unique, pairUnique, name } = index;
      const statement = createIndexStatement({ kind, label, fields, unique, pairUnique, name });
      if (statement !== undefined) this.#add(statement);
    }
    for (const text of parts.texts) this.#add(createTextStatement(text));
    for (const statement of addVectorStatements(parts.labels.map(({ schema }) => schema))) this.#add(statement);
    for (const index of catalog.vectorIndexes) this.#add(createVectorStatement(catalog.vectorIndexSpec(index)));
    for (const constraint of parts.constraints) this.#add(createConstraintStatement(constraint));
    yield* this.#findUndeclared();
    if (this.#hasUndeclared) this.#add(`CREATE INDEX ${quoted(`${LABEL}_${ID}`)} FOR (n:${quoted(LABEL)}) ON (n.${quoted(ID)})`);
  }

  *#findUndeclared(): Generator<undefined> {
    for (const ids of this.#view.scanNodes()) {
      for (let i = 0; i < ids.length; i++) {
        this.#hasUndeclared = this.#schemaOf(this.#source.get(VERTEX, ids[i]!)!) === undefined;
        if (this.#hasUndeclared) return;
        if (this.#isTurnOver()) yield undefined;
      }
    }
  }

  #vertex(id: number): void {
    const { catalog } = this.#view;
    const block = this.#source.get(VERTEX, id)!;
    const isDeclared = this.#schemaOf(block) !== undefined;
    const labels = block.labels.map((label) => `:${quoted(catalog.labelName(label))}`).sort().join('') + (isDeclared ? '' : `:${quoted(LABEL)}`);
    this.#add(`CREATE (${labels} ${this.#properties(block, isDeclared ? undefined : this.#numberOf(id))})`);
    this.#elements++;
  }

  /** Undeclared vertices count from 0, so that what is imported from a script is exported as the same script. */
  #numberOf(id: number): number {
    const known = this.#numbers.find(id);
    if (known >= 0) return known;
    const number = this.#numbers.size;
    this.#numbers.add(id, number);
    return number;
  }

  /** Of the declared label whose primary key finds the vertex; it may have other labels too. */
  #schemaOf({ labels }: VertexBlock): LabelSchema | undefined {
    const { catalog } = this.#view;
    return labels.map((label) => catalog.vertexSchema(catalog.labelName(label))).filter((schema) => schema !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))[0];
  }

  #edge(id: number): void {
    const block = this.#source.get(EDGE, id)!;
    const type = quoted(this.#view.catalog.typeName(block.typeId));
    this.#add(`MATCH (a${this.#key(block.start)}), (b${this.#key(block.end)}) CREATE (a)-[:${type} ${this.#properties(block, undefined)}]->(b)`);
    this.#elements++;
  }

  #key(id: number): string {
    const block = this.#source.get(VERTEX, id)!;
    const schema: LabelSchema | undefined = this.#schemaOf(block);
    if (schema === undefined) return `:${quoted(LABEL)} {${quoted(ID)}: ${this.#numberOf(id)}}`;
    const value = unpacked(block.values[block.keys.indexOf(this.#view.catalog.findKey(schema.primary!)!)]!);
    return `:${quoted(schema.name)} {${quoted(schema.primary!)}: ${literal(value)}}`;
  }

  #properties(block: VertexBlock | EdgeBlock, id: number | undefined): string {
    const entries = block.keys.map((key, i) => `${quoted(this.#view.catalog.keyName(key))}: ${literal(unpacked(block.values[i]!))}`).sort();
    if (id !== undefined) entries.push(`${quoted(ID)}: ${id}`);
    return `{${entries.join(', ')}}`;
  }

  #add(statement: string): void {
    const line = `${statement};\n`;
    this.#text.push(line);
    this.#chars += line.length;
  }

  #part(): ExportPart {
    const text = this.#text.join('');
    this.#text = [];
    this.#chars = 0;
    return { path: this.#path, text, elements: this.#elements };
  }
}

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
/** What editors and terminals take for the end of a line, or do not keep. */
const UNSEEN = /[\p{Cc}\u2028\u2029\ufeff]/gu;

/** An expression that gives exactly this value. Bytes are base64 text, which only a declared BLOB reads back. */
function literal(value: Value): string {
  if (typeof value === 'string') return formatLiteral(value).replace(UNSEEN, (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value instanceof Float && !Number.isFinite(value.value)) return Number.isNaN(value.value) ? '(0.0 / 0.0)' : value.value > 0 ? '(1.0 / 0.0)' : '(-1.0 / 0.0)';
  if (value instanceof Uint8Array) return `bin('${Buffer.from(value).toString('base64')}')`;
  if (value instanceof LocalDate) return `date('${value.toString()}')`;
  if (value instanceof LocalTime) return `localtime('${value.toString()}')`;
  if (value instanceof ZonedTime) return `time('${value.toString()}')`;
  if (value instanceof LocalDateTime) return `localdatetime('${value.toString()}')`;
  if (value instanceof ZonedDateTime) return `datetime('${value.toString()}')`;
  if (value instanceof Duration) return `duration('${value.toString()}')`;
  if (value instanceof Point) return value.toString();
  return formatLiteral(value);
}
