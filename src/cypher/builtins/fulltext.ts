/**
 * Full-text search: Neo4j's db.index.fulltext.*, and TuGraph's procedures for its indexes, each of which is over one field of one label.
 */
import { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { TextIndexDef } from '../../graph/catalog.ts';
import { ANALYZERS, DEFAULT_ANALYZER, findAnalyzer } from '../../graph/text/analyzer.ts';
import type { Analyzer } from '../../graph/text/analyzer.ts';
import { fieldTextName } from '../../graph/text/postings.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import { Float, NodeValue, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { best } from '../fulltext/hits.ts';
import type { Hit } from '../fulltext/hits.ts';
import { parseTextQuery } from '../fulltext/query.ts';
import { TextSearch } from '../fulltext/search.ts';
import { builtin, checkWhole, flag, text, writerOf, wrong, type Builtin } from './define.ts';

/** Throws where the server's configuration has full-text indexes off. */
export function checkFullText(context: ExecContext): void {
  if (context.fullText?.enabled !== false) return;
  throw new DbError('NotSupported', 'Fulltext index is not enabled', { hint: 'enable_fulltext_index in the configuration of the server' });
}

export function defaultAnalyzer(context: ExecContext): string {
  return context.fullText?.analyzer ?? DEFAULT_ANALYZER;
}

// ---- search

const OPTIONS = ['skip', 'limit', 'analyzer'];

interface SearchOptions {
  readonly skip: number;
  readonly limit: number;
  readonly analyzer: Analyzer | undefined;
}

function optionsOf(value: Value | undefined): SearchOptions {
  if (value !== null && value !== undefined && !(value instanceof Map)) throw wrong('options type should be map');
  const options = value instanceof Map ? value : new Map<string, Value>();
  for (const name of options.keys()) {
    if (OPTIONS.includes(name)) continue;
    const near = suggest(name, OPTIONS);
    throw new DbError('ArgumentError', `unknown option ${name} of a full-text search`, { hint: near === undefined ? `known: ${OPTIONS.join(', ')}` : `did you mean ${near}?` });
  }
  const number = (name: string, initial: number): number => {
    const given = options.get(name) ?? initial;
    if (typeof given !== 'number' || given < 0) throw new DbError('ArgumentError', `${name} of a full-text search is an integer from 0 on`);
    return given;
  };
  const analyzer = options.get('analyzer') ?? null;
  return { skip: number('skip', 0), limit: number('limit', Number.MAX_SAFE_INTEGER), analyzer: analyzer === null ? undefined : findAnalyzer(text(analyzer, 'analyzer')) };
}

function indexOf(view: GraphView, kind: TextIndexDef['kind'], name: string): TextIndexDef {
  const index = view.catalog.findText(name);
  if (index === undefined) {
    const near = suggest(name, view.catalog.texts.map((one) => one.name));
    throw new DbError('IndexNotFound', `there is no full-text index ${name}`, { hint: near === undefined ? 'SHOW FULLTEXT INDEXES lists them' : `did you mean ${near}?` });
  }
  if (index.kind !== kind) {
    throw new DbError('ArgumentError', `the full-text index ${name} is over ${index.kind === 'vertex' ? 'nodes' : 'relationships'}`, {
      hint: `use db.index.fulltext.${index.kind === 'vertex' ? 'queryNodes' : 'queryRelationships'}`,
    });
  }
  return index;
}

function search(context: ExecContext, index: TextIndexDef, query: string, { skip, limit, analyzer }: SearchOptions): Hit[] {
  const parsed = parseTextQuery(query);
  if (parsed === undefined) return [];
  const { view } = context;
  checkWhole(view, index.name, index, 'it is searched when it is whole');
  const hits = new TextSearch({ view, index, analyzer, mayRead: context.mayRead, memoryBytes: context.limits.memoryBytes, checkpoint: (rows) => context.checkpoint(rows) }).run(parsed);
  // In a transaction, a node deleted by this statement is in the index until its end.
  const all = 'createNode' in view ? { ids: hits.ids, scores: hits.scores.map((score, i) => (exists(view, index, hits.ids[i]!) ? score : -1)) } : hits;
  return best(all, Math.min(skip + limit, Number.MAX_SAFE_INTEGER)).slice(skip).filter(({ score }) => score >= 0);
}

function exists(view: GraphView, { kind }: TextIndexDef, id: number): boolean {
  return kind === 'vertex' ? view.nodeExists(id) : view.relationshipExists(id);
}

function* rowsOf(hits: readonly Hit[], entity: (id: number) => Value): Generator<Value[]> {
  for (const { id, score } of hits) yield [entity(id), new Float(score)];
}

// ---- TuGraph's indexes: one field of one label

function ofField(view: GraphView, kind: TextIndexDef['kind'], label: string, field: string): TextIndexDef | undefined {
  const { catalog } = view;
  return catalog.texts.find((one) => one.kind === kind && one.labelIds.length === 1 && one.keyIds.length === 1
    && catalog.textLabels(one)[0] === label && catalog.textFields(one)[0] === field);
}

export function addFieldText(writer: GraphWriter, kind: TextIndexDef['kind'], label: string, field: string, analyzer: string): void {
  const { catalog } = writer;
  const known = kind === 'vertex' ? catalog.findLabel(label) ?? catalog.vertexSchema(label) : catalog.findType(label) ?? catalog.edgeSchema(label);
  if (known === undefined) throw new DbError('LabelNotFound', `${kind === 'vertex' ? 'Vertex' : 'Edge'} label "${label}" does not exist.`);
  if (ofField(writer, kind, label, field) !== undefined) throw new DbError('IndexExists', `FullTextIndex [${label}:${field}] already exist.`);
  writer.createText({ kind, name: fieldTextName(kind, label, field), labels: [label], fields: [field], analyzer });
}

/** Labels as JSON: a list of names; empty: none. */
function labelsOf(json: Value | undefined, name: string): string[] {
  let labels: unknown;
  try {
    labels = JSON.parse(text(json, name) || '[]');
  } catch (error) {
    throw new DbError('ProcedureCallFailed', `${name} is a JSON array of labels: ${String(json)}`, { cause: error });
  }
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) throw wrong(`${name} is a JSON array of labels: ${String(json)}`);
  return labels;
}

