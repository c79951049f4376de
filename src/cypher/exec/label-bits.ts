/**
 * Label tests for operators that look at many nodes: after enough of them the label's nodes are put into a bit set, and
 * a test is a bit instead of a look into the node.
 *
 * Only where the view cannot change while the statement runs, and only once the tests made so far would have paid for it.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { NodeValue } from '../../value/value.ts';
import type { Runtime } from './runtime.ts';
import { labelsTest } from './scan-operators.ts';

/** A label's nodes are enumerated this many times faster than they are tested one by one. */
const PAYS_AT = 24;
const NODES_MAX = 4_000_000;

export type LabelsTest = (node: NodeValue) => boolean;

export function labelBits(labels: readonly string[], catalog: GraphCatalog): ((rt: Runtime) => LabelsTest) | undefined {
  const plain = labelsTest(labels, catalog);
  if (plain === undefined) return undefined;
  const ids = labels.map((label) => catalog.findLabel(label));
  return (rt) => {
    if (ids.length !== 1 || ids[0] === undefined || 'createNode' in rt.view) return (node) => plain(node, rt);
    const labelId = ids[0];
    const count = rt.view.nodeCount(labelId);
    if (count > NODES_MAX) return (node) => plain(node, rt);
    let tests = 0;
    let bits = rt.labelSets.get(labelId);
    return (node) => {
      if (bits === undefined) {
        if (++tests * PAYS_AT < count || node.record !== undefined) return plain(node, rt);
        bits = rt.labelSets.get(labelId) ?? bitsOf(rt, labelId);
        rt.labelSets.set(labelId, bits);
      }
      const { id } = node;
      return (id >> 3) < bits.length && (bits[id >> 3]! & (1 << (id & 7))) !== 0;
    };
  };
}

function bitsOf(rt: Runtime, labelId: number): Uint8Array {
  let bits = new Uint8Array(1 << 12);
  for (const ids of rt.view.scanNodes(labelId)) {
    const last = ids[ids.length - 1]! >> 3;
    if (last >= bits.length) {
      const larger = new Uint8Array(Math.max(bits.length * 2, last + 1));
      larger.set(bits);
      bits = larger;
    }
    for (let i = 0; i < ids.length; i++) bits[ids[i]! >> 3]! |= 1 << (ids[i]! & 7);
  }
  return bits;
}
