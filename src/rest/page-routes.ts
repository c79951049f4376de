/**
 * GET / and /resource/*: the web pages, from the package's `web/` folder or the one that `web` names.
 *
 * Only regular files below the folder are served, by their real path, so neither `..` nor a link leads out of it.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { DbError } from '../base/errors.ts';

const OWN_PAGES = fileURLToPath(new URL('../../web', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.map': 'application/json',
};

const PAGE_HEADERS = {
  'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; connect-src *; img-src 'self' data:",
  'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'DENY', 'Cache-Control': 'no-cache',
} as const;

export function pageRoutes(app: FastifyInstance, webFolder: string): void {
  const folder = webFolder === '' ? OWN_PAGES : resolve(webFolder);
  app.get('/', (_, reply) => sendFile(reply, folder, 'index.html'));
  app.get<{ Params: { '*': string } }>('/resource/*', (request, reply) => sendFile(reply, folder, request.params['*']));
}

async function sendFile(reply: FastifyReply, folder: string, name: string): Promise<Buffer> {
  const missing = () => new DbError('NotFound', 'Illegal URI.', { hint: `there is no page ${name}` });
  let path: string;
  try {
    path = await realpath(resolve(folder, name));
  } catch {
    throw missing();
  }
  const root = await realpath(folder);
  if (!path.startsWith(root + sep) || !(await stat(path)).isFile()) throw missing();
  void reply.headers(PAGE_HEADERS).type(TYPES[extname(path)] ?? 'application/octet-stream');
  return readFile(path);
}
