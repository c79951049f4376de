/**
 * What the planner knows about the data: exact counts per label and type, and from a small sample of each label's nodes, spread over all of
 * them, how many relationships of each type such a node has.
 */
import type { GraphCatalog, IndexDef } from '../../graph/catalog.ts';
import { propertyOf } from '../../graph/view.ts';
import type { GraphView } from '../../graph/view.ts';
import { orderCompare } from '../../value/compare.ts';
import { isNumber, NodeValue, type Value } from '../../value/value.ts';

const NODES_SAMPLED = 32;
const VALUES_SAMPLED = 8;
const RANGE_VALUES_SAMPLED = 128;
/** Assumed where the sample has no relationship of a type: it is small. */
const SELDOM = 0.3 / NODES_SAMPLED;

/** Mean number of relationships of each type at a label's nodes, and how many nodes and relationships there were when it was sampled. */
interface Degrees {
  readonly byType: ReadonlyMap<number, number>;
  readonly nodes: number;
  readonly relationships: number;
}

interface Sample {
  readonly values: readonly Value[];
  /** Nodes looked at, those without a value among them. */
  readonly sampled: number;
  readonly nodes: number;
}

/** A bound of a range whose value is known when the plan is made. */
export interface ValueBound {
  readonly value: Value;
  readonly inclusive: boolean;
}

export class Statistics {
  readonly view: GraphView;

  constructor(view: GraphView) {
    this.view = view;
  }

  get catalog(): GraphCatalog {
    return this.view.catalog;
  }

  nodes(label?: string): number {
    if (label === undefined) return this.view.nodeCount();
    const id = this.catalog.findLabel(label);
    return id === undefined ? 0 : this.view.nodeCount(id);
  }

  /** Of the types, or all for none. */
  relationships(types: readonly string[]): number {
    if (types.length === 0) return this.view.relationshipCount();
    let sum = 0;
    for (const type of types) {
      const id = this.catalog.findType(type);
      if (id !== undefined) sum += this.view.relationshipCount(id);
    }
    return sum;
  }

  /** Mean number of relationships at a node with (some of) these labels. */
  degree(labels: readonly string[], types: readonly string[], direction: 'out' | 'in' | 'both'): number {
    if (direction === 'both') return this.degree(labels, types, 'out') + this.degree(labels, types, 'in');
    let degree = 0;
    for (const type of types.length === 0 ? this.catalog.data.types : types) degree += this.#degreeOfType(labels, type, direction);
    return degree;
  }

