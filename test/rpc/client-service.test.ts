/** The gRPC client service of one server without a group, over a real connection. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, status } from '@grpc/grpc-js';
import { TestServer } from '../rest/rest-server.ts';
import { health, refusal, RpcClient } from './client.ts';

let server: TestServer;
let client: RpcClient;
let address: string;

beforeAll(async () => {
  server = await TestServer.start(19_350, ['--enable_rpc', 'true', '--login_failures_max', '3']);
  address = `127.0.0.1:${server.ports.rpc}`;
  client = new RpcClient(address);
  await client.login();
});
afterAll(async () => {
  client.close();
  await server.stop();
});

const entry = (key: string, value: object) => ({ key, value });

describe('statements', () => {
  it('answers with a header, rows and a summary', async () => {
    const { columns, rows, summary } = await client.run('UNWIND [1, 2] AS x RETURN x, toString(x) AS text');
    expect(columns).toEqual(['x', 'text']);
    expect(rows.map((row) => row.map(({ kind }) => kind))).toEqual([['int_value', 'string_value'], ['int_value', 'string_value']]);
    expect(rows.map((row) => row.map((value) => value[value.kind as string]))).toEqual([['1', '1'], ['2', '2']]);
    expect(summary).toMatchObject({ mode: 'run', rows: '2', plan: null });
  });

  it('says what a write did, and which version it made', async () => {
    const before = Number((await client.call('Version')).data_version);
    const { summary } = await client.run('CREATE (a:Rpc {n: 1})-[:TO]->(b:Rpc {n: 2})');
    expect(summary.statistics).toMatchObject({ nodes_created: '2', relationships_created: '1', properties_set: '2', labels_added: '2' });
    expect(Number(summary.version)).toBeGreaterThan(before);
    expect(await client.values('MATCH (n:Rpc) RETURN count(n)', { min_version: summary.version })).toEqual([['2']]);
  });

  const all: [string, object, string][] = [
    ['null', { null_value: 'NULL' }, 'null'], ['nothing', {}, 'null'], ['bool', { bool_value: true }, 'true'], ['the smallest integer', { int_value: '-9223372036854775808' }, '-9223372036854775808'],
    ['the largest integer', { int_value: '9223372036854775807' }, '9223372036854775807'], ['a float that is whole', { double_value: 1 }, '1.0'], ['infinity', { double_value: Infinity }, '1.0 / 0.0'],
    ['text', { string_value: 'Grüße 👋' }, "'Grüße 👋'"], ['a long text', { string_value: 'x'.repeat(300) }, `'${'x'.repeat(300)}'`],
    ['a list', { list_value: { values: [{ int_value: '1' }, { list_value: { values: [] } }] } }, '[1, []]'],
    ['a map in its order', { map_value: { entries: [entry('b', { int_value: '1' }), entry('a', { string_value: '' })] } }, "{b: 1, a: ''}"],
    ['a date', { date_value: { days: '-1' } }, "date('1969-12-31')"], ['a local time', { local_time_value: { nanos: '1' } }, "localtime('00:00:00.000000001')"],
    ['a time', { time_value: { nanos: '3600000000000', offset_seconds: -3600 } }, "time('01:00-01:00')"],
    ['a local datetime', { local_date_time_value: { seconds: '-1', nanos: 5 } }, "localdatetime('1969-12-31T23:59:59.000000005')"],
    ['a datetime', { date_time_value: { seconds: '0', nanos: 0, offset_seconds: 7200, zone: '' } }, "datetime('1970-01-01T02:00+02:00')"],
    ['a datetime in a zone', { date_time_value: { seconds: '1600000000', nanos: 1, offset_seconds: 7200, zone: 'Europe/Berlin' } }, "datetime('2020-09-13T14:26:40.000000001[Europe/Berlin]')"],
    ['a duration', { duration_value: { months: '1', days: '-2', seconds: '3', nanos: 4 } }, "duration({months: 1, days: -2, seconds: 3, nanoseconds: 4})"],
    ['a point', { point_value: { srid: 4979, x: 1, y: 2, z: 3 } }, 'point({longitude: 1, latitude: 2, height: 3})'],
  ];
  it.each(all)('carries %s there and back, exactly', async (_, value, cypher) => {
    const [[back, equal]] = (await client.run(`RETURN $v AS back, ($v = ${cypher}) AS equal`, { parameters: [entry('v', value)] })).rows as [[Record<string, unknown>, Record<string, unknown>]];
    const [kind, held] = Object.entries(value)[0] ?? ['null_value', 'NULL'];
    expect(back.kind).toBe(kind);
    expect(back[kind]).toMatchObject(typeof held === 'object' && held !== null ? JSON.parse(JSON.stringify(held)) as object : { v: held }.v as never);
    if (kind !== 'null_value') expect(equal.bool_value).toBe(true);
  });

  it('carries bytes, nodes, relationships and paths', async () => {
    await client.run("CREATE (:Whole {name: 'a'})-[:LIKES {since: 2020}]->(:Whole {name: 'b'})");
    const [[node, one, path]] = (await client.run("MATCH p = (b:Whole {name: 'b'})<-[r:LIKES]-(a) RETURN a, r, p")).rows as [Record<string, Record<string, unknown>>[]];
    expect(node!.node_value).toMatchObject({ labels: ['Whole'], properties: [{ key: 'name', value: { string_value: 'a' } }] });
    expect(one!.relationship_value).toMatchObject({ type: 'LIKES', start_id: node!.node_value!.id, properties: [{ key: 'since', value: { int_value: '2020' } }] });
    expect(path!.path_value).toMatchObject({ nodes: [{ id: one!.relationship_value!.end_id }, { id: node!.node_value!.id }], relationships: [{ id: one!.relationship_value!.id }] });
    expect((await client.run('RETURN $b', { parameters: [entry('b', { bytes_value: Buffer.from([0, 255]) })] })).rows[0]![0]!.bytes_value).toEqual(Buffer.from([0, 255]));
  });

  it('gives the plan of EXPLAIN and PROFILE', async () => {
    const { summary } = await client.run('PROFILE MATCH (n:Rpc) RETURN n.n');
    expect(summary.mode).toBe('profile');
    expect((summary.plan as { operator: string; children: unknown[] }).children).toHaveLength(1);
  });

  it('refuses a write where a read was asked for, and repeats nothing under one key', async () => {
    expect(await refusal(client.run('CREATE (:No)', { read_only: true }))).toMatchObject({ grpc: status.FAILED_PRECONDITION, code: 'AccessMode' });
    const key = { idempotency_key: 'rpc-once' };
    expect((await client.run('CREATE (:Once)', key)).summary.repeated).toBe(false);
    expect((await client.run('CREATE (:Once)', key)).summary.repeated).toBe(true);
    expect(await refusal(client.run('CREATE (:Twice)', key))).toMatchObject({ grpc: status.INVALID_ARGUMENT, code: 'KeyReused', retryable: 'false' });
    expect(await refusal(client.run('CREATE (:Once)', { idempotency_key: 'k'.repeat(257) }))).toMatchObject({ grpc: status.INVALID_ARGUMENT, code: 'ArgumentError' });
    expect(await client.values('MATCH (n:Once) RETURN count(n)')).toEqual([['1']]);
  });

  it('tells what went wrong, with our code', async () => {
    expect(await refusal(client.run('RETRUN 1'))).toMatchObject({ grpc: status.INVALID_ARGUMENT, code: 'SyntaxError', retryable: 'false' });
    expect(await refusal(client.run('RETURN 1', { graph: 'nowhere' }))).toMatchObject({ grpc: status.NOT_FOUND, code: 'GraphNotFound' });
    expect(await refusal(client.run(''))).toMatchObject({ grpc: status.INVALID_ARGUMENT, code: 'InvalidRequest' });
    expect(await refusal(client.run('RETURN 1', { min_version: '99999999', version_wait_ms: '-1' }))).toMatchObject({ grpc: status.UNAVAILABLE, code: 'VersionNotReached', retryable: 'true' });
    expect(await refusal(client.run('UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN sum(x)', { timeout_ms: '50' }))).toMatchObject({ grpc: status.DEADLINE_EXCEEDED, code: 'Timeout' });
    expect(await refusal(client.run('RETURN $p', { parameters: [entry('p', { point_value: { srid: 1, x: 0, y: 0 } })] }))).toMatchObject({ code: 'InvalidRequest' });
    for (const point_value of [{ srid: 4326, x: 0, y: 500 }, { srid: 7203, x: NaN, y: 0 }]) {
      expect(await refusal(client.run('RETURN $p', { parameters: [entry('p', { point_value })] }))).toMatchObject({ code: 'ArgumentError' });
    }
  });

  it('streams a million rows to a slow client, and ends a statement whose client leaves', async () => {
    let rows = 0;
    for await (const part of client.stream({ statement: 'UNWIND range(1, 1000000) AS x RETURN x, toString(x)' }) as AsyncIterable<{ part: string; rows: { rows: unknown[] }; summary: { rows: string } }>) {
      if (part.part === 'rows') rows += part.rows.rows.length;
      else if (part.part === 'summary') expect(part.summary.rows).toBe('1000000');
    }
    expect(rows).toBe(1_000_000);
    const stream = client.stream({ statement: 'UNWIND range(1, 100000) AS left UNWIND range(1, 100000) AS y RETURN left' });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    const running = async () => JSON.stringify(await client.values('CALL dbms.task.listTasks()')).includes('AS left');
    expect(await running()).toBe(true);
    stream.cancel();
    await expect.poll(running, { timeout: 10_000 }).toBe(false);
  });
});

describe('transactions', () => {
  it('commits what was run in one', async () => {
    const { transaction } = await client.call('Begin');
    await client.run('CREATE (:InTx)', { transaction });
    expect(await client.values('MATCH (n:InTx) RETURN count(n)', { transaction })).toEqual([['1']]);
    expect(await client.values('MATCH (n:InTx) RETURN count(n)')).toEqual([['0']]);
    const { version } = await client.call('Commit', { transaction });
    expect(await client.values('MATCH (n:InTx) RETURN count(n)', { min_version: version })).toEqual([['1']]);
    expect(await refusal(client.call('Commit', { transaction }))).toMatchObject({ grpc: status.NOT_FOUND, code: 'TransactionNotFound' });
  });

  it('rolls back when asked, and when a statement fails', async () => {
    const first = await client.call('Begin');
    await client.run('CREATE (:Gone)', first);
    await client.call('Rollback', first);
    const second = await client.call('Begin');
    await client.run('CREATE (:Gone)', second);
    expect(await refusal(client.run('RETURN 1 / 0', second))).toMatchObject({ code: 'ArithmeticError' });
    expect(await refusal(client.run('RETURN 1', second))).toMatchObject({ code: 'TransactionNotFound' });
    expect(await client.values('MATCH (n:Gone) RETURN count(n)')).toEqual([['0']]);
  });

  it('keeps a reading one from writing, and another user out', async () => {
    const reading = await client.call('Begin', { read_only: true });
    expect(await refusal(client.run('CREATE (:No)', reading))).toMatchObject({ code: 'AccessMode' });
    await server.done('POST', '/user', { user: 'other', password: 'pw' });
    const other = new RpcClient(address);
    await other.login('other', 'pw');
    const mine = await client.call('Begin');
    expect(await refusal(other.run('RETURN 1', mine))).toMatchObject({ code: 'TransactionNotFound' });
    await client.call('Rollback', mine);
    other.close();
  });
});

describe('import', () => {
  it('makes labels and fills them', async () => {
    const schema = [
      { label: 'City', type: 'VERTEX', primary: 'name', properties: [{ name: 'name', type: 'STRING' }, { name: 'people', type: 'INT64', optional: true }] },
      { label: 'road', type: 'EDGE', properties: [{ name: 'km', type: 'INT32' }] },
    ];
    expect((await client.call('ImportSchema', { description: JSON.stringify({ schema }) })).log).toContain('City');
    const cities = { description: JSON.stringify({ files: [{ label: 'City', format: 'CSV', columns: ['name', 'people'] }] }), data: Buffer.from('Bonn,330000\nKöln,1080000\nBonn,1\n') };
    expect(await refusal(client.call('ImportData', cities))).toMatchObject({ grpc: status.FAILED_PRECONDITION, code: 'ConstraintValidation' });
    const key = { idempotency_key: 'cities', continue_on_error: true };
    const done = await client.call('ImportData', { ...cities, ...key });
    expect(done).toMatchObject({ imported: '2', rejected: [{ line: '3' }] });
    expect(await client.call('ImportData', { ...cities, ...key })).toMatchObject({ imported: '2', log: done.log });
    const roads = { description: JSON.stringify({ files: [{ label: 'road', format: 'CSV', SRC_ID: 'City', DST_ID: 'City', columns: ['SRC_ID', 'DST_ID', 'km'] }] }), data: Buffer.from('Bonn|Köln|30\n'), delimiter: '|' };
    const { version } = await client.call('ImportData', roads);
    expect(await client.values("MATCH (:City {name: 'Bonn'})-[r:road]->(b) RETURN b.name, r.km", { min_version: version })).toEqual([['Köln', '30']]);
  });

  it('refuses what makes no sense', async () => {
    expect(await refusal(client.call('ImportSchema', { description: '{' }))).toMatchObject({ grpc: status.INVALID_ARGUMENT, code: 'InvalidRequest' });
    expect(await refusal(client.call('ImportData', { description: '{"files": []}', data: Buffer.from('Köln', 'latin1') }))).toMatchObject({ code: 'InvalidRequest', message: '`data` is not UTF-8' });
    expect(await refusal(client.call('ImportData', { description: '{"files": []}' }))).toMatchObject({ code: 'InvalidRequest' });
  });
});

describe('who may', () => {
  it('asks for a token, and believes no other', async () => {
    const stranger = new RpcClient(address);
    for (const method of ['Version', 'Group', 'Begin', 'Commit', 'Rollback', 'ImportSchema', 'ImportData']) {
      expect(await refusal(stranger.call(method)), method).toMatchObject({ grpc: status.UNAUTHENTICATED, code: 'Unauthorized' });
    }
    expect(await refusal(stranger.run('RETURN 1'))).toMatchObject({ grpc: status.UNAUTHENTICATED });
    stranger.token = `${client.token}x`;
    expect(await refusal(stranger.run('RETURN 1'))).toMatchObject({ grpc: status.UNAUTHENTICATED });
    stranger.close();
  });

  it('locks out who guesses, and says so in the audit log', async () => {
    await server.done('POST', '/user', { user: 'guessed', password: 'right' });
    const guesser = new RpcClient(address);
    for (let i = 0; i < 3; i++) expect((await refusal(guesser.login('guessed', 'wrong'))).grpc).toBe(status.UNAUTHENTICATED);
    expect(await refusal(guesser.login('guessed', 'right'))).toMatchObject({ grpc: status.RESOURCE_EXHAUSTED, code: 'TooManyLogins' });
    guesser.close();
  });

  it('gives a token with its expiry, which REST takes too', async () => {
    const { token, expires_unix_ms: expires, is_admin: isAdmin, default_password: isDefault } = await client.login();
    expect([isAdmin, isDefault]).toEqual([true, true]);
    expect(Number(expires)).toBeGreaterThan(Date.now() + 86_000_000);
    expect((await server.ask('POST', '/cypher', { script: 'RETURN 1' }, String(token))).status).toBe(200);
  });

  it('refuses rights as the other protocols do', async () => {
    const other = new RpcClient(address);
    await server.ask('POST', '/user', { user: 'other', password: 'pw' });
    await other.login('other', 'pw');
    expect(await refusal(other.run('MATCH (n) RETURN n'))).toMatchObject({ grpc: status.PERMISSION_DENIED, code: 'Forbidden' });
    other.close();
  });
});

describe('the server', () => {
  it('says what it is', async () => {
    expect((await client.call('Version')).server_version).toMatch(/^\d+\.\d+/);
    expect(await client.call('Group')).toMatchObject({ is_leader: true });
  });

  it('is healthy', async () => {
    expect([await health(address), await health(address, 'lgraph.v1.Lgraph')]).toEqual(['SERVING', 'SERVING']);
    expect((await refusal(health(address, 'other'))).grpc).toBe(status.NOT_FOUND);
  });

  it.each(['v1', 'v1alpha'])('describes itself by reflection %s, well enough to make a client of it', async (version) => {
    const { describe: reflect } = await import('./reflect.ts');
    const { services, callWith } = await reflect(address, version);
    expect(services).toEqual(['lgraph.v1.Lgraph', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection']);
    expect(await callWith(credentials.createInsecure(), 'lgraph.v1.Lgraph', 'Login', { user: 'admin', password: '73@TuGraph' })).toMatchObject({ is_admin: true });
  });
});
