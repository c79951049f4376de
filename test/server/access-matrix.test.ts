/**
 * Every route and every procedure of the server, made from its own tables, against every kind of user. Whoever adds one has to
 * say here who may use it: what is not listed fails.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeApp } from '../../src/rest/rest-server.ts';
import type { Service } from '../../src/service/service.ts';
import { TestServer } from '../rest/rest-server.ts';

/** Who may: everybody; whoever is logged in; readers, writers, owners of the graph; admins. `refused`: nobody, it is not there. */
type Access = 'open' | 'user' | 'read' | 'write' | 'full' | 'admin' | 'refused';

const ROLES = ['none', 'reader', 'writer', 'full', 'admin'] as const;
const ALLOWED: Readonly<Record<Access, readonly (typeof ROLES)[number][]>> = {
  open: ROLES, user: ROLES, read: ['reader', 'writer', 'full', 'admin'], write: ['writer', 'full', 'admin'], full: ['full', 'admin'], admin: ['admin'], refused: [],
};

/** The first that fits. */
const ROUTES: readonly (readonly [RegExp, Access, unknown?])[] = [
  [/^POST \/login$/, 'open', { user: 1 }],
  [/^POST \/(refresh|logout|get_token_time)$/, 'user', {}],
  [/^GET \/(livez|readyz|writable|metrics|openapi\.json|docs|docs\/style\.css|resource\/\*)?$/, 'open'],
  [/^GET \/info(\/(?!log)\w+)?$/, 'user'],
  [/^GET \/info\/log$/, 'user'],
  [/^POST \/(cypher|gql)$/, 'write', { script: 'CREATE (n:FromMatrix)' }],
  [/^GET \/audit_log$/, 'admin'],
  [/^POST \/backup\/(newest|begin|end)$/, 'admin', { name: 'none' }],
  [/^POST \/backup\/state$/, 'admin', { name: 'none', bytes_max: 1 }],
  [/^POST \/backup\/log$/, 'admin', { from_version: 1, to_version: 1, bytes_max: 1 }],
  [/^GET \/assets\//, 'open'],
  [/^POST \/export$/, 'admin', { graph: 'default' }],
  [/^POST \/group\/(snapshot|transfer_leader)$/, 'admin', {}],
  [/^POST \/group\/(add|remove)_peer$/, 'admin', { peer: '127.0.0.1:1' }],
  [/^(GET|DELETE) \/(user|role)(\/:name(\/graph)?)?$/, 'admin'],
  [/^POST \/user$/, 'admin', { user: 'matrix', password: 'x' }],
  [/^POST \/role$/, 'admin', { role: 'matrix', description: 'x' }],
  [/^(POST|PUT) \/user\/:name\/role$/, 'admin', ['victim']],
  [/^(POST|PUT) \/user\/:name\/password$/, 'admin', { new_password: 'x' }],
  [/^(POST|PUT) \/role\/:name\/permissions$/, 'admin', { default: 'READ' }],
  [/^(POST|PUT) \/(user|role)\/:name\/(disable|enable|description|logout)$/, 'admin', { description: 'x' }],
  [/^GET \/(db|graph)$/, 'admin'],
  [/^POST \/(db|graph)$/, 'admin', { name: 'matrix' }],
  [/^DELETE \/(db|graph)\/:graph$/, 'admin'],
  [/plugin/, 'refused'],
  [/^POST \/\w+\/:graph\/label$/, 'full', { name: 'FromMatrix2', is_vertex: true, fields: [{ name: 'id', type: 'INT64' }], primary: 'id' }],
  [/^POST \/\w+\/:graph\/index$/, 'full', { label: 'Person', field: 'name' }],
  [/^DELETE \/\w+\/:graph\/index/, 'full'],
  [/^POST \/\w+\/:graph\/schema\/text$/, 'full', { description: { schema: [{ label: 'FromMatrix<n>', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }] }] } }],
  [/^POST \/\w+\/:graph\/import\/text$/, 'write', { description: { files: [{ columns: ['name'], format: 'CSV', label: 'Person' }] }, data: 'Ada <n>\n' }],
  [/^POST \/\w+\/:graph\/export$/, 'read', { label: 'Person', properties: ['name'], is_vertex: true }],
  [/^POST \/\w+\/:graph\/misc\/sub_graph$/, 'read', { vertex_ids: [0] }],
  [/^GET \/\w+\/:graph/, 'read'],
  [/^POST \/\w+\/:graph\/node$/, 'write', { label: 'Person', property: { name: 'Bob' } }],
  [/^POST \/\w+\/:graph\/node\/:vid\/relationship$/, 'write', { label: 'knows', destination: 0, property: {} }],
  [/^POST \/\w+\/:graph\/relationship$/, 'write', { label: 'knows', fields: [], edge: [{ source: 0, destination: 0, values: [] }] }],
  [/^(PUT|DELETE) \/\w+\/:graph\/(node|relationship)\/:\w+$/, 'write', { property: { x: 1 } }],
  [/^(GET \/task|DELETE \/task\/:id)$/, 'admin'],
  [/^PUT \/config$/, 'admin', { durable: true }],
  [/^POST \/update_token_time$/, 'admin', { refresh_time: 86400, expire_time: 604800 }],
  [/^POST \/misc\/sync_meta$/, 'admin', {}],
];

