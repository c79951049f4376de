/**
 * A path pattern with a selector (`SHORTEST 2 (a)-->+(b)--(c)`) as segments between its ends: each a relationship, or what is repeated.
 *
 * The ends are nodes of the MATCH like any other; what is between them is known only to the search.
 */
import type { Expression, LabelExpression, NodePattern, PathSelector, PatternPart, RelationshipPattern } from '../ast.ts';
import { conjuncts } from '../semantics/walk.ts';
import { addOwnNames, addPredicate, addPropertyPredicates, emptyGraph, followedTypes, repeatOf, variable, type GraphRepeat, type NameSource, type PatternGraph, type Predicate } from './pattern-graph.ts';

export interface PathSegment extends Pick<GraphRepeat, 'nodes' | 'steps' | 'predicates'> {
  /** A single relationship between the nodes before and after it, whose names are its `nodes`. */
  readonly plain: boolean;
  readonly min: number;
  /** Undefined: without end. */
  readonly max: number | undefined;
}

/** A variable the user wrote: the single or the list of what is in that place of the segment. */
export interface PathVariable {
  readonly name: string;
  readonly kind: 'node' | 'relationship';
  readonly list: boolean;
  readonly segment: number;
  readonly place: number;
}

export interface SelectedPaths {
  readonly path: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly selector: PathSelector;
  readonly segments: readonly PathSegment[];
  /** The nodes between segments, both ends included. */
  readonly joints: readonly string[];
  /** About what is between the ends, or the path as a whole. */
  readonly predicates: readonly Predicate[];
  readonly variables: readonly PathVariable[];
  readonly start: number;
  readonly end: number;
}

export function selectedPaths(part: PatternPart, selector: PathSelector, from: string, to: string, names: NameSource): SelectedPaths {
  const inner = emptyGraph();
  addOwnNames(inner, part);
  const joints = [from];
  const segments: PathSegment[] = [];
  const variables: PathVariable[] = [];
  const taken = new Set([from, to]);
  for (const [i, element] of part.elements.entries()) {
    const segment = segments.length;
    if (element.kind === 'Relationship') {
      const made = segmentOf(element, names, inner);
      segments.push(made);
      for (const { name, kind, place } of made.variables) variables.push({ name, kind, list: !made.plain, segment, place });
    } else if (i === part.elements.length - 1) joints.push(to);
    else if (i > 0) {
      joints.push(joint(element, taken, names, inner));
      if (element.variable === joints.at(-1)) variables.push({ name: element.variable!, kind: 'node', list: false, segment, place: 0 });
    }
  }
  for (const [i, segment] of segments.entries()) if (segment.plain) segments[i] = { ...segment, nodes: [joints[i]!, joints[i + 1]!] };
  for (const each of conjuncts(part.where)) addPredicate(inner, each);
  return { path: part.variable, from, to, selector, segments, joints, predicates: inner.predicates, variables, start: part.start, end: part.end };
}

/** A node between segments. The second of a name has another one, and must be equal to the first. */
function joint(node: NodePattern, taken: Set<string>, names: NameSource, inner: PatternGraph): string {
  const written = node.variable;
  const name = written === undefined || taken.has(written) ? names.fresh('joint') : written;
  taken.add(name);
  const self = variable(name, node.start);
  if (written !== undefined && written !== name) addPredicate(inner, same(self, written));
  if (node.labels !== undefined) addPredicate(inner, { kind: 'HasLabels', operand: self, labels: node.labels, start: node.start, end: node.end });
  addPropertyPredicates(inner, self, node);
  for (const each of conjuncts(node.where)) addPredicate(inner, each);
  return name;
}

export function same(left: Expression, name: string): Expression {
  return { kind: 'Binary', op: '=', left, right: variable(name, left.start), start: left.start, end: left.start };
}

function segmentOf(pattern: RelationshipPattern, names: NameSource, inner: PatternGraph): PathSegment & Pick<GraphRepeat, 'variables'> {
  const { length, repeated, start } = pattern;
  if (repeated !== undefined) {
    const made = repeatOf(pattern, repeated, names);
    return { ...distinctNodes(made, names), plain: false, min: length?.min ?? 1, max: length?.max };
  }
  const name = pattern.variable ?? names.fresh('step');
  const variables = pattern.variable === undefined ? [] : [{ name, kind: 'relationship' as const, place: 0 }];
  const own = length === undefined ? inner : emptyGraph();
  const step: { name: string; types: LabelExpression | undefined; direction: 'out' | 'in' | 'both' } = { name, types: followedTypes(own, pattern, name, false, inner.own), direction: pattern.direction };
  addPropertyPredicates(own, variable(name, start), pattern);
  // What a quantifier's WHERE asks of all relationships (see the parser) is asked of each as it is followed.
  const { where } = pattern;
  if (where?.kind === 'Quantifier' && where.variable === name) for (const each of conjuncts(where.where)) addPredicate(own, each);
  else for (const each of conjuncts(where)) addPredicate(inner, each);
  const common = { steps: [step], variables };
  if (length === undefined) return { ...common, nodes: [], predicates: [], plain: true, min: 1, max: 1 };
  return { ...common, nodes: [names.fresh('inner'), names.fresh('inner')], predicates: own.predicates, plain: false, min: length.min ?? 1, max: length.max };
}

/** Each place has a name of its own; one node in two places is a predicate. */
function distinctNodes(repeat: GraphRepeat, names: NameSource): Pick<GraphRepeat, 'nodes' | 'steps' | 'predicates' | 'variables'> {
  const seen = new Set<string>();
  const predicates = [...repeat.predicates];
  const nodes = repeat.nodes.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    const other = names.fresh('inner');
    predicates.push({ expression: same(variable(other, repeat.start), name), mentions: new Set([other, name]) });
    return other;
  });
  return { nodes, steps: repeat.steps, predicates, variables: repeat.variables };
}
