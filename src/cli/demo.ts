/**
 * `npm run demo`: a three-server group on this machine, loaded with films and people, queried through different servers;
 * its leader is killed and comes back. Then it stays up until Ctrl-C; with `--once` it ends, non-zero if anything was not as
 * it should be.
 */
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Papa from 'papaparse';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { LocalGroup } from './local-group.ts';
import type { LocalServer } from './local-group.ts';
import { eventually, RestClient } from './rest-client.ts';
import { table } from './table.ts';

const SAMPLE = new URL('../../sample/films/', import.meta.url);

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const step = (text: string): void => say(`\n▸ ${text}`);

function check(claim: boolean, what: string): void {
  if (!claim) throw new Error(`not as it should be: ${what}`);
  say(`  ✓ ${what}`);
}

function csv(name: string): Record<string, string>[] {
  return Papa.parse<Record<string, string>>(readFileSync(new URL(name, SAMPLE), 'utf8'), { header: true, skipEmptyLines: true }).data;
}

/** How the sample becomes a graph; the web pages load it by the same recipe. */
const RECIPE = JSON.parse(readFileSync(new URL('load.json', SAMPLE), 'utf8')) as {
  readonly schema: readonly string[];
  readonly loads: readonly { readonly file: string; readonly script: string }[];
};

const QUERIES: readonly (readonly [what: string, script: string])[] = [
  ['who acted most with Tom Hanks', `MATCH (:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(f:Film)<-[:ACTED_IN]-(p:Person)
     RETURN p.name AS person, count(*) AS films ORDER BY films DESC, person LIMIT 5`],
  ['people who directed themselves', `MATCH (p:Person)-[:DIRECTED]->(f:Film)<-[:ACTED_IN]-(p)
     RETURN p.name AS person, collect(f.title) AS films ORDER BY size(films) DESC, person LIMIT 5`],
  ['films of the nineties by genre', `MATCH (f:Film)-[:IN_GENRE]->(g:Genre) WHERE f.year >= 1990 AND f.year < 2000
     RETURN g.name AS genre, count(f) AS films ORDER BY films DESC, genre LIMIT 5`],
];

function show(columns: readonly string[], rows: readonly unknown[][]): void {
  const text = table(columns, rows.map((row) => row.map((cell) => (typeof cell === 'string' ? cell : JSON.stringify(cell)))));
  say(text.split('\n').map((line) => `  ${line}`).join('\n'));
}

async function showServers(client: RestClient, server: LocalServer): Promise<unknown[][]> {
  const { columns, rows } = await client.cypher(server.restAddress, 'CALL dbms.listServers()');
  const wanted = ['rpc_address', 'state', 'role', 'term', 'commit_index', 'applied_index', 'last_contact_ms'].map((name) => columns.indexOf(name));
  const pick = <T>(row: readonly T[]): T[] => wanted.map((i) => row[i]!);
  show(pick(columns), rows.map(pick));
  return rows.map(pick);
}

async function load(client: RestClient, servers: readonly LocalServer[]): Promise<void> {
  const at = (i: number) => servers[i % servers.length]!.restAddress;
  for (const [i, script] of RECIPE.schema.entries()) await client.cypher(at(i), script);
  const expected: Record<string, number> = {};
  for (const [i, { file, script }] of RECIPE.loads.entries()) {
    const rows = csv(file);
    expected[file] = rows.length;
    await client.cypher(at(i), script, { parameters: { rows } });
  }
  const counted = await client.cypher(at(2), 'MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n) AS vertices, count(r) AS edges');
  const [vertices, edges] = counted.rows[0] as [number, number];
  check(vertices === expected['people.csv']! + expected['films.csv']! + expected['genres.csv']!, `${vertices} vertices, as many as the files have`);
  check(edges === expected['acted_in.csv']! + expected['directed.csv']! + expected['in_genre.csv']!, `${edges} edges, as many as the files have`);
}

async function failover(group: LocalGroup, client: RestClient): Promise<void> {
  const old = await group.leader();
  const before = await client.cypher(old.restAddress, 'MATCH (f:Film) RETURN count(f)');
  step(`kill -9 of the leader, ${old.name} (${old.rpcAddress})`);
  await group.stop(old, 'SIGKILL');
  const killed = performance.now();
  const survivor = group.servers.find((server) => server !== old)!;
  await client.cypher(survivor.restAddress, "MERGE (g:Genre {name: 'Survivor'}) RETURN g.name");
  say(`  ${survivor.name} acknowledged a write ${Math.round(performance.now() - killed)} ms after the kill`);
  const leader = await group.leader();
  check(leader !== old, `${leader.name} leads now`);
  const after = await client.cypher(leader.restAddress, 'MATCH (f:Film) RETURN count(f)');
  check(JSON.stringify(after.rows) === JSON.stringify(before.rows), `it serves the same ${String(after.rows[0]![0])} films, at version ${after.version} (version ${before.version} before)`);
  check(after.version >= before.version, 'the data version did not fall');
  step(`start ${old.name} again`);
  group.start(old);
  await group.readyOne(old);
  const answer = await client.cypher(old.restAddress, "MATCH (g:Genre {name: 'Survivor'}) RETURN count(g)");
  check(answer.rows[0]![0] === 1, `${old.name} has what was written while it was away, at version ${answer.version}`);
}

