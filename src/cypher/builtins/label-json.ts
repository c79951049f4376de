/**
 * A label as TuGraph writes it in JSON:
 *
 *   {"label": "Person", "type": "VERTEX", "primary": "id", "properties": [{"name": "id", "type": "INT64"}, {"name": "email", "type": "STRING", "optional": true, "index": true, "unique": true}]}
 *   {"label": "paid", "type": "EDGE", "temporal": "at", "temporal_order": "DESC", "constraints": [["Person", "Person"]], "properties": [{"name": "at", "type": "INT64"}]}
 */
import { DbError } from '../../base/errors.ts';
import type { FieldDef, LabelSchema } from '../../graph/catalog.ts';
import { fieldType, wrong } from './define.ts';

export interface JsonLabel {
  readonly schema: LabelSchema;
  readonly indexes: readonly { readonly fields: readonly string[]; readonly unique: boolean; readonly pairUnique: boolean }[];
  /** Fields with a full-text index. */
  readonly texts: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

export function labelFromJson(json: string, kind: 'vertex' | 'edge'): JsonLabel {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new DbError('ProcedureCallFailed', `the schema is not valid JSON: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  if (!isObject(parsed) || typeof parsed.label !== 'string' || String(parsed.type).toLowerCase() !== kind) throw wrong(`is not ${kind} json schema`);
  const primary = optional(parsed, 'primary', 'string');
  const properties = list(parsed, 'properties');
  const fields = properties.map(fieldOf);
  return {
    schema: { kind, name: parsed.label, fields, ...(kind === 'vertex' && primary !== undefined ? { primary } : {}), ...(kind === 'edge' ? edgeParts(parsed) : {}), detachProperty: optional(parsed, 'detach_property', 'boolean') !== false },
    indexes: properties.flatMap((property, i) => {
      const [isIndexed, unique, pairUnique] = ['index', 'unique', 'pair_unique'].map((name) => optional(property as Json, name, 'boolean') === true);
      // As in the configuration of an import: what is unique is indexed.
      return (isIndexed || unique || pairUnique) && fields[i]!.name !== primary ? [{ fields: [fields[i]!.name], unique: unique!, pairUnique: pairUnique! }] : [];
    }),
    texts: fields.filter((_, i) => optional(properties[i] as Json, 'fulltext', 'boolean') === true).map(({ name }) => name),
  };
}

function fieldOf(property: unknown): FieldDef {
  if (!isObject(property) || typeof property.name !== 'string' || typeof property.type !== 'string') {
    throw wrong('each of `properties` is an object with `name` and `type`');
  }
  return { name: property.name, type: fieldType(property.type), optional: optional(property, 'optional', 'boolean') === true };
}

function edgeParts(label: Json): Pick<LabelSchema, 'constraints' | 'temporal' | 'temporalOrder'> {
  const constraints = list(label, 'constraints').map((pair): [string, string] => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrong('The size of each constraint tuple should be 2');
    return [String(pair[0]), String(pair[1])];
  });
  const temporal = optional(label, 'temporal', 'string');
  const order = optional(label, 'temporal_order', 'string')?.toUpperCase() ?? 'ASC';
  if (order !== 'ASC' && order !== 'DESC') throw wrong(`\`temporal_order\` is ASC or DESC, given ${order}`);
  return { ...(constraints.length === 0 ? {} : { constraints }), ...(temporal === undefined ? {} : { temporal, temporalOrder: order }) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Kinds {
  readonly string: string;
  readonly boolean: boolean;
}

function optional<Kind extends keyof Kinds>(object: Json, name: string, kind: Kind): Kinds[Kind] | undefined {
  const value = object[name] ?? undefined;
  if (value !== undefined && typeof value !== kind) throw wrong(`\`${name}\` is a ${kind}, given ${JSON.stringify(value)}`);
  return value as Kinds[Kind] | undefined;
}

function list(object: Json, name: string): readonly unknown[] {
  const value = object[name] ?? [];
  if (!Array.isArray(value)) throw wrong(`\`${name}\` is a list`);
  return value;
}
