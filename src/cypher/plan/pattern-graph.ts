/**
 * A MATCH as a graph: nodes by name, relationships between them, and everything else as predicates.
 *
 * Unnamed elements get names that begin with a space, so that no user's name can be theirs. Property maps become equality
 * predicates, labels beyond a plain conjunction become label predicates.
 */
import type { Expression, LabelExpression, NodePattern, PatternPart, RelationshipPattern, RepeatedPattern } from '../ast.ts';
import { allElements, conjuncts, forEachDynamic, mentionedVariables, plainLabels, plainTypes } from '../semantics/walk.ts';
import { joinAlternatives } from './disjunctions.ts';
import { selectedPaths, type SelectedPaths } from './selected-paths.ts';

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
  /** A quantified path pattern: `length` counts its repetitions, `types` are those of all its relationships. */
  readonly repeated: GraphRepeat | undefined;
}

export interface GraphRepeat {
  /** Names of the nodes, in order; those of one name are one node in each repetition. */
  readonly nodes: readonly string[];
  readonly steps: readonly { readonly name: string; readonly types: LabelExpression | undefined; readonly direction: 'out' | 'in' | 'both' }[];
  readonly predicates: readonly Predicate[];
  /** Variables the user wrote: outside they are lists. */
  readonly variables: readonly { readonly name: string; readonly kind: 'node' | 'relationship'; readonly place: number }[];
  /** Where it stands in the text. */
  readonly start: number;
  readonly end: number;
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
  readonly selected: SelectedPaths[];
  readonly paths: GraphPath[];
  readonly predicates: Predicate[];
  /** Names that the pattern gives. */
  readonly own: Set<string>;
  /** One relationship may stand for several of the pattern. */
  readonly isRepeatable?: boolean;
}

export const emptyGraph = (): PatternGraph => ({ nodes: new Map(), relationships: [], shortest: [], selected: [], paths: [], predicates: [], own: new Set() });

export interface NameSource {
  fresh(what: string): string;
}

export function buildPatternGraph(
  parts: readonly PatternPart[], where: Expression | undefined, names: NameSource, hopsMax: number,
): PatternGraph {
  const graph = emptyGraph();
  for (const part of parts) addOwnNames(graph, part);
  for (const part of parts) addPart(graph, part, names, hopsMax);
  for (const each of conjuncts(where)) addPredicate(graph, each);
  return graph;
}

export function addOwnNames({ own }: PatternGraph, part: PatternPart): void {
  for (const { variable: name } of [part, ...allElements(part.elements)]) if (name !== undefined) own.add(name);
}

/**
 * Types are a filter of what is followed. Where they depend on other elements of the pattern, which may be found later, they are a predicate
 * on the relationship, or on each of a list.
 */
export function followedTypes(graph: PatternGraph, pattern: RelationshipPattern, name: string, list: boolean, own: ReadonlySet<string>): LabelExpression | undefined {
  const { types, start, end } = pattern;
  let isWaiting = false;
  forEachDynamic(types, (e) => {
    isWaiting ||= [...mentionedVariables(e)].some((each) => own.has(each));
  });
  if (types === undefined || !isWaiting) return types;
  const test = (of: string): Expression => ({ kind: 'HasLabels', operand: variable(of, start), labels: types, start, end });
  addPredicate(graph, list ? { kind: 'Quantifier', type: 'all', variable: ' each', list: variable(name, start), where: test(' each'), start, end } : test(name));
  return undefined;
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
  const joined = joinAlternatives(expression);
  // Of a node of the pattern, a label said here is said as well as one inside its parentheses.
  if (joined.kind === 'HasLabels' && joined.operand.kind === 'Variable') {
    const [node, labels] = [graph.nodes.get(joined.operand.name), plainLabels(joined.labels)];
    if (node !== undefined && labels !== undefined) {
      for (const label of labels) node.labels.add(label);
      return;
    }
  }
  graph.predicates.push({ expression: joined, mentions: mentionedVariables(joined) });
}

function isCheap(e: Expression): boolean {
  return e.kind === 'Literal' || e.kind === 'Parameter' || e.kind === 'Variable' || (e.kind === 'Property' && isCheap(e.target));
}

function addPart(graph: PatternGraph, part: PatternPart, names: NameSource, hopsMax: number): void {
  if (part.selector !== undefined) {
    graph.selected.push(selectedPaths(part, part.selector, addNode(graph, part.elements[0] as NodePattern, names), addNode(graph, part.elements.at(-1) as NodePattern, names), names));
    return;
  }
  for (const each of conjuncts(part.where)) addPredicate(graph, each);
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
  const self = variable(name, node.start);
  for (const item of node.labels?.kind === 'And' ? node.labels.items : [node.labels]) {
    const plain = plainLabels(item);
    if (plain !== undefined) for (const label of plain) known.labels.add(label);
    else addPredicate(graph, { kind: 'HasLabels', operand: self, labels: item!, start: node.start, end: node.end });
  }
  addPropertyPredicates(graph, self, node);
  for (const each of conjuncts(node.where)) addPredicate(graph, each);
  return name;
}

