/**
 * Label tests for operators that look at many nodes: after enough of them the label's nodes are put into a bit set, and
 * a test is a bit instead of a look into the node.
 *
 * Only where the view cannot change while the statement runs, and only once the tests made so far would have paid for it.
 */
import type { GraphCatalog } from '../../graph/catalog.ts';
import { NodeValue } from '../../value/value.ts';
import type { Runtime } from './runtime.ts';
import { labelsTest } from './scan-operators.ts';

/** A label's nodes are enumerated this many times faster than they are tested one by one. */
const PAYS_AT = 24;
const NODES_MAX = 4_000_000;

export interface LabelsTest {
  has(node: NodeValue): boolean;
  /** Those of the ids in places `from` to `to` - 1 that have the labels; undefined: all of them. */
  kept(ids: ArrayLike<number>, from: number, to: number): number[] | undefined;
}

export function labelBits(labels: readonly string[], catalog: GraphCatalog): ((rt: Runtime) => LabelsTest) | undefined {
  const plain = labelsTest(labels, catalog);
  if (plain === undefined) return undefined;
  const ids = labels.map((label) => catalog.findLabel(label));
  return (rt) => {
    const test = (node: NodeValue): boolean => plain(node, rt);
    if (ids.length !== 1 || ids[0] === undefined || 'createNode' in rt.view) return new PlainTest(test);
    const labelId = ids[0];
    const count = rt.view.nodeCount(labelId);
    return count > NODES_MAX ? new PlainTest(test) : new BitsTest(rt, labelId, count, test);
  };
}

/** Those for which it holds, or undefined where it holds for all. */
function keptOf(ids: ArrayLike<number>, from: number, to: number, holds: (id: number) => boolean): number[] | undefined {
  let left: number[] | undefined;
  for (let i = from; i < to; i++) {
    if (holds(ids[i]!)) left?.push(ids[i]!);
    else left ??= Array.prototype.slice.call(ids, from, i) as number[];
  }
  return left;
}

class PlainTest implements LabelsTest {
  readonly has: (node: NodeValue) => boolean;

  constructor(has: (node: NodeValue) => boolean) {
    this.has = has;
  }
  kept(ids: ArrayLike<number>, from: number, to: number): number[] | undefined {
    return keptOf(ids, from, to, (id) => this.has(new NodeValue(id)));
  }
}

class BitsTest implements LabelsTest {
  readonly #rt: Runtime;
  readonly #labelId: number;
  readonly #count: number;
  readonly #plain: (node: NodeValue) => boolean;
  #tests = 0;
  #bits: Uint8Array | undefined;

  constructor(rt: Runtime, labelId: number, count: number, plain: (node: NodeValue) => boolean) {
    this.#rt = rt;
    this.#labelId = labelId;
    this.#count = count;
    this.#plain = plain;
    this.#bits = rt.labelSets.get(labelId);
  }

  /** The bits, once so many tests, and those before, would have paid for them. */
  #due(tests: number): Uint8Array | undefined {
    if (this.#bits !== undefined) return this.#bits;
    this.#tests += tests;
    if (this.#tests * PAYS_AT < this.#count) return undefined;
    this.#bits = this.#rt.labelSets.get(this.#labelId) ?? bitsOf(this.#rt, this.#labelId);
    this.#rt.labelSets.set(this.#labelId, this.#bits);
    return this.#bits;
  }

  has(node: NodeValue): boolean {
    const bits = node.record === undefined ? this.#due(1) : this.#bits;
    return bits === undefined ? this.#plain(node) : isIn(bits, node.id);
  }

  kept(ids: ArrayLike<number>, from: number, to: number): number[] | undefined {
    const bits = this.#due(to - from);
    if (bits === undefined) return keptOf(ids, from, to, (id) => this.#plain(new NodeValue(id)));
    for (let i = from; i < to; i++) if (!isIn(bits, ids[i]!)) return keptOf(ids, from, to, (id) => isIn(bits, id));
    return undefined;
  }
}

function isIn(bits: Uint8Array, id: number): boolean {
  // Shifts are of 32 bits; so many nodes have no bits.
  return id < bits.length * 8 && (bits[id >> 3]! & (1 << (id & 7))) !== 0;
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
