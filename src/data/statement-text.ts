import type { ConstraintDef, LabelSchema, VectorIndexSpec } from '../graph/catalog.ts';
import { formatLiteral } from '../value/format.ts';
import type { Value } from '../value/value.ts';
import { fieldVectors, vectorParameters } from './config-json.ts';
import type { TextIndexSpec } from '../graph/view.ts';
import type { IndexSpec } from './import-config.ts';

/** A name as part of a statement: labels and fields cannot be parameters. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `{name: row.name, …}`: written out, because a declared field is checked when the entity is made. */
export function mapText(fields: readonly string[], row: string): string {
  return `{${fields.map((field) => `${quoted(field)}: ${row}.${quoted(field)}`).join(', ')}}`;
}

/** A full-text index as a statement. */
export function createTextStatement({ kind, name, labels, fields, analyzer }: TextIndexSpec, options: { readonly ifNotExists?: boolean } = {}): string {
  const names = labels.map(quoted).join('|');
  const pattern = kind === 'vertex' ? `(n:${names})` : `()-[n:${names}]-()`;
  const each = fields.map((field) => `n.${quoted(field)}`).join(', ');
  const config = `{indexConfig: {\`fulltext.analyzer\`: ${JSON.stringify(analyzer)}}}`;
  return `CREATE FULLTEXT INDEX ${quoted(name)} ${options.ifNotExists === true ? 'IF NOT EXISTS ' : ''}FOR ${pattern} ON EACH [${each}] OPTIONS ${config}`;
}

/** A vector index as a statement. */
export function createVectorStatement({ kind, name, label, field, dimensions, similarity }: VectorIndexSpec, options: { readonly ifNotExists?: boolean } = {}): string {
  const settings = [...(dimensions === undefined ? [] : [`\`vector.dimensions\`: ${dimensions}`]), `\`vector.similarity_function\`: '${similarity}'`].join(', ');
  return `CREATE VECTOR INDEX ${quoted(name)} ${options.ifNotExists === true ? 'IF NOT EXISTS ' : ''}FOR ${patternOf(kind, label)} ON ${fieldsOf([field])} OPTIONS {indexConfig: {${settings}}}`;
}

/** TuGraph's vector indexes of declared fields as statements. */
export function addVectorStatements(schemas: readonly LabelSchema[]): string[] {
  return fieldVectors(schemas).map(({ label, field, vector }) => {
    const parameters = new Map<string, Value>(Object.entries(vectorParameters(vector)));
    return `CALL db.addVertexVectorIndex(${[label, field, parameters].map((value) => formatLiteral(value)).join(', ')})`;
  });
}

const patternOf = (kind: 'vertex' | 'edge', label: string): string => (kind === 'vertex' ? `(n:${quoted(label)})` : `()-[n:${quoted(label)}]-()`);
const fieldsOf = (fields: readonly string[]): string => `(${fields.map((field) => `n.${quoted(field)}`).join(', ')})`;

/** A constraint as a statement that does nothing where there is one of that name. */
export function createConstraintStatement({ name, type, kind, label, fields, propertyType }: Omit<ConstraintDef, 'id'>): string {
  const rule = type === 'type' ? `IS :: ${propertyType!}` : type === 'exists' ? 'IS NOT NULL' : type === 'unique' ? 'IS UNIQUE' : kind === 'vertex' ? 'IS NODE KEY' : 'IS RELATIONSHIP KEY';
  return `CREATE CONSTRAINT ${quoted(name)} IF NOT EXISTS FOR ${patternOf(kind, label)} REQUIRE ${type === 'type' || type === 'exists' ? `n.${quoted(fields[0]!)}` : fieldsOf(fields)} ${rule}`;
}

/** An index as a statement; where it is there already, one that is unique says so by IndexExists. Undefined: no statement makes such an index. */
export function createIndexStatement({ kind, label, fields, unique, pairUnique, name }: IndexSpec): string | undefined {
  // Not named by its usual name, which another may have taken: with IF NOT EXISTS it would not be made.
  const own = name === `${label}_${fields.join('_')}` ? undefined : name;
  if (!unique && !pairUnique) return `CREATE INDEX ${own === undefined ? '' : `${quoted(own)} `}IF NOT EXISTS FOR ${patternOf(kind, label)} ON ${fieldsOf(fields)}`;
  if (own !== undefined) return undefined;
  const text = (value: string): string => JSON.stringify(value);
  if (kind === 'edge') return fields.length > 1 ? undefined : `CALL db.addEdgeIndex(${text(label)}, ${text(fields[0]!)}, ${unique}, ${pairUnique})`;
  return fields.length === 1 ? `CALL db.addIndex(${text(label)}, ${text(fields[0]!)}, true)` : `CALL db.addVertexCompositeIndex(${text(label)}, [${fields.map(text).join(', ')}], true)`;
}
