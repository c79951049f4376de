/** lgraph_validate on stores that were damaged in every way it looks for. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { BITMAP, setPage, SUMMARY } from '../../src/graph/bitmaps.ts';
import { ADJACENCY, AdjacencyBlock, blockKey, CATALOG, CHUNK, COUNTERS, DEGREE, EDGE, EdgeBlock, VERTEX, VertexBlock } from '../../src/graph/blocks.ts';
import type { AdjacencyGroup, Block, BlockKind } from '../../src/graph/blocks.ts';
import { INDEX } from '../../src/graph/btree.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { Transaction } from '../../src/graph/transaction.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { NodeValue } from '../../src/value/value.ts';
import { withStore } from '../../src/data/open-store.ts';
import { validateStore } from '../../src/data/validate.ts';
import { HELPED_BYTES_MIN } from '../../src/data/validate/helper.ts';
import type { Problem } from '../../src/data/validate.ts';
import { run, writePeople } from './tools.ts';

let directory: string;
let db: string;
const GRAPH = 1;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-validate-'));
  const whole = join(directory, 'whole');
  const config = writePeople(directory, 300, 3000);
  // One more vertex with chunks of relationships.
  const knows = Array.from({ length: 1500 }, (_, i) => `7,${i % 300},${i}`).join('\n');
  writeFileSync(join(directory, 'knows.csv'), knows);
  expect((await run('lgraph_import', ['-c', config, '-d', whole])).code).toBe(0);
});
beforeEach(() => {
  db = mkdtempSync(join(directory, 'db-'));
  cpSync(join(directory, 'whole'), db, { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('finds no store where there is an empty folder, and makes none', async () => {
  const store = join(db, 'store');
  rmSync(store, { recursive: true });
  mkdirSync(store);
  await expect(problems()).rejects.toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('there is no store in it') as string });
  expect(readdirSync(store)).toEqual([]);
});

const problems = () => withStore(db, async (engine, reader) => {
  const found: Problem[] = [];
  const point = reader.acquire();
  await validateStore(engine, point, { onProblem: (problem) => found.push(problem), onProgress: () => undefined });
  reader.release(point);
  return found;
});

/** Changes one block behind everybody's back; undefined removes it. */
const damage = <B extends Block>(kind: BlockKind<B>, number: number, change: (block: B) => B | undefined | Buffer) => withStore(db, async (engine) => {
  const key = blockKey(GRAPH, kind.tag, number);
  const bytes = engine.getSync(key);
  expect(bytes, `${kind.name} ${number} is there`).toBeDefined();
  const after = change(kind.decode(new ByteReader(bytes!)));
  if (after === undefined) return engine.batch([{ type: 'del', key }], { sync: true });
  const writer = new ByteWriter();
  if (!Buffer.isBuffer(after)) kind.encode(after, writer);
  return engine.batch([{ type: 'put', key, value: Buffer.isBuffer(after) ? after : writer.finish() }], { sync: true });
});

const encoded = <B extends Block>(kind: BlockKind<B>, block: B): Buffer => {
  const writer = new ByteWriter();
  kind.encode(block, writer);
  return writer.finish();
};

const put = <B extends Block>(kind: BlockKind<B>, number: number, block: B) => withStore(db, (engine) => engine.batch([{ type: 'put', key: blockKey(GRAPH, kind.tag, number), value: encoded(kind, block) }], { sync: true }));

const edited = <T>(value: T, edit: (value: T) => void): T => {
  edit(value);
  return value;
};

/** In the relationships of the first type. */
const inFirst = (edit: (group: AdjacencyGroup) => void) => (block: AdjacencyBlock) => edited(block, ({ groups }) => edit(groups[0]!));

describe('a whole store', () => {
  it('has no problems', async () => {
    expect(await problems()).toEqual([]);
    expect(await run('lgraph_validate', ['-d', db])).toMatchObject({ code: 0, out: 'Validation finished: no problems.\n' });
  });
});

