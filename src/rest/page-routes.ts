/**
 * GET /, /assets/* and /resource/*: the web pages, from the package's built `dist/web` or the folder that `web` names.
 *
 * Only regular files below the folder are served, by their real path, so neither `..` nor a link leads out of it.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';

const OWN_PAGES = fileURLToPath(new URL('../../dist/web', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.map': 'application/json', '.csv': 'text/csv; charset=utf-8',
};
const COMPRESSED: ReadonlySet<string> = new Set(['.html', '.js', '.css', '.svg', '.json', '.csv']);
const compress = promisify(gzip);
/** Compressed files by path and time of change; a handful for a build. */
const ZIPPED_MAX = 64;

/**
 * What a page may do: its own scripts and style sheets, and requests to the servers of its group. Nothing inline, nothing foreign, but for
 * style attributes: browsers themselves write some while a text is edited, and would report them.
 */
function policy(origins: readonly string[]): string {
  return `default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; worker-src 'self'; connect-src ${["'self'", ...origins].join(' ')}; `
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

export interface PageOptions {
  /** '' for the server's own pages. */
  readonly webFolder: string;
  /** HTTP addresses of the servers of the group, which a page may ask too. */
  readonly peers: () => Promise<readonly string[]>;
}

export function pageRoutes(app: FastifyInstance, { webFolder, peers }: PageOptions): void {
  const folder = webFolder === '' ? OWN_PAGES : resolve(webFolder);
  const zipped = new Map<string, Buffer>();

  const sendFile = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<Buffer> => {
    const { path, modifiedMs } = await fileOf(folder, name);
    const extension = extname(path);
    const origins = extension === '.html' ? originsOf(await peers().catch(() => [])) : [];
    void reply.type(TYPES[extension] ?? 'application/octet-stream').headers({
      'Content-Security-Policy': policy(origins), 'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'DENY', 'Referrer-Policy': 'no-referrer',
      // Names of assets carry a hash of what is in them.
      'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache', Vary: 'Accept-Encoding',
    });
    if (!COMPRESSED.has(extension) || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return readFile(path);
    const key = `${path} ${modifiedMs}`;
    const bytes = zipped.get(key) ?? await compress(await readFile(path));
    if (zipped.size >= ZIPPED_MAX) zipped.clear();
    zipped.set(key, bytes);
    void reply.header('Content-Encoding', 'gzip');
    return bytes;
  };

  app.get('/', (request, reply) => sendFile(request, reply, 'index.html'));
  app.get<{ Params: { '*': string } }>('/assets/*', (request, reply) => sendFile(request, reply, `assets/${request.params['*']}`));
  app.get<{ Params: { '*': string } }>('/resource/*', (request, reply) => sendFile(request, reply, request.params['*']));
}

function originsOf(addresses: readonly string[]): string[] {
  return addresses.filter((address) => /^[\w.[\]:-]+$/.test(address)).flatMap((address) => [`http://${address}`, `https://${address}`]);
}

async function fileOf(folder: string, name: string): Promise<{ path: string; modifiedMs: number }> {
  const missing = () => new DbError('NotFound', 'Illegal URI.', { hint: `there is no page ${name}` });
  try {
    const [path, root] = await Promise.all([realpath(resolve(folder, name)), realpath(folder)]);
    const facts = await stat(path);
    if (!path.startsWith(root + sep) || !facts.isFile()) throw missing();
    return { path, modifiedMs: facts.mtimeMs };
  } catch {
    throw missing();
  }
}
