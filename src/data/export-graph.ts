/**
 * One graph at one version as files, part by part:
 *
 *   csv, json   `<label>.csv`, `<type>_<source label>_<destination label>.csv` (or `.jsonl`), `import.config` that reads them again;
 *               what no label declares in `undeclared.vertices.jsonl` and `undeclared.edges.jsonl` (graph-lines.ts)
 *   cypher      `<graph>.cypher`: one statement a line, for lgraph_cli
 *
 * Vertices come in order of their ids and edges in order of where they begin, and an import gives ids in order of rows, so what is
 * exported after an import of these files is the same files. Numbers of undeclared vertices count from 0 for the same reason.
 */
import { createHash } from 'node:crypto';
import { EDGE, VERTEX } from '../graph/blocks.ts';
import type { EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import type { BlockSource } from '../graph/block-source.ts';
import type { GraphCatalog, LabelSchema } from '../graph/catalog.ts';
import type { GraphReader } from '../graph/reader.ts';
import type { Value } from '../value/value.ts';
import { unpacked } from '../value/packed-floats.ts';
import { catalogParts } from './catalog-parts.ts';
import { fieldVectorItem, fieldVectors, indexItem, vectorIndexItem, schemaItem, textItem } from './config-json.ts';
import { CypherWriter } from './export-cypher.ts';
import { outgoing, PART_CHARS, TURN_ELEMENTS, typeRanks } from './export-part.ts';
import type { ExportPart, ExportStep } from './export-part.ts';
import { declaredLabel, rowWriter } from './export-rows.ts';
import type { RowWriter } from './export-rows.ts';
import { KeyTable } from './key-table.ts';
import { typedJson } from './typed-json.ts';

export const EXPORT_FORMATS = ['csv', 'json', 'cypher'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  readonly delimiter: string;
}

export const CONFIG_FILE = 'import.config';
/** Of the name of a file without its ending, with room for what is put behind it. */
const NAME_BYTES_MAX = 200;
const VERTEX_LINES = 'undeclared.vertices.jsonl';
const EDGE_LINES = 'undeclared.edges.jsonl';

export function* exportGraph(view: GraphReader, source: BlockSource, options: ExportOptions): Generator<ExportStep> {
  if (options.format === 'cypher') yield* new CypherWriter(view, source).parts();
  else yield* new GraphExport(view, source, options).parts();
}

interface OpenFile {
  readonly path: string;
  readonly rows: RowWriter | undefined;
  text: string[];
  chars: number;
}

interface FileItem {
  readonly order: string;
  readonly item: Readonly<Record<string, unknown>>;
}

class GraphExport {
  readonly #view: GraphReader;
  readonly #source: BlockSource;
  readonly #options: ExportOptions;
  readonly #catalog: GraphCatalog;
  readonly #open = new Map<string, OpenFile>();
  readonly #items: FileItem[] = [];
  /** Numbers of undeclared vertices. */
  readonly #numbers = new KeyTable();
  #elements = 0;
  #seen = 0;

  constructor(view: GraphReader, source: BlockSource, options: ExportOptions) {
    this.#view = view;
    this.#source = source;
    this.#options = options;
    this.#catalog = view.catalog;
  }

  *parts(): Generator<ExportStep> {
    for (const schema of this.#catalog.data.schemas) if (schema.kind === 'vertex') this.#rowsFile(schema);
    for (const ids of this.#view.scanNodes()) {
      for (let i = 0; i < ids.length; i++) {
        yield* this.#vertex(ids[i]!);
        if (this.#isTurnOver()) yield undefined;
      }
    }
    yield* this.#flush();
    const ranks = typeRanks(this.#catalog);
    for (const start of this.#startVertices()) {
      // There may be few edges, or none.
      if (this.#isTurnOver()) yield undefined;
      if (start === undefined) continue;
      for (const { edges, from, to } of outgoing(this.#view, start, ranks)) {
        for (let i = from; i < to; i++) {
          yield* this.#edge(edges[i]!);
          if (this.#isTurnOver()) yield undefined;
        }
      }
    }
    yield* this.#flush();
    yield { path: CONFIG_FILE, text: `${JSON.stringify(this.#config(), null, 4)}\n`, elements: this.#elements };
  }

  #isTurnOver(): boolean {
    return ++this.#seen % TURN_ELEMENTS === 0;
  }

  /** In the order in which an import of the files creates them: edges are found by where they begin. Undefined: one that is passed over. */
  *#startVertices(): Generator<number | undefined> {
    const labels = this.#catalog.data.schemas.filter(({ kind }) => kind === 'vertex').map(({ name }) => name).sort();
    for (const label of [...labels, undefined]) {
      for (const ids of this.#view.scanNodes(label === undefined ? undefined : this.#catalog.findLabel(label)!)) {
        for (let i = 0; i < ids.length; i++) yield declaredLabel(this.#catalog, this.#source.get(VERTEX, ids[i]!)!)?.name === label ? ids[i]! : undefined;
      }
    }
  }

  *#vertex(id: number): Generator<ExportPart> {
    const block = this.#source.get(VERTEX, id)!;
    const schema = declaredLabel(this.#catalog, block);
    this.#elements++;
    if (schema !== undefined) {
      const file = this.#rowsFile(schema);
      yield* this.#write(file, file.rows!.row(block, null, null));
      return;
    }
    const number = this.#numbers.size;
    this.#numbers.add(id, number);
    const labels = block.labels.map((label) => this.#catalog.labelName(label)).sort();
    yield* this.#write(this.#linesFile(VERTEX_LINES, 'VERTEX'), `{"id":${number},"labels":${JSON.stringify(labels)},"properties":${this.#properties(block)}}\n`);
  }

  *#edge(id: number): Generator<ExportPart> {
    const block = this.#source.get(EDGE, id)!;
    const type = this.#catalog.typeName(block.typeId);
    const schema = this.#catalog.edgeSchema(type);
    const [start, end] = [this.#source.get(VERTEX, block.start)!, this.#source.get(VERTEX, block.end)!];
    const [from, to] = [declaredLabel(this.#catalog, start), declaredLabel(this.#catalog, end)];
    this.#elements++;
    if (schema !== undefined && from !== undefined && to !== undefined) {
      const file = this.#rowsFile(schema, from, to);
      yield* this.#write(file, file.rows!.row(block, this.#primary(from, start), this.#primary(to, end)));
      return;
    }
    const reference = (label: LabelSchema | undefined, vertex: VertexBlock, of: number) =>
      label === undefined ? String(this.#numbers.find(of)) : `[${JSON.stringify(label.name)},${typedJson(this.#primary(label, vertex))}]`;
    const ends = `"start":${reference(from, start, block.start)},"end":${reference(to, end, block.end)}`;
    yield* this.#write(this.#linesFile(EDGE_LINES, 'EDGE'), `{"type":${JSON.stringify(type)},${ends},"properties":${this.#properties(block)}}\n`);
  }

  #primary(schema: LabelSchema, block: VertexBlock): Value {
    return unpacked(block.values[block.keys.indexOf(this.#catalog.findKey(schema.primary!)!)]!);
  }

  #properties(block: VertexBlock | EdgeBlock): string {
    // By name: numbers of names are given in another order by an import.
    return `{${block.keys.map((key, i) => `${JSON.stringify(this.#catalog.keyName(key))}:${typedJson(unpacked(block.values[i]!))}`).sort().join(',')}}`;
  }

  // -------------------------------------------------------------- files

  #rowsFile(schema: LabelSchema, from?: LabelSchema, to?: LabelSchema): OpenFile {
    const key = from === undefined ? schema.name : `${schema.name}\n${from.name}\n${to!.name}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const name = from === undefined ? schema.name : this.#edgesName([schema.name, from.name, to!.name]);
    const { format, delimiter } = this.#options;
    const path = `${fileName(name)}.${format === 'csv' ? 'csv' : 'jsonl'}`;
    const rows = rowWriter(schema, this.#catalog, { format: format === 'csv' ? 'csv' : 'json', delimiter, isEdge: from !== undefined });
    const ends = from === undefined ? {} : { SRC_ID: from.name, DST_ID: to!.name };
    this.#items.push({ order: `${from === undefined ? 0 : 2}${name}`, item: { path, format: format === 'csv' ? 'CSV' : 'JSON', label: schema.name, ...ends, columns: rows.columns } });
    return this.#opened(key, path, rows);
  }

  /** With an underscore inside a name, another one between them could be read in two ways; or it is what a vertex label is called. No label has a dot. */
  #edgesName(names: readonly string[]): string {
    const name = names.join('_');
    return names.some((one) => one.includes('_')) || this.#catalog.vertexSchema(name) !== undefined ? names.join('.') : name;
  }

  #linesFile(path: string, type: string): OpenFile {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    this.#items.push({ order: type === 'VERTEX' ? '1' : '3', item: { path, format: 'GRAPH', type } });
    return this.#opened(path, path, undefined);
  }

  #opened(key: string, path: string, rows: RowWriter | undefined): OpenFile {
    const file: OpenFile = { path, rows, text: [''], chars: 0 };
    this.#open.set(key, file);
    return file;
  }

  *#write(file: OpenFile, text: string): Generator<ExportPart> {
    file.text.push(text);
    file.chars += text.length;
    if (file.chars >= PART_CHARS) yield this.#part(file);
  }

  #part(file: OpenFile): ExportPart {
    const text = file.text.join('');
    file.text = [];
    file.chars = 0;
    return { path: file.path, text, elements: this.#elements };
  }

  /** Also of files without rows, so that each that the configuration names is there. */
  *#flush(): Generator<ExportPart> {
    for (const file of this.#open.values()) if (file.text.length > 0) yield this.#part(file);
  }

  // -------------------------------------------------------------- configuration

  #config(): Readonly<Record<string, unknown>> {
    const { labels, types, keys } = this.#catalog.data;
    const parts = catalogParts(this.#catalog);
    const declaredKeys = new Set(parts.labels.flatMap(({ schema }) => schema.fields.map(({ name }) => name)));
    const declared = (kind: string, name: string) => parts.labels.some(({ schema }) => schema.kind === kind && schema.name === name);
    const names = { labels: labels.filter((name) => !declared('vertex', name)), types: types.filter((name) => !declared('edge', name)), keys: keys.filter((name) => !declaredKeys.has(name)) };
    return {
      schema: parts.labels.map(({ schema, indexes, textFields }) => schemaItem(schema, indexes, textFields)),
      ...withoutEmpty({
        indexes: parts.indexes.map(({ index, label, fields }) => indexItem(index, label, fields)),
        fulltext_indexes: parts.texts.map(textItem),
        vector_indexes: [...fieldVectors(parts.labels.map(({ schema }) => schema)).map(fieldVectorItem), ...this.#catalog.vectorIndexes.map((index) => vectorIndexItem(this.#catalog.vectorIndexSpec(index)))],
        constraints: parts.constraints.map(({ name, type, kind, label, fields, propertyType }) => ({ name, rule: type, type: kind === 'vertex' ? 'VERTEX' : 'EDGE', label, fields, property_type: propertyType })),
      }),
      ...(names.labels.length + names.types.length + names.keys.length === 0 ? {} : { names }),
      files: this.#items.sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ item }) => item),
    };
  }
}

/** File systems end names at 255 bytes; a label alone may have 256. No label has a tilde. */
function fileName(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= NAME_BYTES_MAX) return name;
  const begin = new TextDecoder().decode(bytes.subarray(0, NAME_BYTES_MAX - 20), { stream: true });
  return `${begin}~${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

function withoutEmpty(lists: Readonly<Record<string, readonly unknown[]>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}
