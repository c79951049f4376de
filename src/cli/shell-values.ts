/** Values of the driver as text and as JSON. */
import { stringify } from 'lossless-json';
import neo4j from 'neo4j-driver';

/** A value as Cypher would write it; a STRING itself. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (neo4j.isNode(value)) return `(${value.labels.map((label) => `:${name(label)}`).join('')}${properties(value.properties)})`;
  if (neo4j.isRelationship(value)) return `[:${name(value.type)}${properties(value.properties)}]`;
  if (neo4j.isPath(value)) {
    return value.segments.reduce((sum, { start, relationship, end }) => {
      const forward = relationship.startNodeElementId === start.elementId;
      return `${sum}${forward ? '-' : '<-'}${text(relationship)}${forward ? '->' : '-'}${text(end)}`;
    }, text(value.start));
  }
  if (value instanceof Int8Array) return `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (neo4j.isPoint(value)) return `point({srid: ${String(value.srid)}, x: ${text(value.x)}, y: ${text(value.y)}${value.z === undefined ? '' : `, z: ${text(value.z)}`}})`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) return map(value as Record<string, unknown>);
  return neo4j.isDuration(value) ? String(value).replace(/\.(\d*?)0+S$/, (_, digits: string) => (digits === '' ? 'S' : `.${digits}S`))
    // The driver writes all nine digits of a second's fraction, Cypher in threes.
    : String(value).replace(/(\.\d+?)(?:000)+(?=\D|$)/, '$1');
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(1) : String(value);
}

const name = (word: string): string => (/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(word) ? word : `\`${word.replaceAll('`', '``')}\``);
const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : text(value));
const map = (object: Record<string, unknown>): string => `{${Object.entries(object).map(([key, value]) => `${name(key)}: ${quoted(value)}`).join(', ')}}`;
const properties = (object: Record<string, unknown>): string => (Object.keys(object).length === 0 ? '' : ` ${map(object)}`);

/** One line of JSON; integers with all their digits. */
export function jsonLine(value: unknown): string {
  return stringify(json(value)) ?? 'null';
}

function json(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(json);
  if (neo4j.isNode(value)) return { id: value.elementId, labels: value.labels, properties: json(value.properties) };
  if (neo4j.isRelationship(value)) return { id: value.elementId, type: value.type, start: value.startNodeElementId, end: value.endNodeElementId, properties: json(value.properties) };
  if (neo4j.isPath(value)) return { nodes: [value.start, ...value.segments.map(({ end }) => end)].map(json), relationships: value.segments.map(({ relationship }) => json(relationship)) };
  if (value !== null && typeof value === 'object') {
    if (Object.getPrototypeOf(value) !== Object.prototype) return text(value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]));
  }
  return value;
}

/** On one line, and without what would steer the terminal: `\n`, `\t`, `\u001b`. */
export function printable(value: string): string {
  return value.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => (
    character === '\n' ? '\\n' : character === '\t' ? '\\t' : character === '\r' ? '\\r' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
}
