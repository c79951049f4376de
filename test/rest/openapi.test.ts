/** The description of the API against the routes that are there, and every route of it against a real server. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API } from '../../src/rest/api-table.ts';
import type { ApiRoute } from '../../src/rest/api-table.ts';
import { openApi } from '../../src/rest/openapi.ts';
import { makeApp } from '../../src/rest/rest-server.ts';
import type { Service } from '../../src/service/service.ts';
import { TestServer } from './rest-server.ts';

let server: TestServer;
let stranger: string;
let count = 0;
let euid = '';

beforeAll(async () => {
  server = await TestServer.start(20_150);
  await server.done('POST', '/db/default/label', { name: 'Person', is_vertex: true, fields: [{ name: 'name', type: 'STRING' }, { name: 'x', type: 'INT64', optional: true }], primary: 'name' });
  await server.done('POST', '/db/default/label', { name: 'knows', is_vertex: false, fields: [{ name: 'x', type: 'INT64', optional: true }] });
  await server.done('POST', '/cypher', { script: "CREATE (a:Person {name: 'A'})-[:knows]->(a)" });
  await server.done('POST', '/user', { user: 'nobody', password: 'x' });
  stranger = await server.login('nobody', 'x');
  [euid] = (await server.done('GET', '/db/default/node/0/relationship/out') as [string]);
});
afterAll(async () => {
  await server.stop();
});

/** What stands in the path, made anew where the route uses it up. */
async function pathOf({ method, path }: ApiRoute): Promise<string> {
  const made: Record<string, string> = { graph: 'default', name: 'victim', vid: '0', direction: 'all', kind: 'node', label: 'Person', field: 'name', euid, id: '0_999999' };
  await server.ask('POST', '/user', { user: 'victim', password: 'x' });
  if (path.includes('/relationship/:euid/')) made.field = 'x';
  if (method === 'DELETE') {
    if (/:graph$/.test(path)) await server.done('POST', '/db', { name: made.graph = `gone${count++}` });
    if (/:vid$/.test(path)) made.vid = String(await server.done('POST', '/db/default/node', { label: 'Person', property: { name: `gone ${count++}` } }));
    if (/:euid$/.test(path)) made.euid = String(await server.done('POST', '/db/default/node/0/relationship', { label: 'knows', destination: 0 }));
    if (/:field$/.test(path)) await server.ask('POST', '/db/default/index', { label: 'Person', field: made.field = 'x' });
  }
  if (path.startsWith('/role') && path !== '/role') {
    await server.ask('DELETE', `/role/contract`);
    await server.ask('POST', '/role', { role: 'contract', description: 'd' });
    made.name = 'contract';
  }
  return path.replace(/:(\w+)|\*/g, (_, name?: string) => made[name ?? ''] ?? 'index.html');
}

const exampleOf = ({ example }: ApiRoute): unknown => (example === undefined ? undefined : JSON.parse(JSON.stringify(example).replaceAll('<n>', String(count++))));
const routeName = ({ method, path }: ApiRoute) => `${method} ${path}`;

it('describes every route that is there, and no other', () => {
  const found: string[] = [];
  const anything: unknown = new Proxy(() => undefined, { get: () => anything, apply: () => anything });
  makeApp(anything as Service, {
    host: '', port: 0, bodyBytesMax: 1, resultBytesMax: 1, enableHa: true, webFolder: '', metrics: { text: () => Promise.resolve(''), token: '' },
    auditLog: { search: () => Promise.resolve([]) }, onRoute: (method, url) => void (method !== 'HEAD' && found.push(`${method} ${url}`)),
  });
  expect(API.map(routeName).sort()).toEqual(found.sort());
  const described = Object.entries(openApi('1').paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  expect(described.length).toBe(API.length);
  const ids = Object.values(openApi('1').paths).flatMap((methods) => Object.values(methods).map((one) => (one as { operationId: string }).operationId));
  expect(new Set(ids).size).toBe(ids.length);
});

it('serves the description, whose references lead somewhere, and the page without anything from elsewhere', async () => {
  const { text, body } = await server.ask('GET', '/openapi.json', undefined, '');
  expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'lgraph_server' } });
  for (const [, reference] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    expect(reference!.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], body), reference).toBeDefined();
  }
  const page = await server.ask('GET', '/docs', undefined, '');
  expect(page.text).toContain('/db/:graph/node/:vid');
  expect(page.text).not.toMatch(/<script|https?:\/\/|style=/);
});

