#!/usr/bin/env node
/**
 * For how long does the graph view of the web pages keep the main thread of the browser?
 *
 *   npm run build && node bench/graph-view.mjs [--rounds 3] [--shots DIR] [--verbose] [--json file]
 *
 * Headless Chromium (Debian's, or the one CHROMIUM_PATH names), which draws WebGL by the CPU where there is no GPU: the worst that a user can have. For each
 * graph a fresh page runs the statement, draws and lays out what comes, and is then moved, zoomed and pointed at. All tasks of the main thread are taken
 * from the browser's trace; those above 50 ms are "long tasks". Threads of the browser that draw share the cores with it, so a busy machine shows here.
 */
import { execSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { LocalGroup } from '../dist/cli/local-group.js';
import { RestClient } from '../dist/cli/rest-client.js';
import { median } from './lib/load.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, shots: { type: 'string' }, verbose: { type: 'boolean', default: false }, json: { type: 'string' } } });
const USER = { user: 'admin', password: '73@TuGraph' };
/** A tree of 4,999 edges; 2,000 nodes of which half of 5,000 elements are; a mesh of 3,000 edges. */
const GRAPHS = [
  { name: '2,000 nodes, 3,000 edges', label: 'Half', nodes: 2000, edges: 3000 },
  { name: '5,000 nodes, 4,999 edges', label: 'Tree', nodes: 5000, edges: 4999 },
];
const LONG_MS = 50;
const CATEGORIES = 'devtools.timeline,disabled-by-default-devtools.timeline,toplevel,blink.user_timing,gpu';

const folder = mkdtempSync(join(tmpdir(), 'lgraph-graph-view-'));
const group = await LocalGroup.create({ size: 1, directory: folder, basePort: 24_700, standalone: true });
const [server] = group.servers;

async function fill() {
  group.startAll();
  await group.ready(60_000);
  const rest = await RestClient.login(server.restAddress, USER.user, USER.password);
  for (const { label, nodes, edges } of GRAPHS) {
    await rest.cypher(server.restAddress, `UNWIND range(0, ${nodes - 1}) AS i CREATE (:${label} {name: 'Number ' + toString(i)})`);
    // A tree by halves; what is left links at a distance.
    await rest.cypher(server.restAddress, `MATCH (n:${label}) WITH collect(n) AS dots UNWIND range(1, ${edges}) AS i
      WITH dots[i % ${nodes}] AS a, dots[CASE WHEN i < ${nodes} THEN (i - 1) / 2 ELSE (i * 37) % ${nodes} END] AS b CREATE (b)-[:TO]->(a)`);
  }
}

/** Runs `work` while the browser traces; gives the tasks of the page's main thread, longest first, and what was in each. */
async function traced(page, work) {
  const cdp = await page.context().newCDPSession(page);
  const events = [];
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await cdp.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: CATEGORIES.split(',') } });
  await page.evaluate('performance.mark("bench-main-thread")');
  await work();
  const complete = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
  await cdp.send('Tracing.end');
  await complete;
  await cdp.detach();
  const { pid, tid } = events.find((event) => event.name === 'bench-main-thread');
  const mine = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X');
  const tasks = mine.filter((event) => event.name === 'ThreadControllerImpl::RunTask').sort((a, b) => b.dur - a.dur);
  return tasks.map((task) => ({
    ms: task.dur / 1000, cpuMs: task.tdur / 1000, at: task.ts / 1000,
    inside: () => mine.filter((event) => event !== task && event.ts >= task.ts && event.ts + event.dur <= task.ts + task.dur && event.dur > 5000)
      .map((event) => `${event.name} ${Math.round(event.dur / 1000)} ms${event.args?.data?.functionName === undefined ? '' : ` (${event.args.data.functionName})`}`),
  }));
}

function told(tasks) {
  if (!values.verbose) return;
  for (const task of tasks.slice(0, 6)) console.log(`    ${task.ms.toFixed(0)} ms (CPU ${task.cpuMs.toFixed(0)}) at ${(task.at % 1e6).toFixed(0)}: ${task.inside().join(', ')}`);
}

async function openPage(browser) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' })).newPage();
  await page.goto(`http://${server.restAddress}/`);
  await page.fill('input[name=username]', USER.user);
  await page.fill('input[name=password]', USER.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=server-row]');
  await page.keyboard.press('Alt+2');
  await page.locator('.cm-content').click();
  return page;
}

async function draw(page, graph) {
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(`MATCH (n:${graph.label}) OPTIONAL MATCH (n)-[r:TO]->() RETURN n, r`);
  await page.keyboard.press('Control+Enter');
  await page.locator(`[data-testid=graph-view][data-edges="${graph.edges}"][data-layout=running]`).waitFor();
  await page.locator('[data-testid=graph-view][data-layout=resting]').waitFor();
}

/** What a hand does: it points here and there, drags the whole about, and turns the wheel. */
async function handle(page) {
  const box = await page.locator('.graph-canvas').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (let i = 0; i < 40; i++) await page.mouse.move(x + 150 * Math.cos(i), y + 100 * Math.sin(i));
  await page.mouse.move(x - 300, y - 150);
  await page.mouse.down();
  for (let i = 0; i < 30; i++) await page.mouse.move(x - 300 + i * 5, y - 150 + i * 3);
  await page.mouse.up();
  for (let i = 0; i < 6; i++) await page.mouse.wheel(0, i < 3 ? -240 : 240);
  await page.waitForTimeout(800);
}

const rows = [];
try {
  await fill();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const graph of GRAPHS) {
      const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
      const page = await openPage(browser);
      for (const [what, work] of [['drawn and laid out', () => draw(page, graph)], ['pointed at, moved, zoomed', () => handle(page)]]) {
        const load = loadavg()[0];
        const tasks = await traced(page, work);
        const long = tasks.filter((task) => task.ms > LONG_MS);
        rows.push({ round, graph: graph.name, what, longestMs: tasks[0].ms, longestCpuMs: Math.max(...tasks.map((task) => task.cpuMs)), longTasks: long.length, above100: long.filter((task) => task.ms > 100).length, load });
        if (values.verbose) console.log(JSON.stringify(rows.at(-1)));
        told(tasks);
        if (values.shots !== undefined && round === 0) await page.screenshot({ path: join(values.shots, `${graph.label}-${what.split(' ')[0]}.png`) });
      }
      await browser.close();
    }
  }
  console.log('| graph | while it is | longest task, ms (each round) | its CPU, ms | tasks > 50 ms | > 100 ms |\n|---|---|---|---|---|---|');
  for (const { name } of GRAPHS) {
    for (const what of new Set(rows.map((row) => row.what))) {
      const these = rows.filter((row) => row.graph === name && row.what === what);
      const of = (key) => median(these.map((row) => row[key])).toFixed(0);
      console.log(`| ${name} | ${what} | ${these.map((row) => row.longestMs.toFixed(0)).join(', ')} | ${of('longestCpuMs')} | ${of('longTasks')} | ${of('above100')} |`);
    }
  }
  console.log(`\nload of the machine, one-minute average: ${rows.map((row) => row.load.toFixed(1)).join(', ')} on ${cpus().length} cores`);
  if (values.json !== undefined) {
    const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim();
    writeFileSync(values.json, `${JSON.stringify({ when: new Date().toISOString(), machine: `${cpus().length} x ${cpus()[0].model}`, node: process.version, commit, rows }, null, 1)}\n`);
  }
} finally {
  await group.stopAll('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
