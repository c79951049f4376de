/**
 * The oracle's own idea of values and graphs, apart from the engine's on purpose: INTEGER is bigint, FLOAT is number, an entity is an
 * object that compares by identity.
 */
export interface ONode {
  readonly kind: 'node';
  readonly id: number;
  readonly labels: Set<string>;
  readonly properties: Map<string, OValue>;
}
export interface ORelationship {
  readonly kind: 'relationship';
  readonly id: number;
  readonly type: string;
  readonly start: ONode;
  readonly end: ONode;
  readonly properties: Map<string, OValue>;
}
export interface OPath {
  readonly kind: 'path';
  readonly nodes: readonly ONode[];
  readonly relationships: readonly ORelationship[];
}
export type OValue = null | boolean | bigint | number | string | OValue[] | Map<string, OValue> | ONode | ORelationship | OPath;

export class OGraph {
  readonly nodes = new Map<number, ONode>();
  readonly relationships = new Map<number, ORelationship>();
  #nodes = 0;
  #relationships = 0;

  addNode(labels: Iterable<string>, properties: Iterable<readonly [string, OValue]>): ONode {
    const node: ONode = { kind: 'node', id: this.#nodes++, labels: new Set(labels), properties: new Map([...properties].filter(([, value]) => value !== null)) };
    this.nodes.set(node.id, node);
    return node;
  }

  addRelationship(type: string, start: ONode, end: ONode, properties: Iterable<readonly [string, OValue]>): ORelationship {
    const relationship: ORelationship = { kind: 'relationship', id: this.#relationships++, type, start, end, properties: new Map([...properties].filter(([, value]) => value !== null)) };
    this.relationships.set(relationship.id, relationship);
    return relationship;
  }

  copy(): OGraph {
    const graph = new OGraph();
    const nodes = new Map([...this.nodes.values()].map((node) => [node, graph.addNode(node.labels, node.properties)]));
    for (const { type, start, end, properties } of this.relationships.values()) graph.addRelationship(type, nodes.get(start)!, nodes.get(end)!, properties);
    return graph;
  }
}

export function isEntity(value: OValue): value is ONode | ORelationship | OPath {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** openCypher's `=`: null where it cannot be known. */
export function equal(a: OValue, b: OValue): boolean | null {
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) return !(a < b) && !(a > b) && a === a && b === b;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    let known: boolean | null = true;
    for (const [i, item] of a.entries()) {
      const same = equal(item, b[i]!);
      if (same === false) return false;
      if (same === null) known = null;
    }
    return known;
  }
  if (a instanceof Map && b instanceof Map) {
    if (a.size !== b.size || ![...a.keys()].every((key) => b.has(key))) return false;
    return equal([...a.values()], [...a.keys()].map((key) => b.get(key)!));
  }
  return a === b;
}

/** openCypher's `<`: null between values of different kinds. */
export function less(a: OValue, b: OValue): boolean | null {
  if (isNumber(a) && isNumber(b)) return a < b;
  if (typeof a === 'string' && typeof b === 'string') return byCodePoint(a, b) < 0;
  if (typeof a === 'boolean' && typeof b === 'boolean') return !a && b;
  return null;
}

export function isNumber(value: OValue): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** ORDER BY's order, for the kinds the generator sorts by; null is the largest. */
export function order(a: OValue, b: OValue): number {
  const [left, right] = [rank(a), rank(b)];
  if (left !== right) return left - right;
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return byCodePoint(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const each = order(a[i]!, b[i]!);
      if (each !== 0) return each;
    }
    return a.length - b.length;
  }
  return 0;
}

function rank(value: OValue): number {
  if (value === null) return 9;
  if (Array.isArray(value)) return 3;
  switch (typeof value) {
    case 'string': return 5;
    case 'boolean': return 6;
    case 'number': case 'bigint': return 7;
    default: return 0;
  }
}

/** One text for each value that DISTINCT and grouping tell apart. `name` says what an entity is called. */
export function textOf(value: OValue, name: (entity: ONode | ORelationship) => string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, name)).join()}]`;
  if (value instanceof Map) return `{${[...value].map(([key, item]) => `${key}:${textOf(item, name)}`).sort().join()}}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value);
  if (typeof value !== 'object') return String(value);
  if (value.kind === 'path') return `<${value.nodes.map((node, i) => name(node) + (value.relationships[i] === undefined ? '' : name(value.relationships[i]))).join('')}>`;
  return name(value);
}

/** For DISTINCT, where 1 and 1.0 are the same. */
export function groupText(value: OValue): string {
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(groupText).join()}]`;
  return textOf(value, ({ kind, id }) => `${kind}${id}`);
}
