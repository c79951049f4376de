/** Indexes of every kind that are built part by part while others write: at any time they hold what is placed below, and in the end what an index made then would. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { EDGE, COUNTERS, VERTEX } from '../../src/graph/blocks.ts';
import { INDEX, leaves } from '../../src/graph/btree.ts';
import type { IndexPage } from '../../src/graph/btree.ts';
import type { BuiltIndex, IndexDef, TextIndexDef } from '../../src/graph/catalog.ts';
import { unfinishedIndexes } from '../../src/graph/index-builds.ts';
import { indexKey } from '../../src/graph/mutator.ts';
import { eachPosting } from '../../src/graph/text/postings.ts';
import type { GraphTransaction } from '../../src/graph/transaction.ts';
import { VERSION_KEY } from '../../src/graph/version-record.ts';
import { NodeValue } from '../../src/value/value.ts';
import type { RelationshipValue, Value } from '../../src/value/value.ts';
import { LocalStore } from './fixture.ts';

const random = seededRandom(77);
const WORDS = ['graph', 'raft', 'leader', 'Log', 'entry', 'vote', 'term', 'snapshot', 'peer', 'quorum'];
const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
const anyText = (): Value => (random.next() < 0.2 ? null : Array.from({ length: 1 + Math.floor(random.next() * 6) }, () => pick(WORDS)).join(' '));
const anyNumber = (): Value => (random.next() < 0.2 ? null : Math.floor(random.next() * 300));

const RANGES = [
  { kind: 'vertex', label: 'A', fields: ['v'], unique: false, name: 'single' },
  { kind: 'vertex', label: 'B', fields: ['v', 'w'], unique: false, name: 'both' },
  { kind: 'edge', label: 'R', fields: ['v'], unique: false, name: 'edges' },
  { kind: 'edge', label: 'R', fields: ['w', 'v'], unique: false, name: 'edges of two' },
  { kind: 'vertex', label: 'A', fields: ['u'], unique: true, name: 'unique' },
  { kind: 'edge', label: 'R', fields: ['u'], unique: false, pairUnique: true, name: 'pairs' },
] as const;
const TEXTS = [
  { kind: 'vertex', name: 'words', labels: ['A', 'B'], fields: ['t', 'w'], analyzer: 'standard' },
  { kind: 'edge', name: 'said', labels: ['R', 'S'], fields: ['t'], analyzer: 'english' },
] as const;

/** So many random changes; `nodes` and `edges`: what is there. */
class Changer {
  readonly nodes: number[] = [];
  readonly edges: RelationshipValue[] = [];
  #unique = 0;

