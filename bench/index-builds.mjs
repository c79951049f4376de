#!/usr/bin/env node
/**
 * For how long do other writes wait while an index over data that is there is made, and how long does that take?
 *
 *   npm run build && node bench/index-builds.mjs [--vertices 200000] [--size 1] [--port 24600] [--only name,…] [--root DIR] [--json file]
 *
 * Vertices with a random integer, a number of their own, and a text of 12 words out of 20,000 (Zipf). One after the other, each index is made over one
 * connection, first alone, then while another one writes (a vertex at a time, the next one when that is answered), and dropped. `longestMs`: the longest of
 * these writes; `--root`: another checkout of this project, built, to be measured instead of this one.
 */
import { execSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import neo4j from 'neo4j-driver';
import { median, percentile } from './lib/load.mjs';

const { values } = parseArgs({
  options: { vertices: { type: 'string', default: '200000' }, size: { type: 'string', default: '1' }, port: { type: 'string', default: '24600' }, only: { type: 'string' }, root: { type: 'string', default: '.' }, json: { type: 'string' } },
});
const COUNT = Number(values.vertices);
const SIZE = Number(values.size);
const WORDS = 20_000;
const BATCH = 2000;
const { LocalGroup } = await import(pathToFileURL(resolve(values.root, 'dist/cli/local-group.js')).href);

const INDEXES = {
  range: ['CREATE INDEX made FOR (p:P) ON (p.a)', 'DROP INDEX made'],
  composite: ['CREATE INDEX made FOR (p:P) ON (p.a, p.id)', 'DROP INDEX made'],
  unique: ['CREATE CONSTRAINT made FOR (p:P) REQUIRE p.id IS UNIQUE', 'DROP CONSTRAINT made'],
  fulltext: ['CREATE FULLTEXT INDEX made FOR (p:P) ON EACH [p.t]', 'DROP INDEX made'],
};
const names = values.only === undefined ? Object.keys(INDEXES) : values.only.split(',');

let seed = 42;
const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
const text = () => Array.from({ length: 12 }, () => `w${Math.floor(WORDS ** random())}`).join(' ');

const directory = mkdtempSync(join(tmpdir(), 'lgraph-bench-'));
const group = await LocalGroup.create({ size: SIZE, directory, basePort: Number(values.port), standalone: SIZE === 1, flags: [] });
const results = [];
try {
  group.startAll();
  await group.ready(60_000);
  const driver = neo4j.driver(group.servers[0].boltUri, neo4j.auth.basic('admin', '73@TuGraph'), { disableLosslessIntegers: true });
  const session = driver.session();
  for (let from = 0; from < COUNT; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, COUNT - from) }, (_, i) => [from + i, Math.floor(random() * COUNT), text()]);
    await session.run('UNWIND $rows AS row CREATE (:P {id: toInteger(row[0]), a: toInteger(row[1]), t: row[2]})', { rows });
  }
  for (const name of names) {
    const [make, drop] = INDEXES[name];
    const timed = async (statement) => {
      const begin = performance.now();
      await session.run(statement);
      return performance.now() - begin;
    };
    const aloneMs = await timed(make);
    await session.run(drop);
    const writing = driver.session();
    let isOver = false;
    const waits = [];
    const writer = (async () => {
      for (let i = 0; !isOver; i++) {
        const begin = performance.now();
        await writing.run('CREATE (:W {i: $i})', { i });
        waits.push(performance.now() - begin);
      }
    })();
    await new Promise((done) => setTimeout(done, 1000));
    const before = waits.splice(0);
    const besideMs = await timed(make);
    isOver = true;
    await writer;
    await writing.close();
    await session.run(drop);
    const result = { name, aloneMs: Math.round(aloneMs), besideMs: Math.round(besideMs), writes: waits.length, longestMs: Math.round(Math.max(...waits)), p99Ms: +percentile(waits.toSorted((a, b) => a - b), 0.99).toFixed(1), medianMs: +median(waits).toFixed(2), quietMedianMs: +median(before).toFixed(2) };
    results.push(result);
    console.log(JSON.stringify(result));
  }
  await driver.close();
} finally {
  await group.stopAll();
  rmSync(directory, { recursive: true, force: true });
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({
    date: new Date().toISOString(), commit: execSync('git rev-parse --short HEAD', { cwd: values.root }).toString().trim(), machine: `${cpus().length} × ${cpus()[0].model}`, node: process.version, load: loadavg()[0], vertices: COUNT, size: SIZE, results,
  }, undefined, 1)}\n`);
}
