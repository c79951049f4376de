/** What is asked of data that is there before an index or a constraint on it is made. */
import { unpacked } from '../value/packed-floats.ts';
import type { Properties } from './blocks.ts';
import type { ConstraintDef } from './catalog.ts';
import { mustExist } from './required-properties.ts';
import { typeRule, wrongType } from './type-rules.ts';
import type { GraphView } from './view.ts';

/** Throws at the first element that breaks it. Not of what must be there once: that an index knows. */
export function checkData(view: GraphView, constraint: Omit<ConstraintDef, 'id'>, read: (id: number) => Properties | undefined): void {
  const { catalog } = view;
  const rule = constraint.type === 'type' ? typeRule(constraint) : undefined;
  const keys = constraint.fields.map((field) => catalog.findKey(field)!);
  for (const id of elementsOf(view, constraint.kind, (constraint.kind === 'vertex' ? catalog.findLabel(constraint.label) : catalog.findType(constraint.label))!)) {
    const block = read(id);
    if (block === undefined) continue;
    for (const key of keys) {
      const at = block.keys.indexOf(key);
      if (rule !== undefined) {
        if (at >= 0 && !rule.test(unpacked(block.values[at]!))) throw wrongType(rule, unpacked(block.values[at]!));
      } else if (at < 0) throw mustExist(constraint, catalog.keyName(key));
    }
  }
}

/** Ids of all with a label or of a type; edges by the vertices where they begin. */
export function* elementsOf(view: GraphView, kind: 'vertex' | 'edge', labelId: number): Generator<number> {
  for (const ids of kind === 'vertex' ? view.scanNodes(labelId) : view.scanRelationships(labelId)) for (let i = 0; i < ids.length; i++) yield ids[i]!;
}

/** How many have one of the labels, or are of one of the types; those with several labels count for each. */
export function countOf(view: GraphView, kind: 'vertex' | 'edge', labels: readonly string[]): number {
  let count = 0;
  for (const label of labels) {
    const id = kind === 'vertex' ? view.catalog.findLabel(label) : view.catalog.findType(label);
    if (id !== undefined) count += kind === 'vertex' ? view.nodeCount(id) : view.relationshipCount(id);
  }
  return count;
}
