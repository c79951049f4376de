/** A small graph as data, and the same in a store. */
import type { GraphWriter } from '../../src/graph/view.ts';
import { NodeValue, PathValue, RelationshipValue, type Value } from '../../src/value/value.ts';

export interface SmallGraph {
  readonly nodes: readonly { readonly label: string; readonly v: number }[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly type: string; readonly w: number }[];
}

/** Gives how a value is told from others: nodes by their place in the data, relationships by theirs behind `edge`. */
export function storeGraph(view: GraphWriter, graph: SmallGraph, edge = ''): (value: Value) => string {
  const [v, w] = [view.keyId('v'), view.keyId('w')];
  const nodes = graph.nodes.map((node) => view.createNode([view.labelId(node.label)], [[v, node.v]]).id);
  const edges = graph.edges.map(({ type, from, to, w: value }) => view.createRelationship(view.typeId(type), nodes[from]!, nodes[to]!, [[w, value]]).id);
  return function show(value: Value): string {
    if (value instanceof NodeValue) return String(nodes.indexOf(value.id));
    if (value instanceof RelationshipValue) return `${edge}${edges.indexOf(value.id)}`;
    if (value instanceof PathValue) return `${value.nodes.map(show).join('-')} ${value.relationships.map(show).join('-')}`;
    return `[${(value as Value[]).map(show).join()}]`;
  };
}