function addRelationship(
  graph: PatternGraph, pattern: RelationshipPattern, from: string, to: string, names: NameSource, shortest: boolean, hopsMax: number,
): GraphRelationship {
  const name = pattern.variable ?? names.fresh('rel');
  if (pattern.repeated !== undefined) {
    const repeated = repeatOf(pattern, pattern.repeated, names);
    const [step] = repeated.steps;
    const common = { name, named: false, from, to, length: { min: pattern.length?.min ?? 0, max: pattern.length?.max ?? hopsMax }, properties: [] };
    // Nothing is asked of a repetition but a relationship: (()-[:T]->()){1,3} is -[:T*1..3]->, for which there are shortcuts.
    const isPlain = repeated.steps.length === 1 && repeated.predicates.length === 0 && repeated.variables.length === 0;
    if (isPlain) return { ...common, types: step!.types, direction: step!.direction, repeated: undefined };
    return { ...common, types: typesOfAll(repeated.steps.map(({ types }) => types)), direction: 'both', repeated };
  }
  const length = pattern.length ?? (shortest ? { min: 1, max: 1 } : undefined);
  const properties = pattern.properties?.kind === 'Map' ? pattern.properties.entries : [];
  if (length === undefined) addPropertyPredicates(graph, variable(name, pattern.start), pattern);
  for (const each of conjuncts(pattern.where)) addPredicate(graph, each);
  return {
    name, named: pattern.variable !== undefined, from, to, types: followedTypes(graph, pattern, name, length !== undefined, graph.own), direction: pattern.direction,
    length: length === undefined ? undefined : { min: length.min ?? 1, max: length.max ?? hopsMax },
    properties: length === undefined ? [] : properties, repeated: undefined,
  };
}

export function repeatOf(pattern: RelationshipPattern, { elements, where }: RepeatedPattern, names: NameSource): GraphRepeat {
  // Predicates are collected as those of a pattern of its own.
  const inner = emptyGraph();
  const nodes: string[] = [];
  const steps: { name: string; types: LabelExpression | undefined; direction: 'out' | 'in' | 'both' }[] = [];
  const variables: { name: string; kind: 'node' | 'relationship'; place: number }[] = [];
  const own = new Set(elements.flatMap((element) => element.variable ?? []));
  for (const element of elements) {
    const { variable: written, start, end } = element;
    const name = written ?? names.fresh('inner');
    const isNode = element.kind === 'Node';
    if (written !== undefined && !nodes.includes(written)) variables.push({ name, kind: isNode ? 'node' : 'relationship', place: isNode ? nodes.length : steps.length });
    const self = variable(name, start);
    if (isNode) {
      nodes.push(name);
      if (element.labels !== undefined) addPredicate(inner, { kind: 'HasLabels', operand: self, labels: element.labels, start, end });
    } else steps.push({ name, types: followedTypes(inner, element, name, false, own), direction: element.direction });
    addPropertyPredicates(inner, self, element);
    for (const each of conjuncts(element.where)) addPredicate(inner, each);
  }
  for (const each of conjuncts(where)) addPredicate(inner, each);
  return { nodes, steps, variables, predicates: inner.predicates, start: pattern.start, end: pattern.end };
}

/** Any type where one of them is not a plain choice. */
function typesOfAll(all: readonly (LabelExpression | undefined)[]): LabelExpression | undefined {
  const items: LabelExpression[] = [];
  for (const types of all) {
    const plain = plainTypes(types);
    if (plain === undefined || plain.length === 0) return undefined;
    for (const name of plain) items.push({ kind: 'Label', name, start: 0 });
  }
  return items.length === 1 ? items[0] : { kind: 'Or', items };
}

export function addPropertyPredicates(graph: PatternGraph, target: Expression, element: NodePattern | RelationshipPattern): void {
  if (element.properties?.kind !== 'Map') return;
  for (const { key, value } of element.properties.entries) {
    const left: Expression = { kind: 'Property', target, key, start: value.start, end: value.end };
    addPredicate(graph, { kind: 'Binary', op: '=', left, right: value, start: value.start, end: value.end });
  }
}

export function variable(name: string, at = 0): Expression {
  return { kind: 'Variable', name, start: at, end: at };
}
