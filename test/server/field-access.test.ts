/**
 * Levels on single fields, over every protocol and in every place where a value could come out or go in. That random queries tell nothing
 * either is shown by test/cypher/oracle.test.ts.
 */
import neo4j from 'neo4j-driver';
import type { Driver } from 'neo4j-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../rest/rest-server.ts';
import type { Answer } from '../rest/rest-server.ts';
import { refusal, RpcClient } from '../rpc/client.ts';

/** What nobody but the admin may see, wherever it is stored. */
const SECRET = 'hush';
const HIDDEN: readonly (readonly [string, string, string])[] = [
  ['Person', 'salary', 'VERTEX'], ['Person', 'note', 'VERTEX'], ['Person', 'vec', 'VERTEX'], ['Free', 'salary', 'VERTEX'], ['knows', 'why', 'EDGE'], ['Coded', 'code', 'VERTEX'],
];
let server: TestServer;
const tokens = new Map<string, string>();
const drivers = new Map<string, Driver>();

const ask = (script: string, user: string, parameters: object = {}): Promise<Answer> => server.ask('POST', '/cypher', { script, parameters }, tokens.get(user)!);
async function rows(script: string, user: string): Promise<unknown[][]> {
  const { status, body, text } = await ask(script, user);
  expect(status, text).toBe(200);
  return (body as { result: unknown[][] }).result;
}
const admin = (script: string) => rows(script, 'admin');

async function setLevel(role: string, label: string, field: string, kind: string, level: string): Promise<void> {
  await admin(`CALL dbms.security.modRoleFieldAccessLevel('${role}', 'default', '${label}', '${field}', '${kind}', '${level}')`);
}

beforeAll(async () => {
  server = await TestServer.start(18_800, ['--enable_rpc', 'true']);
  tokens.set('admin', server.token);
  await admin("CALL db.createVertexLabel('Person', 'name', 'name', 'STRING', false, 'salary', 'INT64', true, 'note', 'STRING', true, 'vec', 'FLOAT_VECTOR', true, 'rank', 'INT64', true)");
  await admin("CALL db.createVertexLabel('Coded', 'code', 'code', 'STRING', false, 'n', 'INT64', true)");
  await admin("CALL db.createEdgeLabel('knows', '[]', 'why', 'STRING', true, 'since', 'INT64', true)");
  await admin("CALL db.addIndex('Person', 'salary', true)");
  await admin("CALL db.addFullTextIndex(true, 'Person', 'note')");
  await admin("CALL db.addVertexVectorIndex('Person', 'vec', {dimension: 2})");
  await admin(`UNWIND range(1, 60) AS i CREATE (:Person {name: 'p' + i, salary: 1000 + i, note: '${SECRET} ' + i, vec: [toFloat(i), 1.0], rank: i % 7})`);
  await admin(`MATCH (a:Person), (b:Person {name: 'p' + ((a.salary % 60) + 1)}) CREATE (a)-[:knows {why: '${SECRET}', since: a.rank}]->(b)`);
  await admin(`UNWIND range(1, 60) AS i CREATE (:Free {name: 'f' + i, salary: '${SECRET}' + i}), (:Coded {code: '${SECRET}' + i, n: i})`);
  await admin('CREATE CONSTRAINT one_pair FOR (n:Free) REQUIRE (n.name, n.salary) IS UNIQUE');
  await admin('CREATE INDEX other FOR (n:Other) ON (n.salary)');
  await admin(`CREATE (:Free:Other {name: 'both', salary: '${SECRET}'}), (:Other {name: 'other', salary: 'open'})`);
  for (const [user, level] of [['viewer', 'READ'], ['editor', 'WRITE'], ['owner', 'FULL']] as const) {
    await server.done('POST', '/user', { user, password: 'pw' });
    await server.done('POST', `/role/${user}/permissions`, { default: level });
    for (const [label, field, kind] of HIDDEN) await setLevel(user, label, field, kind, 'NONE');
    await setLevel(user, 'Person', 'rank', 'VERTEX', 'READ');
    await setLevel(user, 'knows', 'since', 'EDGE', 'READ');
    tokens.set(user, await server.login(user, 'pw'));
    drivers.set(user, neo4j.driver(`bolt://127.0.0.1:${server.ports.bolt}`, neo4j.auth.basic(user, 'pw')));
  }
});
afterAll(async () => {
  for (const driver of drivers.values()) await driver.close();
  await server.stop();
});