function rebuild(writer: GraphWriter, kind: TextIndexDef['kind'], labels: readonly string[]): void {
  const { catalog } = writer;
  for (const label of labels) {
    const indexes = catalog.texts.filter((one) => one.kind === kind && catalog.textLabels(one).includes(label));
    if (indexes.length === 0) throw new DbError('IndexNotFound', `there is no full-text index on the ${kind} label ${label}`);
  }
  const isMeant = (index: TextIndexDef) => index.kind === kind && catalog.textLabels(index).some((label) => labels.includes(label));
  for (const { name } of catalog.texts.filter(isMeant)) writer.rebuildText(name);
}

const kindFor = (isVertex: Value | undefined): TextIndexDef['kind'] => (flag(isVertex, 'is_vertex') ? 'vertex' : 'edge');

export const FULLTEXT_BUILTINS: readonly Builtin[] = [
  builtin('db.index.fulltext.queryNodes', 'indexName:STRING, queryString:STRING, options?:MAP', 'node:NODE, score:FLOAT', 'read', ([name, query, options], context) => {
    checkFullText(context);
    const index = indexOf(context.view, 'vertex', text(name, 'indexName'));
    return rowsOf(search(context, index, text(query, 'queryString'), optionsOf(options)), (id) => new NodeValue(id));
  }),
  builtin('db.index.fulltext.queryRelationships', 'indexName:STRING, queryString:STRING, options?:MAP', 'relationship:RELATIONSHIP, score:FLOAT', 'read', ([name, query, options], context) => {
    checkFullText(context);
    const index = indexOf(context.view, 'edge', text(name, 'indexName'));
    return rowsOf(search(context, index, text(query, 'queryString'), optionsOf(options)), (id) => context.view.findRelationship(id)!);
  }),
  builtin('db.index.fulltext.listAvailableAnalyzers', '', 'analyzer:STRING, description:STRING, stopwords:LIST', 'read', () => (
    ANALYZERS.map(({ name, description, stopWords }): Value[] => [name, description, [...stopWords]]))),
  // An index is changed by the transaction that changes the data: there is nothing to wait for.
  builtin('db.index.fulltext.awaitEventuallyConsistentIndexRefresh', '', '', 'read', () => []),
  builtin('db.addFullTextIndex', 'is_vertex:BOOLEAN, label_name:STRING, field_name:STRING', '', 'schema', ([isVertex, label, field], context) => {
    checkFullText(context);
    addFieldText(writerOf(context), kindFor(isVertex), text(label, 'label_name'), text(field, 'field_name'), defaultAnalyzer(context));
    return [];
  }),
  builtin('db.deleteFullTextIndex', 'is_vertex:BOOLEAN, label_name:STRING, field_name:STRING', '', 'schema', ([isVertex, label, field], context) => {
    checkFullText(context);
    const index = ofField(context.view, kindFor(isVertex), text(label, 'label_name'), text(field, 'field_name'));
    if (index === undefined) throw new DbError('IndexNotFound', `FullTextIndex [${text(label, 'label_name')}:${text(field, 'field_name')}] does not exist.`);
    writerOf(context).deleteText(index.name);
    return [];
  }),
  builtin('db.rebuildFullTextIndex', 'vertex_labels:STRING, edge_labels:STRING', '', 'schema', ([vertexLabels, edgeLabels], context) => {
    checkFullText(context);
    rebuild(writerOf(context), 'vertex', labelsOf(vertexLabels, 'vertex_labels'));
    rebuild(writerOf(context), 'edge', labelsOf(edgeLabels, 'edge_labels'));
    return [];
  }),
  builtin('db.fullTextIndexes', '', 'is_vertex:BOOLEAN, label:STRING, field:STRING', 'read', (_args, { view: { catalog } }) => (
    catalog.texts.flatMap((index) => catalog.textLabels(index).flatMap((label) => catalog.textFields(index).map((field): Value[] => [index.kind === 'vertex', label, field]))))),
];