  run(graph: GraphTransaction, count: number, grows: number): void {
    const [a, b] = [graph.labelId('A'), graph.labelId('B')];
    const types = [graph.typeId('R'), graph.typeId('S')];
    const [v, w, u, t] = ['v', 'w', 'u', 't'].map((name) => graph.keyId(name)) as [number, number, number, number];
    const some = (): [number, Value][] => ([[v, anyNumber()], [w, anyText()], [u, random.next() < 0.5 ? this.#unique++ : null], [t, anyText()]] as [number, Value][]).filter(([, value]) => value !== null);
    for (let i = 0; i < count; i++) {
      const dice = random.next();
      const at = Math.floor(random.next() * this.nodes.length);
      const node = new NodeValue(this.nodes[at] ?? -1);
      const edgeAt = Math.floor(random.next() * this.edges.length);
      const edge = this.edges[edgeAt];
      if (this.nodes.length < 10 || dice < grows) this.nodes.push(graph.createNode(random.next() < 0.3 ? [a, b] : [pick([a, b])], some()).id);
      else if (dice < 0.65) for (const [key, value] of some().slice(0, 2)) graph.setNodeProperty(node, key, random.next() < 0.2 ? null : value);
      else if (dice < 0.7) graph.addLabel(node, pick([a, b]));
      else if (dice < 0.75) graph.removeLabel(node, pick([a, b]));
      else if (dice < 0.88) this.edges.push(graph.createRelationship(pick(types), node.id, pick(this.nodes.slice(0, 20).concat(this.nodes)), some()));
      else if (dice < 0.93 && edge !== undefined) for (const [key, value] of some().slice(0, 2)) graph.setRelationshipProperty(edge, key, random.next() < 0.2 ? null : value);
      else if (dice < 0.96 && edge !== undefined) {
        graph.deleteRelationship(edge);
        this.edges.splice(edgeAt, 1);
      } else {
        graph.deleteNode(node, true);
        this.nodes.splice(at, 1);
        for (let n = this.edges.length - 1; n >= 0; n--) if (!graph.relationshipExists(this.edges[n]!.id)) this.edges.splice(n, 1);
      }
    }
  }
}

function graphOf(store: LocalStore): GraphTransaction {
  return store.begin().graph('default');
}

function entriesOf(store: LocalStore, root: number): string[] {
  const source = store.writer.head(graphOf(store).graphId);
  return [...leaves({ page: (number) => source.get(INDEX, number) as IndexPage | undefined }, root, undefined, undefined, false)].flatMap(({ keys, ids }) => keys.map((key, i) => JSON.stringify([key, ids[i]])));
}

/** What an index has to hold: all that belongs into it, or what is placed before where its build is. */
function expectedOf(store: LocalStore, index: IndexDef | TextIndexDef): { entries: string[]; sums: number[] } {
  const graph = graphOf(store);
  const source = store.writer.head(graph.graphId);
  const built = index.isUnfinished === true ? source.get(COUNTERS, 0)!.built.get(index.id)! : Infinity;
  const labels = 'labelIds' in index ? index.labelIds : [index.labelId];
  const ids = new Set(labels.flatMap((label) => [...index.kind === 'vertex' ? graph.scanNodes(label) : graph.scanRelationships(label)].flatMap((list) => Array.from(list))));
  const entries: string[] = [];
  const sums = index.keyIds.flatMap(() => [0, 0]);
  for (const id of ids) {
    const block = index.kind === 'vertex' ? source.get(VERTEX, id)! : source.get(EDGE, id)!;
    if (('start' in block ? block.start : id) >= built) continue;
    if ('analyzer' in index) eachPosting(index, id, block, sums, (key, posting) => entries.push(JSON.stringify([key, posting])));
    else if (indexKey(index, block) !== undefined) entries.push(JSON.stringify([indexKey(index, block), id]));
  }
  return { entries: entries.sort(), sums };
}

const indexesOf = (store: LocalStore): (IndexDef | TextIndexDef)[] => [...graphOf(store).catalog.data.indexes, ...graphOf(store).catalog.texts];
const unfinished = (store: LocalStore): readonly BuiltIndex[] => unfinishedIndexes(graphOf(store).catalog.data);

async function expectRight(store: LocalStore): Promise<void> {
  const graph = graphOf(store);
  for (const index of indexesOf(store)) {
    const { entries, sums } = expectedOf(store, index);
    expect(entriesOf(store, index.root).sort()).toEqual(entries);
    if ('analyzer' in index) expect(graph.textSums(index).flatMap(({ texts, tokens }) => [texts, tokens])).toEqual(sums);
  }
  expect(await (await store.replica()).dump()).toEqual(await store.dump());
}

async function begun(changer: Changer): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  store.indexedAtOnceMax = 100;
  await store.write((tx) => changer.run(tx.graph('default'), 3000, 0.5));
  for (const index of RANGES) {
    await store.write((tx) => {
      tx.awaitsBuilds = true;
      tx.graph('default').createIndex(index);
    });
  }
  await store.write((tx) => TEXTS.forEach((text) => tx.graph('default').createText({ ...text, labels: [...text.labels], fields: [...text.fields] })));
  return store;
}

describe('an index that is built in parts', () => {
  it('holds what is placed below, equally on replicas, and in the end what one does that is made then', async () => {
    const changer = new Changer();
    const store = await begun(changer);
    expect(unfinished(store).length).toBe(RANGES.length + TEXTS.length);
    let parts = 0;
    for (let next = unfinished(store); next.length > 0; next = unfinished(store)) {
      await store.write((tx) => expect(tx.graph('default').buildOn(next[parts % next.length]!)).toBeUndefined());
      await store.write((tx) => changer.run(tx.graph('default'), 20, 0.2));
      if (parts++ % 4 === 0) await expectRight(store);
    }
    expect(parts).toBeGreaterThan(20);
    expect(store.writer.head(1).get(COUNTERS, 0)!.built.size).toBe(0);
    await store.write((tx) => changer.run(tx.graph('default'), 200, 0.4));
    await expectRight(store);
    const before = indexesOf(store).map((index) => entriesOf(store, index.root));
    expect(before.every((entries) => entries.length > 30)).toBe(true);
    // The same made at once.
    store.indexedAtOnceMax = undefined;
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (const { kind, label, fields } of RANGES) graph.deleteIndex({ kind, label, fields });
      for (const { name } of TEXTS) graph.deleteText(name);
      for (const index of RANGES) graph.createIndex(index);
      for (const text of TEXTS) graph.createText({ ...text, labels: [...text.labels], fields: [...text.fields] });
    });
    expect(indexesOf(store).map((index) => entriesOf(store, index.root))).toEqual(before);
  });

  it('is found by nothing before it is whole, and nothing else can have its name or place', async () => {
    const changer = new Changer();
    const store = await begun(changer);
    const { catalog } = graphOf(store);
    const [a, b, r] = [catalog.findLabel('A')!, catalog.findLabel('B')!, catalog.findType('R')!];
    expect([...catalog.labelIndexes(a), ...catalog.labelIndexes(b), ...catalog.typeIndexes(r)]).toEqual([]);
    expect(catalog.indexesKept('vertex', a).map(({ name }) => name)).toEqual(['single', 'unique']);
    await expect(store.write((tx) => tx.graph('default').createIndex({ ...RANGES[0], name: 'other' }))).rejects.toMatchObject({ code: 'IndexExists' });
    await expect(store.write((tx) => tx.graph('default').createIndex({ ...RANGES[0], fields: ['w'] }))).rejects.toMatchObject({ code: 'IndexExists' });
    await expect(store.write((tx) => tx.graph('default').createText({ ...TEXTS[0], labels: ['A'], fields: ['t'] }))).rejects.toMatchObject({ code: 'IndexExists' });
  });

  it('goes in the middle of being built, with all its pages and how far it was: dropped, and with its label', async () => {
    const changer = new Changer();
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 100;
    await store.write((tx) => {
      const graph = tx.graph('default');
      graph.createLabel({ kind: 'vertex', name: 'D', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }, { name: 't', type: 'STRING', optional: true }] });
      for (let i = 0; i < 2000; i++) graph.createNode([graph.labelId('D')], [[graph.keyId('id'), i], [graph.keyId('t'), anyText()]]);
      changer.run(graph, 1000, 0.5);
    });
    const before = (await store.dump()).length;
    const make = async () => {
      await store.write((tx) => {
        const graph = tx.graph('default');
        graph.createIndex({ kind: 'vertex', label: 'D', fields: ['t'], unique: false, name: 'gone' });
        graph.createText({ kind: 'vertex', name: 'gone, too', labels: ['D'], fields: ['t'], analyzer: 'standard' });
      });
      for (const index of unfinished(store)) for (let i = 0; i < 2; i++) await store.write((tx) => tx.graph('default').buildOn(index));
      expect(unfinished(store).length).toBe(2);
      await expectRight(store);
    };
    await make();
    await store.write((tx) => {
      tx.graph('default').deleteIndex({ kind: 'vertex', label: 'D', fields: ['t'] });
      tx.graph('default').deleteText('gone, too');
    });
    expect(unfinished(store)).toEqual([]);
    expect(store.writer.head(1).get(COUNTERS, 0)!.built.size).toBe(0);
    expect((await store.dump()).length).toBe(before);
    await make();
    await store.write((tx) => tx.graph('default').deleteLabel('vertex', 'D'));
    expect(unfinished(store)).toEqual([]);
    expect(store.writer.head(1).get(COUNTERS, 0)!.built.size).toBe(0);
    expect(await (await store.replica()).dump()).toEqual(await store.dump());
  });

  it('begins again where a full-text index is to be made anew', async () => {
    const store = await begun(new Changer());
    const text = () => graphOf(store).catalog.findText('words')!;
    for (let i = 0; i < 3; i++) await store.write((tx) => tx.graph('default').buildOn(text()));
    expect(entriesOf(store, text().root).length).toBeGreaterThan(0);
    await store.write((tx) => tx.graph('default').rebuildText('words'));
    expect(entriesOf(store, text().root)).toEqual([]);
    for (let next = unfinished(store); next.length > 0; next = unfinished(store)) await store.write((tx) => tx.graph('default').buildOn(next[0]!));
    await expectRight(store);
  });

  it('says by the formats of record and store that other releases cannot build it', async () => {
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 1;
    const formats = () => [store.records.at(-1)![0], store.engine.getSync(VERSION_KEY)![0]];
    await store.write((tx) => new Changer().run(tx.graph('default'), 100, 0.9));
    expect(formats()).toEqual([1, 1]);
    await store.write((tx) => tx.graph('default').createIndex({ kind: 'vertex', label: 'C', fields: ['x'], unique: false }));
    expect(formats()).toEqual([1, 1]);
    await store.write((tx) => tx.graph('default').createIndex(RANGES[0]));
    expect(formats()).toEqual([6, 6]);
    for (let next = unfinished(store); next.length > 0; next = unfinished(store)) await store.write((tx) => tx.graph('default').buildOn(next[0]!));
    expect(formats()).toEqual([5, 6]);
    await store.write((tx) => tx.graph('default').createText({ ...TEXTS[0], labels: ['A'], fields: ['t'] }));
    expect(formats()).toEqual([6, 6]);
  });
});

