/**
 * A label as TuGraph writes it in JSON:
 *
 *   {"label": "Person", "type": "VERTEX", "primary": "id", "properties": [{"name": "id", "type": "INT64"}, {"name": "email", "type": "STRING", "optional": true, "index": true, "unique": true}]}
 *   {"label": "paid", "type": "EDGE", "temporal": "at", "temporal_order": "DESC", "constraints": [["Person", "Person"]], "properties": [{"name": "at", "type": "INT64"}]}
 */
import { DbError } from '../../base/errors.ts';
import type { LabelSchema } from '../../graph/catalog.ts';
import { bodyOf, listField, optionalBoolean, optionalText, textField } from '../../value/bodies.ts';
import type { Body } from '../../value/bodies.ts';
import { fieldType, wrong } from './define.ts';

export interface JsonLabel {
  readonly schema: LabelSchema;
  readonly indexes: readonly { readonly fields: readonly string[]; readonly unique: boolean; readonly pairUnique: boolean }[];
  /** Fields with a full-text index. */
  readonly texts: readonly string[];
}

export function labelFromJson(json: string, kind: 'vertex' | 'edge'): JsonLabel {
  const label = parsed(json);
  if (typeof label.label !== 'string' || String(label.type).toLowerCase() !== kind) throw wrong(`is not ${kind} json schema`);
  const primary = kind === 'vertex' ? optionalText(label, 'primary') : undefined;
  const properties = optionalList(label, 'properties').map(bodyOf);
  return {
    schema: {
      kind, name: label.label, ...(primary === undefined ? {} : { primary }), ...(kind === 'edge' ? edgeParts(label) : {}),
      fields: properties.map((one) => ({ name: textField(one, 'name'), type: fieldType(textField(one, 'type')), optional: optionalBoolean(one, 'optional', false) })),
      detachProperty: optionalBoolean(label, 'detach_property', true),
    },
    indexes: properties.flatMap((one) => {
      const [field, unique, pairUnique] = [textField(one, 'name'), optionalBoolean(one, 'unique', false), optionalBoolean(one, 'pair_unique', false)];
      // As in the configuration of an import: what is unique is indexed.
      const isIndexed = optionalBoolean(one, 'index', false) || unique || pairUnique;
      return isIndexed && field !== primary ? [{ fields: [field], unique, pairUnique }] : [];
    }),
    texts: properties.filter((one) => optionalBoolean(one, 'fulltext', false)).map((one) => textField(one, 'name')),
  };
}

function parsed(json: string): Body {
  try {
    return bodyOf(JSON.parse(json));
  } catch (error) {
    throw new DbError('ProcedureCallFailed', `the schema is not a JSON object: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
}

function edgeParts(label: Body): Pick<LabelSchema, 'constraints' | 'temporal' | 'temporalOrder'> {
  const constraints = labelPairs(optionalList(label, 'constraints'));
  const temporal = optionalText(label, 'temporal');
  const order = optionalText(label, 'temporal_order')?.toUpperCase() ?? 'ASC';
  if (order !== 'ASC' && order !== 'DESC') throw wrong(`\`temporal_order\` is ASC or DESC, given ${order}`);
  return { ...(constraints.length === 0 ? {} : { constraints }), ...(temporal === undefined ? {} : { temporal, temporalOrder: order }) };
}

/** Edge constraints: labels of the source and of the destination. */
export function labelPairs(pairs: readonly unknown[]): [string, string][] {
  return pairs.map((pair): [string, string] => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrong('The size of each constraint tuple should be 2');
    return [String(pair[0]), String(pair[1])];
  });
}

function optionalList(body: Body, name: string): readonly unknown[] {
  return body[name] === undefined || body[name] === null ? [] : listField(body, name);
}