describe('a field with NONE', () => {
  const QUERIES = [
    'MATCH (n) RETURN n', 'MATCH (n) RETURN properties(n)', 'MATCH (n:Free) RETURN n{.*}', 'MATCH (n:Person) RETURN n.note, n.salary, n.vec', 'MATCH (n:Free) RETURN n.salary', 'MATCH (n:Free) RETURN [k IN keys(n) | n[k]]',
    'MATCH p = (:Person)-[:knows]->() RETURN p', 'MATCH ()-[r:knows]->() RETURN r, r.why', 'MATCH (n:Person) RETURN collect(n.note)', 'MATCH (n:Person) WITH n.note AS x RETURN DISTINCT x', 'MATCH (n:Coded) RETURN n.code',
    'MATCH (n:Person) CALL { WITH n RETURN n.note AS x } RETURN x', 'MATCH (n:Person) RETURN [(n)-[r]->(m) | r.why + m.note]', 'MATCH (n:Person) RETURN reduce(s = \'\', x IN collect(n) | s + coalesce(x.note, \'\'))',
    'MATCH (n) WITH collect(id(n)) AS ids CALL db.subgraph(ids) YIELD subgraph RETURN subgraph', "MATCH (a:Person {name: 'p1'}), (b:Person {name: 'p9'}) CALL algo.shortestPath(a, b) YIELD nodeCount, totalCost RETURN nodeCount, totalCost",
    'MATCH p = shortestPath((:Person {name: \'p1\'})-[:knows*]->(:Person {name: \'p9\'})) RETURN p', "CALL db.index.fulltext.queryNodes('Person_note_fulltext', 'hush') YIELD node, score RETURN node, score",
    "CALL db.vertexVectorKnnSearch('Person', 'vec', [1.0, 1.0]) YIELD node, distance RETURN node, distance", 'MATCH (n:Person) RETURN apoc.convert.toJson(n)', 'PROFILE MATCH (n:Person) WHERE n.note STARTS WITH \'hush\' RETURN n.note',
    "MATCH (n:Person) WHERE n.salary = 1001 RETURN n.name, 'hush' + n.salary", 'MATCH (n:Other) RETURN n.salary, n',
  ];

  it('is in no answer, over REST, Bolt and gRPC', async () => {
    const rpc = new RpcClient(`127.0.0.1:${server.ports.rpc}`);
    await rpc.login('viewer', 'pw');
    const session = drivers.get('viewer')!.session({ defaultAccessMode: neo4j.session.READ });
    let told = 0;
    for (const query of QUERIES) {
      if ((await ask(query, 'admin')).text.includes(SECRET)) told++;
      const answers = [(await ask(query, 'viewer')).text, await rpc.run(query).then((result) => JSON.stringify(result), String), await session.run(query).then(({ records }) => JSON.stringify(records.map((record) => record.toObject())), String)];
      // The texts of statements may come back in plans and errors.
      for (const answer of answers) expect(answer.replaceAll("'hush'", '').includes(SECRET), `${query}: ${answer.slice(0, 300)}`).toBe(false);
    }
    expect(told).toBeGreaterThan(14);
    await session.close();
    rpc.close();
  });

  it('finds, counts, sorts and groups as if it had never been set', async () => {
    expect(await rows('MATCH (n:Person) WHERE n.salary = 1001 RETURN n.name', 'viewer')).toEqual([]);
    expect(await rows('MATCH (n:Person) WHERE n.salary > 0 RETURN count(n)', 'viewer')).toEqual([[0]]);
    expect(await rows('MATCH (n:Person) WHERE n.salary IS NULL RETURN count(n)', 'viewer')).toEqual([[60]]);
    expect(await rows('MATCH (n:Person) RETURN count(n.salary), sum(n.salary), max(n.note)', 'viewer')).toEqual([[0, 0, null]]);
    expect(await rows("MATCH (n:Free) WHERE n.salary STARTS WITH 'hush' RETURN n.name", 'viewer')).toEqual([]);
    expect(await rows('MATCH (n:Person) RETURN n.note AS x, count(*) AS c', 'viewer')).toEqual([[null, 60]]);
    expect((await rows('MATCH (n:Person) RETURN n.name ORDER BY n.salary DESC LIMIT 3', 'viewer')).flat()).toEqual(['p1', 'p2', 'p3']);
    expect((await rows('MATCH (n:Person) RETURN n.name ORDER BY n.salary DESC LIMIT 3', 'admin')).flat()).toEqual(['p60', 'p59', 'p58']);
    expect(await rows("MATCH (n:Coded {code: 'hush1'}) RETURN n", 'viewer')).toEqual([]);
    expect(await rows("MATCH (a)-[r:knows {why: 'hush'}]->() RETURN count(r)", 'viewer')).toEqual([[0]]);
    expect(await rows("MATCH (n:Person {name: 'p1'}) RETURN keys(n), size(keys(n))", 'viewer')).toEqual([['["name","rank"]', 2]]);
    expect(await rows('MATCH (n:Person) WHERE n.rank = 3 AND n.name = "p3" RETURN n.rank', 'viewer')).toEqual([[3]]);
  });

  it('is hidden by one of two labels, also from the index of the other', async () => {
    expect(await rows("MATCH (n:Other) WHERE n.salary IN ['hush', 'open'] RETURN n.name", 'viewer')).toEqual([['other']]);
    expect(await rows("MATCH (n:Other) WHERE n.salary >= 'a' RETURN n.name ORDER BY n.salary", 'viewer')).toEqual([['other']]);
    expect((await rows("MATCH (n:Other) WHERE n.salary IN ['hush', 'open'] RETURN n.name", 'admin')).flat().sort()).toEqual(['both', 'other']);
  });

  it('is in no plan that such a user gets, while others keep theirs', async () => {
    const plan = async (user: string) => (await ask('EXPLAIN MATCH (n:Person) WHERE n.salary = 1001 RETURN n.name', user)).text;
    expect(await plan('admin')).toMatch(/Index Seek/i);
    expect(await plan('viewer')).not.toMatch(/Index Seek/i);
    expect(await plan('admin')).toMatch(/Index Seek/i);
    expect(await rows('MATCH (n:Person) WHERE n.salary = 1001 RETURN n.name', 'admin')).toEqual([['p1']]);
  });

  it('is in no route of REST', async () => {
    const [[id]] = await admin("MATCH (n:Person {name: 'p1'}) RETURN id(n)") as [[number]];
    const [[free]] = await admin("MATCH (n:Free {name: 'f1'}) RETURN id(n)") as [[number]];
    const [[euid]] = await admin("MATCH (:Person {name: 'p1'})-[r:knows]->() RETURN euid(r)") as [[string]];
    const paths: [string, string, unknown?][] = [
      ['GET', `node/${id}`], ['GET', `node/${id}/property`], ['GET', `node/${id}/property/note`], ['GET', `node/${free}`], ['GET', `node/${free}/property/salary`], ['GET', `relationship/${euid}`],
      ['GET', `relationship/${euid}/property`], ['GET', `relationship/${euid}/property/why`], ['POST', 'misc/sub_graph', { vertex_ids: [id, free] }], ['POST', 'export', { label: 'Person', properties: ['name', 'note'], is_vertex: true }],
      ['POST', 'export', { label: 'knows', properties: ['SRC_ID', 'DST_ID', 'why'], is_vertex: false, src_label: 'Coded', dst_label: 'Person' }],
      ['GET', 'index/Person/?field=note&value=hush%201'], ['GET', `node?label=Person&field=salary&value=1001`],
    ];
    let told = 0;
    for (const [method, path, body] of paths) {
      if ((await server.ask(method, `/db/default/${path}`, body)).text.includes(SECRET)) told++;
      expect((await server.ask(method, `/db/default/${path}`, body, tokens.get('viewer'))).text, path).not.toContain(SECRET);
    }
    expect(told).toBeGreaterThan(8);
    expect((await server.ask('PUT', `/db/default/node/${id}`, { property: { note: 'mine' } }, tokens.get('editor'))).status).toBe(403);
    expect((await server.ask('POST', '/db/default/node', { label: 'Person', property: { name: 'new', salary: 1 } }, tokens.get('editor'))).status).toBe(403);
    for (const path of ['/export', '/backup/begin']) expect((await server.ask('POST', path, { graph: 'default' }, tokens.get('owner'))).status).toBe(403);
  });
});

