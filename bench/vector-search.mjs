#!/usr/bin/env node
/**
 * How long does a search for the nearest vectors take, and how many of the ten nearest does it find, beside FalkorDB's (HNSW) in the same run?
 *
 *   npm run build && node bench/vector-search.mjs [--vectors 50000] [--length 384] [--queries 100] [--data centres|embeddings] [--efforts 100,0]
 *     [--falkordb PORT] [--root DIR] [--json file]
 *
 * One connection, the ten nearest by cosine, warm: queries in alternating slices. Vectors are in single precision: around 200 centres, or like
 * embeddings of texts (of 24 hidden numbers, around 50 topics that overlap, and some noise), where neighbourhoods have no edges and searches are
 * harder. `recall`: how many of the ten nearest are found; what they are is computed here. `--efforts`: a server for each, with that vector_search_effort (0: all
 * are compared). `--falkordb`: the port of one that runs (its own graph is replaced); `--root`: another checkout of this project, built, to be measured
 * instead of this one.
 */
import { execSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import neo4j from 'neo4j-driver';
import { median, percentile } from './lib/load.mjs';
import { RespClient } from './lib/resp-client.mjs';

const { values } = parseArgs({
  options: { vectors: { type: 'string', default: '50000' }, length: { type: 'string', default: '384' }, queries: { type: 'string', default: '100' }, data: { type: 'string', default: 'centres' }, efforts: { type: 'string', default: '100' }, falkordb: { type: 'string' }, root: { type: 'string', default: '.' }, json: { type: 'string' } },
});
const [COUNT, LENGTH, QUERIES] = [values.vectors, values.length, values.queries].map(Number);
const BATCH = 500;
const SLICE = 10;
const { LocalGroup } = await import(pathToFileURL(resolve(values.root, 'dist/cli/local-group.js')).href);

let seed = 7;
const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
const around = (centre, spread) => centre.map((number) => Math.fround(number + (random() + random() + random() - 1.5) * spread));
const HIDDEN = 24;
const MAKERS = {
  centres: () => {
    const centres = Array.from({ length: 200 }, () => around(new Array(LENGTH).fill(0), 1));
    return (i) => around(centres[i % centres.length], 0.4);
  },
  embeddings: () => {
    const directions = Array.from({ length: HIDDEN }, () => around(new Array(LENGTH).fill(0), 1));
    const topics = Array.from({ length: 50 }, () => around(new Array(HIDDEN).fill(0), 2));
    return (i) => {
      const hidden = around(topics[i % topics.length], 1.4);
      const vector = around(new Array(LENGTH).fill(0), 1);
      for (let k = 0; k < HIDDEN; k++) for (let at = 0; at < LENGTH; at++) vector[at] += hidden[k] * directions[k][at];
      return vector.map(Math.fround);
    };
  },
};
const make = MAKERS[values.data]();
const vectors = Array.from({ length: COUNT }, (_, i) => make(i));
const queries = Array.from({ length: QUERIES }, (_, i) => make(i * 13));

/** The ten nearest by cosine of each query. */
function nearestOfAll() {
  const unit = (vector) => {
    const length = Math.sqrt(vector.reduce((sum, number) => sum + number * number, 0));
    return Float64Array.from(vector, (number) => number / length);
  };
  const units = vectors.map(unit);
  return queries.map((query) => {
    const wanted = unit(query);
    const likeness = units.map((vector) => vector.reduce((sum, number, i) => sum + number * wanted[i], 0));
    return [...likeness.keys()].sort((a, b) => likeness[b] - likeness[a]).slice(0, 10);
  });
}

async function ours(effort, at) {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
  const group = await LocalGroup.create({ size: 1, directory, basePort: 24_300 + at * 20, standalone: true, flags: effort === '100' ? [] : ['--vector_search_effort', effort] });
  group.startAll();
  await group.ready(60_000);
  const driver = neo4j.driver(group.servers[0].boltUri, neo4j.auth.basic('admin', '73@TuGraph'), { disableLosslessIntegers: true });
  const session = driver.session();
  await session.run(`CREATE VECTOR INDEX docs FOR (n:Doc) ON (n.e) OPTIONS {indexConfig: {\`vector.dimensions\`: ${LENGTH}, \`vector.similarity_function\`: 'cosine'}}`);
  return {
    name: effort === '100' ? 'lgraph' : `lgraph ${effort} %`,
    load: async (from) => session.run('UNWIND $rows AS row CREATE (:Doc {id: toInteger(row[0]), e: row[1]})', { rows: vectors.slice(from, from + BATCH).map((vector, i) => [from + i, vector]) }),
    query: async (vector) => (await session.run("CALL db.index.vector.queryNodes('docs', 10, $vector) YIELD node RETURN node.id", { vector })).records.map((record) => record.get(0)),
    memory: () => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${group.servers[0].child.pid}/status`, 'utf8'))[1]) / 1024),
    stop: async () => {
      await driver.close();
      await group.stopAll('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function falkordb(port) {
  const client = await RespClient.connect(port);
  const ask = (text) => client.command('GRAPH.QUERY', 'vectors', text);
  await client.command('GRAPH.DELETE', 'vectors').catch(() => undefined);
  await ask(`CREATE VECTOR INDEX FOR (n:Doc) ON (n.e) OPTIONS {dimension: ${LENGTH}, similarityFunction: 'cosine'}`);
  return {
    name: 'falkordb',
    load: async (from) => ask(`CYPHER rows=${JSON.stringify(vectors.slice(from, from + BATCH).map((vector, i) => [from + i, vector]))} UNWIND $rows AS row CREATE (:Doc {id: row[0], e: vecf32(row[1])})`),
    query: async (vector) => {
      const reply = await ask(`CYPHER v=${JSON.stringify(vector)} CALL db.idx.vector.queryNodes('Doc', 'e', 10, vecf32($v)) YIELD node RETURN node.id`);
      return [...reply.toString().matchAll(/^:(\d+)\r$/gm)].map(([, id]) => Number(id));
    },
    memory: async () => Math.round(Number(/used_memory_rss:(\d+)/.exec((await client.command('INFO', 'memory')).toString())[1]) / 2 ** 20),
    stop: async () => {
      await client.command('GRAPH.DELETE', 'vectors');
      client.close();
    },
  };
}

const efforts = values.efforts.split(',');
const targets = [...await Promise.all(efforts.map(ours)), ...(values.falkordb === undefined ? [] : [await falkordb(Number(values.falkordb))])];
const figures = new Map(targets.map(({ name }) => [name, { times: [], answers: [] }]));
try {
  for (const target of targets) {
    const began = performance.now();
    for (let from = 0; from < COUNT; from += BATCH) await target.load(from);
    figures.get(target.name).loadSeconds = (performance.now() - began) / 1000;
    const first = performance.now();
    await target.query(queries[0]);
    figures.get(target.name).firstMs = performance.now() - first;
    for (const query of queries.slice(0, 20)) await target.query(query);
  }
  for (let from = 0; from < QUERIES; from += SLICE) {
    for (const target of from % (2 * SLICE) === 0 ? targets : targets.toReversed()) {
      const { times, answers } = figures.get(target.name);
      for (const [i, query] of queries.slice(from, from + SLICE).entries()) {
        const began = performance.now();
        answers[from + i] = await target.query(query);
        times.push(performance.now() - began);
      }
    }
  }
  const exact = nearestOfAll();
  const rows = [];
  for (const target of targets) {
    const { times, answers, loadSeconds, firstMs } = figures.get(target.name);
    const recall = answers.reduce((sum, ids, i) => sum + ids.filter((id) => exact[i].includes(id)).length, 0) / exact.flat().length;
    const row = { target: target.name, loadPerSecond: COUNT / loadSeconds, firstMs, medianMs: median(times), p99Ms: percentile([...times].sort((a, b) => a - b), 0.99), recall, memoryMiB: await target.memory() };
    rows.push(row);
    console.log(`${target.name.padEnd(13)} load ${row.loadPerSecond.toFixed(0)}/s  first ${firstMs.toFixed(0)} ms  median ${row.medianMs.toFixed(2)} ms  p99 ${row.p99Ms.toFixed(2)} ms  recall ${recall.toFixed(3)}  memory ${row.memoryMiB} MiB`);
  }
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8', cwd: resolve(values.root) }).trim();
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, load: loadavg()[0], node: process.version, commit, data: values.data, vectors: COUNT, length: LENGTH, rows }, null, 1)}\n`);
  }
} finally {
  for (const target of targets) await target.stop();
}