describe('an imported store from which elements go', () => {
  /** Deletes vertices with their edges by the rule, as a leader does; gives the records for followers. */
  const deleteSome = (rule: (id: number) => boolean) => withStore(db, async (engine) => {
    const writer = new StateWriter(engine, new VersionClocks(), 2 ** 24);
    const records: Uint8Array[] = [];
    for (let from = 0; from < 300; from += 100) {
      const tx = new Transaction({ base: (graph) => writer.head(graph), baseVersion: writer.version, timeMs: 0, ids: { vertex: (_, floor) => floor, edge: (_, floor) => floor } });
      for (let id = from; id < from + 100; id++) if (rule(id)) tx.graph('default').deleteNode(new NodeValue(id), true);
      tx.checkStatement();
      records.push(tx.effects.finish());
      await writer.write([{ index: writer.version + 1, staged: writer.stage(tx.changes), timeMs: 0 }], { sync: false });
    }
    return records;
  });
  const blocks = (directory: string) => withStore(directory, async (engine) => {
    const found: string[] = [];
    for await (const batch of engine.entries({ gte: blockKey(GRAPH, 0, 0), lt: blockKey(GRAPH, 255, 0) })) {
      for (const [key, value] of batch) found.push(`${key[5]} ${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
    }
    return found;
  });

  it('stays whole, keeps no page it does not need, and is the same byte by byte on a follower', async () => {
    const follower = mkdtempSync(join(directory, 'follower-'));
    cpSync(db, follower, { recursive: true });
    const before = await blocks(db);
    const first = await deleteSome((id) => id % 10 !== 3 || id > 250);
    expect(await problems()).toEqual([]);
    const some = await blocks(db);
    const count = (all: readonly string[], kind: number) => all.filter((line) => line.startsWith(`${kind} `)).length;
    expect(count(some, INDEX.tag)).toBeLessThan(count(before, INDEX.tag));
    const second = await deleteSome((id) => id % 10 === 3 && id <= 250);
    expect(await problems()).toEqual([]);
    const left = await blocks(db);
    // The root of each index, the counters and the catalog.
    expect(left.map((line) => Number(line.split(' ')[0])).sort((a, b) => a - b)).toEqual([INDEX.tag, INDEX.tag, COUNTERS.tag, CATALOG.tag]);
    await withStore(follower, async (engine) => {
      const writer = new StateWriter(engine, new VersionClocks(), 2 ** 24);
      const start = writer.version;
      const entries = [...first, ...second].map((record, i) => ({ index: start + 1 + i, ...writer.stageRecord(record, start + 1 + i) }));
      await writer.write(entries, { sync: false });
    });
    expect(await blocks(follower)).toEqual(left);
  });
});

describe('a store that several threads look at', () => {
  it('shows what one thread shows', async () => {
    const folder = mkdtempSync(join(directory, 'large-'));
    db = join(folder, 'db');
    expect((await run('lgraph_import', ['-c', writePeople(folder, 20_000, 150_000), '-d', db])).code).toBe(0);
    expect(await withStore(db, (engine) => engine.sizeBytes())).toBeGreaterThan(HELPED_BYTES_MIN);
    expect(await run('lgraph_validate', ['-d', db])).toMatchObject({ code: 0, out: 'Validation finished: no problems.\n' });
    await damage(EDGE, 140_000, () => undefined);
    await damage(VERTEX, 19_000, () => undefined);
    await damage(ADJACENCY, 36_001, inFirst(({ neighbours }) => (neighbours[0] = 3)));
    await damage(INDEX, 5, () => undefined);
    await damage(BITMAP, setPage(1, 2), (block) => edited(block, () => block.set(77, false)));
    const expected = (await problems()).map(({ graph, what, text }) => `${graph === '' ? 'store' : `graph ${graph}`}: ${what}: ${text}`);
    expect(new Set(expected.map((line) => line.split(': ')[1]))).toEqual(new Set(['checksum', 'adjacency', 'set', 'index', 'counter']));
    const { code, out, err } = await run('lgraph_validate', ['-d', db, '--problems', '1000000', '--progress', 'json']);
    expect(code).toBe(1);
    expect(out.trimEnd().split('\n').sort()).toEqual([...expected, `Validation finished: ${expected.length} problems.`].sort());
    const [last] = err.trimEnd().split('\n').slice(-1).map((line) => JSON.parse(line) as { done: number; total: number });
    expect(last!.done).toBe(last!.total);
  });
});

describe('a damaged store', () => {
  const cases: readonly (readonly [string, Problem['what'], () => Promise<unknown>])[] = [
    ['bytes of an edge that mean nothing', 'block', () => damage(EDGE, 5, () => Buffer.from('rubbish'))],
    ['a value that was changed', 'checksum', () => damage(VERTEX, 5, (block) => edited(block, ({ values }) => values.splice(1, 1, 'another name')))],
    ['an edge that is gone', 'adjacency', () => damage(EDGE, 9, () => undefined)],
    ['a vertex that is gone', 'adjacency', () => damage(VERTEX, 9, () => undefined)],
    ['one side of an edge that is not listed', 'adjacency', () => damage(ADJACENCY, 11 * 2 + 1, ({ groups }) => edited({ at: 0, groups }, () => [groups[0]!.edges.pop(), groups[0]!.neighbours.pop()]))],
    ['a neighbour that is another', 'adjacency', () => damage(CHUNK, 0, (block) => edited(block, ({ neighbours }) => (neighbours[3] = 250)))],
    ['a chunk that is gone', 'adjacency', () => damage(CHUNK, 1, () => undefined)],
    ['the degree of a hub', 'degree', () => damage(DEGREE, 7 * 2, (block) => edited(block, ({ counts }) => counts.set(0, 3)))],
    ['a member that a set lacks', 'set', () => damage(BITMAP, setPage(1, 0), (block) => edited(block, () => block.set(8, false)))],
    ['a member too many', 'set', () => damage(BITMAP, setPage(0, 0), (block) => edited(block, () => block.set(3000, true)))],
    ['a page that the summary lacks', 'set', () => damage(SUMMARY, setPage(1, 0), (block) => edited(block, () => block.set(0, false)))],
    ['an index entry that is gone', 'index', () => damage(INDEX, 2, (block) => edited(block, ({ keys, ids }) => [keys.pop(), ids.pop()]))],
    ['an index entry that is wrong', 'index', () => damage(INDEX, 2, (block) => edited(block, ({ ids }) => (ids[0] = 77)))],
    ['an index page that is gone', 'index', () => damage(INDEX, 3, () => undefined)],
    ['a count', 'counter', () => damage(COUNTERS, 0, (block) => edited(block, () => (block.byType[0] = 1)))],
  ];
  it.each(cases)('shows %s', async (_, what, harm) => {
    await harm();
    expect([...new Set((await problems()).map((problem) => problem.what))]).toContain(what);
  });

  // Each is the only one of its kind that the damage causes, and says which element it is about.
  const named: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['an edge that one end does not list', 'adjacency: INCONSISTENT: edge 9 is not listed at vertex 9, incoming knows', () => damage(ADJACENCY, 19, inFirst(({ edges, neighbours }) => [edges.shift(), neighbours.shift()]))],
    ['an edge that is listed in two places', 'adjacency: INCONSISTENT: vertex 12, incoming knows: edge 9 joins 7 to 9, but is listed with the neighbour 7', () => damage(ADJACENCY, 25, inFirst(({ edges, neighbours }) => [edges.unshift(9), neighbours.unshift(7)]))],
    ['a neighbour that is another', 'adjacency: INCONSISTENT: vertex 9, incoming knows: edge 9 joins 7 to 9, but is listed with the neighbour 65', () => damage(ADJACENCY, 19, inFirst(({ neighbours }) => (neighbours[0] = 65)))],
    ['edges listed at each other\'s ends', 'adjacency: INCONSISTENT: edge 12 is not listed at vertex 12, incoming knows', async () => {
      for (const id of [9, 12]) await damage(ADJACENCY, id * 2 + 1, inFirst(({ edges }) => (edges[0] = 21 - id)));
    }],
    ['relationships of another type', 'adjacency: INCONSISTENT: vertex 9, incoming type 5: edge 9 joins 7 to 9, but is listed with the neighbour 7', () => damage(ADJACENCY, 19, ({ groups: [group] }) => new AdjacencyBlock([{ ...group!, typeId: 5 }]))],
    ['an edge that is listed twice at its end', 'adjacency: vertex 9, incoming knows: edge 9 is out of order', () => damage(ADJACENCY, 19, inFirst(({ edges, neighbours }) => [edges.unshift(9), neighbours.unshift(7)]))],
    ['an edge to a vertex that does not exist', 'adjacency: edge 9 has the vertex 9999 as its end, which does not exist', () => damage(EDGE, 9, (edge) => new EdgeBlock(edge.typeId, edge.start, 9999, edge.keys, edge.values))],
    ['relationships of a vertex that does not exist', 'adjacency: vertex 9999 has relationships, but does not exist', () => put(ADJACENCY, 9999 * 2, new AdjacencyBlock([{ typeId: 0, edges: [9], neighbours: [7], chunks: undefined }]))],
    ['a vertex that no index has', 'index: Person_id on Person: 299 right entries, but 300 elements belong into it', () => damage(INDEX, 2, (block) => edited(block, ({ keys, ids }) => [keys.shift(), ids.shift()]))],
    ['index entries out of order', 'index: Person_id: the entry for vertex 1 is out of order', () => damage(INDEX, 2, (block) => edited(block, ({ keys, ids }) => [keys.splice(1, 0, keys.splice(2, 1)[0]!), ids.splice(1, 0, ids.splice(2, 1)[0]!)]))],
    ['one value of a unique index twice', 'index: Person_id: vertex 2 and 3 share a value', () => damage(INDEX, 2, (block) => edited(block, ({ keys }) => (keys[3] = 2)))],
    ['a set of a label that has others', 'set: the set of the label Person has 301 members, but there are 300 such vertices', () => damage(BITMAP, setPage(1, 0), (block) => edited(block, () => block.set(3000, true)))],
    ['the next id', 'counter: the next vertex id is kept as 7, counted were 300', () => damage(COUNTERS, 0, (block) => edited(block, () => (block.nextVertex = 7)))],
    ['counters that are gone', 'counter: the number of edges is kept as 0, counted were 1500', () => damage(COUNTERS, 0, () => undefined)],
    ['a block of a kind that nobody knows', 'block: a block of the unknown kind 99', () => put({ ...VERTEX, tag: 99 }, 1, new VertexBlock([], [], []))],
    ['bytes behind a block', 'block: vertex 5 of graph number 1 cannot be read', () => damage(VERTEX, 5, (block) => Buffer.concat([encoded(VERTEX, block), Buffer.from([1])]))],
    ['half a block of adjacency', 'block: adjacency 19 of graph number 1 cannot be read', () => damage(ADJACENCY, 19, (block) => encoded(ADJACENCY, block).subarray(0, 4))],
  ];
  it.each(named)('names %s', async (_, line, harm) => {
    await harm();
    expect((await problems()).map(({ what, text }) => `${what}: ${text}`)).toContain(line);
  });

  it('is told about by the tool', async () => {
    await damage(EDGE, 9, () => undefined);
    const { code, out } = await run('lgraph_validate', ['-d', db]);
    expect(code).toBe(1);
    expect(out).toMatch(/^store: checksum: .*\ngraph default: adjacency: INCONSISTENT: .*\n(.*\n)*Validation finished: \d+ problems/);
  });

  it('gets its indexes back with --repair true, and nothing else', async () => {
    await damage(INDEX, 2, (block) => edited(block, ({ ids }) => (ids[0] = 77)));
    await damage(INDEX, 3, () => Buffer.from('torn'));
    expect(await run('lgraph_validate', ['-d', db, '--repair', 'true'])).toMatchObject({ code: 0, out: expect.stringContaining('made 2 indexes anew') as string });
    expect(await problems()).toEqual([]);
    await damage(VERTEX, 5, (block) => edited(block, ({ values }) => values.splice(1, 1, 'another name')));
    expect(await run('lgraph_validate', ['-d', db, '--repair', 'true'])).toMatchObject({ code: 1, out: expect.stringContaining('checksum') as string });
  });

  it('whose repair was cut off lets no server begin, and is repaired when that is run again', async () => {
    // As a repair leaves it that was killed behind the old pages: an index without most of its pages, and the folder that it works in.
    await damage(INDEX, 2, () => undefined);
    mkdirSync(join(db, 'repairing'));
    writeFileSync(join(db, 'repairing', 'index-1.0'), 'half a run');
    for (const tool of ['lgraph_server', 'lgraph_export']) {
      const { code, err } = await run(tool, tool === 'lgraph_server' ? ['--directory', db, '--port', '1'] : ['-d', db, '-e', join(db, 'out')]);
      expect(code, tool).not.toBe(0);
      expect(err, tool).toContain('lgraph_validate --repair has not finished');
    }
    expect(await run('lgraph_validate', ['-d', db])).toMatchObject({ code: 1, out: expect.stringContaining('a repair was cut off') as string });
    expect(await run('lgraph_validate', ['-d', db, '--repair', 'true'])).toMatchObject({ code: 0, out: expect.stringContaining('made 2 indexes anew') as string });
    expect(readdirSync(db)).not.toContain('repairing');
    expect(await problems()).toEqual([]);
  });

  it("is not repaired where other replicas would differ", async () => {
    await damage(INDEX, 3, () => undefined);
    mkdirSync(join(db, 'ha'));
    writeFileSync(join(db, 'ha', 'node.json'), JSON.stringify({ membership: 'MEMBER', isStandalone: false }));
    expect(await run('lgraph_validate', ['-d', db, '--repair', 'true'])).toMatchObject({ code: 1, err: expect.stringContaining('ha_join_discard_local_data') as string });
  });

  it('is not repaired where its log is elsewhere and not given, or that of a member', async () => {
    await damage(INDEX, 3, () => undefined);
    writeFileSync(join(db, 'lgraph.address'), '127.0.0.1:7070\n'); // A server has run.
    const log = join(db, 'log-of-its-own');
    expect(await run('lgraph_validate', ['-d', db, '--repair', 'true'])).toMatchObject({ code: 1, err: expect.stringContaining('--ha_log_dir') as string });
    mkdirSync(log);
    writeFileSync(join(log, 'node.json'), JSON.stringify({ membership: 'MEMBER', isStandalone: false }));
    const repair = ['-d', db, '--repair', 'true', '--ha_log_dir', log];
    expect(await run('lgraph_validate', repair)).toMatchObject({ code: 1, err: expect.stringContaining('ha_join_discard_local_data') as string });
    writeFileSync(join(log, 'node.json'), JSON.stringify({ membership: 'MEMBER', isStandalone: true }));
    expect(await run('lgraph_validate', repair)).toMatchObject({ code: 0, out: expect.stringContaining('indexes anew') as string });
  });
});
