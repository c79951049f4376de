/** Full-text indexes kept up to date by random changes, on the leader and on replicas. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { validateStore } from '../../../src/data/validate.ts';
import type { Problem } from '../../../src/data/validate.ts';
import { findAnalyzer } from '../../../src/graph/text/analyzer.ts';
import { documentOf, textsOf } from '../../../src/graph/text/postings.ts';
import type { GraphTransaction } from '../../../src/graph/transaction.ts';
import { VERSION_KEY } from '../../../src/graph/version-record.ts';
import type { GraphView } from '../../../src/graph/view.ts';
import { NodeValue } from '../../../src/value/value.ts';
import type { Value } from '../../../src/value/value.ts';
import { MemoryEngine } from '../../../src/storage/memory-engine.ts';
import { LocalStore } from '../fixture.ts';

const WORDS = ['red', 'green', 'blue', 'deep', 'sea', 'sky', 'Größe', '北京大学', '中国', 'x1', 'the'];
type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const randomText = (random: Random): Value => {
  const words = () => Array.from({ length: Math.floor(random() * 8) }, () => pick(random, WORDS)).join(' ');
  const kind = random();
  return kind < 0.1 ? null : kind < 0.15 ? 7 : kind < 0.25 ? [words(), words()] : words();
};

/** Tokens of a document by field and token, from its properties alone. */
function expected(view: GraphView, name: string): Map<string, number[]> {
  const index = view.catalog.findText(name)!;
  const found = new Map<string, number[]>();
  const ids = new Set<number>();
  for (const label of index.labelIds) {
    for (const part of index.kind === 'vertex' ? view.scanNodes(label) : view.scanRelationships(label)) for (const id of Array.from(part)) ids.add(id);
  }
  for (const id of [...ids].sort((a, b) => a - b)) {
    for (const [field, key] of index.keyIds.entries()) {
      const value = index.kind === 'vertex' ? view.nodeProperty(new NodeValue(id), key) : view.relationshipProperty(view.findRelationship(id)!, key);
      const tokens = new Set(textsOf(value).flatMap((text) => findAnalyzer(index.analyzer).tokens(text)));
      for (const token of tokens) found.set(`${'AB'[field]}${token}`, [...(found.get(`${'AB'[field]}${token}`) ?? []), id]);
    }
  }
  return found;
}

function held(view: GraphView, name: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { page, start } of view.textEntries(view.catalog.findText(name)!, '')) {
    for (let i = start; i < page.keys.length; i++) found.set(page.keys[i] as string, [...(found.get(page.keys[i] as string) ?? []), documentOf(page.ids[i]!)]);
  }
  return found;
}

function change(graph: GraphTransaction, random: Random): void {
  const nodes = [...graph.scanNodes()].flatMap((ids) => Array.from(ids));
  const edges = [...graph.scanRelationships()].flatMap((ids) => Array.from(ids));
  const labels = ['A', 'B', 'C'];
  const kind = random();
  const node = () => new NodeValue(pick(random, nodes));
  if (kind < 0.3 || nodes.length < 4) {
    graph.createNode(labels.filter(() => random() < 0.5).map((label) => graph.labelId(label)), [[graph.keyId('title'), randomText(random)], [graph.keyId('body'), randomText(random)]]);
  } else if (kind < 0.55) graph.setNodeProperty(node(), graph.keyId(pick(random, ['title', 'body', 'other'])), randomText(random));
  else if (kind < 0.65) graph.addLabel(node(), graph.labelId(pick(random, labels)));
  else if (kind < 0.75) graph.removeLabel(node(), graph.labelId(pick(random, labels)));
  else if (kind < 0.85) graph.createRelationship(graph.typeId(pick(random, ['R', 'S'])), node().id, node().id, [[graph.keyId('title'), randomText(random)]]);
  else if (kind < 0.9 && edges.length > 0) graph.setRelationshipProperty(graph.findRelationship(pick(random, edges))!, graph.keyId('title'), randomText(random));
  else if (kind < 0.95 && edges.length > 0) graph.deleteRelationship(graph.findRelationship(pick(random, edges))!);
  else graph.deleteNode(node(), true);
}

async function problemsOf(store: LocalStore): Promise<Problem[]> {
  const problems: Problem[] = [];
  const point = store.reader.acquire();
  await validateStore(store.engine, point, { onProblem: (problem) => problems.push(problem), onProgress: () => undefined });
  store.reader.release(point);
  return problems;
}

