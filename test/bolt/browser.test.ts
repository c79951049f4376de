/** What TuGraph Browser asks for and how it reads the answers, replayed with the release of the driver it is built on (`npm run build` first). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver-5';
import type { Driver } from 'neo4j-driver-5';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-browser-'));
let group: LocalGroup;
let driver: Driver;

beforeAll(async () => {
  group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 19_600 });
  group.startAll();
  await group.ready();
  driver = neo4j.driver(group.servers[0]!.boltUri, neo4j.auth.basic('admin', '73@TuGraph'), { disableLosslessIntegers: true });
});

afterAll(async () => {
  await driver.close();
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Rows as objects, as the Browser makes them: every field is tried with JSON.parse. */
async function rows(statement: string, parameters: Record<string, unknown> = {}, database = 'default'): Promise<Record<string, unknown>[]> {
  const session = driver.session({ database });
  try {
    return (await session.run(statement, parameters)).records.map((record) => record.toObject() as Record<string, unknown>);
  } finally {
    await session.close();
  }
}

it('lets the Browser stay logged in', async () => {
  const config = new Map((await rows('CALL dbms.config.list()')).map(({ name, value }) => [name, value]));
  const timeoutS = Number(config.get('browser.credential_timeout'));
  expect(Number.isInteger(timeoutS) && timeoutS > 0 && timeoutS <= 2_147_483, `browser.credential_timeout = ${timeoutS}`).toBe(true);
  expect(['true', 'false']).toContain(String(config.get('browser.retain_connection_credentials')));
  expect(await rows('CALL dbms.security.isDefaultUserPassword()')).toHaveLength(1);
  const info = (await rows('CALL dbms.system.info()')).map(({ name }) => name);
  expect(info).toEqual(expect.arrayContaining(['lgraph_version', 'up_time', 'git_branch', 'web_commit', 'cpp_id', 'python_version']));
});

it('manages projects, labels and elements as the Browser does', async () => {
  await rows("CALL dbms.graph.createGraph('project', 'of the Browser', 20)");
  expect((await rows("CALL dbms.graph.listUserGraphs('admin')")).map(({ graph_name }) => graph_name)).toEqual(expect.arrayContaining(['default', 'project']));
  const id = { name: 'id', type: 'INT64', optional: false, unique: true, index: true };
  await rows('CALL db.createVertexLabelByJson($json)', { json: JSON.stringify({ label: 'Person', type: 'VERTEX', primary: 'id', properties: [id, { name: 'name', type: 'STRING', optional: true }] }) }, 'project');
  await rows('CALL db.createEdgeLabelByJson($json)', { json: JSON.stringify({ label: 'KNOWS', type: 'EDGE', constraints: [['Person', 'Person']], properties: [{ name: 'since', type: 'INT64', optional: true }] }) }, 'project');
  await rows("CALL db.upsertVertex('Person', $data)", { data: [{ id: neo4j.int(1), name: 'Ada' }, { id: neo4j.int(2), name: 'Charles' }] }, 'project');
  await rows("CALL db.upsertEdge('KNOWS', $SRC, $DST, $data)", { SRC: { type: 'Person', key: 'src' }, DST: { type: 'Person', key: 'dst' }, data: [{ src: neo4j.int(1), dst: neo4j.int(2), since: neo4j.int(1833) }] }, 'project');

  // The schema is JSON as text.
  const [{ schema } = {}] = await rows("CALL dbms.graph.getGraphSchema()", {}, 'project');
  const parsed = JSON.parse(schema as string) as { schema: { label: string; type: string }[] };
  expect(parsed.schema.map(({ label, type }) => [label, type])).toEqual([['Person', 'VERTEX'], ['KNOWS', 'EDGE']]);

  // Rows of `vertex` and `edge`.
  expect(await rows('CALL dbms.meta.count()', {}, 'project')).toEqual([{ type: 'vertex', number: 2 }, { type: 'edge', number: 1 }]);

  // Edges are told apart by start, end and an id of their own.
  const ids = (await rows('MATCH (n) RETURN id(n) AS id', {}, 'project')).map((row) => row.id);
  const [{ p } = {}] = await rows(`MATCH p=(n)-[*..1]-(m) WHERE id(n) IN [${ids.join(',')}] RETURN p LIMIT 10`, {}, 'project');
  const { segments: [segment] } = p as { segments: { start: { elementId: string }; end: { elementId: string }; relationship: { elementId: string; startNodeElementId: string; endNodeElementId: string } }[] };
  expect(new Set([segment!.start.elementId, segment!.end.elementId])).toEqual(new Set([segment!.relationship.startNodeElementId, segment!.relationship.endNodeElementId]));
  expect(segment!.relationship.elementId).toMatch(/^\S+$/);

  await rows("CALL db.alterLabelAddFields('vertex', 'Person', ['age', 'INT32', 0, true])", {}, 'project');
  await rows("CALL db.addIndex('Person', 'name', false)", {}, 'project');
  await rows("CALL db.deleteIndex('Person', 'name')", {}, 'project');
  await rows("CALL db.deleteLabel('edge', 'KNOWS')", {}, 'project');
  await rows("CALL dbms.graph.deleteGraph('project')");
});

it('says clearly what it does not have', async () => {
  await expect(rows("CALL db.plugin.loadPlugin('CPP', 'p', 'code', 'CPP', 'what', true, 'v1')")).rejects.toMatchObject({
    code: 'Neo.ClientError.Statement.UnsupportedOperationError', message: expect.stringMatching(/not supported/i) as string,
  });
});