const IN_PATH: Readonly<Record<string, string>> = {
  graph: 'default', name: 'victim', vid: '0', direction: 'all', kind: 'node', label: 'Person', field: 'name', euid: '0_0_0_0_0', id: '0_999999', '*': 'index.html',
};

function routeTable(): string[] {
  const found: string[] = [];
  // Nothing is asked while the routes are declared.
  const anything: unknown = new Proxy(() => undefined, { get: () => anything, apply: () => anything });
  makeApp(anything as Service, {
    host: '', port: 0, bodyBytesMax: 1, resultBytesMax: 1, enableHa: true, webFolder: '', metrics: { text: () => Promise.resolve(''), token: '' },
    auditLog: { search: () => Promise.resolve([]) }, onRoute: (method, url) => void (method !== 'HEAD' && found.push(`${method} ${url}`)),
  });
  return found;
}

let server: TestServer;
const tokens = new Map<string, string>();

beforeAll(async () => {
  server = await TestServer.start(18_850);
  await server.done('POST', '/db/default/label', { name: 'Person', is_vertex: true, fields: [{ name: 'name', type: 'STRING' }], primary: 'name' });
  await server.done('POST', '/cypher', { script: "CREATE (a:Person {name: 'A'})-[:knows]->(a)" });
  await server.done('POST', '/user', { user: 'victim', password: 'x' });
  for (const role of ROLES.slice(0, -1)) {
    await server.done('POST', '/user', { user: role, password: 'pw' });
    const level = { none: 'NONE', reader: 'READ', writer: 'WRITE', full: 'FULL', admin: '' }[role];
    await server.done('POST', `/role/${role}/permissions`, { default: level });
    tokens.set(role, await server.login(role, 'pw'));
  }
  tokens.set('admin', server.token);
});
afterAll(async () => {
  await server.stop();
});

it('has every route', () => {
  expect(routeTable().length).toBeGreaterThan(100);
  expect(routeTable().filter((route) => !ROUTES.some(([pattern]) => pattern.test(route)))).toEqual([]);
});

it('lets each role do what it may over REST, and nothing else', async () => {
  const wrong: string[] = [];
  let asked = 0;
  for (const route of routeTable()) {
    const [method, url] = route.split(' ') as [string, string];
    const [, access, body] = ROUTES.find(([pattern]) => pattern.test(route))!;
    const path = (/^DELETE \/\w+\/:graph$/.test(route) ? url.replace(':graph', 'matrix') : url).replace(/:(\w+)|\*/g, (found, name?: string) => IN_PATH[name ?? found]!);
    await server.ask('POST', '/db', { name: 'matrix' });
    const expectations = ['stranger', ...ROLES].map((who): [string, string] => [who, access === 'refused' ? 'bad' : access === 'open' || ALLOWED[access].includes(who as never) ? 'in' : who === 'stranger' ? '401' : '403']);
    for (const [who, expected] of expectations) {
      // A logout of all would end this test.
      const sent = method === 'GET' || method === 'DELETE' ? undefined : JSON.parse(JSON.stringify(body ?? {}).replace('<n>', String(asked++))) as unknown;
      const { status, text } = await server.ask(method, path, sent, tokens.get(who) ?? '');
      // That this server has no group is no secret.
      if (text.includes('HA mode is not enabled')) continue;
      const got = status === 401 || status === 403 ? String(status) : expected === 'bad' && status === 400 ? 'bad' : status < 500 || /disk|leader/i.test(text) ? 'in' : String(status);
      if (got !== expected) wrong.push(`${route} as ${who}: ${expected} expected, ${status} ${text.slice(0, 100)}`);
    }
  }
  expect(wrong).toEqual([]);
});