describe('writing', () => {
  const REFUSED = [
    "MATCH (n:Person {name: 'p1'}) SET n.salary = 1", "MATCH (n:Person {name: 'p1'}) SET n.rank = 1", "MATCH (n:Person {name: 'p1'}) REMOVE n.note", "MATCH (n:Person {name: 'p1'}) REMOVE n.rank",
    "MATCH (n:Person {name: 'p1'}) SET n = {name: 'p1'}", "MATCH (n:Person {name: 'p1'}) SET n += {rank: 4}", "MATCH (n:Person {name: 'p1'}) SET n += {note: 'x'}", "CREATE (:Person {name: 'new', salary: 4})", "CREATE (:Person {name: 'new', rank: 4})",
    "MERGE (:Person {name: 'p1', note: 'hush 1'})", "MERGE (n:Person {name: 'p1'}) ON MATCH SET n.rank = 3", "MATCH ()-[r:knows]->() SET r.why = 'x'", 'MATCH ()-[r:knows]->() SET r.since = 1', 'MATCH (a:Person), (b:Person) WITH a, b LIMIT 1 CREATE (a)-[:knows {since: 1}]->(b)',
    "MATCH (n:Free {name: 'f1'}) REMOVE n:Free", "MATCH (n:Free {name: 'f1'}) SET n.salary = 'x'", "CREATE (n:Other {name: 'x', salary: 'x'}) SET n:Free", "CALL db.upsertVertex('Person', [{name: 'p1', rank: 9}])", "CALL db.upsertVertex('Person', [{name: 'new', note: 'x'}])",
    "CALL db.upsertVertex('Coded', [{code: 'hush1', n: 9}])", "CALL db.upsertEdge('knows', {type: 'Person', key: 'a'}, {type: 'Person', key: 'b'}, [{a: 'p1', b: 'p2', since: 4}])", "FOREACH (x IN [1] | CREATE (:Person {name: 'new', salary: x}))",
    "UNWIND [1] AS x CALL { WITH x CREATE (:Person {name: 'new', salary: x}) } IN TRANSACTIONS",
  ];

  it('is refused by the name of the field, and changes nothing', async () => {
    const state = () => server.ask('POST', '/export', { format: 'jsonl' }).then(({ text }) => text.replace(/^.*?(?=\{)/s, ''));
    const before = await state();
    for (const query of REFUSED) {
      for (const user of ['editor', 'owner']) {
        const { status, text } = await ask(query, user);
        expect(status, `${query}: ${text}`).toBe(403);
        expect(text, query).toMatch(/No write permission on the field (salary|rank|note|why|since|code) of the (vertex|edge) label \w+/);
      }
    }
    expect(await state()).toBe(before);
  });

  it('is refused over Bolt and gRPC with the code of permissions, inside a transaction too', async () => {
    const session = drivers.get('editor')!.session();
    await expect(session.run(REFUSED[0]!)).rejects.toMatchObject({ code: 'Neo.ClientError.Security.Forbidden' });
    const transaction = session.beginTransaction();
    await transaction.run("MATCH (n:Free {name: 'f1'}) SET n.mine = 1");
    await expect(transaction.run(REFUSED[1]!)).rejects.toMatchObject({ code: 'Neo.ClientError.Security.Forbidden' });
    await transaction.rollback().catch(() => undefined);
    await session.close();
    const rpc = new RpcClient(`127.0.0.1:${server.ports.rpc}`);
    await rpc.login('editor', 'pw');
    expect(await refusal(rpc.run(REFUSED[0]!))).toMatchObject({ code: 'Forbidden' });
    rpc.close();
  });

  it('of everything else goes on, and leaves alone what is hidden', async () => {
    await rows("MATCH (n:Free {name: 'f2'}) SET n = {name: 'f2', mine: 1}", 'editor');
    await rows("MATCH (n:Free {name: 'f3'}) SET n += {mine: 1}", 'editor');
    await rows("MATCH (n:Free {name: 'f3'}) REMOVE n.mine SET n:More REMOVE n:More", 'editor');
    expect(await admin("MATCH (n:Free) WHERE n.name IN ['f2', 'f3'] RETURN n.name, n.salary, n.mine ORDER BY n.name")).toEqual([['f2', 'hush2', 1], ['f3', 'hush3', null]]);
    await rows("MATCH (n:Free {name: 'f4'}) DETACH DELETE n", 'editor');
    await rows("CREATE (:Person {name: 'plain'}), (:Free {name: 'plain', salary: null})", 'editor');
    expect(await admin("MATCH (n {name: 'plain'}) RETURN count(n)")).toEqual([[2]]);
    expect(await rows("CALL db.upsertVertex('Person', [{name: 'plain2'}])", 'editor')).toEqual([[1, 0, 0, 1, 0]]);
  });

  it('tells nothing by the errors of unique indexes', async () => {
    await admin("CREATE (:Free {name: 'twin', salary: 'hush7'})");
    const { status, text } = await ask("MATCH (n:Free {name: 'f7'}) SET n.name = 'twin'", 'editor');
    expect(status).toBe(400);
    expect(text).toMatch(/may not read/);
    expect(text).not.toContain('hush7');
    expect((await ask("MATCH (n:Free {name: 'f7'}) SET n.name = 'twin'", 'admin')).text).toContain('hush7');
  });

  it('of the schema needs the field, too', async () => {
    for (const script of [
      "CALL db.alterLabelDelFields('vertex', 'Person', ['salary'])", "CALL db.alterLabelModFields('vertex', 'Person', ['salary', 'STRING', true])", "CALL db.alterLabelDelFields('vertex', 'Person', ['rank'])",
      "CALL db.addIndex('Person', 'note', true)", 'CREATE CONSTRAINT x FOR (n:Free) REQUIRE n.salary IS UNIQUE', 'CREATE CONSTRAINT x FOR (n:Free) REQUIRE n.salary IS NOT NULL', "CREATE FULLTEXT INDEX x FOR (n:Free) ON EACH [n.salary]",
    ]) {
      const { status, text } = await ask(script, 'owner');
      expect(status, `${script}: ${text}`).toBe(403);
    }
    await rows("CALL db.alterLabelAddFields('vertex', 'Person', ['more', 'INT64', 1, true])", 'owner');
    expect(await admin('MATCH (n:Person) WHERE n.more = 1 AND n.salary > 0 RETURN count(n)')).toEqual([[60]]);
    // What is declared is no secret.
    expect((await ask("CALL db.getVertexSchema('Person')", 'viewer')).text).toContain('salary');
  });
});

describe('levels of several roles', () => {
  it('add up to the most that one of them gives', async () => {
    await server.done('POST', '/user', { user: 'several', password: 'pw' });
    const token = await server.login('several', 'pw');
    tokens.set('several', token);
    const seen = async () => (await rows("MATCH (n:Person {name: 'p2'}) RETURN n.salary", 'several')).flat()[0];
    await server.done('POST', '/role', { role: 'blind', description: 'x' });
    await server.done('POST', '/role/blind/permissions', { default: 'WRITE' });
    await setLevel('blind', 'Person', 'salary', 'VERTEX', 'NONE');
    await admin("CALL dbms.security.addUserRoles('several', ['blind'])");
    expect(await seen()).toBe(null);
    await server.done('POST', '/role', { role: 'seeing', description: 'x' });
    await server.done('POST', '/role/seeing/permissions', { default: 'READ' });
    await admin("CALL dbms.security.addUserRoles('several', ['seeing'])");
    expect(await seen()).toBe(1002);
    // One role writes, but not this field; the other reads it.
    expect((await ask("MATCH (n:Person {name: 'p2'}) SET n.salary = 1", 'several')).status).toBe(403);
    await setLevel('blind', 'Person', 'salary', 'VERTEX', 'WRITE');
    expect((await ask("MATCH (n:Person {name: 'p2'}) SET n.salary = 1002", 'several')).status).toBe(200);
    await setLevel('blind', 'Person', 'salary', 'VERTEX', 'NONE');
    await admin("CALL dbms.security.disableRole('seeing', true)");
    expect(await seen()).toBe(null);
    await admin("CALL dbms.security.addUserRoles('several', ['admin'])");
    expect(await seen()).toBe(1002);
  });
});