  #degreeOfType(labels: readonly string[], type: string, direction: 'out' | 'in'): number {
    const typeId = this.catalog.findType(type);
    if (typeId === undefined) return 0;
    const count = this.view.relationshipCount(typeId);
    if (count === 0) return 0;
    if (labels.length === 0) {
      // Without a label, ask how a node that has such relationships at all looks: it is reached through them most of the time.
      let best = this.view.nodeCount();
      for (const label of this.catalog.data.labels) {
        const share = this.#share(label, typeId, direction);
        if (share > 0.5) best = Math.min(best, this.nodes(label) / share);
      }
      return count / Math.max(1, best);
    }
    return Math.min(...labels.map((label) => this.#labelDegree(label, typeId, direction)));
  }

  #labelDegree(label: string, typeId: number, direction: 'out' | 'in'): number {
    const id = this.catalog.findLabel(label);
    const nodes = id === undefined ? 0 : this.view.nodeCount(id);
    const mean = this.view.relationshipCount(typeId) / Math.max(1, nodes);
    if (id === undefined || nodes === 0) return mean;
    return Math.min(mean, this.#degrees(id, nodes, direction).byType.get(typeId) ?? SELDOM);
  }

  /** Share of a type's relationships that begin (out) or end (in) at a node with the label. */
  #share(label: string, typeId: number, direction: 'out' | 'in'): number {
    return Math.min(1, (this.#labelDegree(label, typeId, direction) * this.nodes(label)) / Math.max(1, this.view.relationshipCount(typeId)));
  }

  /** Share of the far ends of these relationships that have all the labels. */
  endSelectivity(labels: readonly string[], types: readonly string[], direction: 'out' | 'in' | 'both'): number {
    if (labels.length === 0) return 1;
    let selectivity = 1;
    for (const label of labels) {
      if (this.catalog.findLabel(label) === undefined) return 0;
      let share = 0;
      let weight = 0;
      for (const type of types.length === 0 ? this.catalog.data.types : types) {
        const typeId = this.catalog.findType(type);
        if (typeId === undefined) continue;
        const count = this.view.relationshipCount(typeId);
        const ends = direction === 'in' ? 0 : this.#share(label, typeId, 'in');
        const starts = direction === 'out' ? 0 : this.#share(label, typeId, 'out');
        share += count * (direction === 'both' ? (ends + starts) / 2 : ends + starts);
        weight += count;
      }
      selectivity *= weight === 0 ? 1 : share / weight;
    }
    return selectivity;
  }

  /** How many nodes with the label, or relationships of the type, the index may be of. */
  indexable({ kind }: IndexDef, label: string): number {
    if (kind === 'vertex') return this.nodes(label);
    const typeId = this.catalog.findType(label);
    return typeId === undefined ? 0 : this.view.relationshipCount(typeId);
  }

  /** Nodes, or relationships, that share one value of the index's columns, on average over a small sample. */
  rowsPerValue(index: IndexDef, label: string): number {
    const count = this.indexable(index, label);
    if (index.unique || count === 0) return Math.min(1, count);
    let known = SHARING.get(this.catalog);
    if (known === undefined) {
      known = new Map();
      SHARING.set(this.catalog, known);
    }
    const kept = known.get(index.id);
    if (kept !== undefined && count < kept.count * 4 + 100) return kept.rows;
    const rows = this.#sampleSharing(index, label);
    known.set(index.id, { rows, count });
    return rows;
  }

  #sampleSharing(index: IndexDef, label: string): number {
    let sampled = 0;
    let sum = 0;
    // Relationships of a type are found by no other way than the index: the sample is of its least values.
    const candidates = index.kind === 'edge' ? this.view.indexRange(index, {}) : this.view.scanNodes(this.catalog.findLabel(label));
    for (const ids of candidates) {
      const step = Math.max(1, Math.floor(ids.length / VALUES_SAMPLED));
      for (let i = 0; i < ids.length && sampled < VALUES_SAMPLED; i += step) {
        const values = index.keyIds.map((key) => propertyOf(this.view, index.kind, ids[i]!, key));
        if (values.includes(null)) continue;
        sampled++;
        sum += this.view.indexSeek(index, values).length;
      }
      break;
    }
    return sampled === 0 ? 1 : Math.max(1, sum / sampled);
  }

  /**
   * Share of the label's nodes whose indexed property (the index's first) lies between the bounds, from the values of a sample: an equi-depth
   * histogram with a value to each bucket. Values of other types than a bound's are outside it. Undefined: nothing to sample, as of relationships.
   */
  rangeShare(index: IndexDef, label: string, lower: ValueBound | undefined, upper: ValueBound | undefined, prefix: string | undefined): number | undefined {
    const labelId = index.kind === 'vertex' ? this.catalog.findLabel(label) : undefined;
    if (labelId === undefined) return undefined;
    const { values, sampled } = this.#sortedValues(index, labelId);
    if (sampled === 0) return undefined;
    let within = 0;
    for (const value of values) {
      if (lower !== undefined && !isWithin(value, lower, 1)) continue;
      if (upper !== undefined && !isWithin(value, upper, -1)) continue;
      if (prefix !== undefined && !(typeof value === 'string' && value.startsWith(prefix))) continue;
      within++;
    }
    // None in the sample: half a value, for it is small.
    return Math.max(within, 0.5) / sampled;
  }

  #sortedValues(index: IndexDef, labelId: number): Sample {
    let known = SAMPLES.get(this.catalog);
    if (known === undefined) {
      known = new Map();
      SAMPLES.set(this.catalog, known);
    }
    const nodes = this.view.nodeCount(labelId);
    const kept = known.get(index.id);
    if (kept !== undefined && isAlike(kept.nodes, nodes)) return kept;
    const values: Value[] = [];
    const ids = this.view.sampleNodes(labelId, RANGE_VALUES_SAMPLED);
    for (const id of ids) {
      const value = this.view.nodeProperty(new NodeValue(id), index.keyIds[0]!);
      if (value !== null) values.push(value);
    }
    const sample = { values, sampled: ids.length, nodes };
    known.set(index.id, sample);
    return sample;
  }

  #degrees(labelId: number, nodes: number, direction: 'out' | 'in'): Degrees {
    let known = DEGREES.get(this.catalog);
    if (known === undefined) {
      known = new Map();
      DEGREES.set(this.catalog, known);
    }
    const place = labelId * 2 + (direction === 'in' ? 1 : 0);
    const kept = known.get(place);
    const relationships = this.view.relationshipCount();
    if (kept !== undefined && isAlike(kept.nodes, nodes) && isAlike(kept.relationships, relationships)) return kept;
    const byType = new Map<number, number>();
    const sample = this.view.sampleNodes(labelId, NODES_SAMPLED);
    for (const id of sample) {
      for (const typeId of this.view.typesAt(id, direction)) byType.set(typeId, (byType.get(typeId) ?? 0) + this.view.degree(id, direction, [typeId]) / sample.length);
    }
    const degrees = { byType, nodes, relationships };
    known.set(place, degrees);
    return degrees;
  }
}

/** `side`: 1 for values above the bound, -1 for those below. */
function isWithin(value: Value, { value: bound, inclusive }: ValueBound, side: 1 | -1): boolean {
  const order = compares(value, bound);
  return order !== undefined && (order === 0 ? inclusive : order * side > 0);
}

function compares(a: Value, b: Value): number | undefined {
  const alike = typeof a === 'string' ? typeof b === 'string' : isNumber(a) && isNumber(b);
  return alike ? orderCompare(a, b) : undefined;
}

function isAlike(before: number, now: number): boolean {
  return now <= before * 1.5 + 20 && before <= now * 1.5 + 20;
}

const SAMPLES = new WeakMap<GraphCatalog, Map<number, Sample>>();
const SHARING = new WeakMap<GraphCatalog, Map<number, { readonly rows: number; readonly count: number }>>();
const DEGREES = new WeakMap<GraphCatalog, Map<number, Degrees>>();