/** Procedures of the server that whoever is logged in may call; all others of it are for admins. */
const SERVER_SIDE = /^(dbms\.|db\.(monitor|flushDB))/;
const FOR_USERS: ReadonlySet<string> = new Set([
  'dbms.procedures', 'dbms.security.showCurrentUser', 'dbms.security.isDefaultUserPassword', 'dbms.security.changePassword', 'dbms.security.setCurrentDesc',
  'dbms.showCurrentUser', 'dbms.listConfig', 'dbms.ha.clusterInfo', 'dbms.listServers', 'dbms.ha.checksum', 'dbms.config.list', 'dbms.components', 'dbms.system.info', 'dbms.functions', 'dbms.graph.getGraphInfo', 'dbms.listDatabases',
  // These answer about one's own statements, or that there is nothing.
  'dbms.listTransactions', 'dbms.killTransactions', 'dbms.task.listTasks', 'db.monitor.serverInfo', 'db.monitor.tuGraphInfo',
]);
/** Nothing is behind these but an answer that says so. */
const NOTHING_BEHIND = /^db\.(plugin|bolt|importor\.(full|fullFile)Importor)/;
/** Of the server by name, of a graph by what they tell. */
const OF_A_GRAPH = /^dbms\.(graph\.getGraphSchema|meta\.|info$|clientConfig$)/;

const ARGUMENTS: Readonly<Record<string, string>> = {
  STRING: "'victim'", INTEGER: '1', FLOAT: '1.0', DOUBLE: '1.0', NUMBER: '1', BOOLEAN: 'false', LIST: '[]', MAP: '{}', ANY: "'10.1.1.1'", NODE: 'null', RELATIONSHIP: 'null', PATH: 'null', NUL: 'null',
};

it('lets each role call what it may, and nothing else', async () => {
  const listed = (await server.done('POST', '/cypher', { script: 'CALL dbms.procedures() YIELD name, signature RETURN name, signature' }) as { result: [string, string][] }).result;
  expect(listed.length).toBeGreaterThan(60);
  const wrong: string[] = [];
  for (const [name, signature] of listed) {
    const args = [...(/\(([^)]*)\)/.exec(signature)?.[1] ?? '').matchAll(/::\s*(\w+)/g)].map(([, type]) => ARGUMENTS[type!] ?? 'null').join(', ');
    const access: Access | undefined = FOR_USERS.has(name) || NOTHING_BEHIND.test(name) ? 'user' : OF_A_GRAPH.test(name) ? 'read' : SERVER_SIDE.test(name) ? 'admin' : undefined;
    for (const role of ROLES) {
      // What concerns a graph is refused by its kind (read, write, schema) before it runs: for one without any right, all of it.
      if (access === undefined && role !== 'none') continue;
      const { status, text } = await server.ask('POST', '/cypher', { script: `CALL ${name}(${args})` }, tokens.get(role)!);
      const isForbidden = (status === 403 || status === 401) && !text.includes('Incorrect current password');
      const expected = access === undefined || !ALLOWED[access].includes(role);
      if (isForbidden !== expected) wrong.push(`${name}(${args}) as ${role}: ${status} ${text.slice(0, 160)}`);
    }
  }
  expect(wrong).toEqual([]);
});

it('asks everybody for a token before it tells anything', async () => {
  for (const name of ['RETURN 1', 'CALL dbms.listServers()']) expect((await server.ask('POST', '/cypher', { script: name }, '')).status).toBe(401);
});
