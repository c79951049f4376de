/** A server as somebody hostile meets it: guessing, old tokens, wrong addresses, the factory password; and what its logs keep to themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { TestServer } from '../rest/rest-server.ts';
import { refusal, RpcClient } from '../rpc/client.ts';

const ADMIN = '73@TuGraph';
const bolt = (server: TestServer, user: string, password: string) => neo4j.driver(`bolt://127.0.0.1:${server.ports.bolt}`, neo4j.auth.basic(user, password), { maxTransactionRetryTime: 0 });
const codeOf = (error: unknown) => (error as { code?: string }).code;
const cypher = (server: TestServer, script: string, token?: string) => server.ask('POST', '/cypher', { script }, token);
const audit = async (server: TestServer, query: string) => await server.done('GET', `/audit_log?${query}`) as Record<string, unknown>[];

/** A login over Bolt: the code of the error, or undefined. */
async function boltLogin(server: TestServer, user: string, password: string): Promise<string | undefined> {
  const driver = bolt(server, user, password);
  try {
    await driver.verifyConnectivity();
    return undefined;
  } catch (error) {
    return codeOf(error);
  } finally {
    await driver.close();
  }
}

/** GET from another address of this machine. */
function getFrom(address: string, port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path, localAddress: address }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject).end();
  });
}

/** What the Bolt port answers to a handshake from another address; '' if it hangs up. */
function shakeFrom(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: address }, () => socket.write(Buffer.from('6060b01700000404000000000000000000000000', 'hex')));
    socket.on('data', (data) => {
      resolve(data.toString('hex'));
      socket.destroy();
    }).on('close', () => resolve('')).on('error', () => resolve(''));
  });
}

