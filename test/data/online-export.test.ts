/** lgraph_export of running servers: one version whatever is written meanwhile, every graph, and back again by files and by script. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { RestClient } from '../../src/cli/rest-client.ts';
import { run } from './tools.ts';

let directory: string;
let group: LocalGroup;
let client: RestClient;
let address: string;
const cypher = async (text: string, graph = 'default') => (await client.cypher(address, text, { graph })).rows;
const online = (folder: string, more: readonly string[]) => run('lgraph_export', ['--online', 'true', '-r', `http://${address}`, '-e', join(directory, folder), ...more]);
const lines = (path: string) => readFileSync(join(directory, path), 'utf8').trim().split('\n');

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-export-'));
  group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 24_300 });
  group.startAll();
  await group.ready();
  address = group.servers[0]!.restAddress;
  client = await RestClient.login(address, 'admin', '73@TuGraph');
  await cypher("CALL db.createVertexLabelByJson('{\"label\":\"P\",\"type\":\"VERTEX\",\"primary\":\"id\",\"properties\":[{\"name\":\"id\",\"type\":\"INT64\"},{\"name\":\"text\",\"type\":\"STRING\",\"optional\":true}]}')");
  await cypher("CALL db.createEdgeLabelByJson('{\"label\":\"next\",\"type\":\"EDGE\",\"constraints\":[],\"properties\":[{\"name\":\"at\",\"type\":\"DATETIME\",\"optional\":true}]}')");
  await cypher("UNWIND range(0, 4000) AS i CREATE (:P {id: i, text: 'text \"' + i + '\"'})");
  await cypher("UNWIND range(0, 3999) AS i MATCH (a:P {id: i}), (b:P {id: i + 1}) CREATE (a)-[:next {at: localdatetime('2024-02-29T01:02:03.000000004')}]->(b)");
  await client.post(address, '/db', { name: 'free' });
  await cypher("CREATE (a:A:B {day: date('2020-01-01'), list: [1, 2], text: \"it's; \\n two\"})-[:TO {for: duration('P1M2DT3S')}]->(:C {at: datetime('2020-01-01T00:00:00+02:00')})-[:TO]->(a)", 'free');
});
afterAll(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('lgraph_export --online true', () => {
  it('shows one version while writes go on', async () => {
    let isOver = false;
    // Each write adds one vertex and one edge: any one version has one vertex more than edges.
    const writing = (async () => {
      for (let i = 4001; !isOver; i++) await cypher(`MATCH (a:P {id: ${i - 1}}) CREATE (a)-[:next]->(:P {id: ${i}})`);
    })();
    for (let round = 0; round < 2; round++) {
      expect(await online(`busy${round}`, ['-f', 'json'])).toMatchObject({ code: 0, out: expect.stringContaining('Export successful') as string });
      expect(lines(`busy${round}/P.jsonl`).length).toBe(lines(`busy${round}/next_P_P.jsonl`).length + 1);
    }
    isOver = true;
    await writing;
  });

  it('exports every graph, and an import and export of each gives the same files', async () => {
    expect((await online('all', ['--all', 'true'])).code).toBe(0);
    expect(readdirSync(join(directory, 'all')).sort()).toEqual(['default', 'free']);
    for (const graph of ['default', 'free']) {
      const folder = join(directory, 'all', graph);
      const db = join(directory, `db-${graph}`);
      expect(await run('lgraph_import', ['-c', join(folder, 'import.config'), '-d', db, '-g', graph])).toMatchObject({ code: 0, err: '' });
      expect((await run('lgraph_export', ['-d', db, '-e', join(directory, `again-${graph}`), '-g', graph])).code).toBe(0);
      for (const name of readdirSync(folder)) expect(readFileSync(join(directory, `again-${graph}`, name), 'utf8')).toBe(readFileSync(join(folder, name), 'utf8'));
    }
  });

  it('writes a script that builds the graph again', async () => {
    expect((await online('script', ['-f', 'cypher', '-g', 'free'])).code).toBe(0);
    await client.post(address, '/db', { name: 'rebuilt' });
    for (const line of lines('script/free.cypher')) await cypher(line.slice(0, -1), 'rebuilt');
    const all = 'MATCH (n) OPTIONAL MATCH (n)-[r]->(m) RETURN labels(n), properties(n), type(r), properties(r), labels(m) ORDER BY labels(n)';
    expect(await cypher(all, 'rebuilt')).toEqual(await cypher(all, 'free'));
  });

  it('is for admins, leaves nothing when it fails, and replaces a folder only when asked', async () => {
    expect(await online('none', ['-g', 'missing'])).toMatchObject({ code: 1, err: expect.stringContaining('No such graph: missing') as string });
    expect(existsSync(join(directory, 'none'))).toBe(false);
    expect(await online('script', ['-g', 'free'])).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') as string });
    expect((await online('script', ['-g', 'free', '--overwrite', 'true'])).code).toBe(0);
    await cypher("CALL dbms.security.createUser('reader', 'long password 1')");
    expect(await online('denied', ['-u', 'reader', '-p', 'long password 1'])).toMatchObject({ code: 1, err: expect.stringContaining('Admin access right required') as string });
    expect(await online('x', ['-f', 'xml'])).toMatchObject({ code: 255 });
  });
});

describe('lgraph_warmup', () => {
  it('asks every server about every graph, and says which does not answer', async () => {
    const warm = await run('lgraph_warmup', ['-r', `http://${address}`, '-g', 'default,free']);
    expect(warm).toMatchObject({ code: 0, err: '' });
    expect(warm.out).toMatch(/: default: .*\n.*: free: .*\nWarm up successful in [\d.]+ seconds\.\n$/);
    expect(await run('lgraph_warmup', ['-r', `http://${address}`, '-g', 'missing'])).toMatchObject({ code: 1, err: expect.stringContaining('missing') as string });
  });
});
