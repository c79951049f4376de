/** Values of a result as people read them. */
import { stringifyExact } from '../api/json.ts';
import type { GraphNode, GraphPath, GraphRelationship } from '../api/types.ts';

type Typed = GraphNode | GraphRelationship | GraphPath | { readonly $type: 'map'; readonly entries: readonly (readonly [string, unknown])[] };

export function isTyped(value: unknown): value is Typed {
  return typeof value === 'object' && value !== null && '$type' in value;
}

function propertiesText(properties: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(properties).map(([key, value]) => `${key}: ${valueText(value, true)}`);
  return parts.length === 0 ? '' : ` {${parts.join(', ')}}`;
}

function nodeText(node: GraphNode): string {
  return `(${node.labels.map((label) => `:${label}`).join('')}${propertiesText(node.properties)})`;
}

function pathText(path: GraphPath): string {
  return path.nodes.map((node, i) => {
    const link = path.relationships[i - 1];
    if (link === undefined) return nodeText(node);
    return `${link.start === node.id ? '<' : ''}-[:${link.type}]-${link.start === node.id ? '' : '>'}${nodeText(node)}`;
  }).join('');
}

/** One line; texts in quotes where they stand inside something. */
export function valueText(value: unknown, isInner = false): string {
  if (typeof value === 'string') return isInner ? JSON.stringify(value) : value;
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item, true)).join(', ')}]`;
  if (!isTyped(value)) {
    if (typeof value === 'object' && value !== null) return propertiesText(value as Record<string, unknown>).trim() || '{}';
    return String(value);
  }
  switch (value.$type) {
    case 'node': return nodeText(value);
    case 'relationship': return `[:${value.type}${propertiesText(value.properties)}]`;
    case 'path': return pathText(value);
    case 'map': return `{${value.entries.map(([key, item]) => `${key}: ${valueText(item, true)}`).join(', ')}}`;
  }
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? stringifyExact(value) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvText(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n');
}

/** Hands a text to the user as a file. */
export function download(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