describe('one server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start(18_700, ['--enable_rpc', 'true', '--enable_audit_log', 'true', '--login_failures_max', '3', '--login_lock_ms', '1500']);
  });
  afterAll(async () => {
    await server.stop();
  });

  it('keeps secrets out of all that it writes, and out of its errors', async () => {
    const answers: string[] = [];
    const ask = async (...args: Parameters<TestServer['ask']>) => answers.push((await server.ask(...args)).text);
    const secret = (n: number) => `s3cret-${n}-x`;
    await ask('POST', '/user', { user: 'ida', password: secret(1) });
    const ida = await server.login('ida', secret(1));
    await ask('PUT', '/user/ida/password', { current_password: secret(1), new_password: secret(2) }, ida);
    await ask('PUT', '/user/ida/password', { new_password: secret(3) });
    await ask('PUT', '/user/ida/password', { new_password: [secret(4)] });
    await ask('POST', '/login', { user: 'ida', password: secret(5) }, '');
    await ask('POST', '/login', { user: 'ida', password: 5, [secret(6)]: 1 }, '');
    await ask('GET', '/user', undefined, secret(7));
    for (const script of [
      `CALL dbms.security.createUser('eva', '${secret(10)}')`, `CALL dbms . security . changeUserPassword('eva', "${secret(11)}")`,
      `CALL dbms.security.createUser('eva', '${secret(12)}'`, `CALL dbms.security.createUser('eva', '${secret(13)}`, `CALL dbms.security.createUser('eva', 1, '${secret(14)}')`,
      `CREATE USER eva SET PASSWORD '${secret(15)}'`, `ALTER USER eva SET PASSWORD '${secret(26)}'`, `ALTER CURRENT USER SET PASSWORD FROM '${secret(27)}' TO '${secret(28)}'`, `CREATE USER eve SET PASSWORD '${secret(29)}`,
      `EXPLAIN CREATE OR REPLACE USER eva SET PASSWORD '${secret(30)}'`, `WITH '${secret(16)}' AS p CALL dbms.security.changeUserPassword('eva', p) RETURN 1`,
      `CALL dbms.security.changePassword('${secret(17)}', 'x')`, `EXPLAIN CALL dbms.security.changeUserPassword('eva', '${secret(18)}')`,
      `CALL dbms.security.changeUserPassword('nobody', '${secret(19)}')`, `CALL dbms.security.changeUserPassword('eva', '${'y'.repeat(70)}${secret(20)}')`,
    ]) await ask('POST', '/cypher', { script });
    await ask('POST', '/cypher', { script: 'CALL dbms.security.createUser($a, $b)', parameters: { a: 'mia', b: secret(21) } });
    const driver = bolt(server, 'admin', ADMIN);
    await driver.executeQuery('CALL dbms.security.changeUserPassword($a, $b)', { a: 'mia', b: secret(22) });
    await driver.executeQuery(`CALL dbms.security.changeUserPassword('mia', '${secret(23)}')`);
    await driver.close();
    await boltLogin(server, 'mia', secret(24));
    // The slow log, the list of tasks, and the diagnostic dump.
    await server.done('PUT', '/config', { slow_query_ms: 1 });
    await server.ask('POST', '/cypher', { script: `CALL dbms.security.changeUserPassword('mia', '${secret(25)}')` });
    process.kill(Number(readFileSync(join(server.directory, 'data/lgraph.pid'), 'utf8')), 'SIGQUIT');
    const log = () => readFileSync(join(server.directory, 'log'), 'utf8');
    await eventually('the dump', 5000, async () => log().includes('diagnostics') && log().includes('slow statement'));
    expect(log()).toContain('"raft"');
    await server.done('PUT', '/config', { slow_query_ms: null });
    answers.push(JSON.stringify(await audit(server, 'limit=10000')));

    for (const answer of answers) expect(answer).not.toMatch(/s3cret-\d+-x/);
    const files = readdirSync(server.directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const guilty = files.filter((file) => readFileSync(join(file.parentPath, file.name), 'latin1').includes('s3cret-')).map((file) => file.name);
    expect(files.length).toBeGreaterThan(5);
    expect(guilty).toEqual([]);
  });

  it("lets only admins change users, roles and graphs by Neo4j's commands", async () => {
    const done = async (script: string, token?: string) => (await cypher(server, script, token)).status;
    expect(await done("CREATE USER lou SET PASSWORD 'lou-lou' CHANGE NOT REQUIRED")).toBe(200);
    const lou = await server.login('lou', 'lou-lou');
    const commands = [
      "CREATE USER x SET PASSWORD 'x'", "CREATE USER lou IF NOT EXISTS SET PASSWORD 'x'", "ALTER USER lou SET PASSWORD 'x'", 'ALTER USER nobody IF EXISTS SET STATUS ACTIVE', 'DROP USER lou', 'DROP USER nobody IF EXISTS',
      'CREATE ROLE x', 'CREATE ROLE lou IF NOT EXISTS', 'DROP ROLE lou', 'DROP ROLE nobody IF EXISTS', 'GRANT ROLE admin TO lou', 'REVOKE ROLE lou FROM lou', 'CREATE DATABASE x', 'CREATE DATABASE default IF NOT EXISTS',
      'DROP DATABASE x', 'DROP DATABASE x IF EXISTS', 'SHOW USERS', 'SHOW ROLES', 'SHOW ROLES WITH USERS',
    ];
    for (const script of commands) expect([script, await done(script, lou)]).toEqual([script, 403]);
    const me = await cypher(server, 'CALL dbms.security.showCurrentUser()', lou);
    expect(me.text).toContain('lou');
    expect(await done("ALTER CURRENT USER SET PASSWORD FROM 'wrong' TO 'lou-lou-2'", lou)).toBe(403);
    expect(await done("ALTER CURRENT USER SET PASSWORD FROM 'lou-lou' TO 'lou-lou-2'", lou)).toBe(200);
    expect(await done('CREATE OR REPLACE USER admin SET PASSWORD \'x\'')).toBe(403);
    expect(await done('ALTER USER lou SET STATUS SUSPENDED')).toBe(200);
    expect((await cypher(server, 'RETURN 1', lou)).status).toBe(401);
    expect(await done('DROP USER lou')).toBe(200);
  });

  it.each([
    ["CALL dbms.graph.createGraph('big', '', 16385)", 'max_size_GB: must be between 1 and 16384, given 16385'],
    ["CALL dbms.graph.createGraph('small', '', 0)", 'given 0'],
    ["CALL dbms.graph.modGraph('default', {max_size_GB: -1})", 'given -1'],
    ["CALL dbms.security.deleteRole('admin')", 'Builtin roles cannot be deleted.'],
    ["CALL dbms.security.modRoleDesc('admin', 'x')", 'Builtin roles cannot be modified.'],
    ["CALL dbms.security.modRoleFieldAccessLevel('fieldless', 'nowhere', 'P', 'x', 'VERTEX', 'NONE')", 'Graph nowhere does not exist.'],
  ])('refuses %s', async (script, message) => {
    await cypher(server, "CALL dbms.security.createRole('fieldless', '')");
    const { status, body } = await cypher(server, script);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(body)).toContain(message);
  });

  it('logs who did what, from where, with which outcome', async () => {
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await fetch(`http://127.0.0.1:${server.port}/cypher`, {
      method: 'POST', headers: { authorization: `Bearer ${server.token}`, traceparent: trace, 'content-type': 'application/json' }, body: JSON.stringify({ script: "CREATE (n:Audited {a: 'b'})" }),
    });
    expect((await audit(server, 'text=audited'))[0]).toMatchObject({
      protocol: 'rest', address: '127.0.0.1', user: 'admin', graph: 'default', kind: 'write', content: "CREATE (n:Audited {a: 'b'})", outcome: 'success', trace_id: trace.slice(3, 35),
    });
    const driver = bolt(server, 'admin', ADMIN);
    const session = driver.session();
    await session.executeRead((transaction) => transaction.run('MATCH (n:Audited) RETURN n.overBolt'), { metadata: { traceparent: trace } });
    await session.close();
    await driver.close();
    expect((await audit(server, 'text=overbolt'))[0]).toMatchObject({ protocol: 'bolt', kind: 'read', outcome: 'success', trace_id: trace.slice(3, 35) });
    await cypher(server, 'MATCH (n:Refused RETURN n');
    expect((await audit(server, 'text=refused&code=SyntaxError'))[0]).toMatchObject({ kind: 'statement', outcome: 'failure' });
    await server.ask('POST', '/login', { user: 'mallory', password: 'guess' }, '');
    expect((await audit(server, 'user=mallory'))[0]).toMatchObject({ kind: 'login', outcome: 'failure', code: 'Unauthorized', address: '127.0.0.1' });
    await server.done('POST', '/db', { name: 'audited' });
    expect((await audit(server, 'kind=request'))[0]).toMatchObject({ content: 'POST /db', user: 'admin', outcome: 'success' });
    expect((await audit(server, 'text=createuser&outcome=success')).some(({ content }) => String(content).includes('"mia"'))).toBe(true);
  });

  it('shows the audit log to admins only, and says what it was asked wrongly', async () => {
    await server.done('POST', '/user', { user: 'reader', password: 'pw' });
    expect((await server.ask('GET', '/audit_log', undefined, await server.login('reader', 'pw'))).status).toBe(403);
    expect((await server.ask('GET', '/audit_log', undefined, '')).status).toBe(401);
    for (const query of ['usr=x', 'limit=0', 'limit=10001', 'from=yesterday', 'user=a&user=b']) expect((await server.ask('GET', `/audit_log?${query}`)).status, query).toBe(400);
  });

  it('locks a user out after some wrong passwords, over REST and Bolt together, and lets in again', async () => {
    await server.done('POST', '/user', { user: 'tom', password: 'right' });
    const login = async (password: string) => (await server.ask('POST', '/login', { user: 'tom', password }, '')).status;
    expect(await login('wrong')).toBe(401);
    expect(await boltLogin(server, 'tom', 'wrong')).toBe('Neo.ClientError.Security.Unauthorized');
    expect(await login('wrong')).toBe(401);
    expect(await login('right')).toBe(429);
    expect(await boltLogin(server, 'tom', 'right')).toBe('Neo.ClientError.Security.AuthenticationRateLimit');
    await eventually('the end of the lock', 10_000, async () => await login('right') === 200);
    expect(await boltLogin(server, 'tom', 'right')).toBeUndefined();
  });

  it('voids tokens and sessions with a new password, disabling, deletion and a logout of all', async () => {
    await server.done('POST', '/user', { user: 'ann', password: 'pw' });
    const alive = async (token: string) => (await cypher(server, 'CALL dbms.security.showCurrentUser()', token)).status === 200;
    const driver = bolt(server, 'ann', 'pw');
    const session = driver.session();
    const run = () => session.run('CALL dbms.security.showCurrentUser()').then(() => undefined, codeOf);
    const token = await server.login('ann', 'pw');
    const other = await server.login('ann', 'pw');
    expect(await alive(token)).toBe(true);
    expect(await run()).toBeUndefined();

    await server.done('POST', '/logout', { all: true }, token);
    expect([await alive(token), await alive(other)]).toEqual([false, false]);
    expect((await server.ask('POST', '/refresh', {}, token)).status).toBe(401);
    expect(await run()).toBe('Neo.ClientError.Security.Unauthorized');

    // Who changes the password keeps the token that did it; the others go.
    const [mine, old] = [await server.login('ann', 'pw'), await server.login('ann', 'pw')];
    await new Promise((resolve) => setTimeout(resolve, 5));
    await server.done('PUT', '/user/ann/password', { current_password: 'pw', new_password: 'pw2' }, mine);
    expect([await alive(mine), await alive(old)]).toEqual([true, false]);
    // Within the same session too, over Bolt.
    const own = bolt(server, 'ann', 'pw2');
    const ownSession = own.session();
    await ownSession.run("CALL dbms.security.changePassword('pw2', 'pw3')");
    await ownSession.run('CALL dbms.security.showCurrentUser()');
    expect(await alive(mine)).toBe(false);

    const last = await server.login('ann', 'pw3');
    await server.done('POST', '/user/ann/disable', {});
    expect(await alive(last)).toBe(false);
    await expect(ownSession.run('RETURN 1')).rejects.toThrow();
    await server.done('POST', '/user/ann/enable', {});
    expect(await alive(last)).toBe(false);

    const before = await server.login('ann', 'pw3');
    await server.done('DELETE', '/user/ann');
    await server.done('POST', '/user', { user: 'ann', password: 'other' });
    expect(await alive(before)).toBe(false);
    await server.ask('POST', '/user/reader/logout', {}, await server.login('ann', 'other')).then(({ status }) => expect(status).toBe(403));
    await driver.close();
    await own.close();
  });

  describe('rights that are taken away from a user with open transactions', () => {
    const CONFLICT = 'Neo.TransientError.Transaction.DeadlockDetected';
    const level = (graph: string) => cypher(server, `CALL dbms.security.modRoleAccessLevel('writers', {default: '${graph}'})`);
    const count = async (label: string) => ((await server.done('POST', '/cypher', { script: `MATCH (n:${label}) RETURN count(n)` })) as { result: unknown[][] }).result[0]![0];
    let driver: ReturnType<typeof bolt>;

    beforeAll(async () => {
      await server.done('POST', '/cypher', { script: "CALL dbms.security.createRole('writers', '')" });
      await server.done('POST', '/user', { user: 'wim', password: 'pw' });
      await server.done('POST', '/cypher', { script: "CALL dbms.security.addUserRoles('wim', ['writers'])" });
      driver = bolt(server, 'wim', 'pw');
    });
    beforeEach(async () => {
      await level('WRITE');
    });
    afterAll(async () => {
      await driver.close();
    });

    it('are gone for their next statements, over Bolt and gRPC', async () => {
      const client = new RpcClient(`127.0.0.1:${server.ports.rpc}`);
      await client.login('wim', 'pw');
      const begun = async (mode: 'READ' | 'WRITE') => {
        const transaction = driver.session({ defaultAccessMode: neo4j.session[mode] }).beginTransaction();
        await transaction.run(mode === 'READ' ? 'RETURN 1' : 'CREATE (:Taken)');
        return transaction;
      };
      const [reading, writing] = [await begun('READ'), await begun('WRITE')];
      const { transaction } = await client.call('Begin', {});
      await client.run('MATCH (n) RETURN count(n)', { transaction });
      await level('NONE');
      await expect(reading.run('MATCH (n) RETURN n')).rejects.toMatchObject({ code: CONFLICT });
      await expect(writing.run('CREATE (:Taken)')).rejects.toMatchObject({ code: CONFLICT });
      expect(await refusal(client.run('MATCH (n) RETURN n', { transaction }))).toMatchObject({ code: 'Conflict', retryable: 'true' });
      // Run again, as drivers do, they are told why.
      await expect(driver.session().run('CREATE (:Taken)')).rejects.toMatchObject({ code: 'Neo.ClientError.Security.Forbidden' });
      client.close();
      expect(await count('Taken')).toBe(0);
    });

    it('are gone for their commits, but not for those of whom nothing was taken', async () => {
      const commit = async (meanwhile: () => Promise<unknown>) => {
        const transaction = driver.session().beginTransaction();
        await transaction.run('CREATE (:Committed)');
        await meanwhile();
        return transaction.commit().then(() => undefined, codeOf);
      };
      expect(await commit(() => level('READ'))).toBe(CONFLICT);
      await level('WRITE');
      expect(await commit(() => cypher(server, "CALL dbms.security.modRoleFieldAccessLevel('writers', 'default', 'Committed', 'x', 'VERTEX', 'READ')"))).toBe(undefined);
      expect(await commit(() => server.done('POST', '/user', { user: 'other', password: 'pw' }))).toBe(undefined);
      expect(await commit(() => level('FULL'))).toBe(undefined);
      expect(await count('Committed')).toBe(3);
      expect(await commit(() => server.done('POST', '/user/wim/disable', {}))).toBe('Neo.ClientError.Security.Unauthorized');
      await server.done('POST', '/user/wim/enable', {});
      expect(await count('Committed')).toBe(3);
    });

    it('are gone for the batches to come', async () => {
      const running = driver.session().run('UNWIND range(1, 200000) AS i CALL (i) { CREATE (:Batch) } IN TRANSACTIONS OF 10 ROWS');
      const ended = running.then(() => undefined, codeOf);
      await eventually('the first batch', 10_000, async () => Number(await count('Batch')) > 0);
      await level('READ');
      expect(await ended).toBe('Neo.ClientError.Security.Forbidden');
      expect(await count('Batch')).toBeLessThan(200_000);
    });
  });

  it('loses no change of users and graphs to a transaction that began before it', async () => {
    const driver = bolt(server, 'admin', ADMIN);
    const commit = async (first: string, meanwhile: string, database = 'default') => {
      const transaction = driver.session({ database }).beginTransaction();
      await transaction.run(first);
      await server.done('POST', '/cypher', { script: meanwhile });
      return transaction.commit().then(() => undefined, codeOf);
    };
    await server.done('POST', '/user', { user: 'uma', password: 'pw' });
    await server.done('POST', '/cypher', { script: "CALL dbms.security.createRole('later', '')" });
    expect(await commit("CALL dbms.security.addUserRoles('uma', ['later'])", "CALL dbms.security.disableUser('uma', true)")).toMatch(/TransientError/);
    expect((await server.ask('POST', '/login', { user: 'uma', password: 'pw' })).status).toBe(401);
    expect(await commit("CALL dbms.graph.createGraph('twice')", "CALL dbms.graph.createGraph('twice')")).toMatch(/TransientError/);
    expect(await commit('CREATE (:Lost)', "CALL dbms.graph.deleteGraph('twice')", 'twice')).toMatch(/TransientError/);
    await driver.close();
  });

  it('lets only allowed addresses speak while enable_ip_check is on, and its own machine always', async () => {
    const { rest, bolt: boltPort } = server.ports;
    expect(await getFrom('127.0.0.2', rest, '/livez')).toBe(200);
    await server.done('PUT', '/config', { enable_ip_check: true });
    for (const path of ['/livez', '/metrics', '/', '/info']) expect(await getFrom('127.0.0.2', rest, path), path).toBe(403);
    expect(await shakeFrom('127.0.0.2', boltPort)).toBe('');
    expect(await shakeFrom('127.0.0.1', boltPort)).toBe('00000404');
    expect((await audit(server, 'address=127.0.0.2'))[0]).toMatchObject({ kind: 'refused', code: 'Forbidden' });
    await cypher(server, "CALL dbms.security.addAllowedHosts('::ffff:127.0.0.2')");
    expect((await server.done('POST', '/cypher', { script: 'CALL dbms.security.listAllowedHosts()' }) as { result: unknown }).result).toEqual([['127.0.0.2']]);
    expect(await getFrom('127.0.0.2', rest, '/livez')).toBe(200);
    expect(await shakeFrom('127.0.0.2', boltPort)).toBe('00000404');
    await cypher(server, "CALL dbms.security.deleteAllowedHosts('127.0.0.2')");
    expect(await getFrom('127.0.0.2', rest, '/livez')).toBe(403);
    await server.done('PUT', '/config', { enable_ip_check: null });
    expect(await getFrom('127.0.0.2', rest, '/livez')).toBe(200);
  });

  it('changes options while it runs, and says which it cannot', async () => {
    expect((await server.ask('PUT', '/config', { enable_audit_logs: true }))).toMatchObject({ status: 400, body: { error_message: 'Option enable_audit_logs does not exist.', hint: 'did you mean enable_audit_log?' } });
    expect((await server.ask('PUT', '/config', { enable_audit_log: 1 })).status).toBe(400);
    expect((await server.ask('PUT', '/config', { verbose: 3 })).status).toBe(400);
    expect((await server.ask('PUT', '/config', { durable: false })).status).toBe(400);
    expect((await server.ask('PUT', '/config', { __proto__: { x: 1 }, constructor: 1 })).status).toBe(400);
    const ida = await server.login('reader', 'pw');
    expect((await server.ask('PUT', '/config', { verbose: 2 }, ida)).status).toBe(403);
    await server.done('PUT', '/config', { durable: true, verbose: 2, token_life_s: 1 });
    expect(await server.done('GET', '/info/db_config')).toMatchObject({ verbose: 2, token_life_s: 1 });
    const short = await server.login('reader', 'pw');
    await server.done('POST', '/update_token_time', { refresh_time: 100, expire_time: 200 });
    expect(await server.done('POST', '/get_token_time', {})).toEqual({ refresh_time: 100, expire_time: 200 });
    await eventually('the end of a token', 5000, async () => (await cypher(server, 'RETURN 1', short)).status === 401);
    await server.done('PUT', '/config', { verbose: null, token_life_s: null, token_refresh_s: null });
    expect(await server.done('GET', '/info/db_config')).toMatchObject({ verbose: 1, token_life_s: 86400 });
  });

  it('refuses forged, foreign and unsigned tokens', async () => {
    const [head, body, signature] = server.token.split('.') as [string, string, string];
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...claims, gen: 0, exp: 4_000_000_000 })).toString('base64url');
    for (const token of [`${none}.${body}.`, `${none}.${body}.${signature}`, `${head}.${forged}.${signature}`, `${head}.${body}.`, `${head}.${body}.AAAA`, 'x', 'x.y.z']) {
      expect((await cypher(server, 'RETURN 1', token)).status, token).toBe(401);
    }
  });
});

