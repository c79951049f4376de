/**
 * Rows as JSON, each followed by a comma; the route puts the brackets around and drops the last comma.
 *
 *   json-tugraph  TuGraph's legacy form: nodes, relationships, paths, lists and maps are JSON *text* in a string
 *   json          nodes, relationships, paths, lists and maps are JSON values
 *   json-typed    see typed-json.ts
 *   json-lines    as json, but each row a line: see ndjson.ts
 *   text-lines    every value is text in a string, and each row a line: exports
 *
 * 64-bit integers are written exactly, as numbers. NaN and the infinities, which JSON lacks, are strings.
 */
import type { ByteWriter } from '../base/bytes.ts';
import { jsonText } from '../value/format.ts';
import { LocalDateTime } from '../value/temporal.ts';
import { textsOf } from '../value/texts.ts';
import { NodeValue, PathValue, RelationshipValue } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';
import type { RowEncoder } from '../service/api.ts';
import { LINES_ENCODING } from './ndjson.ts';
import { typedEncoder } from './typed-json.ts';

/** TuGraph's number for what a column holds. */
export type ColumnType = 0 | 1 | 2 | 4;

function properties(map: CypherMap | undefined): string {
  return `{${textsOf([...map ?? []], ([key, value]) => `${JSON.stringify(key)}:${plainJson(value)}`, ',')}}`;
}

function nodeJson(node: NodeValue): string {
  const labels = node.labels ?? [];
  const more = labels.length > 1 ? `,"labels":${JSON.stringify(labels)}` : '';
  return `{"identity":${node.id},"label":${JSON.stringify(labels[0] ?? '')}${more},"properties":${properties(node.properties)}}`;
}

function relationshipJson(one: RelationshipValue, forward: boolean): string {
  return `{"dst":${one.end},"forward":${forward},"identity":${one.tugraph?.ordinal ?? one.id},"label":${JSON.stringify(one.type ?? '')},"label_id":${one.typeId},"properties":${properties(one.properties)},"src":${one.start},"temporal_id":${one.tugraph?.temporalId ?? 0}}`;
}

function pathJson(path: PathValue): string {
  const parts: string[] = [nodeJson(path.nodes[0]!)];
  path.relationships.forEach((one, i) => {
    parts.push(relationshipJson(one, one.start === path.nodes[i]!.id), nodeJson(path.nodes[i + 1]!));
  });
  return `[${parts.join(',')}]`;
}

/** A value as JSON, whatever it is. */
export function plainJson(value: Value): string {
  if (value instanceof NodeValue) return nodeJson(value);
  if (value instanceof RelationshipValue) return relationshipJson(value, false);
  if (value instanceof PathValue) return pathJson(value);
  if (Array.isArray(value)) return `[${textsOf(value, plainJson, ',')}]`;
  if (value instanceof Map) return properties(value);
  // TuGraph writes DATETIME with a space, and a fraction only where there is one.
  if (value instanceof LocalDateTime) return JSON.stringify(tugraphDateTime(value));
  return jsonText(value);
}

function tugraphDateTime(value: LocalDateTime): string {
  const text = value.toString().replace('T', ' ');
  return /:\d\d:\d\d/.test(text) ? text : `${text}:00`;
}

function legacyJson(value: Value): string {
  if (value !== null && typeof value === 'object' && (Array.isArray(value) || value instanceof Map || value instanceof NodeValue || value instanceof RelationshipValue || value instanceof PathValue)) {
    return JSON.stringify(plainJson(value));
  }
  return plainJson(value);
}

function kindOf(value: Value): ColumnType {
  return value instanceof NodeValue ? 1 : value instanceof RelationshipValue ? 2 : value instanceof PathValue ? 4 : 0;
}

function encoder(name: string, cell: (value: Value) => string, declaredForm = false): RowEncoder {
  return {
    name, kind: kindOf, declaredForm,
    encode(row, writer: ByteWriter) {
      writer.raw(Buffer.from(`[${row.map(cell).join(',')}],`));
    },
  };
}

/** A value as text in a string, null as the empty one: what an exported file has. */
function textJson(value: Value): string {
  if (value === null) return '""';
  const json = plainJson(value);
  return json.startsWith('"') ? json : JSON.stringify(json);
}

const jsonLines: RowEncoder = {
  name: LINES_ENCODING,
  encode(row, writer: ByteWriter) {
    writer.raw(Buffer.from(`[${row.map(plainJson).join(',')}]\n`));
  },
};

const textLines: RowEncoder = {
  name: 'text-lines', kind: kindOf,
  encode(row, writer: ByteWriter) {
    writer.raw(Buffer.from(`[${row.map(textJson).join(',')}]\n`));
  },
};

export const jsonEncoders: readonly RowEncoder[] = [encoder('json-tugraph', legacyJson, true), encoder('json', plainJson), typedEncoder, jsonLines, textLines];
