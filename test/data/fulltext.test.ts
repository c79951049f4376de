/** Full-text indexes of imported data: made, found whole, told about when they are damaged, made anew. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { parseTextQuery } from '../../src/cypher/fulltext/query.ts';
import { TextSearch } from '../../src/cypher/fulltext/search.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { withStore } from '../../src/data/open-store.ts';
import { repairIndexes } from '../../src/data/repair-indexes.ts';
import { blockKey, COUNTERS } from '../../src/graph/blocks.ts';
import type { Block, BlockKind } from '../../src/graph/blocks.ts';
import { INDEX } from '../../src/graph/btree.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { imported, problemsOf } from './tools.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-fulltext-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const PROPERTIES = [{ name: 'id', type: 'INT64' }, { name: 'title', type: 'STRING', fulltext: true }, { name: 'body', type: 'STRING', optional: true }];
const CONFIG = {
  schema: [
    { label: 'Paper', type: 'VERTEX', primary: 'id', properties: PROPERTIES },
    { label: 'cites', type: 'EDGE', constraints: [['Paper', 'Paper']], properties: [{ name: 'why', type: 'STRING', optional: true }] },
  ],
  fulltext_indexes: [{ type: 'EDGE', name: 'why', labels: ['cites'], fields: ['why'], analyzer: 'EnglishAnalyzer' }, { type: 'VERTEX', name: 'papers', labels: ['Paper'], fields: ['title', 'body'] }],
  files: [
    { path: 'papers.csv', format: 'CSV', label: 'Paper', columns: ['id', 'title', 'body'] },
    { path: 'cites.csv', format: 'CSV', label: 'cites', SRC_ID: 'Paper', DST_ID: 'Paper', columns: ['SRC_ID', 'DST_ID', 'why'] },
  ],
};

async function filled(papers: number): Promise<string> {
  writeFileSync(join(directory, 'papers.csv'), Array.from({ length: papers }, (_, i) => `${i},paper ${i} of ${i % 7} graphs,${i % 3 === 0 ? '' : `图数据库 ${i}`}`).join('\n'));
  writeFileSync(join(directory, 'cites.csv'), Array.from({ length: papers }, (_, i) => `${i},${(i * 3) % papers},the proofs of ${i % 5}`).join('\n'));
  return imported(CONFIG, directory);
}

const count = (db: string, index: string, query: string) => withStore(db, async (_, reader) => {
  const point = reader.acquire();
  const view = point.view('default');
  const { ids } = new TextSearch({ view, index: view.catalog.findText(index)!, checkpoint: () => undefined }).run(parseTextQuery(query)!);
  reader.release(point);
  return ids.length;
});

const damage = <B extends Block>(db: string, kind: BlockKind<B>, number: (root: number) => number, change: (block: B) => void) => withStore(db, async (engine, reader) => {
  const point = reader.acquire();
  const key = blockKey(1, kind.tag, number(point.view('default').catalog.findText('papers')!.root));
  reader.release(point);
  const block = kind.decode(new ByteReader(engine.getSync(key)!));
  change(block);
  const writer = new ByteWriter();
  kind.encode(block, writer);
  await engine.batch([{ type: 'put', key, value: writer.finish() }], { sync: true });
});

it('are made by an offline import, and hold what they should', async () => {
  const db = await filled(700);
  expect(await problemsOf(db)).toEqual([]);
  expect(await count(db, 'papers', 'paper')).toBe(700);
  expect(await count(db, 'papers', 'title:3 AND 图数据')).toBe(66);
  expect(await count(db, 'Paper_title_fulltext', '"paper 12 of 5 graphs"')).toBe(1);
  expect(await count(db, 'why', 'proof AND 4')).toBe(140);
});

it('are told about when damaged, and made anew', async () => {
  const db = await filled(300);
  await damage(db, INDEX, (root) => root, (page) => void (page.children === undefined ? page.ids.pop() : page.children.pop()));
  expect((await problemsOf(db)).join('\n')).toMatch(/papers/);
  await damage(db, COUNTERS, () => 0, (counters) => void (counters.texts.get([...counters.texts.keys()][0]!)![1]! += 1));
  expect((await problemsOf(db)).join('\n')).toMatch(/the texts and words of \w+ are kept as/);
  mkdirSync(join(directory, 'scratch'));
  await withStore(db, async (engine) => {
    const reader = new StateReader(engine, new VersionClocks(), new BlockCache(1 << 20));
    const point = reader.acquire();
    expect(await repairIndexes(engine, point, join(directory, 'scratch'))).toBe(4);
    reader.release(point);
  });
  expect(await problemsOf(db)).toEqual([]);
  expect(await count(db, 'papers', 'graphs')).toBe(300);
});

it('are refused on what is no text, and with keys that are not known', () => {
  const parse = (change: (config: typeof CONFIG) => void) => {
    const config = structuredClone(CONFIG);
    change(config);
    return () => parseImportConfig(JSON.stringify(config), 'import.json');
  };
  expect(parse((config) => Object.assign(config.schema[0]!.properties[0]!, { fulltext: true }))).toThrow('only a STRING can have a full-text index, id is INT64');
  expect(parse((config) => Object.assign(config.fulltext_indexes[0]!, { analyser: 'x' }))).toThrow('fulltext_indexes[0]: unknown key analyser; did you mean analyzer?');
  expect(parse((config) => Object.assign(config.fulltext_indexes[0]!, { labels: 'cites' }))).toThrow('`labels` must be a list');
});
