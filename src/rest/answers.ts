/**
 * What happens to every answer on its way out: who of other origins may read it (CORS), the envelope of TuGraph's newer HTTP
 * interface for clients that ask for it, and gzip.
 */
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export const ENVELOPE_JSON = 'application/vnd.lgraph.envelope+json';

const compress = promisify(gzip);
/** Time matters more than the last few percent. */
const LEVEL = constants.Z_BEST_SPEED;
const COMPRESSIBLE = /^(application\/(json|x-ndjson|vnd\.lgraph[\w.+]*|openapi\+json)|text\/)/;

const CORS_HEADERS = {
  'Access-Control-Allow-Headers': 'X-Requested-With, Origin, Authorization, Content-Type, Accept, server_version, Idempotency-Key, Read-Mode, Max-Staleness-Ms, Version-Wait-Ms, traceparent',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, OPTIONS, DELETE',
  'Access-Control-Expose-Headers': 'server_version, Location, Retry-After',
} as const;

/** `origins`: `*`, a comma-separated list, or '' for none. Gives the headers that let a page of `origin` read an answer; none where it may not. */
export function corsFor(list: string): (origin: string | undefined) => Readonly<Record<string, string>> {
  const origins = new Set(list.split(',').map((one) => one.trim().replace(/\/$/, '').toLowerCase()).filter((one) => one !== ''));
  if (origins.has('*')) {
    const everybody = { 'Access-Control-Allow-Origin': '*', ...CORS_HEADERS };
    return () => everybody;
  }
  return (origin) => (origin === undefined || !origins.has(origin.toLowerCase()) ? { Vary: 'Origin' } : { 'Access-Control-Allow-Origin': origin, Vary: 'Origin', ...CORS_HEADERS });
}

/** `Accept-Encoding` names gzip, and not with a weight of nothing. */
export function acceptsGzip(header: unknown): boolean {
  return typeof header === 'string' && /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)/i.test(header);
}

/** Answers of `gzipBytesMin` bytes and more are compressed for clients that accept it; 0: none. */
export function shapeAnswers(app: FastifyInstance, gzipBytesMin: number): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const shaped = request.headers.accept?.includes(ENVELOPE_JSON) === true ? enveloped(reply, payload) : payload;
    return gzipBytesMin > 0 ? compressed(request, reply, shaped, gzipBytesMin) : shaped;
  });
}

/** `{"errorCode", "errorMessage", "data"}`; unlike TuGraph's, with the status of HTTP that belongs to it. */
function enveloped(reply: FastifyReply, payload: unknown): unknown {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload) && payload !== undefined && payload !== null) return payload;
  const text = String(payload ?? '');
  if (text !== '' && !String(reply.getHeader('content-type')).startsWith('application/json')) return payload;
  const { error_message: message } = (reply.statusCode < 400 ? {} : JSON.parse(text === '' ? '{}' : text)) as { error_message?: string };
  void reply.type(`${ENVELOPE_JSON}; charset=utf-8`).removeHeader('content-length');
  const data = text === '' ? 'null' : text;
  return `{"errorCode":"${reply.statusCode}","errorMessage":${JSON.stringify(message ?? '')},"data":${data}}`;
}

function isStream(payload: unknown): payload is Readable {
  return typeof (payload as Readable | undefined)?.pipe === 'function';
}

async function compressed(request: FastifyRequest, reply: FastifyReply, payload: unknown, bytesMin: number): Promise<unknown> {
  if (reply.getHeader('content-encoding') !== undefined || !COMPRESSIBLE.test(String(reply.getHeader('content-type') ?? ''))) return payload;
  const isLarge = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.length >= bytesMin : isStream(payload);
  if (!isLarge) return payload;
  const vary = reply.getHeader('vary');
  void reply.header('Vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`);
  if (!acceptsGzip(request.headers['accept-encoding'])) return payload;
  void reply.header('Content-Encoding', 'gzip').removeHeader('content-length');
  if (!isStream(payload)) return compress(payload as string | Buffer, { level: LEVEL });
  // Flushed with every part: a client sees rows as they come.
  const zipped = createGzip({ level: LEVEL, flush: constants.Z_SYNC_FLUSH });
  payload.once('error', (error) => zipped.destroy(error));
  zipped.once('close', () => payload.destroy());
  return payload.pipe(zipped);
}
