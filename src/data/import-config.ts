/**
 * The import configuration, TuGraph's format: `{"schema": […], "files": […]}`.
 *
 *   schema item   label, type (VERTEX or EDGE), properties [{name, type, optional, index, unique, pair_unique, fulltext}],
 *                 vertices: primary; edges: temporal, temporal_order, constraints [[from, to]]; detach_property
 *   files item    path (a file, or a folder: every file in it), format (CSV, JSON, GRAPH), label, columns, header,
 *                 edges: SRC_ID, DST_ID (labels of the ends)
 *
 * Ours beyond TuGraph's: `indexes`, `fulltext_indexes`, `vector_indexes` and `constraints` beside `schema` (several fields; labels that are not declared), the format GRAPH
 * (graph-lines.ts) with the `names` it uses, and `.gz` files. Whatever is not known is an error with the nearest known word.
 */
import { asDbError, DbError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { vectorIndexOf } from '../cypher/builtins/vector.ts';
import { FIELD_TYPES } from '../graph/catalog.ts';
import { canBePrimary } from '../graph/field-values.ts';
import { DEFAULT_ANALYZER } from '../graph/text/analyzer.ts';
import { fieldTextName } from '../graph/text/postings.ts';
import type { ConstraintDef, FieldDef, LabelSchema, VectorIndexSpec } from '../graph/catalog.ts';
import type { TextIndexSpec } from '../graph/view.ts';
import { canonicalType, isPropertyType } from '../value/value-type.ts';
import type { CypherMap } from '../value/value.ts';
import type { FieldVector } from './config-json.ts';

export interface IndexSpec {
  readonly kind: 'vertex' | 'edge';
  readonly label: string;
  readonly fields: readonly string[];
  readonly unique: boolean;
  readonly pairUnique: boolean;
  readonly name?: string;
}

export const FORMATS = ['CSV', 'JSON', 'GRAPH'] as const;
export type FileFormat = (typeof FORMATS)[number];

export interface FileSpec {
  readonly path: string;
  readonly format: FileFormat;
  readonly label: string;
  readonly kind: 'vertex' | 'edge';
  readonly columns: readonly string[];
  /** Lines before the data. */
  readonly header: number;
  /** Labels of the ends of an edge. */
  readonly source?: string;
  readonly destination?: string;
}

export interface Names {
  readonly labels: readonly string[];
  readonly types: readonly string[];
  readonly keys: readonly string[];
}

export interface ImportConfig {
  readonly schemas: readonly LabelSchema[];
  readonly indexes: readonly IndexSpec[];
  readonly constraints: readonly Omit<ConstraintDef, 'id'>[];
  readonly texts: readonly TextIndexSpec[];
  readonly vectorIndexes: readonly VectorIndexSpec[];
  /** Names that files of the format GRAPH use without a declaration. */
  readonly names: Names;
  /** Vertex files first. */
  readonly files: readonly FileSpec[];
}

export const SKIP = 'SKIP';
export const SOURCE = 'SRC_ID';
export const DESTINATION = 'DST_ID';

type Json = Readonly<Record<string, unknown>>;

function wrong(message: string, hint?: string): DbError {
  return new DbError('InvalidRequest', message, hint === undefined ? {} : { hint });
}

/** Reads the text of a configuration; `where` names it in errors. */
export function parseImportConfig(text: string, where: string): ImportConfig {
  let json: unknown;
  try {
    // Editors of Windows begin a file with a byte order mark.
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw wrong(`${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const root = record(json, where);
  onlyKeys(root, ['schema', 'files', 'indexes', 'fulltext_indexes', 'vector_indexes', 'constraints', 'names'], where);
  const items = list(root, 'schema', where).map((item, i) => schemaItem(record(item, `schema[${i}]`), `schema[${i}]`));
  const plainSchemas = items.map(({ schema }) => schema);
  unique(plainSchemas.map(({ kind, name }) => `${kind} label ${name}`));
  const indexes = [...items.flatMap((item) => item.indexes), ...optionalList(root, 'indexes', where).map((item, i) => indexItem(record(item, `indexes[${i}]`), `indexes[${i}]`))];
  const constraints = optionalList(root, 'constraints', where).map((item, i) => constraintItem(record(item, `constraints[${i}]`), `constraints[${i}]`));
  const texts = [...items.flatMap((item) => item.texts), ...optionalList(root, 'fulltext_indexes', where).map((item, i) => textItem(record(item, `fulltext_indexes[${i}]`), `fulltext_indexes[${i}]`))];
  const vectorItems = optionalList(root, 'vector_indexes', where).map((item, i) => [record(item, `vector_indexes[${i}]`), `vector_indexes[${i}]`] as const);
  const vectorIndexes = vectorItems.flatMap(([item, at]) => (isOfField(item) ? [] : [vectorIndexItem(item, at)]));
  const ofFields = vectorItems.filter(([item]) => isOfField(item)).map(([item, at]) => fieldVectorItem(item, at, plainSchemas));
  const schemas = plainSchemas.map((schema) => withVectors(schema, ofFields));
  const files = optionalList(root, 'files', where).map((item, i) => fileItem(record(item, `files[${i}]`), `files[${i}]`, schemas));
  return { schemas, indexes, constraints, texts, vectorIndexes, names: namesOf(root), files: [...files.filter(({ kind }) => kind === 'vertex'), ...files.filter(({ kind }) => kind === 'edge')] };
}

function namesOf(root: Json): Names {
  if (root.names === undefined) return { labels: [], types: [], keys: [] };
  const names = record(root.names, 'names');
  onlyKeys(names, ['labels', 'types', 'keys'], 'names');
  return { labels: texts(names, 'labels', 'names'), types: texts(names, 'types', 'names'), keys: texts(names, 'keys', 'names') };
}

const FIELD_KEYS = ['name', 'type', 'optional', 'index', 'unique', 'pair_unique', 'fulltext'];
const SCHEMA_KEYS = ['label', 'type', 'properties', 'primary', 'temporal', 'temporal_order', 'constraints', 'detach_property'];

function schemaItem(item: Json, where: string): { schema: LabelSchema; indexes: IndexSpec[]; texts: TextIndexSpec[] } {
  onlyKeys(item, SCHEMA_KEYS, where);
  const name = text(item, 'label', where);
  const kind = kindOf(item, where);
  const at = `${where} (${name})`;
  const properties = optionalList(item, 'properties', at).map((one, i) => record(one, `${at}.properties[${i}]`));
  const fields = properties.map((property, i) => fieldOf(property, `${at}.properties[${i}]`));
  unique(fields.map((field) => `field ${name}.${field.name}`));
  const primary = item.primary === undefined ? undefined : text(item, 'primary', at);
  if (kind === 'edge' && primary !== undefined) throw wrong(`${at}: an edge label has no \`primary\``);
  if (kind === 'vertex') checkPrimary(at, fields, primary);
  const constraints = kind === 'edge' ? optionalList(item, 'constraints', at).map((pair) => pairOf(pair, at)) : undefined;
  return {
    schema: {
      kind, name, fields, detachProperty: flag(item, 'detach_property', at, true),
      ...(primary === undefined ? {} : { primary }), ...(constraints === undefined ? {} : { constraints }), ...temporalOf(item, kind, fields, at),
    },
    indexes: properties.flatMap((property, i) => fieldIndex(property, { kind, label: name, field: fields[i]!, primary, where: at })),
    texts: properties.flatMap((property, i) => fieldText(property, { kind, label: name, field: fields[i]!, where: at })),
  };
}

function checkPrimary(at: string, fields: readonly FieldDef[], primary: string | undefined): void {
  if (primary === undefined) throw wrong(`${at}: \`primary\` is missing`, 'name the field that identifies a vertex');
  const field = fields.find((one) => one.name === primary);
  if (field === undefined) throw wrong(`${at}: the primary field ${primary} is not among the properties`);
  if (field.optional) throw wrong(`${at}: the primary field ${primary} cannot be optional`);
  if (!canBePrimary(field.type)) throw wrong(`${at}: a ${field.type} cannot be the primary field (${primary})`);
}

function temporalOf(item: Json, kind: 'vertex' | 'edge', fields: readonly FieldDef[], at: string): Partial<LabelSchema> {
  if (item.temporal === undefined) return {};
  const temporal = text(item, 'temporal', at);
  if (kind === 'vertex') throw wrong(`${at}: a vertex label has no \`temporal\``);
  if (fields.find((field) => field.name === temporal)?.type !== 'INT64') throw wrong(`${at}: the temporal field ${temporal} must be an INT64 property`);
  const order = item.temporal_order === undefined ? 'ASC' : text(item, 'temporal_order', at).toUpperCase();
  if (order !== 'ASC' && order !== 'DESC') throw wrong(`${at}: \`temporal_order\` is ASC or DESC, given ${order}`);
  return { temporal, temporalOrder: order };
}

function pairOf(pair: unknown, at: string): readonly [string, string] {
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((label) => typeof label === 'string')) throw wrong(`${at}: \`constraints\` is a list of [source label, destination label]`);
  return pair as [string, string];
}

function fieldOf(property: Json, where: string): FieldDef {
  onlyKeys(property, FIELD_KEYS, where);
  const name = text(property, 'name', where);
  if ([SKIP, SOURCE, DESTINATION].includes(name)) throw wrong(`${where}: a property cannot be called ${name}`);
  const given = text(property, 'type', where);
  const type = FIELD_TYPES.find((one) => one === given.toUpperCase());
  if (type === undefined) throw wrong(`${where}: unknown type ${given}${didYouMean(given, FIELD_TYPES)}`);
  return { name, type, optional: flag(property, 'optional', where) };
}

function fieldIndex(property: Json, of: { kind: 'vertex' | 'edge'; label: string; field: FieldDef; primary: string | undefined; where: string }): IndexSpec[] {
  const { kind, label, field, primary, where } = of;
  const [isUnique, pairUnique] = [flag(property, 'unique', where), flag(property, 'pair_unique', where)];
  if (pairUnique && kind === 'vertex') throw wrong(`${where}: \`pair_unique\` is for edges (${field.name})`);
  if (!flag(property, 'index', where) && !isUnique && !pairUnique) return [];
  if (field.type === 'BLOB') throw wrong(`${where}: a BLOB cannot be indexed (${field.name})`);
  if (isUnique && field.optional) throw wrong(`${where}: a unique field cannot be optional (${field.name})`);
  return field.name === primary ? [] : [{ kind, label, fields: [field.name], unique: isUnique, pairUnique }];
}

function fieldText(property: Json, of: { kind: 'vertex' | 'edge'; label: string; field: FieldDef; where: string }): TextIndexSpec[] {
  const { kind, label, field, where } = of;
  if (!flag(property, 'fulltext', where)) return [];
  if (field.type !== 'STRING') throw wrong(`${where}: only a STRING can have a full-text index, ${field.name} is ${field.type}`);
  return [{ kind, name: fieldTextName(kind, label, field.name), labels: [label], fields: [field.name], analyzer: DEFAULT_ANALYZER }];
}

function textItem(item: Json, where: string): TextIndexSpec {
  onlyKeys(item, ['type', 'labels', 'fields', 'name', 'analyzer'], where);
  return {
    kind: kindOf(item, where), name: text(item, 'name', where), labels: texts(item, 'labels', where),
    fields: texts(item, 'fields', where), analyzer: item.analyzer === undefined ? DEFAULT_ANALYZER : text(item, 'analyzer', where),
  };
}

function vectorIndexItem(item: Json, where: string): VectorIndexSpec {
  onlyKeys(item, ['type', 'label', 'field', 'name', 'dimensions', 'similarity'], where);
  const { dimensions } = item;
  if (dimensions !== undefined && typeof dimensions !== 'number') throw wrong(`${where}: \`dimensions\` is a number`);
  const similarity = text(item, 'similarity', where);
  if (similarity !== 'cosine' && similarity !== 'euclidean') throw wrong(`${where}: \`similarity\` is cosine or euclidean, given ${similarity}`);
  return {
    kind: kindOf(item, where), label: text(item, 'label', where), field: text(item, 'field', where), name: text(item, 'name', where),
    ...(dimensions === undefined ? {} : { dimensions }), similarity,
  };
}

/** TuGraph's kind, of a declared field, rather than Neo4j's, which has a name. */
function isOfField(item: Json): boolean {
  return item.index_type !== undefined;
}

function fieldVectorItem(item: Json, where: string, schemas: readonly LabelSchema[]): FieldVector {
  const [label, field] = [text(item, 'label', where), text(item, 'field', where)];
  const { type, label: _label, field: _field, ...parameters } = item;
  const schema = schemas.find((one) => one.kind === 'vertex' && one.name === label);
  if (schema === undefined || String(type).toUpperCase() !== 'VERTEX') throw wrong(`${where}: ${label} is no vertex label of \`schema\``);
  if (schema.fields.find((one) => one.name === field)?.type !== 'FLOAT_VECTOR') throw wrong(`${where}: ${label} has no FLOAT_VECTOR field ${field}`);
  try {
    return { label, field, vector: vectorIndexOf(new Map(Object.entries(parameters)) as CypherMap) };
  } catch (error) {
    throw wrong(`${where}: ${asDbError(error).message}`);
  }
}

function withVectors(schema: LabelSchema, vectors: readonly FieldVector[]): LabelSchema {
  if (schema.kind !== 'vertex') return schema;
  const fields = schema.fields.map((field) => {
    const found = vectors.find((one) => one.label === schema.name && one.field === field.name);
    return found === undefined ? field : { ...field, vector: found.vector };
  });
  return { ...schema, fields };
}

function indexItem(item: Json, where: string): IndexSpec {
  onlyKeys(item, ['type', 'label', 'fields', 'unique', 'pair_unique', 'name'], where);
  return {
    kind: kindOf(item, where), label: text(item, 'label', where), fields: texts(item, 'fields', where),
    unique: flag(item, 'unique', where), pairUnique: flag(item, 'pair_unique', where), ...(item.name === undefined ? {} : { name: text(item, 'name', where) }),
  };
}

function constraintItem(item: Json, where: string): Omit<ConstraintDef, 'id'> {
  onlyKeys(item, ['name', 'rule', 'type', 'label', 'fields', 'property_type'], where);
  const type = text(item, 'rule', where);
  if (type !== 'unique' && type !== 'node_key' && type !== 'exists' && type !== 'type') throw wrong(`${where}: \`rule\` is unique, node_key, exists or type, given ${type}`);
  const propertyType = type === 'type' ? canonicalType(text(item, 'property_type', where).toUpperCase()) : undefined;
  if (type === 'type' && (propertyType === undefined || !isPropertyType(propertyType))) throw wrong(`${where}: \`property_type\` is a type that properties can have, such as INTEGER or STRING | FLOAT`);
  const fields = texts(item, 'fields', where);
  if (type === 'type' && fields.length !== 1) throw wrong(`${where}: the rule type is about one field`);
  return {
    name: text(item, 'name', where), type, kind: kindOf(item, where), label: text(item, 'label', where), fields,
    ...(propertyType === undefined ? {} : { propertyType }),
  };
}

function fileItem(item: Json, where: string, schemas: readonly LabelSchema[]): FileSpec {
  onlyKeys(item, ['path', 'format', 'label', 'columns', 'header', SOURCE, DESTINATION, 'type'], where);
  const path = text(item, 'path', where);
  const given = item.format === undefined ? 'CSV' : text(item, 'format', where).toUpperCase();
  const format = FORMATS.find((one) => one === given);
  if (format === undefined) throw wrong(`${where}: \`format\` is CSV or JSON, given ${given}`);
  if (format === 'GRAPH') {
    const kind = kindOf(item, where);
    return { path, format, kind, label: '', columns: [], header: 0 };
  }
  const header = item.header ?? 0;
  if (typeof header !== 'number' || !Number.isSafeInteger(header) || header < 0) throw wrong(`${where}: \`header\` is the number of lines to skip`);
  const label = text(item, 'label', where);
  const kind = item[SOURCE] === undefined && item[DESTINATION] === undefined ? 'vertex' : 'edge';
  const columns = texts(item, 'columns', where);
  const file: FileSpec = {
    path, format, label, kind, columns, header,
    ...(kind === 'vertex' ? {} : { source: text(item, SOURCE, where), destination: text(item, DESTINATION, where) }),
  };
  checkColumns(file, schemas, `${where} (${path})`);
  return file;
}

function checkColumns(file: FileSpec, schemas: readonly LabelSchema[], where: string): void {
  const find = (kind: 'vertex' | 'edge', label: string): LabelSchema => {
    const schema = schemas.find((one) => one.kind === kind && one.name === label);
    if (schema === undefined) throw wrong(`${where}: no ${kind} label ${label} in the schema${didYouMean(label, schemas.filter((one) => one.kind === kind).map(({ name }) => name))}`);
    return schema;
  };
  const schema = find(file.kind, file.label);
  const ends = file.kind === 'edge' ? [SOURCE, DESTINATION] : [];
  if (file.kind === 'edge') for (const label of [file.source!, file.destination!]) find('vertex', label);
  const allowed = [...schema.fields.map(({ name }) => name), ...ends];
  const named = file.columns.filter((name) => name !== SKIP);
  for (const name of named) if (!allowed.includes(name)) throw wrong(`${where}: ${file.label} has no field ${name}${didYouMean(name, [...allowed, SKIP])}`);
  unique(named.map((name) => `column ${name} of ${where}`));
  for (const name of [...ends, ...schema.fields.filter(({ optional }) => !optional).map((field) => field.name)]) {
    if (!named.includes(name)) throw wrong(`${where}: ${name} must be among the columns of ${file.label}`);
  }
  const pairs = schema.constraints ?? [];
  if (pairs.length > 0 && file.kind === 'edge' && !pairs.some(([from, to]) => from === file.source && to === file.destination)) {
    throw wrong(`${where}: ${file.label} may not join ${file.source} to ${file.destination}, its constraints allow ${pairs.map((pair) => pair.join(' to ')).join(', ')}`);
  }
}

// -------------------------------------------------------------- JSON

function record(json: unknown, where: string): Json {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw wrong(`${where} must be a JSON object`);
  return json as Json;
}

function optionalList(item: Json, key: string, where: string): readonly unknown[] {
  return item[key] === undefined ? [] : list(item, key, where);
}

function list(item: Json, key: string, where: string): readonly unknown[] {
  const value = item[key];
  if (!Array.isArray(value)) throw wrong(`${where}: \`${key}\` ${value === undefined ? 'is missing' : 'must be a list'}`);
  return value;
}

function texts(item: Json, key: string, where: string): readonly string[] {
  const values = list(item, key, where);
  if (!values.every((value): value is string => typeof value === 'string')) throw wrong(`${where}: \`${key}\` must be a list of names`);
  return values;
}

function text(item: Json, key: string, where: string): string {
  const value = item[key];
  if (value === undefined && key === 'path') throw wrong(`Path [${key}] does not exist in json ${JSON.stringify(item)}`);
  if (typeof value !== 'string') throw wrong(`${where}: \`${key}\` ${value === undefined ? 'is missing' : 'must be a text'}`);
  return value;
}

/** VERTEX or EDGE: a misspelt vertex must not become an edge. */
function kindOf(item: Json, where: string): 'vertex' | 'edge' {
  const given = text(item, 'type', where).toUpperCase();
  if (given !== 'VERTEX' && given !== 'EDGE') throw wrong(`${where}: \`type\` is VERTEX or EDGE, given ${given}`);
  return given === 'VERTEX' ? 'vertex' : 'edge';
}

function flag(item: Json, key: string, where: string, otherwise = false): boolean {
  const value = item[key] ?? otherwise;
  if (typeof value !== 'boolean') throw wrong(`${where}: \`${key}\` is true or false`);
  return value;
}

function onlyKeys(item: Json, known: readonly string[], where: string): void {
  for (const key of Object.keys(item)) if (!known.includes(key)) throw wrong(`${where}: unknown key ${key}${didYouMean(key, known)}`);
}

function unique(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(`${twice} is there twice`);
}