describe('a unique index that is built in parts', () => {
  const RULE = { type: 'unique', kind: 'vertex', label: 'A', fields: ['u'], name: 'once' } as const;

  async function filled(twice?: number): Promise<LocalStore> {
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 100;
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let i = 0; i < 2000; i++) graph.createNode([graph.labelId('A')], [[graph.keyId('u'), i === twice ? 5 : i]]);
    });
    return store;
  }
  const constrain = (store: LocalStore, more?: (graph: GraphTransaction) => void) => store.write((tx) => {
    tx.awaitsBuilds = true;
    tx.graph('default').createConstraint(RULE);
    more?.(tx.graph('default'));
  });
  const buildOn = (store: LocalStore) => store.write((tx) => tx.graph('default').buildOn(unfinished(store)[0]!));

  it('refuses what it holds already, wherever that is written, and takes what is exchanged within a statement', async () => {
    const store = await filled();
    await constrain(store);
    await buildOn(store);
    const set = (...values: [number, number][]) => store.write((tx) => {
      const graph = tx.graph('default');
      for (const [id, value] of values) graph.setNodeProperty(new NodeValue(id), graph.keyId('u'), value);
    });
    await expect(set([1900, 5])).rejects.toMatchObject({ code: 'ConstraintValidation', message: expect.stringContaining('[u:5]') });
    await expect(set([6, 5])).rejects.toMatchObject({ code: 'ConstraintValidation' });
    await expect(store.write((tx) => void tx.graph('default').createNode([0], [[0, 5]]))).rejects.toMatchObject({ code: 'ConstraintValidation' });
    await set([5, 6], [6, 5]);
    await set([5, 1999], [1999, 6]);
    while (unfinished(store).length > 0) await buildOn(store);
    await expectRight(store);
    expect(graphOf(store).catalog.labelIndexes(0)).toMatchObject([{ name: 'once', unique: true }]);
  });

  it.each([['was before', 1900], ['is written meanwhile', undefined]])('goes with its constraint where a value is there twice, which %s', async (_what, twice) => {
    const store = await filled(twice);
    const before = (await store.dump()).length;
    await constrain(store);
    expect(graphOf(store).catalog.data.constraints.length).toBe(1);
    await buildOn(store);
    if (twice === undefined) await store.write((tx) => tx.graph('default').setNodeProperty(new NodeValue(5), 0, 1900));
    let failure: Error | undefined;
    while (unfinished(store).length > 0) failure = await buildOn(store);
    expect(failure).toMatchObject({ code: 'ConstraintValidation', message: `Failed to index vertex [1900] with field value [u:${twice === undefined ? 1900 : 5}]: index value already exists.` });
    expect(graphOf(store).catalog.data).toMatchObject({ indexes: [], constraints: [] });
    expect(store.writer.head(1).get(COUNTERS, 0)!.built.size).toBe(0);
    expect((await store.dump()).length).toBe(before);
    expect(await (await store.replica()).dump()).toEqual(await store.dump());
  });

  it('is built by its own transaction where that does more, or nobody waits for it', async () => {
    for (const more of [(graph: GraphTransaction) => void graph.createNode([0], []), (graph: GraphTransaction) => graph.createIndex({ kind: 'vertex', label: 'A', fields: ['x'], unique: false }), (graph: GraphTransaction) => graph.createIndex({ kind: 'vertex', label: 'A', fields: ['x'], unique: true })]) {
      const store = await filled();
      await constrain(store, more);
      expect(unfinished(store).filter((index) => 'unique' in index && index.unique)).toEqual([]);
      expect(entriesOf(store, graphOf(store).catalog.data.indexes[0]!.root).length).toBe(2000);
      const wrong = await filled(1900);
      await expect(constrain(wrong, more)).rejects.toMatchObject({ code: 'ConstraintValidation' });
      expect(graphOf(wrong).catalog.data.indexes).toEqual([]);
    }
    const store = await filled();
    await store.write((tx) => tx.graph('default').createConstraint(RULE));
    expect(unfinished(store)).toEqual([]);
  });

  it('over pairs of vertices takes a value of many edges once for each pair, however many there are', async () => {
    const store = await LocalStore.withGraph();
    store.indexedAtOnceMax = 100;
    const make = (pairs: readonly (readonly [number, number])[]) => store.write((tx) => {
      const graph = tx.graph('default');
      for (const [start, end] of pairs) graph.createRelationship(graph.typeId('R'), start, end, [[graph.keyId('k'), 7]]);
    });
    await store.write((tx) => {
      for (let i = 0; i < 300; i++) tx.graph('default').createNode([], []);
    });
    await make(Array.from({ length: 20_000 }, (_, i) => [i % 50, Math.floor(i / 50) % 300] as const).filter(([a, b], i) => i < 15_000 && a !== b));
    const index = { kind: 'edge', label: 'R', fields: ['k'], unique: false, pairUnique: true } as const;
    const begin = () => store.write((tx) => {
      tx.awaitsBuilds = true;
      tx.graph('default').createIndex(index);
    });
    await begin();
    while (unfinished(store).length > 0) expect(await buildOn(store)).toBeUndefined();
    await expectRight(store);
    await expect(make([[3, 4]])).rejects.toMatchObject({ code: 'ConstraintValidation' });
    await store.write((tx) => tx.graph('default').deleteIndex(index));
    await make([[40, 4]]);
    await begin();
    let failure: Error | undefined;
    while (unfinished(store).length > 0) failure = await buildOn(store);
    expect(failure).toMatchObject({ code: 'ConstraintValidation', message: expect.stringContaining('[k:7]') });
    expect(graphOf(store).catalog.data.indexes).toEqual([]);
  });
});
