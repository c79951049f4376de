/** GET /openapi.json (OpenAPI 3.1, from api-table.ts) and /docs, a page that shows it: no script, nothing from elsewhere. */
import type { FastifyInstance } from 'fastify';
import { ERROR_CODES } from '../base/errors.ts';
import { API } from './api-table.ts';
import type { ApiRoute, Fields } from './api-table.ts';

type Schema = Readonly<Record<string, unknown>>;

const TYPES: Readonly<Record<string, Schema>> = {
  string: { type: 'string' }, integer: { type: 'integer', format: 'int64' }, number: { type: 'number' }, boolean: { type: 'boolean' }, object: { type: 'object' },
  array: { type: 'array', items: {} }, strings: { type: 'array', items: { type: 'string' } }, any: {},
};

const HEADERS: readonly (readonly [name: string, description: string, schema: Schema])[] = [
  ['server_version', 'Answer from a state at least so new: the highest version seen in earlier answers', { type: 'integer' }],
  ['Version-Wait-Ms', 'How long to wait for that', { type: 'integer' }],
  ['Read-Mode', 'How new a read must be', { enum: ['local', 'bounded', 'linearizable'] }],
  ['Max-Staleness-Ms', 'With Read-Mode: bounded', { type: 'integer' }],
  ['Idempotency-Key', 'Makes a write safe to repeat', { type: 'string' }],
];

const ERROR: Schema = {
  type: 'object', required: ['error_code', 'error_message'],
  properties: {
    error_code: { enum: ERROR_CODES }, error_message: { type: 'string' }, hint: { type: 'string' }, line: { type: 'integer' }, column: { type: 'integer' }, location: { type: 'string' }, server_version: { type: 'integer' },
  },
};

function typeOf(name: string): Schema {
  return TYPES[name.replace('!', '')]!;
}

function bodySchema(body: Fields | string): Schema {
  if (typeof body === 'string') return typeOf(body);
  const required = Object.keys(body).filter((name) => body[name]!.endsWith('!'));
  return { type: 'object', properties: Object.fromEntries(Object.entries(body).map(([name, type]) => [name, typeOf(type)])), ...(required.length === 0 ? {} : { required }) };
}

