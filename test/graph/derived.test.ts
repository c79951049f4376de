import { describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { VERTEX } from '../../src/graph/blocks.ts';
import { ReadAhead } from '../../src/graph/read-ahead.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import type { ReadPoint } from '../../src/graph/state-reader.ts';
import type { GraphView } from '../../src/graph/view.ts';
import { Float, NodeValue, RelationshipValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from './fixture.ts';

interface ModelNode {
  readonly labels: readonly string[];
  readonly n: Value;
  readonly mixed: Value;
  /** Most pages have it nowhere, at first all. */
  readonly rare: Value;
}
interface ModelEdge {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly w: Value;
}
interface Model {
  readonly nodes: Map<number, ModelNode>;
  readonly edges: Map<number, ModelEdge>;
}

const KEYS = ['n', 'mixed', 'rare'] as const;
/** The last one is rare: most pages have none of it. */
const TYPES = ['R', 'S', 'T'];

/** That the short cuts were taken at all. */
const seen = { narrowed: 0, exact: 0 };

const byEdge = ([a]: (string | number)[], [b]: (string | number)[]): number => (a as number) - (b as number);

/** Every read that may come from columns or adjacency pages, against the model of the view's version. */
function compare(view: GraphView, model: Model, ids: readonly number[]): void {
  const label = view.catalog.findLabel('A')!;
  const links = (direction: 'out' | 'in', type: string): Map<number, [number, number][]> => {
    const lists = new Map<number, [number, number][]>();
    for (const [edge, { type: own, start, end }] of model.edges) {
      if (own !== type) continue;
      const [at, other] = direction === 'out' ? [start, end] : [end, start];
      if (!lists.has(at)) lists.set(at, []);
      lists.get(at)!.push([edge, other]);
    }
    for (const list of lists.values()) list.sort((a, b) => a[0] - b[0]);
    return lists;
  };
  const expected = TYPES.flatMap((type) => (['out', 'in'] as const).map((direction) => ({ type, direction, lists: links(direction, type) })));
  const wrong: string[] = [];
  for (const id of ids) {
    const node = model.nodes.get(id);
    if (node === undefined) {
      expect(() => view.nodeProperty(new NodeValue(id), view.catalog.findKey('n')!), `node ${id} is gone`).toThrow();
      continue;
    }
    for (const key of KEYS) {
      const value = view.nodeProperty(new NodeValue(id), view.catalog.findKey(key)!);
      if (String(value) !== String(node[key]) || typeof value !== typeof node[key]) wrong.push(`node ${id} ${key}: ${String(value)}, not ${String(node[key])}`);
    }
    if (view.hasLabel(new NodeValue(id), label) !== node.labels.includes('A')) wrong.push(`node ${id}: label`);
    const labels = view.nodeLabels(new NodeValue(id)).map((each) => view.catalog.labelName(each)).sort();
    if (String(labels) !== String([...node.labels].sort())) wrong.push(`node ${id}: labels ${String(labels)}, not ${String(node.labels)}`);
    for (const { type, direction, lists } of expected) {
      const found = [...view.adjacency(id, direction, [view.catalog.findType(type)!])]
        .flatMap((s) => Array.from({ length: s.to - s.from }, (_, i) => [s.edges[s.from + i]!, s.neighbours[s.from + i]!]));
      if (String(found) !== String(lists.get(id) ?? [])) wrong.push(`node ${id} ${direction} ${type}: ${String(found)}, not ${String(lists.get(id) ?? [])}`);
      const degree = view.degree(id, direction, [view.catalog.findType(type)!]);
      if (degree !== (lists.get(id)?.length ?? 0)) wrong.push(`node ${id} ${direction} ${type}: ${degree} of them, not ${lists.get(id)?.length ?? 0}`);
    }
    for (const direction of ['out', 'in'] as const) {
      const found = [...view.adjacency(id, direction, undefined)].flatMap((s) => Array.from({ length: s.to - s.from }, (_, i) => [s.edges[s.from + i]!, s.neighbours[s.from + i]!, view.catalog.typeName(s.typeId)]));
      const right = expected.filter((each) => each.direction === direction).flatMap(({ type, lists }) => (lists.get(id) ?? []).map((each) => [...each, type]));
      if (String(found.sort(byEdge)) !== String(right.sort(byEdge))) wrong.push(`node ${id} ${direction}: ${String(found)}, not ${String(right)}`);
      if (view.degree(id, direction, undefined) !== right.length) wrong.push(`node ${id} ${direction}: degree ${view.degree(id, direction, undefined)}, not ${right.length}`);
    }
    const both = [...view.adjacency(id, 'out', TYPES.map((type) => view.catalog.findType(type)!))].reduce((sum, s) => sum + s.to - s.from, 0);
    const count = expected.filter(({ direction }) => direction === 'out').reduce((sum, { lists }) => sum + (lists.get(id)?.length ?? 0), 0);
    if (both !== count) wrong.push(`node ${id} out, both types: ${both}, not ${count}`);
  }
  const alive = [...model.nodes.keys()].sort((a, b) => a - b);
  const labelled = { ids: [...alive], count: 0, isExact: false };
  expect(view.keepLabelled(labelled.ids, 0, alive.length, label, labelled)).toBe(true);
  expect(labelled.ids.slice(0, labelled.count)).toEqual(alive.filter((id) => model.nodes.get(id)!.labels.includes('A')));
  const integers = new Float64Array(alive.length);
  for (const key of KEYS) {
    if (!view.integersOf(alive, 0, alive.length, view.catalog.findKey(key)!, integers)) continue;
    for (const [i, id] of alive.entries()) if (!Number.isNaN(integers[i]) && integers[i] !== model.nodes.get(id)![key]) wrong.push(`node ${id} ${key}: ${integers[i]!}, not ${String(model.nodes.get(id)![key])}`);
  }
  for (const { type, direction, lists } of expected) {
    const found: number[] = [];
    view.neighbours([-1, ...alive, -1], 1, alive.length + 1, direction, [view.catalog.findType(type)!], (neighbours, from, to) => {
      for (let i = from; i < to; i++) found.push(neighbours[i]!);
    });
    const right = alive.flatMap((id) => (lists.get(id) ?? []).map(([, other]) => other));
    if (String(found) !== String(right)) wrong.push(`neighbours ${direction} ${type}`);
  }
  for (const key of KEYS) {
    for (const [low, high] of [[0, 0], [0, 500_000_000], [-5, -1], [300_000_000, Number.POSITIVE_INFINITY], [1, 0]] as const) {
      for (const [isOutside, withAbsent] of [[false, false], [true, false], [false, true]] as const) {
        const range = { low, high, isOutside, withAbsent };
        const buffer = { ids: [-1, ...alive, -1], count: 0, isExact: false };
        const isKnown = view.narrowByInteger(buffer.ids, 1, alive.length + 1, view.catalog.findKey(key)!, range, buffer);
        const narrowed = { ids: buffer.ids.slice(0, buffer.count), isExact: buffer.isExact };
        if (!isKnown && view.narrowByInteger([...alive], 0, alive.length, view.catalog.findKey(key)!, range, buffer)) wrong.push(`${key}: known only now`);
        if (!isKnown) continue;
        seen.narrowed++;
        const right = alive.filter((id) => {
          const value = model.nodes.get(id)![key];
          return value === undefined || value === null ? withAbsent : typeof value === 'number' && (value >= low && value <= high) !== isOutside;
        });
        const left = new Set(narrowed.ids);
        if (right.some((id) => !left.has(id))) wrong.push(`${key} ${JSON.stringify(range)}: not all that are`);
        if (narrowed.isExact) seen.exact++;
        if (narrowed.isExact && String(narrowed.ids) !== String(right)) wrong.push(`${key} ${JSON.stringify(range)}: ${String(narrowed.ids)}, not ${String(right)}`);
      }
    }
  }
  for (const [id, { w, start, end, type }] of model.edges) {
    const value = view.relationshipProperty(new RelationshipValue(id, view.catalog.findType(type)!, start, end), view.catalog.findKey('w')!);
    if (value !== w) wrong.push(`edge ${id} w: ${String(value)}, not ${String(w)}`);
  }
  expect(wrong).toEqual([]);
}

/** A few reads, so few that what is outdated is not yet looked through as a whole. */
function peek(view: GraphView, model: Model, id: number): void {
  const node = model.nodes.get(id);
  if (node === undefined) return;
  for (const key of KEYS) expect(String(view.nodeProperty(new NodeValue(id), view.catalog.findKey(key)!)), `node ${id} ${key} at ${view.version}`).toBe(String(node[key]));
  expect(view.hasLabel(new NodeValue(id), view.catalog.findLabel('A')!), `node ${id} label at ${view.version}`).toBe(node.labels.includes('A'));
  const type = view.catalog.findType('R')!;
  const edges = [...view.adjacency(id, 'out', [type])].flatMap((segment) => Array.from({ length: segment.to - segment.from }, (_, i) => segment.edges[segment.from + i]!));
  const right = [...model.edges].filter(([, edge]) => edge.type === 'R' && edge.start === id);
  expect(edges.sort((a, b) => a - b), `node ${id} out at ${view.version}`).toEqual(right.map(([edge]) => edge).sort((a, b) => a - b));
  for (const [edge, { start, end, w }] of right) {
    expect(view.relationshipProperty(new RelationshipValue(edge, type, start, end), view.catalog.findKey('w')!), `edge ${edge} w at ${view.version}`).toBe(w);
  }
}

/** Nodes that are not the same in both. */
function changedBetween(one: Model, other: Model): number[] {
  return [...one.nodes.keys()].filter((id) => one.nodes.get(id) !== other.nodes.get(id));
}

describe('what is derived from blocks', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('gives every view what its version holds, while versions come, old ones are held, and another thread adopts what was warmed up (seed %i)', async (seed) => {
    const generator = seededRandom(seed);
    const random = () => generator.next();
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const values: readonly (() => Value)[] = [() => null, () => Math.floor(random() * 1e6), () => `text ${random()}`, () => new Float(Math.floor(random() * 9)), () => -0, () => 0];
    const store = await LocalStore.withGraph('default', undefined, seed % 4 === 0 ? 200_000 : undefined);
    const other = new StateReader(store.engine, store.clocks, new BlockCache(store.reader.cache.budgetBytes));
    const ahead = new ReadAhead(store.reader, store.clocks);
    let adopted = 0;
    let adoptedOfEdges = 0;
    store.reader.cache.onMade = (pages) => {
      adopted += (pages.adjacency?.length ?? 0) + (pages.vertexColumns?.length ?? 0);
      adoptedOfEdges += pages.edgeColumns?.length ?? 0;
      other.cache.adopt(structuredClone(pages), store.clocks);
    };
    let model: Model = { nodes: new Map(), edges: new Map() };
    const all: number[] = [];
    const change = async (count: number) => {
      model = { nodes: new Map(model.nodes), edges: new Map(model.edges) };
      const { nodes, edges } = model;
      await store.write((tx) => {
        const graph = tx.graph('default');
        const put = (id: number, key: (typeof KEYS)[number], value: Value): void => {
          graph.setNodeProperty(new NodeValue(id), graph.keyId(key), value);
          nodes.set(id, { ...nodes.get(id)!, [key]: value });
        };
        for (const type of TYPES) graph.typeId(type);
        for (const key of ['w', 'rare']) graph.keyId(key);
        for (let i = 0; i < count; i++) {
          const ids = [...nodes.keys()];
          const what = random();
          if (ids.length < 600 || what < 0.05) {
            const labels = random() < 0.5 ? ['A'] : ['B'];
            const id = graph.createNode(labels.map((l) => graph.labelId(l)), []).id;
            nodes.set(id, { labels, n: null, mixed: null, rare: null });
            all.push(id);
            put(id, 'n', Math.floor(random() * 1e9));
            if (random() < 0.5) put(id, 'mixed', pick(values)());
          } else if (what < 0.4) put(pick(ids), 'n', random() < 0.1 ? null : Math.floor(random() * 1e9));
          else if (what < 0.5) put(pick(ids), 'mixed', pick(values)());
          else if (what < 0.502) put(pick(ids), 'rare', pick(values)());
          else if (what < 0.55) {
            const id = pick(ids);
            const { labels } = nodes.get(id)!;
            const has = labels.includes('A');
            if (has) graph.removeLabel(new NodeValue(id), graph.labelId('A'));
            else graph.addLabel(new NodeValue(id), graph.labelId('A'));
            nodes.set(id, { ...nodes.get(id)!, labels: has ? labels.filter((l) => l !== 'A') : [...labels, 'A'] });
          } else if (what < 0.9) {
            const [start, end, type, w] = [random() < 0.2 ? ids[3]! : pick(ids), pick(ids), random() < 0.003 ? 'T' : pick(['R', 'S']), Math.floor(random() * 100)];
            const edge = graph.createRelationship(graph.typeId(type), start, end, [[graph.keyId('w'), w]]);
            edges.set(edge.id, { type, start, end, w });
          } else if (what < 0.97 && edges.size > 0) {
            const id = pick([...edges.keys()]);
            graph.deleteRelationship(graph.findRelationship(id)!);
            edges.delete(id);
          } else {
            const id = pick(ids);
            graph.deleteNode(new NodeValue(id), true);
            nodes.delete(id);
            for (const [edge, { start, end }] of edges) if (start === id || end === id) edges.delete(edge);
          }
        }
      });
    };
    await change(1500);
    const held: { point: ReadPoint; there: ReadPoint; model: Model }[] = [];
    for (let round = 0; round < 40; round++) {
      await change(pick([1, 1, 5, 60]));
      held.push({ point: store.reader.acquire(), there: other.acquire(), model });
      if (held.length > 4) {
        const [old] = held.splice(Math.floor(random() * 4), 1);
        store.reader.release(old!.point);
        other.release(old!.there);
      }
      // From seed 5 on: also of an old version, while newer ones are there.
      if (seed > 4 && random() < 0.3) pick(held).point.view('default').warmUp(() => undefined);
      if (seed > 6 && random() < 0.3) for (const _ of ahead.pass());
      // Statements of several versions take turns at the same nodes.
      for (let i = 0; i < 30; i++) {
        const [a, b] = [pick(held), pick(held)];
        const changed = changedBetween(a.model, b.model);
        const id = changed.length > 0 && i % 3 < 2 ? pick(changed) : pick([...a.model.edges.values()]).start;
        for (const { point, model: own } of [a, b, a]) peek(point.view('default'), own, id);
      }
      const one = pick(held);
      if (seed > 4) compare(one.there.view('default'), one.model, all.filter((id) => one.model.nodes.has(id) || random() < 0.02));
      for (let again = pick([1, 2, 4]); again > 0; again--) compare(one.point.view('default'), one.model, all.filter((id) => one.model.nodes.has(id) || random() < 0.02));
    }
    for (const { point, there, model: own } of held) {
      compare(point.view('default'), own, all);
      compare(there.view('default'), own, all);
    }
    expect(adopted > 0).toBe(seed > 4);
    expect(adoptedOfEdges > 0).toBe(seed > 4);
    expect(seen.exact > 0 && seen.narrowed > seen.exact).toBe(true);
  }, 60_000);

  it.each([false, true])('says of many vertices that they lack a property, and what their labels are, without their blocks (no room for more: %s)', async (isFull) => {
    const store = await LocalStore.withGraph();
    // Values take room, what is not there takes next to none.
    if (isFull) vi.spyOn(store.reader.cache, 'countDerived').mockImplementation(() => undefined);
    const ids: number[] = [];
    await store.write((tx) => {
      const graph = tx.graph('default');
      const [a, b, rare, n] = [graph.labelId('A'), graph.labelId('B'), graph.keyId('rare'), graph.keyId('n')];
      for (let i = 0; i < 3000; i++) ids.push(graph.createNode(i % 3 === 0 ? [a] : i % 3 === 1 ? [a, b] : [b], [[n, i], ...(i === 2500 ? [[rare, 'x'] as [number, Value]] : [])]).id);
    });
    const view = store.reader.acquire().view('default');
    const rare = view.catalog.findKey('rare')!;
    if (isFull) (view as unknown as { source: { vertexColumns: { pages: { isFull: boolean } } } }).source.vertexColumns.pages.isFull = true;
    const read = (): Value[] => ids.map((id) => view.nodeProperty(new NodeValue(id), rare)).filter((value) => value !== null);
    for (let again = 0; again < 3; again++) expect(read()).toEqual(['x']);
    const blocks = vi.spyOn((view as unknown as { source: { get(kind: { tag: number }): unknown } }).source, 'get');
    const vertices = (): number => blocks.mock.calls.filter(([kind]) => kind === VERTEX).length;
    expect(read()).toEqual(['x']);
    // The first page, whose count of reads went on while others were made, has all; a place here and there may be left to its block.
    expect(vertices()).toBeLessThan(200);
    blocks.mockClear();
    expect(ids.map((id) => view.nodeLabels(new NodeValue(id)).map((label) => view.catalog.labelName(label)).join('')).slice(0, 6)).toEqual(['A', 'AB', 'B', 'A', 'AB', 'B']);
    expect(vertices()).toBe(0);
    // Numbers beside those that lack it: what was known of the page stays known.
    await store.write((tx) => {
      const graph = tx.graph('default');
      graph.setNodeProperty(new NodeValue(ids[5]!), rare, 7);
      graph.setNodeProperty(new NodeValue(ids[2500]!), rare, null);
    });
    const later = store.reader.acquire().view('default');
    const after = vi.spyOn((later as unknown as { source: { get(kind: { tag: number }): unknown } }).source, 'get');
    for (let again = 0; again < 3; again++) expect(ids.map((id) => later.nodeProperty(new NodeValue(id), rare)).filter((value) => value !== null)).toEqual([7]);
    expect(after.mock.calls.filter(([kind]) => kind === VERTEX).length).toBeLessThan(300);
    expect(read()).toEqual(['x']);
  });

  it('has values of pages that are asked for often enough, though others have to go for them', async () => {
    const store = await LocalStore.withGraph();
    const ids: number[] = [];
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let i = 0; i < 1024; i++) ids.push(graph.createNode([], [[graph.keyId('n'), i], [graph.keyId('half'), i < 512 ? null : `text ${i}`]]).id);
    });
    vi.spyOn(store.reader.cache, 'countDerived').mockImplementation(() => undefined);
    const view = store.reader.acquire().view('default');
    const { source } = view as unknown as { source: { vertexColumns: { pages: { isFull: boolean } }; get(kind: { tag: number }): unknown } };
    source.vertexColumns.pages.isFull = true;
    const blocks = vi.spyOn(source, 'get');
    const readings = (key: string): number[] => Array.from({ length: 12 }, () => {
      blocks.mockClear();
      for (const id of ids) view.nodeProperty(new NodeValue(id), view.catalog.findKey(key)!);
      return blocks.mock.calls.filter(([kind]) => kind === VERTEX).length;
    });
    // From four times as many reads as a page has places on.
    expect(readings('n')).toEqual([1024, 1024, 1024, 1024, 1023, 0, 0, 0, 0, 0, 0, 0]);
    // What is absent is known at once; values count from then on.
    const half = readings('half');
    expect(half[0]).toBe(1024);
    expect(half[1]).toBeLessThan(600);
    expect(half.at(-1)).toBe(0);
  });
});