async function sameEverywhere(group: LocalGroup, client: RestClient): Promise<void> {
  const sums = await eventually('equal versions', 15_000, async () => {
    const rows = await Promise.all(group.servers.map(async (server) => (await client.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0]!.join(' ')));
    return new Set(rows).size === 1 ? rows : undefined;
  });
  check(true, `all servers hold the same data, byte for byte: version and checksum ${sums[0]}`);
}

async function run(group: LocalGroup): Promise<void> {
  step('three servers form a group');
  group.startAll();
  await group.ready();
  const leader = await group.leader();
  say(`  ready; ${leader.name} leads`);
  const client = await RestClient.login(group.servers[0]!.restAddress, DEFAULT_USER, DEFAULT_PASSWORD);
  step('schema and data: films, people, genres, each statement to another server');
  await load(client, group.servers);
  for (const [i, [what, script]] of QUERIES.entries()) {
    const server = group.servers[i % group.servers.length]!;
    step(`${what}   (${server.name})`);
    const { columns, rows, elapsedMs, version } = await client.cypher(server.restAddress, script);
    show(columns, rows);
    check(rows.length > 0, `${rows.length} rows in ${elapsedMs.toFixed(1)} ms at version ${version}`);
  }
  step('the group');
  const listed = await showServers(client, leader);
  check(listed.length === 3 && listed.filter((row) => row[1] === 'MASTER').length === 1, 'three servers, one leader');
  await failover(group, client);
  await sameEverywhere(group, client);
  step('the group now');
  await eventually('all servers listed', 10_000, async () => {
    const rows = (await client.cypher((await group.leader()).restAddress, 'CALL dbms.listServers() YIELD state RETURN state')).rows.flat();
    return rows.length === 3 && !rows.includes('OFFLINE');
  });
  await showServers(client, await group.leader());
}

function explain(group: LocalGroup, directory: string): void {
  const [first] = group.servers;
  say(`\nThe group is up. Data and logs: ${directory}`);
  for (const server of group.servers) say(`  ${server.name}   http://${server.restAddress}   ${server.boltUri}   group address ${server.rpcAddress}   pid ${server.child?.pid}`);
  say(`  user ${DEFAULT_USER}, password ${DEFAULT_PASSWORD}\n\nTry next:`);
  say(`  curl -s http://${first!.restAddress}/readyz`);
  say(`  TOKEN=$(curl -s http://${first!.restAddress}/login -H 'content-type: application/json' -d '{"user":"${DEFAULT_USER}","password":"${DEFAULT_PASSWORD}"}' | sed 's/.*"jwt":"\\([^"]*\\)".*/\\1/'); curl -s http://${first!.restAddress}/info/peers -H "authorization: Bearer $TOKEN"`);
  say(`  bin/lgraph_cli --uri ${first!.boltUri.replace('bolt:', 'neo4j:')} -e "MATCH (p:Person)-[:ACTED_IN]->(f:Film) RETURN p.name, count(f) AS films ORDER BY films DESC LIMIT 5"`);
  say('\nCtrl-C stops the servers and removes the data.');
}

const once = process.argv.includes('--once');
const directory = mkdtempSync(join(tmpdir(), 'lgraph-demo-'));
say(`data folder: ${directory}`);
const group = await LocalGroup.create({ size: 3, directory, basePort: 7070 });
let ending = false;
const end = async (code: number): Promise<never> => {
  ending = true;
  await group.stopAll();
  if (code === 0) rmSync(directory, { recursive: true, force: true });
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (ending) return;
    say('\nstopping …');
    void end(0);
  });
}
try {
  await run(group);
  if (once) {
    say('\neverything is as it should be');
    await end(0);
  }
  explain(group, directory);
} catch (error) {
  if (!ending) {
    process.stderr.write(`\nthe demo failed: ${error instanceof Error ? error.message : String(error)}\nlogs: ${directory}/server*/log\n`);
    await end(1);
  }
}
