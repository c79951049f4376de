/** Rough heap size of a value, for memory budgets: what V8 needs for it, to within a factor of two. */
import { walk } from '../base/allowance.ts';
import { Float, NodeValue, PathValue, RelationshipValue } from './value.ts';
import type { Value } from './value.ts';

export function valueBytes(value: Value): number {
  if (typeof value === 'string') return 24 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Float) return 24;
  if (Array.isArray(value)) {
    walk(value.length);
    return value.reduce<number>((sum, item) => sum + 8 + valueBytes(item), 32);
  }
  if (value instanceof Map) {
    walk(value.size);
    let bytes = 64;
    for (const [key, item] of value) bytes += 48 + key.length + valueBytes(item);
    return bytes;
  }
  if (value instanceof NodeValue || value instanceof RelationshipValue) {
    return 72 + (value.properties === undefined ? 0 : valueBytes(value.properties));
  }
  if (value instanceof PathValue) return 48 + 80 * (value.nodes.length + value.relationships.length);
  if (value instanceof Uint8Array) return 96 + value.length;
  return 64;
}
