/** Values as the TCK writes them: without ids, strings in quotes. */
import { formatLiteral } from '../../src/value/format.ts';
import { NodeValue, PathValue, RelationshipValue, type Value } from '../../src/value/value.ts';

export function show(value: Value): string {
  if (value instanceof NodeValue) return `(${value.labels!.map((label) => `:${label}`).join('')}${properties(value.properties!, value.labels!.length > 0)})`;
  if (value instanceof RelationshipValue) return `[:${value.type!}${properties(value.properties!, true)}]`;
  if (value instanceof PathValue) {
    return value.nodes.map((node, i) => {
      const relationship = value.relationships[i];
      if (relationship === undefined) return show(node);
      return `${show(node)}${relationship.start === node.id ? '-' : '<-'}${show(relationship)}${relationship.start === node.id ? '->' : '-'}`;
    }).join('');
  }
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof Map) return `{${[...value].map(([key, each]) => `${key}: ${show(each)}`).join(', ')}}`;
  return formatLiteral(value);
}

function properties(map: ReadonlyMap<string, Value>, spaced: boolean): string {
  if (map.size === 0) return '';
  return `${spaced ? ' ' : ''}{${[...map].map(([key, value]) => `${key}: ${show(value)}`).join(', ')}}`;
}