const NODES = { kind: 'vertex', name: 'nodes', labels: ['A', 'B'], fields: ['title', 'body'], analyzer: 'standard' } as const;
const EDGES = { kind: 'edge', name: 'edges', labels: ['R', 'S'], fields: ['title'], analyzer: 'english' } as const;

describe('full-text indexes', () => {
  it.each([1, 2, 3])('hold what the texts hold, through random changes, on leader and replica (seed %i)', async (seed) => {
    const generator = seededRandom(seed);
    const random = () => generator.next();
    const store = await LocalStore.withGraph();
    for (let round = 0; round < 60; round++) {
      await store.write((tx) => {
        const graph = tx.graph('default');
        if (round === 0) graph.createText(EDGES);
        if (round === 15) graph.createText(NODES);
        if (round === 40) graph.rebuildText('nodes');
        for (let n = 0; n < 8; n++) change(graph, random);
        // What the transaction itself sees.
        if (round % 10 === 9) expect(held(graph, 'edges')).toEqual(sorted(expected(graph, 'edges')));
      });
      // One that is rolled back leaves nothing.
      const lost = store.begin();
      for (let n = 0; n < 3; n++) change(lost.graph('default'), random);
    }
    const point = store.reader.acquire();
    for (const name of ['nodes', 'edges']) expect(held(point.view('default'), name)).toEqual(sorted(expected(point.view('default'), name)));
    store.reader.release(point);
    expect(await problemsOf(store)).toEqual([]);
    const replica = await store.replica(1 + seed);
    expect(replica.writer.checksumAt(replica.writer.version)).toBe(store.writer.checksumAt(store.writer.version));
    expect(await replica.dump()).toEqual(await store.dump());
    // After a restart.
    const again = new LocalStore(store.engine);
    const now = again.reader.acquire();
    expect(held(now.view('default'), 'nodes')).toEqual(sorted(expected(now.view('default'), 'nodes')));
    again.reader.release(now);
  });

  it('are the same pages whether they grew or were built, but for where they are split', async () => {
    const generator = seededRandom(4);
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      tx.graph('default').createText(NODES);
      for (let n = 0; n < 600; n++) tx.graph('default').createNode([tx.graph('default').labelId('A')], [[tx.graph('default').keyId('title'), `${n} ${n % 7} ${randomText(() => generator.next())}`]]);
    });
    const before = await store.write((tx) => held(tx.graph('default'), 'nodes'));
    await store.write((tx) => tx.graph('default').rebuildText('nodes'));
    const point = store.reader.acquire();
    expect(held(point.view('default'), 'nodes')).toEqual(before);
    store.reader.release(point);
    expect(await problemsOf(store)).toEqual([]);
  });

  it('leave no page behind when they go', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (let n = 0; n < 500; n++) graph.createNode([graph.labelId('A')], [[graph.keyId('title'), `word${n}`]]);
    });
    await store.write((tx) => tx.graph('default').createText(NODES));
    const pages = async () => (await store.dump()).filter((line) => line.startsWith('67') && line.slice(10, 12) === '08').length;
    expect(await pages()).toBeGreaterThan(4);
    await store.write((tx) => tx.graph('default').deleteText('nodes'));
    expect(await pages()).toBe(0);
    expect(await problemsOf(store)).toEqual([]);
  });

  it('lose a label with its declaration, and go with the last one', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      const graph = tx.graph('default');
      for (const name of ['P', 'Q']) {
        graph.createLabel({ kind: 'vertex', name, primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }, { name: 't', type: 'STRING', optional: true }] });
        graph.createNode([graph.labelId(name)], [[graph.keyId('id'), 1], [graph.keyId('t'), `about ${name}`]]);
      }
      graph.createText({ kind: 'vertex', name: 'both', labels: ['P', 'Q'], fields: ['t'], analyzer: 'standard' });
    });
    const left = await store.write((tx) => {
      tx.graph('default').deleteLabel('vertex', 'P');
      return held(tx.graph('default'), 'both');
    });
    expect([...left]).toEqual([['Aabout', [1]], ['Aq', [1]]]);
    expect(await problemsOf(store)).toEqual([]);
    await store.write((tx) => tx.graph('default').deleteLabel('vertex', 'Q'));
    expect(await store.write((tx) => tx.graph('default').catalog.data)).not.toHaveProperty('texts');
  });

  it('are refused where they do not fit', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => {
      const graph = tx.graph('default');
      graph.createLabel({ kind: 'vertex', name: 'P', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }, { name: 't', type: 'STRING', optional: true }] });
      graph.createText({ kind: 'vertex', name: 'one', labels: ['P'], fields: ['t'], analyzer: 'standard' });
    });
    const make = (part: Partial<Parameters<GraphTransaction['createText']>[0]>) => store.write((tx) => tx.graph('default').createText({ kind: 'vertex', name: 'two', labels: ['P'], fields: ['t'], analyzer: 'english', ...part }));
    await expect(make({ fields: ['id'] })).rejects.toThrow('only a STRING can have a full-text index, P.id is INT64');
    await expect(make({ fields: ['nope'] })).rejects.toThrow('Vertex field "P":"nope" does not exist.');
    await expect(make({ fields: [] })).rejects.toThrow('a full-text index has 1 to 16 fields, given 0');
    await expect(make({ labels: ['P', 'P'] })).rejects.toThrow('names each label and field once: P, P');
    await expect(make({ name: 'one' })).rejects.toThrow('an index or constraint with the name one already exists');
    await expect(make({ analyzer: 'standard' })).rejects.toThrow('FullTextIndex [P:t] already exist.');
    await expect(make({ analyzer: 'klingon' })).rejects.toThrow('there is no full-text analyzer klingon');
    await expect(store.write((tx) => tx.graph('default').deleteText('nope'))).rejects.toThrow('there is no full-text index nope');
  });
});

