/**
 * A graph as a Cypher script, one statement a line. Vertices of declared labels are found again by their primary keys; the others carry
 * a label and a number of the script, which its last statements take away (the way of APOC's cypher export).
 */
import { EDGE, VERTEX } from '../graph/blocks.ts';
import type { EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import type { LabelSchema } from '../graph/catalog.ts';
import type { GraphReader } from '../graph/reader.ts';
import { formatLiteral } from '../value/format.ts';
import { Point } from '../value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../value/temporal.ts';
import { Float } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { schemaItem } from './config-json.ts';
import type { ExportPart } from './export-graph.ts';
import { declaredLabel } from './export-rows.ts';
import { createTextStatement } from './statement-text.ts';

const LABEL = 'UNIQUE IMPORT LABEL';
const ID = 'UNIQUE IMPORT ID';
const PART_CHARS = 64 * 1024;

export class CypherWriter {
  readonly #view: GraphReader;
  readonly #source: BlockSource;
  readonly #path: string;
  #text: string[] = [];
  #chars = 0;
  #elements = 0;
  #hasUndeclared = false;

  constructor(view: GraphReader, source: BlockSource) {
    this.#view = view;
    this.#source = source;
    this.#path = `${view.graphName}.cypher`;
  }

  *parts(): Generator<ExportPart> {
    this.#schema();
    for (const ids of this.#view.scanNodes()) {
      for (let i = 0; i < ids.length; i++) {
        this.#vertex(ids[i]!);
        if (this.#chars >= PART_CHARS) yield this.#part();
      }
    }
    for (const type of this.#view.catalog.data.types.keys()) {
      for (const ids of this.#view.scanRelationships(type)) {
        for (let i = 0; i < ids.length; i++) {
          this.#edge(ids[i]!);
          if (this.#chars >= PART_CHARS) yield this.#part();
        }
      }
    }
    if (this.#hasUndeclared) {
      this.#add(`DROP INDEX ${quoted(`${LABEL}_${ID}`)}`);
      this.#add(`MATCH (n:${quoted(LABEL)}) REMOVE n:${quoted(LABEL)}, n.${quoted(ID)}`);
    }
    yield this.#part();
  }

  #schema(): void {
    const { catalog } = this.#view;
    const { schemas, indexes, labels, types, keys } = catalog.data;
    for (const schema of [...schemas].sort((a, b) => Number(a.kind === 'edge') - Number(b.kind === 'edge'))) {
      const own = indexes.filter((index) => index.kind === schema.kind && (index.kind === 'vertex' ? labels : types)[index.labelId] === schema.name)
        .map((index) => ({ fields: index.keyIds.map((key) => keys[key]!), unique: index.unique, pairUnique: index.pairUnique }));
      const procedure = schema.kind === 'vertex' ? 'createVertexLabelByJson' : 'createEdgeLabelByJson';
      this.#add(`CALL db.${procedure}(${literal(JSON.stringify(schemaItem(schema, own)))})`);
    }
    for (const text of catalog.texts) this.#add(createTextStatement(catalog.textSpec(text)));
    this.#hasUndeclared = [...this.#view.scanNodes()].some((ids) => Array.from(ids).some((id) => declaredLabel(catalog, this.#source.get(VERTEX, id)!) === undefined));
    if (this.#hasUndeclared) this.#add(`CREATE INDEX ${quoted(`${LABEL}_${ID}`)} FOR (n:${quoted(LABEL)}) ON (n.${quoted(ID)})`);
  }

  #vertex(id: number): void {
    const { catalog } = this.#view;
    const block = this.#source.get(VERTEX, id)!;
    const isDeclared = declaredLabel(catalog, block) !== undefined;
    const labels = block.labels.map((label) => `:${quoted(catalog.labelName(label))}`).join('') + (isDeclared ? '' : `:${quoted(LABEL)}`);
    this.#add(`CREATE (${labels} ${this.#properties(block, isDeclared ? undefined : id)})`);
    this.#elements++;
  }

  #edge(id: number): void {
    const block = this.#source.get(EDGE, id)!;
    const type = quoted(this.#view.catalog.typeName(block.typeId));
    this.#add(`MATCH (a${this.#key(block.start)}), (b${this.#key(block.end)}) CREATE (a)-[:${type} ${this.#properties(block, undefined)}]->(b)`);
    this.#elements++;
  }

  #key(id: number): string {
    const block = this.#source.get(VERTEX, id)!;
    const schema: LabelSchema | undefined = declaredLabel(this.#view.catalog, block);
    if (schema === undefined) return `:${quoted(LABEL)} {${quoted(ID)}: ${id}}`;
    const value = block.values[block.keys.indexOf(this.#view.catalog.findKey(schema.primary!)!)]!;
    return `:${quoted(schema.name)} {${quoted(schema.primary!)}: ${literal(value)}}`;
  }

  #properties(block: VertexBlock | EdgeBlock, id: number | undefined): string {
    const entries = block.keys.map((key, i) => `${quoted(this.#view.catalog.keyName(key))}: ${literal(block.values[i]!)}`);
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

/** An expression that gives exactly this value. Bytes are base64 text, which only a declared BLOB reads back. */
function literal(value: Value): string {
  if (typeof value === 'string') return formatLiteral(value).replace(/[\n\r\t]/g, (c) => ESCAPES[c]!);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value instanceof Float && !Number.isFinite(value.value)) return Number.isNaN(value.value) ? '(0.0 / 0.0)' : value.value > 0 ? '(1.0 / 0.0)' : '(-1.0 / 0.0)';
  if (value instanceof Uint8Array) return `'${Buffer.from(value).toString('base64')}'`;
  if (value instanceof LocalDate) return `date('${value.toString()}')`;
  if (value instanceof LocalTime) return `localtime('${value.toString()}')`;
  if (value instanceof ZonedTime) return `time('${value.toString()}')`;
  if (value instanceof LocalDateTime) return `localdatetime('${value.toString()}')`;
  if (value instanceof ZonedDateTime) return `datetime('${value.toString()}')`;
  if (value instanceof Duration) return `duration('${value.toString()}')`;
  if (value instanceof Point) return value.toString();
  return formatLiteral(value);
}
