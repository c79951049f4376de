#!/usr/bin/env node
/**
 * What does a full-text index cost, and how fast are its queries?
 *
 *   npm run build && node bench/fulltext.mjs [--texts 100000] [--slices 10] [--json file]
 *
 * In one thread, over a store in memory, in CPU time: short texts of 12 words out of 20,000 (Zipf) are written without and with an index, the
 * index is built over texts that are there, and queries run warm. Each query is the best of some slices; the hits are counted too.
 */
import { execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { parseTextQuery } from '../dist/cypher/fulltext/query.js';
import { best } from '../dist/cypher/fulltext/hits.js';
import { TextSearch } from '../dist/cypher/fulltext/search.js';
import { BlockCache } from '../dist/graph/block-source.js';
import { StateReader } from '../dist/graph/state-reader.js';
import { StateWriter } from '../dist/graph/state-writer.js';
import { Transaction } from '../dist/graph/transaction.js';
import { VersionClocks } from '../dist/storage/clocks.js';
import { MemoryEngine } from '../dist/storage/memory-engine.js';

const { values } = parseArgs({ options: { texts: { type: 'string', default: '100000' }, slices: { type: 'string', default: '10' }, json: { type: 'string' } } });
const TEXTS = Number(values.texts);
const WORDS = 20_000;
const PER_TEXT = 12;
const INDEX_TAG = 8;
const INDEX = { kind: 'vertex', name: 'texts', labels: ['T'], fields: ['t'], analyzer: 'standard' };

let seed = 42;
const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
/** Word n is about n times rarer than the first. */
const word = () => `w${Math.floor(WORDS ** random())}`;
const texts = Array.from({ length: TEXTS }, () => Array.from({ length: PER_TEXT }, word).join(' '));

const cpuMs = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

async function open() {
  const engine = new MemoryEngine();
  const clocks = new VersionClocks();
  const writer = new StateWriter(engine, clocks, 1 << 30);
  const reader = new StateReader(engine, clocks, new BlockCache(1 << 30));
  const next = { vertex: 0, edge: 0 };
  const write = async (work) => {
    const tx = new Transaction({
      base: (graph) => writer.head(graph), baseVersion: writer.version, timeMs: 0, ids: { vertex: () => next.vertex++, edge: () => next.edge++ },
    });
    work(tx);
    await writer.write([{ index: writer.version + 1, staged: writer.stage(tx.changes), timeMs: 0 }], { sync: false });
  };
  await write((tx) => tx.changeSystem({ kind: 'createGraph', name: 'default', description: '', maxSizeGB: 1, strict: false }));
  return { engine, write, reader };
}

/** CPU milliseconds to write all texts, `batch` in a transaction. */
async function fill({ write }, batch) {
  const before = process.cpuUsage();
  for (let from = 0; from < TEXTS; from += batch) {
    await write((tx) => {
      const graph = tx.graph('default');
      const [label, key] = [graph.labelId('T'), graph.keyId('t')];
      for (const text of texts.slice(from, from + batch)) graph.createNode([label], [[key, text]]);
    });
  }
  return cpuMs(before);
}

const rows = [];
const row = (what, figures) => {
  rows.push({ what, ...figures });
  console.log(what.padEnd(44), Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : value}`).join('  '));
};

const plain = await open();
row(`write ${TEXTS} texts, 1,000 in a transaction`, { cpuMs: await fill(plain, 1000) });
const before = process.cpuUsage();
await plain.write((tx) => tx.graph('default').createText(INDEX));
row('build the index over them', { cpuMs: cpuMs(before) });
let indexBytes = 0;
for await (const entries of plain.engine.entries({ gte: Buffer.from('g'), lt: Buffer.from('h') })) for (const [key, value] of entries) if (key[5] === INDEX_TAG) indexBytes += value.length;
row('the index', { bytes: indexBytes, perWord: indexBytes / (TEXTS * PER_TEXT) });
const indexed = await open();
await indexed.write((tx) => tx.graph('default').createText(INDEX));
row(`write ${TEXTS} texts with the index`, { cpuMs: await fill(indexed, 1000) });

const point = indexed.reader.acquire();
const view = point.view('default');
for (const query of ['w9000 w9001', 'w100 w200', 'w100 AND w200', 'w1 w2', 'w1 AND w2', '"w1 w2"', 'w900*', 'w9000~1']) {
  const run = () => best(new TextSearch({ view, index: view.catalog.findText('texts'), checkpoint: () => undefined }).run(parseTextQuery(query)), 10);
  const hits = new TextSearch({ view, index: view.catalog.findText('texts'), checkpoint: () => undefined }).run(parseTextQuery(query)).ids.length;
  let cheapest = Infinity;
  for (let slice = 0; slice < Number(values.slices); slice++) {
    const start = process.cpuUsage();
    let runs = 0;
    for (const until = performance.now() + 100; performance.now() < until; runs++) run();
    cheapest = Math.min(cheapest, cpuMs(start) / runs);
  }
  row(`query ${query}, the best 10`, { hits, cpuMs: cheapest });
}
indexed.reader.release(point);
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), commit: execSync('git rev-parse --short HEAD').toString().trim(), node: process.version, cpu: cpus()[0].model, texts: TEXTS, rows }, null, 2)}\n`);
}
