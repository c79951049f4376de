/** TuGraph's REST API as its clients use it, on a real server process (`npm run build` first). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './rest-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(17_500);
});

afterAll(async () => {
  await server.stop();
});

const ask = (method: string, path: string, body?: unknown, token?: string) => server.ask(method, path, body, token);
const done = (method: string, path: string, body?: unknown, token?: string) => server.done(method, path, body, token);

describe('users and roles', () => {
  it('creates, shows, changes and deletes a user', async () => {
    expect(await done('POST', '/user', { user: 'ada', password: 'first', description: 'countess' })).toBe('');
    expect(await done('GET', '/user/ada')).toEqual({ auth_method: '@builtin_auth@', description: 'countess', disabled: false, memory_limit: expect.any(Number) as unknown, roles: ['ada'] });
    expect(Object.keys(await done('GET', '/user') as object).sort()).toEqual(['ada', 'admin']);
    await done('POST', '/role', { role: 'readers', description: 'may read' });
    await done('PUT', '/user/ada/role', ['readers']);
    await done('POST', '/role/readers/permissions', { default: 'READ' });
    expect(await done('GET', '/user/ada/graph')).toEqual({ default: 'READ' });
    const ada = await server.login('ada', 'first');
    expect((await ask('POST', '/cypher', { script: 'MATCH (n) RETURN count(n)' }, ada)).status).toBe(200);
    expect((await ask('POST', '/cypher', { script: 'CREATE (n:X)' }, ada)).status).toBe(403);
    expect((await ask('GET', '/user', undefined, ada)).status).toBe(403);
    await done('PUT', '/user/ada/password', { current_password: 'first', new_password: 'second' }, ada);
    expect((await ask('POST', '/login', { user: 'ada', password: 'first' }, '')).status).toBe(401);
    await done('POST', '/user/ada/disable', {});
    expect((await ask('POST', '/login', { user: 'ada', password: 'second' }, '')).status).toBe(401);
    await done('POST', '/user/ada/enable', {});
    await server.login('ada', 'second');
    await done('DELETE', '/user/ada');
    expect(await ask('GET', '/user/ada')).toMatchObject({ status: 400, body: { error_message: 'User [ada] does not exist.' } });
  });

  it('creates, shows, changes and deletes a role', async () => {
    await done('POST', '/role', { role: 'writers', description: 'may write' });
    await done('PUT', '/role/writers/description', { description: 'may write much' });
    await done('PUT', '/role/writers/permissions', { default: 'WRITE' });
    expect(await done('GET', '/role/writers')).toEqual({ description: 'may write much', disabled: false, field_permissions: null, permissions: { default: 'WRITE' } });
    await done('PUT', '/role/writers/disable', {});
    expect(await done('GET', '/role')).toMatchObject({ writers: { disabled: true }, admin: {} });
    await done('DELETE', '/role/writers');
    expect((await ask('GET', '/role/writers')).status).toBe(400);
  });

  it('says what is missing in a body', async () => {
    expect(await ask('POST', '/user', { user: 'x' })).toMatchObject({ status: 400, body: { error_message: '`password` not specified.' } });
    expect((await ask('POST', '/role', { role: 'x' })).status).toBe(400);
    expect((await ask('PUT', '/user/admin/role', 'admin')).status).toBe(400);
    expect((await ask('POST', '/role/admin/permissions', { default: 'READ' })).status).toBe(403);
  });

  it('wants a token', async () => {
    for (const path of ['/user', '/role', '/db', '/task', '/db/default/label', '/db/default/node/0']) {
      expect(await ask('GET', path, undefined, ''), path).toMatchObject({ status: 401, body: { error_message: 'Unauthorized: [Unauthorized] No token given in the request.' } });
    }
  });
});

describe('graphs, labels, indexes', () => {
  it('creates, lists and deletes graphs', async () => {
    await done('POST', '/db', { name: 'films', config: { max_size_GB: 3, description: 'moving pictures' } });
    expect(await done('GET', '/db')).toMatchObject({ default: {}, films: { max_size_GB: 3, description: 'moving pictures' } });
    expect(await done('GET', '/graph/films')).toEqual({ max_size_GB: 3, description: 'moving pictures' });
    expect((await ask('POST', '/db', { name: 'films' })).status).toBe(400);
    await done('DELETE', '/db/films');
    expect((await ask('GET', '/db/films')).status).toBe(400);
    expect((await ask('GET', '/db/films/label')).status).toBe(400);
  });

  it('declares labels and indexes', async () => {
    await done('POST', '/db', { name: 'schema' });
    const fields = [{ name: 'name', type: 'STRING' }, { name: 'age', type: 'INT16', optional: true }];
    await done('POST', '/db/schema/label', { name: 'Person', is_vertex: true, fields, primary: 'name' });
    await done('POST', '/db/schema/label', { name: 'KNOWS', is_vertex: false, fields: [{ name: 'since', type: 'DATE', optional: true }], edge_constraints: [['Person', 'Person']] });
    expect(await done('GET', '/db/schema/label')).toEqual({ vertex: ['Person'], edge: ['KNOWS'] });
    expect(await done('GET', '/db/schema/label/node')).toEqual(['Person']);
    expect(await done('GET', '/db/schema/label/relationship/KNOWS')).toEqual({ since: { type: 'DATE', optional: true } });
    await done('POST', '/db/schema/index', { label: 'Person', field: 'age', index_type: 0 });
    await done('POST', '/db/schema/index', { label: 'KNOWS', field: 'since', index_type: 2 });
    expect(await done('GET', '/db/schema/index')).toEqual([
      { label: 'Person', field: 'name', index_type: 'GlobalUniqueIndex' }, { label: 'Person', field: 'age', index_type: 'NonuniqueIndex' },
      { label: 'KNOWS', field: 'since', index_type: 'PairUniqueIndex' },
    ]);
    const vid = await done('POST', '/db/schema/node', { label: 'Person', property: { name: 'Ada', age: 36 } });
    expect(await done('GET', '/db/schema/index/Person?field=age&value=36')).toEqual([vid]);
    expect(await done('GET', '/db/schema/index/Person/?field=name&value=Ada')).toEqual([vid]);
    await done('DELETE', '/db/schema/index/Person/age');
    await done('DELETE', '/db/schema/index/KNOWS/since');
    expect(await done('GET', '/db/schema/index/Person')).toHaveLength(1);
    await done('DELETE', '/db/schema');
  });
});

describe('nodes and relationships', () => {
  it('finds vertices by exactly the value of the URL, whatever its type', async () => {
    const types = { id: 'INT64', born: 'DATE', seen: 'DATETIME', up: 'BOOL' };
    await done('POST', '/db/default/label', { name: 'Typed', is_vertex: true, fields: Object.entries(types).map(([name, type]) => ({ name, type })), primary: 'id' });
    const ids = ['9007199254740993', '9007199254740992', '9223372036854775807'];
    const rows = ids.map((id) => `(:Typed {id: ${id}, born: date('2020-01-02'), seen: localdatetime('2020-01-02T03:04:05'), up: true})`);
    await done('POST', '/cypher', { script: `CREATE ${rows.join(', ')}` });
    const found = async (field: string, value: string) => done('GET', `/db/default/index/Typed?field=${field}&value=${encodeURIComponent(value)}`) as Promise<number[]>;
    const each = await Promise.all(ids.map((id) => found('id', id)));
    expect(each.map((list) => list.length)).toEqual([1, 1, 1]);
    expect(new Set(each.flat()).size).toBe(3);
    for (const [field, value] of [['born', '2020-01-02'], ['seen', '2020-01-02 03:04:05'], ['seen', '2020-01-02T03:04:05'], ['up', 'true']] as const) {
      expect([field, (await found(field, value)).sort()]).toEqual([field, each.flat().sort()]);
    }
    expect(await found('id', '99999999999999999999999')).toEqual([]);
    expect(await found('born', '2020-13-45')).toEqual([]);
    expect(await ask('GET', '/db/default/index/Typed?field=id&field=up&value=1')).toMatchObject({ status: 400, body: { error_code: 'InvalidRequest', error_message: 'the parameter field may be given once' } });
  });

  it('serves names as long as they may be, and answers a URL that cannot be read like every other mistake', async () => {
    const name = 'L'.repeat(256);
    await done('POST', '/db/default/label', { name, is_vertex: true, fields: [{ name: 'id', type: 'INT64' }], primary: 'id' });
    expect(await done('GET', `/db/default/label/node/${name}`)).toEqual({ id: { type: 'INT64', optional: false } });
    for (const [path, status] of [['/db/%zz', 400], [`/db/${'x'.repeat(2000)}`, 400]] as const) {
      const answer = await ask('GET', path);
      expect(answer).toMatchObject({ status, body: { error_code: 'InvalidRequest' } });
      expect(answer.version).toBeGreaterThan(0);
    }
  });

  it('makes, shows, changes and deletes single ones', async () => {
    const ada = await done('POST', '/db/default/node', { label: 'P', property: { name: 'Ada', big: 1, half: 0.5 } }) as number;
    const bob = await done('POST', '/db/default/node', { label: 'P', property: { name: 'Bob' } }) as number;
    expect(await done('GET', `/db/default/node/${ada}`)).toEqual({ label: 'P', property: { name: 'Ada', big: 1, half: 0.5 } });
    await done('PUT', `/db/default/node/${ada}`, { property: { name: 'Ada L.', big: null } });
    expect(await done('GET', `/db/default/node/${ada}/property`)).toEqual({ name: 'Ada L.', half: 0.5 });
    expect(await done('GET', `/db/default/node/${ada}/property/name`)).toBe('Ada L.');
    expect((await ask('GET', `/db/default/node/${ada}/property/nothing`)).status).toBe(400);
    expect((await ask('PUT', `/db/default/node/${ada}`, { label: 'Q', property: {} })).body).toMatchObject({ error_message: 'Changing vertex label is not allowed for now.' });
    const euid = await done('POST', `/db/default/node/${ada}/relationship`, { destination: bob, label: 'KNOWS', property: { since: 1 } }) as string;
    expect(euid).toMatch(new RegExp(`^${ada}_${bob}_\\d+_0_\\d+$`));
    expect(await done('GET', `/db/default/relationship/${euid}`)).toEqual({ label: 'KNOWS', property: { since: 1 } });
    await done('PUT', `/db/default/relationship/${euid}`, { property: { since: 2 } });
    expect(await done('GET', `/db/default/relationship/${euid}/property/since`)).toBe(2);
    expect(await done('GET', `/db/default/node/${bob}/relationship/all`)).toEqual({ in: [euid], out: [] });
    expect(await done('GET', `/db/default/node/${ada}/relationship/out`)).toEqual([euid]);
    expect(await done('POST', '/db/default/misc/sub_graph', { vertex_ids: [ada, bob] })).toEqual({
      nodes: [{ vid: ada, label: 'P', properties: { name: 'Ada L.', half: 0.5 } }, { vid: bob, label: 'P', properties: { name: 'Bob' } }],
      relationships: [{ source: ada, destination: bob, uid: euid, label: 'KNOWS', properties: { since: 2 } }],
    });
    for (const [part, other] of [[2, '99'], [3, '7'], [3, '9223372036854775800']] as const) {
      const changed = String(euid).split('_').with(part, other).join('_');
      expect(await ask('DELETE', `/db/default/relationship/${changed}`), changed).toMatchObject({ status: 400, body: { error_message: 'Edge does not exist.' } });
    }
    await done('DELETE', `/db/default/relationship/${euid}`);
    expect(await ask('GET', `/db/default/relationship/${euid}`)).toMatchObject({ status: 400, body: { error_message: 'Edge does not exist.' } });
    await done('POST', `/db/default/node/${ada}/relationship`, { destination: bob, label: 'KNOWS', property: {} });
    expect(await done('DELETE', `/db/default/node/${ada}`)).toEqual({ in: 0, out: 1 });
    expect(await ask('GET', `/db/default/node/${ada}`)).toMatchObject({ status: 400, body: { error_message: 'Vertex does not exist.' } });
    expect((await ask('GET', '/db/default/relationship/1_2_3')).body).toMatchObject({ error_message: 'Failed to parse Edge UID.' });
  });

  it('shows elements of declared labels as TuGraph does: every field, edges numbered among their parallels', async () => {
    const cypher = async (script: string) => (await done('POST', '/cypher', { graph: 'form', script }) as { result: unknown[][] }).result;
    await done('POST', '/cypher', { graph: 'default', script: "CALL dbms.graph.createGraph('form')" });
    await cypher("CALL db.createVertexLabel('P', 'id', 'id', 'INT64', false, 'name', 'STRING', true, 'height', 'FLOAT', true)");
    await cypher("CALL db.createEdgeLabel('K', '[]', 'w', 'INT64', true)");
    await cypher('CREATE (a:P {id: 1, height: 1.7}), (b:P {id: 2}), (a)-[:K {w: 1}]->(b), (b)-[:K {w: 2}]->(a), (a)-[:K {w: 3}]->(b), (a)-[:FREE]->(b)');
    expect((await cypher('MATCH (n:P) RETURN n ORDER BY n.id')).map(([n]) => (JSON.parse(String(n)) as { properties: unknown }).properties)).toEqual([
      { id: 1, name: null, height: 1.7 }, { id: 2, name: null, height: null },
    ]);
    const edges = (await cypher('MATCH ()-[r]->() RETURN r, id(r) ORDER BY id(r)')).map(([r, id]) => [(JSON.parse(String(r)) as { identity: number }).identity, id]);
    expect(edges.map(([identity]) => identity)).toEqual([0, 0, 1, edges[3]![1]]);
    expect(new Set(edges.map(([, id]) => id)).size).toBe(4);
    await done('POST', '/cypher', { graph: 'default', script: "CALL dbms.graph.deleteGraph('form')" });
  });

  it('keeps the token that changed the password, and voids the others', async () => {
    await done('POST', '/cypher', { script: "CALL dbms.security.createUser('mover', 'one')" });
    const [own, other] = [await server.login('mover', 'one'), await server.login('mover', 'one')];
    await done('POST', '/cypher', { script: "CALL dbms.security.changePassword('one', 'two')" }, own);
    expect((await ask('POST', '/cypher', { script: 'CALL dbms.security.showCurrentUser()' }, own)).status).toBe(200);
    expect((await ask('POST', '/cypher', { script: 'CALL dbms.security.showCurrentUser()' }, other)).status).toBe(401);
    await done('POST', '/cypher', { script: "CALL dbms.security.deleteUser('mover')" });
  });

  it('makes many at once, all or none', async () => {
    const vids = await done('POST', '/db/default/node', { label: 'M', fields: ['i', 'odd'], values: [[1, true], [2, null], [3, true]] }) as number[];
    expect(vids).toHaveLength(3);
    const edge = (source: number, destination: number) => ({ source, destination, values: [7] });
    const made = await done('POST', '/db/default/relationship', { label: 'NEXT', fields: ['w'], edge: [edge(vids[0]!, vids[1]!), edge(vids[1]!, vids[2]!)] }) as string[];
    expect(made[0]).toMatch(new RegExp(`^/db/default/relationship/${vids[0]}_${vids[1]}_\\d+_0_\\d+$`));
    expect(await done('GET', made[1]!)).toEqual({ label: 'NEXT', property: { w: 7 } });
    expect((await ask('POST', '/db/default/relationship', { label: 'NEXT', fields: ['w'], edge: [edge(vids[0]!, vids[1]!), edge(vids[0]!, 999_999)] })).status).toBe(400);
    expect(await done('GET', `/db/default/node/${vids[0]}/relationship/out`)).toHaveLength(1);
    expect(await done('GET', '/db/default/node')).toEqual({ num_label: expect.any(Number) as unknown, num_vertex: expect.any(Number) as unknown });
  });

  it('keeps 64-bit integers exact, and labels from becoming statements', async () => {
    const text = '{"label":"Big","property":{"n":9223372036854775807}}';
    const made = await fetch(`http://127.0.0.1:${server.port}/db/default/node`, { method: 'POST', body: text, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' } });
    expect((await ask('GET', `/db/default/node/${await made.text()}/property/n`)).text).toBe('9223372036854775807');
    const odd = 'X`) DETACH DELETE (n';
    const vid = await done('POST', '/db/default/node', { label: odd, property: { 'a`b': 1 } }) as number;
    expect(await done('GET', `/db/default/node/${vid}`)).toEqual({ label: odd, property: { 'a`b': 1 } });
  });

  it('answers a write with its version', async () => {
    const first = await ask('POST', '/db/default/node', { label: 'V', property: {} });
    const second = await ask('POST', '/db/default/node', { label: 'V', property: {} });
    expect(second.version).toBeGreaterThan(first.version);
  });
});

describe('import and export', () => {
  const SCHEMA = {
    schema: [
      { label: 'Person', type: 'VERTEX', primary: 'name', properties: [{ name: 'name', type: 'STRING' }, { name: 'birthyear', type: 'INT16', optional: true }, { name: 'phone', type: 'INT16', index: true }] },
      { label: 'City', type: 'VERTEX', primary: 'name', properties: [{ name: 'name', type: 'STRING' }] },
      { label: 'BORN_IN', type: 'EDGE', properties: [{ name: 'weight', type: 'FLOAT', optional: true }], constraints: [['Person', 'City']] },
    ],
  };
  const file = (item: object) => JSON.stringify({ files: [item] });
  const PERSONS = file({ format: 'CSV', label: 'Person', columns: ['name', 'birthyear', 'phone'] });
  const BORN_IN = { label: 'BORN_IN', columns: ['SRC_ID', 'DST_ID', 'weight'], SRC_ID: 'Person', DST_ID: 'City' };

  beforeAll(async () => {
    await done('POST', '/db', { name: 'yago' });
  });

  it('creates the labels of a description, and skips those that are there', async () => {
    expect(await done('POST', '/db/yago/schema/text', { description: JSON.stringify(SCHEMA) })).toMatchObject({ log: expect.stringContaining('BORN_IN') as unknown });
    expect(await done('POST', '/db/yago/schema/text', { description: JSON.stringify(SCHEMA) })).toMatchObject({ log: expect.stringContaining('already exists') as unknown });
    const changed = { schema: [{ ...SCHEMA.schema[1], properties: [{ name: 'name', type: 'STRING' }, { name: 'size', type: 'INT32', optional: true }] }] };
    expect((await ask('POST', '/db/yago/schema/text', { description: JSON.stringify(changed) })).status).toBe(400);
  });

  it('imports CSV and JSON lines, as text and as bytes', async () => {
    const persons = 'Rachel Kempson,1910,10086\n"Michael ""Mick"" Redgrave",1908,10087\n\nVanessa Redgrave, ,10088\r\nLiam Neeson,1952,10090\n';
    expect(await done('POST', '/db/yago/import/text', { description: PERSONS, data: persons })).toEqual({ log: '4 imported, 0 skipped' });
    const cities = file({ format: 'JSON', label: 'City', header: 1, columns: ['name', 'SKIP'] });
    expect(await done('POST', '/db/yago/import/text', { description: cities, data: [...Buffer.from('header\n["London", 1]\n["New York"]')] })).toEqual({ log: '2 imported, 0 skipped' });
    for (const wrong of [{ description: file({ format: 'JSON', label: 'City', header: '1', columns: ['name'] }) }, { description: cities, continue_on_error: 'true' }]) {
      expect(await ask('POST', '/db/yago/import/text', { data: 'header\n["Rome"]', ...wrong })).toMatchObject({ status: 400, body: { error_code: 'InvalidRequest' } });
    }
    expect(await ask('POST', '/db/yago/import/text', { description: cities, data: [...Buffer.from('header\n["Orl\u00e9ans"]', 'latin1')] })).toMatchObject({ status: 400, body: { error_message: '`data` is not UTF-8' } });
    const edges = 'Vanessa Redgrave|London|20.21\nLiam Neeson|New York|';
    expect(await done('POST', '/db/yago/import/text', { description: file(BORN_IN), data: edges, delimiter: '|' })).toEqual({ log: '2 imported, 0 skipped' });
    const { body } = await ask('POST', '/cypher', { graph: 'yago', script: 'MATCH (p)-[r:BORN_IN]->(c) RETURN p.name, p.birthyear, c.name, r.weight ORDER BY c.name' });
    expect((body as { result: unknown }).result).toEqual([['Vanessa Redgrave', null, 'London', Math.fround(20.21)], ['Liam Neeson', 1952, 'New York', null]]);
  });

  it('names the line that does not fit, and imports nothing, or goes on', async () => {
    const data = 'Good,1,1\nLiam Neeson,2,2\nBad,x,3\nToo,1,2,3\n"open,1,2\nBig,99999,1\n';
    const refused = await ask('POST', '/db/yago/import/text', { description: PERSONS, data });
    expect(refused).toMatchObject({ status: 400, body: { error_message: 'line 2: duplicate primary key: Liam Neeson' } });
    const { log } = await done('POST', '/db/yago/import/text', { description: PERSONS, data, continue_on_error: true }) as { log: string };
    expect(log).toContain('line 3: Failed to parse column 2 into type INT16: x');
    expect(log).toContain('line 2: duplicate primary key: Liam Neeson');
    expect(log).toContain('1 imported, 5 skipped');
    const edges = await done('POST', '/db/yago/import/text', { description: file(BORN_IN), data: 'Nobody,London,1\nGood,Nowhere,1\nGood,London,1', continue_on_error: true });
    expect(edges).toEqual({ log: 'line 1: Missing src uid Nobody\nline 2: Missing dst uid Nowhere\n1 imported, 2 skipped' });
  });

  it('exports lines of text', async () => {
    const vertices = await ask('POST', '/db/yago/export', { label: 'Person', properties: ['name', 'birthyear'], is_vertex: true });
    expect(vertices.text.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toContainEqual(['Michael "Mick" Redgrave', '1908']);
    const edges = await ask('POST', '/db/yago/export', { label: 'BORN_IN', properties: ['SRC_ID', 'DST_ID', 'weight'], is_vertex: false, src_label: 'Person', dst_label: 'City' });
    expect(edges.text).toContain('["Liam Neeson","New York",""]\n');
  });

  it('exports much, streamed', async () => {
    await done('POST', '/cypher', { script: "UNWIND range(1, 50000) AS i CREATE (:Row {i: i, text: 'some text of row ' + i})" });
    const { text } = await ask('POST', '/db/default/export', { label: 'Row', properties: ['i', 'text'], is_vertex: true });
    expect(text.split('\n')).toHaveLength(50_001);
  });
});

describe('administration', () => {
  it('lists and kills tasks', async () => {
    const long = ask('POST', '/cypher', { script: 'UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*)' });
    let tasks: { task_id: string; description: string }[] = [];
    await expect.poll(async () => {
      tasks = (await done('GET', '/task') as typeof tasks).filter((task) => task.description.includes('100000'));
      return tasks.length;
    }).toBe(1);
    await done('DELETE', `/task/${tasks[0]!.task_id}`);
    expect(await long).toMatchObject({ body: { error_message: 'Task is killed.' } });
    expect((await ask('DELETE', '/task/1_99999')).body).toMatchObject({ error_message: 'No such task.' });
    expect((await ask('DELETE', '/task/x')).body).toMatchObject({ error_message: 'Failed to parse task id.' });
  });

  it('ends a statement whose client has left', async () => {
    const gone = new AbortController();
    const running = async () => (await done('GET', '/task') as { description: string }[]).filter((task) => task.description.includes('99999')).length;
    const asked = fetch(`http://127.0.0.1:${server.port}/cypher`, {
      method: 'POST', signal: gone.signal, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ script: 'UNWIND range(1, 99999) AS a UNWIND range(1, 99999) AS b RETURN count(*)' }),
    }).catch(() => undefined);
    await expect.poll(running).toBe(1);
    gone.abort();
    await asked;
    await expect.poll(running).toBe(0);
  });

  it('says clearly what it does not do', async () => {
    expect((await ask('PUT', '/config', { nonsense: true })).body).toMatchObject({ error_message: 'Option nonsense does not exist.' });
    expect((await ask('PUT', '/config', { durable: false })).status).toBe(400);
    expect((await ask('GET', '/db/default/cpp_plugin')).body).toMatchObject({ error_code: 'NotSupported' });
    expect((await ask('POST', '/db/default/python_plugin/x', {})).body).toMatchObject({ error_code: 'NotSupported' });
    expect((await ask('GET', '/info/log')).body).toMatchObject({ error_message: 'LOG is disabled.' });
    expect(await done('POST', '/get_token_time', {})).toEqual({ refresh_time: expect.any(Number) as unknown, expire_time: expect.any(Number) as unknown });
    expect(await done('POST', '/gql', { script: 'RETURN 1 AS one' })).toMatchObject({ header: [{ name: 'one', type: 0 }], result: [[1]], size: 1 });
    await done('POST', '/misc/sync_meta', {});
    expect((await ask('GET', '/nowhere')).body).toMatchObject({ error_message: 'Illegal URI.' });
  });
});
