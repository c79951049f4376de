/**
 * A MATCH as a graph: nodes by name, relationships between them, and everything else as predicates.
 *
 * Unnamed elements get names that begin with a space, so that no user's name can be theirs. Property maps become equality
 * predicates, labels beyond a plain conjunction become label predicates.
 */
import type { Expression, LabelExpression, NodePattern, PatternPart, RelationshipPattern } from '../ast.ts';
import { conjuncts, mentionedVariables, plainLabels } from '../semantics/walk.ts';

export interface GraphNode {
  readonly name: string;
  readonly labels: Set<string>;
}

export interface GraphRelationship {
  readonly name: string;
  readonly named: boolean;
  readonly from: string;
  readonly to: string;
  readonly types: LabelExpression | undefined;
  readonly direction: 'out' | 'in' | 'both';
  readonly length: { readonly min: number; readonly max: number } | undefined;
  /** Of a variable-length relationship: tested on each. */
  readonly properties: readonly { readonly key: string; readonly value: Expression }[];
}

export interface GraphShortest {
  readonly path: string | undefined;
  readonly relationship: GraphRelationship;
  readonly all: boolean;
  readonly text: string;
}

export interface GraphPath {
  readonly name: string;
  readonly parts: readonly { readonly name: string; readonly list: boolean }[];
}

export interface Predicate {
  readonly expression: Expression;
  readonly mentions: ReadonlySet<string>;
}

export interface PatternGraph {
  readonly nodes: Map<string, GraphNode>;
  readonly relationships: GraphRelationship[];
  readonly shortest: GraphShortest[];
  readonly paths: GraphPath[];
  readonly predicates: Predicate[];
}

export interface NameSource {
  fresh(what: string): string;
}

export function buildPatternGraph(
  parts: readonly PatternPart[], where: Expression | undefined, names: NameSource, hopsMax: number,
): PatternGraph {
  const graph: PatternGraph = { nodes: new Map(), relationships: [], shortest: [], paths: [], predicates: [] };
  for (const part of parts) addPart(graph, part, names, hopsMax);
  for (const each of conjuncts(where)) addPredicate(graph, each);
  return graph;
}

export function addPredicate(graph: PatternGraph, expression: Expression): void {
  // a < b < c is a < b AND b < c, where b costs little to evaluate twice: then each may use an index.
  if (expression.kind === 'Chain' && expression.operands.slice(1, -1).every(isCheap)) {
    for (const [i, op] of expression.ops.entries()) {
      const left = expression.operands[i]!;
      const right = expression.operands[i + 1]!;
      addPredicate(graph, { kind: 'Binary', op, left, right, start: left.start, end: right.end });
    }
    return;
  }
  graph.predicates.push({ expression, mentions: mentionedVariables(expression) });
}

function isCheap(e: Expression): boolean {
  return e.kind === 'Literal' || e.kind === 'Parameter' || e.kind === 'Variable' || (e.kind === 'Property' && isCheap(e.target));
}

function addPart(graph: PatternGraph, part: PatternPart, names: NameSource, hopsMax: number): void {
  const elementNames: { name: string; list: boolean }[] = [];
  let previous: string | undefined;
  let pending: RelationshipPattern | undefined;
  for (const element of part.elements) {
    if (element.kind === 'Relationship') {
      pending = element;
      continue;
    }
    const name = addNode(graph, element, names);
    if (pending !== undefined && previous !== undefined) {
      const relationship = addRelationship(graph, pending, previous, name, names, part.shortest !== undefined, hopsMax);
      elementNames.push({ name: relationship.name, list: relationship.length !== undefined });
      if (part.shortest !== undefined) {
        graph.shortest.push({ path: part.variable, relationship, all: part.shortest === 'all', text: `${previous} to ${name}` });
      } else graph.relationships.push(relationship);
    }
    elementNames.push({ name, list: false });
    previous = name;
  }
  if (part.variable !== undefined && part.shortest === undefined) graph.paths.push({ name: part.variable, parts: elementNames });
}

function addNode(graph: PatternGraph, node: NodePattern, names: NameSource): string {
  const name = node.variable ?? names.fresh('node');
  let known = graph.nodes.get(name);
  if (known === undefined) {
    known = { name, labels: new Set() };
    graph.nodes.set(name, known);
  }
  const labels = plainLabels(node.labels);
  const self = variable(name, node.start);
  if (labels !== undefined) for (const label of labels) known.labels.add(label);
  else addPredicate(graph, { kind: 'HasLabels', operand: self, labels: node.labels!, start: node.start, end: node.end });
  addPropertyPredicates(graph, self, node);
  for (const each of conjuncts(node.where)) addPredicate(graph, each);
  return name;
}

function addRelationship(
  graph: PatternGraph, pattern: RelationshipPattern, from: string, to: string, names: NameSource, shortest: boolean, hopsMax: number,
): GraphRelationship {
  const name = pattern.variable ?? names.fresh('rel');
  const length = pattern.length ?? (shortest ? { min: 1, max: 1 } : undefined);
  const properties = pattern.properties?.kind === 'Map' ? pattern.properties.entries : [];
  if (length === undefined) addPropertyPredicates(graph, variable(name, pattern.start), pattern);
  for (const each of conjuncts(pattern.where)) addPredicate(graph, each);
  return {
    name, named: pattern.variable !== undefined, from, to, types: pattern.types, direction: pattern.direction,
    length: length === undefined ? undefined : { min: length.min ?? 1, max: length.max ?? hopsMax },
    properties: length === undefined ? [] : properties,
  };
}

function addPropertyPredicates(graph: PatternGraph, target: Expression, element: NodePattern | RelationshipPattern): void {
  if (element.properties?.kind !== 'Map') return;
  for (const { key, value } of element.properties.entries) {
    const left: Expression = { kind: 'Property', target, key, start: value.start, end: value.end };
    addPredicate(graph, { kind: 'Binary', op: '=', left, right: value, start: value.start, end: value.end });
  }
}

export function variable(name: string, at = 0): Expression {
  return { kind: 'Variable', name, start: at, end: at };
}