it('asks for another password first with force_password_change, whatever is tried', async () => {
  const server = await TestServer.start(18_760, ['--force_password_change', 'true']);
  try {
    const blocked = async (script: string) => expect(await cypher(server, script), script).toMatchObject({ status: 403, body: { error_code: 'PasswordChangeRequired' } });
    for (const script of [
      'RETURN 1', 'MATCH (n) RETURN n', "CALL dbms.security.createUser('a', 'b')", 'CALL dbms.security.showCurrentUser() YIELD current_user MATCH (n) RETURN n',
      "CALL dbms.security.showCurrentUser() UNION CALL dbms.security.listUsers()", "CALL dbms.security.showCurrentUser(); MATCH (n) RETURN n",
      "EXPLAIN RETURN 1", "CALL dbms.security.changeUserPassword('admin', 'x')",
    ]) await blocked(script);
    for (const [method, path] of [['GET', '/info'], ['GET', '/user'], ['POST', '/group/snapshot'], ['GET', '/db'], ['GET', '/audit_log'], ['GET', '/task']] as const) {
      expect(await server.ask(method, path), path).toMatchObject({ status: 403, body: { error_code: 'PasswordChangeRequired' } });
    }
    const driver = bolt(server, 'admin', ADMIN);
    await expect(driver.executeQuery('RETURN 1')).rejects.toMatchObject({ code: 'Neo.ClientError.Security.CredentialsExpired' });
    const session = driver.session();
    const transaction = session.beginTransaction();
    await expect(transaction.run('CREATE (n:X)')).rejects.toMatchObject({ code: 'Neo.ClientError.Security.CredentialsExpired' });
    await session.close();
    await driver.executeQuery(`CALL dbms.security.changePassword('${ADMIN}', 'one ( of '' my own')`).catch(() => driver.executeQuery('CALL dbms.security.changePassword($a, $b)', { a: ADMIN, b: 'own' }));
    await driver.executeQuery('RETURN 1');
    await driver.close();
  } finally {
    await server.stop();
  }
});

describe('a server with disable_auth', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start(18_760, ['--disable_auth', 'true', '--enable_rpc', 'true']);
  });
  afterAll(async () => {
    await server.stop();
  });

  it('takes everybody for an admin, without a token, on every port', async () => {
    expect((await cypher(server, 'RETURN 1 AS one', '')).status).toBe(200);
    expect((await server.ask('GET', '/user', undefined, '')).status).toBe(200);
    const rpc = new RpcClient(`127.0.0.1:${server.ports.rpc}`);
    expect((await rpc.run('RETURN 1 AS one')).columns).toEqual(['one']);
    rpc.close();
    const driver = neo4j.driver(`bolt://127.0.0.1:${server.ports.bolt}`, { scheme: 'none', principal: '', credentials: '' });
    expect((await driver.executeQuery('RETURN 1 AS one')).records.length).toBe(1);
    await driver.close();
  });
});
