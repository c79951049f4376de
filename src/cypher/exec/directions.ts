import type { Direction } from '../../graph/view.ts';

/** What is looked at to follow relationships in a direction of a pattern, in this order. */
export const DIRECTIONS: Readonly<Record<'out' | 'in' | 'both', readonly Direction[]>> = {
  out: ['out'], in: ['in'], both: ['out', 'in'],
};
export const OPPOSITE = { out: 'in', in: 'out', both: 'both' } as const;