function parameters({ path, query, access }: ApiRoute): object[] {
  return [
    ...[...path.matchAll(/:(\w+)|\*/g)].map(([, name]) => ({ name: name ?? 'path', in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(query ?? {}).map(([name, type]) => ({ name, in: 'query', schema: typeOf(type) })),
    ...(access === 'open' ? [] : HEADERS.map(([name]) => ({ $ref: `#/components/parameters/${name}` }))),
  ];
}

function answers({ answer, access, body, path }: ApiRoute): object {
  const failed = (name: string) => ({ $ref: `#/components/responses/${name}` });
  const content = {
    object: { 'application/json': { schema: { type: 'object' } } }, array: { 'application/json': { schema: { type: 'array', items: {} } } }, any: { 'application/json': { schema: {} } },
    text: { 'text/plain': { schema: { type: 'string' } } }, bytes: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }, '': undefined,
  }[answer];
  const lines = path === '/cypher' || path === '/gql' ? { 'application/x-ndjson': { schema: { type: 'string' } }, 'application/vnd.lgraph+json': { schema: { type: 'object' } } } : {};
  const good = { description: 'Done', headers: { server_version: { description: 'The version that was read, or made', schema: { type: 'integer' } } }, ...(content === undefined ? {} : { content: { ...content, ...lines } }) };
  return {
    ...(access === 'refused' ? {} : { 200: good }),
    ...(access === 'open' && body === undefined ? {} : { 400: failed('BadRequest') }),
    ...(access === 'open' ? {} : { 401: failed('Unauthorized') }), ...(access === 'open' || access === 'user' ? {} : { 403: failed('Forbidden') }),
    ...(body === undefined ? {} : { 413: failed('TooLarge') }), 503: failed('Unavailable'),
  };
}

function operation(route: ApiRoute): object {
  const { method, path, summary, tag, access, body, example } = route;
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^\w]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`, summary, tags: [tag], 'x-lgraph-access': access,
    ...(access === 'open' || access === 'refused' ? { security: [] } : {}), ...(access === 'refused' ? { deprecated: true } : {}), parameters: parameters(route),
    ...(body === undefined ? {} : { requestBody: { required: typeof body === 'string' || Object.values(body).some((type) => type.endsWith('!')), content: { 'application/json': { schema: bodySchema(body), ...(example === undefined ? {} : { example }) } } } }),
    responses: answers(route),
  };
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

export function openApi(serverVersion: string): OpenApi {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of API) {
    const path = route.path.replace(/:(\w+)/g, '{$1}').replace('*', '{path}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  const failure = (description: string) => ({ description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } });
  return {
    openapi: '3.1.0',
    ...{ info: { title: 'lgraph_server', version: serverVersion, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } }, servers: [{ url: '/' }], security: [{ token: [] }] },
    paths,
    ...{
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'POST /login gives it' } },
        schemas: { Error: ERROR },
        parameters: Object.fromEntries(HEADERS.map(([name, description, schema]) => [name, { name, in: 'header', description, schema }])),
        responses: {
          BadRequest: failure('What was sent makes no sense, or does not fit the data'), Unauthorized: failure('No token, or one that is not valid'), Forbidden: failure('Not with these rights'),
          TooLarge: failure('More than max_request_bytes, or an answer of more than max_result_bytes'), Unavailable: failure('No leader, not yet at this version, or shutting down: try again'),
        },
      },
    },
  };
}

function text(value: string): string {
  return value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function routeHtml({ method, path, summary, access, body, query, example }: ApiRoute): string {
  const rows = (fields: Fields) => Object.entries(fields).map(([name, type]) => `<tr><td><code>${text(name)}</code><td>${text(type.replace('!', ''))}<td>${type.endsWith('!') ? 'required' : ''}`).join('');
  const bodyHtml = body === undefined ? '' : typeof body === 'string' ? `<p>Body: ${text(body)}</p>` : `<h4>Body</h4><table>${rows(body)}</table>`;
  return `<details><summary><b class="${method}">${method}</b> <code>${text(path)}</code> ${text(summary)}</summary><p>Who may: ${access}</p>`
    + `${bodyHtml}${query === undefined ? '' : `<h4>Query</h4><table>${rows(query)}</table>`}${example === undefined ? '' : `<pre>${text(JSON.stringify(example, undefined, 2))}</pre>`}</details>`;
}

function page(): string {
  const shown = API.filter(({ path, access }) => !path.startsWith('/graph') && access !== 'refused');
  const tags = [...new Set(shown.map(({ tag }) => tag))];
  const sections = tags.map((tag) => `<h2>${text(tag)}</h2>${shown.filter((route) => route.tag === tag).map(routeHtml).join('')}`).join('');
  return '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>lgraph REST API</title><link rel="stylesheet" href="/docs/style.css">'
    + `<main><h1>lgraph REST API</h1><p>The same for programs: <a href="/openapi.json">/openapi.json</a>. Every route behind <code>/db</code> is behind <code>/graph</code> too.</p>${sections}</main>`;
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}main{max-width:56rem;margin:2rem auto;padding:0 1rem}
details{border:1px solid #8886;border-radius:.4rem;margin:.3rem 0;padding:.4rem .7rem}summary{cursor:pointer}table{border-spacing:1rem 0}pre{overflow:auto;background:#8882;padding:.6rem}
b{display:inline-block;min-width:4.2rem}.GET{color:#1a7f37}.POST{color:#0969da}.PUT{color:#9a6700}.DELETE{color:#cf222e}`;

const PAGE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer',
} as const;

export function openApiRoutes(app: FastifyInstance, serverVersion: string): void {
  app.get('/openapi.json', async (_, reply) => reply.type('application/json; charset=utf-8').send(JSON.stringify(openApi(serverVersion))));
  app.get('/docs', async (_, reply) => reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(page()));
  app.get('/docs/style.css', async (_, reply) => reply.type('text/css; charset=utf-8').headers(PAGE_HEADERS).send(STYLE));
}