describe('the formats', () => {
  it('are those of releases without full-text indexes until there is one, and then say that they are not', async () => {
    const store = await LocalStore.withGraph('default', new MemoryEngine());
    const formats = () => [store.records.at(-1)![0], store.engine.getSync(VERSION_KEY)![0]];
    await store.write((tx) => void tx.graph('default').createNode([tx.graph('default').labelId('A')], []));
    expect(formats()).toEqual([1, 1]);
    await store.write((tx) => tx.graph('default').createText(NODES));
    expect(formats()).toEqual([2, 2]);
    await store.write((tx) => tx.graph('default').deleteText('nodes'));
    expect(formats()).toEqual([2, 2]);
    // For good: a release that does not know of them must not take the store up again.
    const again = new LocalStore(store.engine);
    await again.write((tx) => void tx.graph('default').createNode([], []));
    expect([again.records.at(-1)![0], again.engine.getSync(VERSION_KEY)![0]]).toEqual([1, 2]);
  });

  it('say so too once there is a vector index, or a tree over vectors, which replicas have as well', async () => {
    const store = await LocalStore.withGraph('default', new MemoryEngine());
    await store.write((tx) => tx.graph('default').createVectorIndex({ kind: 'vertex', name: 'v', label: 'A', field: 'e', similarity: 'cosine' }));
    expect([store.records.at(-1)![0], store.engine.getSync(VERSION_KEY)![0]]).toEqual([3, 3]);
    await store.write((tx) => void tx.graph('default').createText(NODES));
    expect([store.records.at(-1)![0], store.engine.getSync(VERSION_KEY)![0]]).toEqual([2, 3]);
    await store.write((tx) => tx.graph('default').createVectorIndex({ kind: 'vertex', name: 'tree', label: 'A', field: 'f', dimensions: 2, similarity: 'cosine' }));
    expect([store.records.at(-1)![0], store.engine.getSync(VERSION_KEY)![0]]).toEqual([4, 4]);
    const copy = await store.replica();
    expect(copy.begin().graph('default').catalog.vectorIndexes.map(({ name }) => name)).toEqual(['v', 'tree']);
    expect(await copy.dump()).toEqual(await store.dump());
  });

  it('refuse newer ones by name', async () => {
    const store = await LocalStore.withGraph();
    expect(() => store.writer.stageRecord(Uint8Array.of(7, 0), 9)).toThrow('log entry 9 has effect format 7, this server knows 6');
    const bytes = Buffer.from(store.engine.getSync(VERSION_KEY)!);
    bytes[0] = 7;
    await store.engine.batch([{ type: 'put', key: VERSION_KEY, value: bytes }], { sync: false });
    expect(() => new LocalStore(store.engine)).toThrow('the data directory has format 7, this server knows 6');
  });
});

/** By key, as an index has them. */
function sorted(entries: Map<string, number[]>): Map<string, number[]> {
  return new Map([...entries].sort((a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]))));
}
