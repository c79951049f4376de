/** Ways through a pattern, as they are weighed against each other. */
import type { Access, Seek } from './access.ts';
import type { GraphNode, GraphRelationship } from './pattern-graph.ts';

/** One step of a route. */
export type Step =
  | { readonly kind: 'start'; readonly node: GraphNode; readonly access: Access }
  | { readonly kind: 'seek'; readonly relationship: GraphRelationship; readonly access: Seek }
  | { readonly kind: 'follow'; readonly relationship: GraphRelationship; readonly reversed: boolean };

export type Start = Step & { readonly kind: 'start' | 'seek' };

export interface Route {
  readonly steps: readonly Step[];
  readonly cost: number;
  readonly rows: number;
}

/** A connected part that is still to be found. */
export interface Component {
  readonly nodes: GraphNode[];
  readonly relationships: GraphRelationship[];
}

export const OPPOSITE = { out: 'in', in: 'out', both: 'both' } as const;
