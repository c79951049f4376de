/** Nodes and relationships out of a result, and how they look. */
import { effect, signal } from '@preact/signals';
import { cypher } from '../api/cypher.ts';
import type { GraphNode, GraphRelationship, Result } from '../api/types.ts';
import { keep, kept } from '../state/storage.ts';
import { isTyped } from './values.ts';

export interface Elements {
  readonly nodes: Map<number, GraphNode>;
  readonly relationships: Map<number, GraphRelationship>;
}

export interface LabelStyle {
  readonly color?: string;
  /** A property; '' for nothing; undefined for the first that names things. */
  readonly caption?: string | undefined;
  readonly size?: number;
}

/** More than this is not drawn: a person cannot read it, and the layout would take minutes. */
export const NODES_MAX = 20_000;
const PALETTE = ['#4f6bed', '#e0803a', '#2a9d6c', '#c5468f', '#8a5cd6', '#c9a227', '#2e9fb8', '#d04848', '#6f8f2f', '#7b6f63'];
const NAMING = /^(name|title|label|caption|id|key)$/i;

/** Styles by label, kept in this browser. */
export const styles = signal<Readonly<Record<string, LabelStyle>>>(kept('local', 'styles', {}));
effect(() => keep('local', 'styles', styles.value));

export function setStyle(label: string, change: LabelStyle): void {
  styles.value = { ...styles.value, [label]: { ...styles.value[label], ...change } };
}

/** A label has the same colour in every result, as far as ten colours go. */
export function colorOf(label: string): string {
  let hash = 0;
  for (const char of label) hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
  return styles.value[label]?.color ?? PALETTE[hash % PALETTE.length]!;
}

export function sizeOf(label: string): number {
  return styles.value[label]?.size ?? 1;
}

export function labelOf(node: GraphNode): string {
  return node.labels[0] ?? '';
}

export function captionOf(node: GraphNode): string {
  const chosen = styles.value[labelOf(node)]?.caption;
  if (chosen === '') return '';
  const { properties } = node;
  if (chosen !== undefined && properties[chosen] !== undefined && properties[chosen] !== null) return String(properties[chosen]);
  const names = Object.keys(properties);
  const key = names.find((name) => NAMING.test(name)) ?? names.find((name) => typeof properties[name] === 'string') ?? names[0];
  return key === undefined || properties[key] === null ? `#${node.id}` : String(properties[key]);
}

export function collectValue(value: unknown, into: Elements): void {
  if (Array.isArray(value)) {
    for (const item of value) collectValue(item, into);
  } else if (isTyped(value)) {
    switch (value.$type) {
      case 'node': into.nodes.set(value.id, value); break;
      case 'relationship': into.relationships.set(value.id, value); break;
      case 'path': collectValue(value.nodes, into); collectValue(value.relationships, into); break;
      case 'map': for (const [, item] of value.entries) collectValue(item, into);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) collectValue(item, into);
  }
}

export function elementsOf(result: Result): Elements {
  const elements: Elements = { nodes: new Map(), relationships: new Map() };
  for (const row of result.rows) collectValue(row, elements);
  return elements;
}

/** Adds the ends of relationships that came without them. */
export async function completeEnds(elements: Elements, graph: string): Promise<void> {
  const missing = new Set<number>();
  for (const { start, end } of elements.relationships.values()) for (const id of [start, end]) if (!elements.nodes.has(id)) missing.add(id);
  if (missing.size === 0) return;
  const found = await cypher('MATCH (n) WHERE id(n) IN $ids RETURN n', { graph, parameters: { ids: [...missing].slice(0, NODES_MAX) }, rowsMax: NODES_MAX });
  for (const row of found.rows) collectValue(row, elements);
}

const NEIGHBOURS_MAX = 300;

export async function neighbours(id: number, graph: string): Promise<Elements> {
  return elementsOf(await cypher('MATCH (n)-[r]-(m) WHERE id(n) = $id RETURN r, m', { graph, parameters: { id }, rowsMax: NEIGHBOURS_MAX }));
}
