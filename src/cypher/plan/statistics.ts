/**
 * What the planner knows about the data: exact counts per label and type, and from a small sample of each type's relationships
 * which labels stand at its ends.
 */
import type { GraphCatalog, IndexDef } from '../../graph/catalog.ts';
import type { GraphView } from '../../graph/view.ts';
import { NodeValue } from '../../value/value.ts';

const SAMPLE = 48;
const STEPS_MAX = 64;
const VALUES_SAMPLED = 8;

interface TypeProfile {
  /** Label id → share of the sampled starts (ends) that have it. */
  readonly starts: ReadonlyMap<number, number>;
  readonly ends: ReadonlyMap<number, number>;
  /** How many relationships there were. */
  readonly count: number;
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
    const profile = this.#profile(typeId);
    const shares = direction === 'out' ? profile?.starts : profile?.ends;
    if (labels.length === 0) {
      // Without a label, ask how a node that has such relationships at all looks: it is reached through them most of the time.
      let best = this.view.nodeCount();
      if (shares !== undefined) for (const [label, share] of shares) if (share > 0.5) best = Math.min(best, this.view.nodeCount(label) / share);
      return count / Math.max(1, best);
    }
    let degree = Infinity;
    for (const label of labels) {
      const id = this.catalog.findLabel(label);
      const nodes = id === undefined ? 0 : this.view.nodeCount(id);
      const share = id === undefined || shares === undefined ? 1 : shares.get(id) ?? 0.01;
      degree = Math.min(degree, (count * share) / Math.max(1, nodes));
    }
    return degree;
  }

  /** Share of the far ends of these relationships that have all the labels. */
  endSelectivity(labels: readonly string[], types: readonly string[], direction: 'out' | 'in' | 'both'): number {
    if (labels.length === 0) return 1;
    let selectivity = 1;
    for (const label of labels) {
      const id = this.catalog.findLabel(label);
      if (id === undefined) return 0;
      let share = 0;
      let weight = 0;
      for (const type of types.length === 0 ? this.catalog.data.types : types) {
        const typeId = this.catalog.findType(type);
        const profile = typeId === undefined ? undefined : this.#profile(typeId);
        if (typeId === undefined || profile === undefined) continue;
        const count = this.view.relationshipCount(typeId);
        const of = (shares: ReadonlyMap<number, number>): number => shares.get(id) ?? 0.01;
        share += count * (direction === 'out' ? of(profile.ends) : direction === 'in' ? of(profile.starts) : (of(profile.ends) + of(profile.starts)) / 2);
        weight += count;
      }
      selectivity *= weight === 0 ? 1 : share / weight;
    }
    return selectivity;
  }

  /** Nodes that share one value of the index's columns, on average over a small sample of the label's nodes. */
  rowsPerValue(index: IndexDef, label: string): number {
    const labelId = this.catalog.findLabel(label);
    const count = labelId === undefined ? 0 : this.view.nodeCount(labelId);
    if (index.unique || labelId === undefined || count === 0) return Math.min(1, count);
    let known = SHARING.get(this.catalog);
    if (known === undefined) {
      known = new Map();
      SHARING.set(this.catalog, known);
    }
    const kept = known.get(index.id);
    if (kept !== undefined && count < kept.count * 4 + 100) return kept.rows;
    const rows = this.#sampleSharing(index, labelId);
    known.set(index.id, { rows, count });
    return rows;
  }

  #sampleSharing(index: IndexDef, labelId: number): number {
    let sampled = 0;
    let sum = 0;
    for (const ids of this.view.scanNodes(labelId)) {
      const step = Math.max(1, Math.floor(ids.length / VALUES_SAMPLED));
      for (let i = 0; i < ids.length && sampled < VALUES_SAMPLED; i += step) {
        const node = new NodeValue(ids[i]!);
        const values = index.keyIds.map((key) => this.view.nodeProperty(node, key));
        if (values.includes(null)) continue;
        sampled++;
        sum += this.view.indexSeek(index, values).length;
      }
      break;
    }
    return sampled === 0 ? 1 : Math.max(1, sum / sampled);
  }

  #profile(typeId: number): TypeProfile | undefined {
    let profiles = PROFILES.get(this.catalog);
    if (profiles === undefined) {
      profiles = new Map();
      PROFILES.set(this.catalog, profiles);
    }
    const count = this.view.relationshipCount(typeId);
    const known = profiles.get(typeId);
    // Labels at the ends hardly change once there is a fair number of relationships.
    if (known !== undefined && (known.count >= SAMPLE || known.count === count)) return known;
    const profile = this.#sample(typeId, count);
    if (profile !== undefined) profiles.set(typeId, profile);
    return profile;
  }

  #sample(typeId: number, count: number): TypeProfile | undefined {
    const starts = new Map<number, number>();
    const ends = new Map<number, number>();
    let sampled = 0;
    let steps = 0;
    for (const ids of this.view.scanRelationships(typeId)) {
      // A few of each part: parts are often the relationships of one node.
      for (let i = 0; i < Math.min(ids.length, 4); i++) {
        const relationship = this.view.findRelationship(ids[i]!);
        if (relationship === undefined) continue;
        sampled++;
        for (const [id, shares] of [[relationship.start, starts], [relationship.end, ends]] as const) {
          for (const label of this.view.nodeLabels(new NodeValue(id))) shares.set(label, (shares.get(label) ?? 0) + 1);
        }
      }
      if (sampled >= SAMPLE || ++steps >= STEPS_MAX) break;
    }
    if (sampled === 0) return undefined;
    for (const shares of [starts, ends]) for (const [label, found] of shares) shares.set(label, found / sampled);
    return { starts, ends, count };
  }
}

const SHARING = new WeakMap<GraphCatalog, Map<number, { readonly rows: number; readonly count: number }>>();
const PROFILES = new WeakMap<GraphCatalog, Map<number, TypeProfile>>();
