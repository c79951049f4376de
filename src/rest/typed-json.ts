/**
 * Rows as JSON that says what each value is, for clients that draw results (`Accept: application/vnd.lgraph+json`):
 *
 *   node          {"$type":"node","id":0,"labels":["City"],"properties":{…}}
 *   relationship  {"$type":"relationship","id":0,"type":"NEAR","start":0,"end":1,"properties":{…}}
 *   path          {"$type":"path","nodes":[…],"relationships":[…]}
 *   map           an object; {"$type":"map","entries":[[key,value],…]} where a key of its own is `$type`
 *
 * Numbers are exact, floats have a fraction or an exponent; everything else is as in the plain form.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { RowEncoder } from '../service/api.ts';
import { jsonText } from '../value/format.ts';
import { textsOf } from '../value/texts.ts';
import { NodeValue, PathValue, RelationshipValue } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';

export const TYPED_JSON = 'application/vnd.lgraph+json';
export const TYPED_ENCODING = 'json-typed';

function propertiesJson(map: CypherMap | undefined): string {
  return `{${textsOf([...map ?? []], ([key, value]) => `${JSON.stringify(key)}:${typedJson(value)}`, ',')}}`;
}

function mapJson(map: CypherMap): string {
  if (!map.has('$type')) return propertiesJson(map);
  return `{"$type":"map","entries":[${textsOf([...map], ([key, value]) => `[${JSON.stringify(key)},${typedJson(value)}]`, ',')}]}`;
}

function typedJson(value: Value): string {
  if (value instanceof NodeValue) return `{"$type":"node","id":${value.id},"labels":${JSON.stringify(value.labels ?? [])},"properties":${propertiesJson(value.properties)}}`;
  if (value instanceof RelationshipValue) {
    return `{"$type":"relationship","id":${value.id},"type":${JSON.stringify(value.type ?? '')},"start":${value.start},"end":${value.end},"properties":${propertiesJson(value.properties)}}`;
  }
  if (value instanceof PathValue) return `{"$type":"path","nodes":[${value.nodes.map(typedJson).join(',')}],"relationships":[${value.relationships.map(typedJson).join(',')}]}`;
  if (Array.isArray(value)) return `[${textsOf(value, typedJson, ',')}]`;
  if (value instanceof Map) return mapJson(value);
  return jsonText(value);
}

export const typedEncoder: RowEncoder = {
  name: TYPED_ENCODING,
  encode(row, writer: ByteWriter) {
    writer.raw(Buffer.from(`[${row.map(typedJson).join(',')}],`));
  },
};
