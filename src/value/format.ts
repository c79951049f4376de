/**
 * Values as text: Cypher's own form (`toString()`, messages, plain tables) and JSON, exact for 64-bit integers.
 *
 *   FLOAT        1.5, 1.0, 1.0E10, NaN, Infinity (as Neo4j writes them; JSON: 1.5, 1.0, and text for NaN and infinities)
 *   inside       strings are quoted inside lists and maps, not at the top
 *   NODE         (:Label {key: value})     RELATIONSHIP  [:TYPE {key: value}]     PATH  <(:A)-[:T]->(:B)>
 */
import { Float, NodeValue, PathValue, RelationshipValue } from './value.ts';
import type { CypherMap, Value } from './value.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedTime } from './temporal.ts';
import { Point } from './spatial.ts';
import { textsOf } from './texts.ts';

/** The name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return 'NULL';
  switch (typeof value) {
    case 'boolean': return 'BOOLEAN';
    case 'number':
    case 'bigint': return 'INTEGER';
    case 'string': return 'STRING';
    default: break;
  }
  if (value instanceof Float) return 'FLOAT';
  if (Array.isArray(value)) return 'LIST';
  if (value instanceof Map) return 'MAP';
  if (value instanceof NodeValue) return 'NODE';
  if (value instanceof RelationshipValue) return 'RELATIONSHIP';
  if (value instanceof PathValue) return 'PATH';
  if (value instanceof Uint8Array) return 'BYTES';
  if (value instanceof Point) return 'POINT';
  if (value instanceof Duration) return 'DURATION';
  if (value instanceof LocalDate) return 'DATE';
  if (value instanceof LocalTime) return 'LOCAL TIME';
  if (value instanceof ZonedTime) return 'ZONED TIME';
  return value instanceof LocalDateTime ? 'LOCAL DATETIME' : 'ZONED DATETIME';
}

/** `an INTEGER`, `a LIST`. */
export function aTypeName(value: Value): string {
  return withArticle(typeName(value));
}

export function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** A double as Neo4j (Java) writes it: always with a point, in scientific form outside 0.001 to 10,000,000. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`;
}

/** Cypher text of a value; a string is itself, without quotes. */
export function formatValue(value: Value): string {
  return typeof value === 'string' ? value : formatLiteral(value);
}

/** Cypher text of a value with strings quoted. */
export function formatLiteral(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Float) return formatFloat(value.value);
  if (Array.isArray(value)) return `[${textsOf(value, formatLiteral, ', ')}]`;
  if (value instanceof Map) return formatMap(value);
  if (value instanceof Uint8Array) return `bytes('${Buffer.from(value).toString('hex')}')`;
  if (value instanceof NodeValue) return formatNode(value);
  if (value instanceof RelationshipValue) return formatRelationship(value);
  if (value instanceof PathValue) return formatPath(value);
  return value.toString();
}

function quote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

function formatName(name: string): string {
  return PLAIN_NAME.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

function formatMap(map: CypherMap): string {
  return `{${textsOf([...map], ([key, value]) => `${formatName(key)}: ${formatLiteral(value)}`, ', ')}}`;
}

function formatNode(node: NodeValue): string {
  const labels = (node.labels ?? []).map((label) => `:${formatName(label)}`).join('');
  const properties = node.properties === undefined || node.properties.size === 0 ? '' : formatMap(node.properties);
  return `(${labels}${labels !== '' && properties !== '' ? ' ' : ''}${properties})`;
}

function formatRelationship(relationship: RelationshipValue): string {
  const properties = relationship.properties === undefined || relationship.properties.size === 0 ? '' : ` ${formatMap(relationship.properties)}`;
  return `[:${formatName(relationship.type ?? '')}${properties}]`;
}

function formatPath(path: PathValue): string {
  let text = path.nodes[0] === undefined ? '' : formatNode(path.nodes[0]);
  path.relationships.forEach((relationship, i) => {
    const forward = relationship.start === path.nodes[i]!.id;
    text += `${forward ? '-' : '<-'}${formatRelationship(relationship)}${forward ? '->' : '-'}${formatNode(path.nodes[i + 1]!)}`;
  });
  return `<${text}>`;
}

/** JSON number of a double, always with a fraction or an exponent; what JSON lacks becomes a string. */
export function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * JSON text of a value. Written by hand because `JSON.stringify` has no 64-bit integers and would write 1.0 as 1.
 * Temporal values and points are strings, bytes base64, nodes and relationships as TuGraph shows them.
 */
export function jsonText(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Float) return jsonFloat(value.value);
  if (Array.isArray(value)) return `[${textsOf(value, jsonText, ',')}]`;
  if (value instanceof Map) return jsonMap(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (value instanceof NodeValue) return jsonNode(value);
  if (value instanceof RelationshipValue) return jsonRelationship(value, false);
  if (value instanceof PathValue) return jsonPath(value);
  return JSON.stringify(value.toString());
}

export function jsonMap(map: CypherMap): string {
  return `{${textsOf([...map], ([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`, ',')}}`;
}

function jsonNode(node: NodeValue): string {
  const labels = node.labels ?? [];
  // A node with several labels (which TuGraph does not have) shows them all in an extra field.
  const all = labels.length > 1 ? `,"labels":${JSON.stringify(labels)}` : '';
  return `{"identity":${node.id},"label":${JSON.stringify(labels[0] ?? '')}${all},"properties":${jsonMap(node.properties ?? new Map())}}`;
}

function jsonRelationship(value: RelationshipValue, forward: boolean): string {
  return `{"dst":${value.end},"forward":${forward},"identity":${value.id},"label":${JSON.stringify(value.type ?? '')},`
    + `"label_id":${value.typeId},"properties":${jsonMap(value.properties ?? new Map())},"src":${value.start},"temporal_id":0}`;
}

function jsonPath(path: PathValue): string {
  const parts: string[] = [];
  path.nodes.forEach((node, i) => {
    parts.push(jsonNode(node));
    const next = path.relationships[i];
    if (next !== undefined) parts.push(jsonRelationship(next, next.start === node.id));
  });
  return `[${parts.join(',')}]`;
}