/** What needs a group, or a state that this server is not in. */
const NOT_HERE = /^(GET \/info\/(peers|leader)|POST \/group|GET \/(assets|resource)|POST \/backup\/(state|log|end)|DELETE \/task|POST \/\w+\/:graph\/index$|GET \/$)/;

it('answers every route as described', async () => {
  const wrong: string[] = [];
  for (const route of API) {
    if (route.access === 'refused' || NOT_HERE.test(routeName(route))) continue;
    const { status, body, text } = await server.ask(route.method, await pathOf(route), exampleOf(route));
    const fits = route.answer === 'array' ? Array.isArray(body) : route.answer === 'object' ? body !== null && typeof body === 'object' && !Array.isArray(body) : route.answer === '' ? text === '' : text !== '';
    if (status !== 200 || !fits) wrong.push(`${routeName(route)}: ${status} ${text.slice(0, 150)}`);
  }
  expect(wrong).toEqual([]);
});

it('asks for a token, and refuses who has no rights', async () => {
  const wrong: string[] = [];
  for (const route of API) {
    if (route.access === 'open' || route.access === 'refused') continue;
    const path = await pathOf(route);
    const nobody = await server.ask(route.method, path, exampleOf(route), '');
    if (nobody.status !== 401 && !nobody.text.includes('HA mode')) wrong.push(`${routeName(route)} without a token: ${nobody.status}`);
    if (route.access === 'user') continue;
    const { status, text } = await server.ask(route.method, path, exampleOf(route) ?? (route.body === undefined ? undefined : minimal(route)), stranger);
    if (status !== 403) wrong.push(`${routeName(route)} without rights: ${status} ${text.slice(0, 100)}`);
  }
  expect(wrong).toEqual([]);
});

const GOOD: Readonly<Record<string, unknown>> = { string: 'x', integer: 1, number: 1, boolean: true, object: {}, array: [], strings: [], any: 'x' };
const BAD: Readonly<Record<string, unknown>> = { string: 7, integer: 'x', number: 'x', boolean: 'x', object: 'x', array: 'x', strings: [1] };

function minimal({ body }: ApiRoute): unknown {
  if (typeof body !== 'object') return body === undefined ? undefined : GOOD[body];
  return Object.fromEntries(Object.entries(body).flatMap(([name, type]) => (type.endsWith('!') ? [[name, GOOD[type.slice(0, -1)]]] : [])));
}

it('says what is wrong with a body: not JSON, a field that is missing, one of another type', async () => {
  const wrong: string[] = [];
  for (const route of API) {
    if (route.body === undefined || route.access === 'refused') continue;
    const path = await pathOf(route);
    const raw = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: route.method, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }, body: '{"x": ' });
    if (raw.status !== 400 || !(await raw.text()).includes('error_code')) wrong.push(`${routeName(route)} with half a body: ${raw.status}`);
    const check = async (what: string, body: unknown) => {
      const { status, text } = await server.ask(route.method, path, body);
      if (status !== 400 || !text.includes('error_message')) wrong.push(`${routeName(route)} ${what}: ${status} ${text.slice(0, 100)}`);
    };
    if (typeof route.body === 'string') {
      await check('of another type', BAD[route.body]);
      continue;
    }
    const whole = (exampleOf(route) ?? minimal(route)) as Record<string, unknown>;
    for (const [name, type] of Object.entries(route.body)) {
      const bad = BAD[type.replace('!', '')];
      if (bad !== undefined) await check(`with ${name} = ${JSON.stringify(bad)}`, { ...whole, [name]: bad });
      if (type.endsWith('!')) await check(`without ${name}`, { ...whole, [name]: undefined });
    }
  }
  expect(wrong).toEqual([]);
});
