/**
 * POST /cypher: one statement, answered in TuGraph's form `{header, result, size, elapsed}`; to a client that accepts
 * `application/vnd.lgraph+json` as `{columns, rows, size, truncated, elapsed, version, type, mode, stats, plan, notifications}`;
 * to one that accepts `application/x-ndjson` as lines, however many (ndjson.ts).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import { idempotencyKeyOf } from '../service/idempotency-key.ts';
import type { Service } from '../service/service.ts';
import type { ReadMode } from '../service/read-index.ts';
import type { ResultStream, RunOptions } from '../service/session.ts';
import { askedVersion, bearerOf, headerNumber, headerText } from './reply.ts';
import { parametersOf } from '../value/json.ts';
import { ENVELOPE_JSON } from './answers.ts';
import { LINES_ENCODING, LINES_FIRST_ROWS, NDJSON, sendLines } from './ndjson.ts';
import { TYPED_ENCODING, TYPED_JSON } from './typed-json.ts';

interface CypherBody {
  readonly graph: string | undefined;
  readonly script: string;
  readonly timeoutMs: number | undefined;
  readonly parameters: unknown;
  /** The typed form only: rows of a read to answer with at most. */
  readonly rowsMax: number;
}

function cypherBody(body: unknown): CypherBody {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new DbError('InvalidRequest', 'Illegal JSON content.', { hint: 'send {"graph":"default","script":"MATCH …","parameters":{…}}' });
  const { graph, script, timeout, parameters, max_rows: rowsMax = Infinity } = body as Record<string, unknown>;
  if (typeof script !== 'string' || script.trim() === '') throw new DbError('InvalidRequest', '`script` not specified.', { hint: 'script is the Cypher text' });
  if (graph !== undefined && typeof graph !== 'string') throw new DbError('InvalidRequest', '`graph` must be a text.');
  const seconds = typeof timeout === 'number' ? timeout : timeout === undefined || timeout === null ? undefined : NaN;
  if (seconds !== undefined && !(seconds >= 0)) throw new DbError('InvalidRequest', '`timeout` must be a number of seconds.');
  if (typeof rowsMax !== 'number' || !(rowsMax >= 1)) throw new DbError('InvalidRequest', '`max_rows` must be a number of rows, at least 1.');
  return { graph, script, parameters, rowsMax, timeoutMs: seconds === undefined || seconds === 0 ? undefined : seconds * 1000 };
}

function readMode(request: FastifyRequest): ReadMode | undefined {
  const mode = headerText(request, 'read-mode') ?? headerText(request, 'read_mode');
  if (mode === 'bounded') return { boundedMs: headerNumber(request, 'max-staleness-ms') };
  if (mode === undefined || mode === 'local' || mode === 'linearizable') return mode;
  throw new DbError('InvalidRequest', `the header read-mode is local, bounded or linearizable, found "${mode}"`);
}

/** What the headers say about how a statement is to run. */
export function runOptions(request: FastifyRequest): Omit<RunOptions, 'encoding' | 'firstRows'> {
  const key = headerText(request, 'idempotency-key');
  return {
    minVersion: askedVersion(request), versionWaitMs: headerNumber(request, 'version-wait-ms'), readMode: readMode(request),
    idempotencyKey: key === undefined ? undefined : idempotencyKeyOf(key, 'the header idempotency-key'),
  };
}

export function cypherRoute(app: FastifyInstance, service: Service, resultBytesMax: number): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const session = service.session(await bearerOf(service, request));
    const body = cypherBody(request.body);
    const started = performance.now();
    const asked = runOptions(request);
    const accept = request.headers.accept ?? '';
    const typed = accept.includes(TYPED_JSON);
    const asLines = accept.includes(NDJSON);
    // Written out: spreading makes a slow object, and every request passes here.
    const stream = await session.run(body.script, {
      minVersion: asked.minVersion, versionWaitMs: asked.versionWaitMs, readMode: asked.readMode, idempotencyKey: asked.idempotencyKey,
      graph: body.graph, parameters: parametersOf(body.parameters), encoding: typed ? TYPED_ENCODING : asLines ? LINES_ENCODING : accept.includes(ENVELOPE_JSON) ? 'json' : 'json-tugraph',
      firstRows: asLines ? LINES_FIRST_ROWS : typed ? Math.min(10_000, body.rowsMax) : 10_000, timeoutMs: body.timeoutMs, summaryRow: !typed && !asLines,
      onTask: (id) => killWhenGone(service, reply, id),
    });
    if (asLines) return sendLines(reply, stream, started);
    const limits = { bytes: resultBytesMax, rows: typed ? body.rowsMax : Infinity };
    const collected = await collect(stream, limits, reply);
    const { chunks, count, kinds } = collected;
    if (typed) return sendTyped(stream, collected, { started, reply });
    const header = stream.columns.map((name, i) => ({ name, type: kinds[i] ?? 0 }));
    void reply.header('server_version', String(stream.version)).type('application/json; charset=utf-8');
    const head = `{"elapsed":${((performance.now() - started) / 1000).toFixed(6)},"header":${JSON.stringify(header)},"result":[`;
    const tail = `],"size":${count}}`;
    // A short answer as one string leaves in one write together with its headers.
    if (chunks.length === 1 && chunks[0]!.length < SHORT_BYTES) return `${head}${text(chunks[0]!)}${tail}`;
    return Buffer.concat([Buffer.from(head), ...chunks, Buffer.from(tail)]);
  };
  // TuGraph has a second path for statements in GQL, of which what we understand is the same.
  for (const path of ['/cypher', '/gql']) app.post(path, answer);
}

const SHORT_BYTES = 16 * 1024;

function sendTyped(stream: ResultStream, { chunks, count, truncated }: Collected, { started, reply }: { started: number; reply: FastifyReply }): Buffer {
  void reply.header('server_version', String(stream.version)).type(`${TYPED_JSON}; charset=utf-8`);
  const { summary } = stream;
  const tail = JSON.stringify({
    size: count, truncated, elapsed: Number(((performance.now() - started) / 1000).toFixed(6)), version: stream.version, type: stream.type,
    mode: summary?.mode ?? 'run', stats: summary?.stats ?? null, plan: summary?.plan ?? null, notifications: summary?.notifications ?? [],
  });
  return Buffer.concat([Buffer.from(`{"columns":${JSON.stringify(stream.columns)},"rows":[`), ...chunks, Buffer.from(`],${tail.slice(1)}`)]);
}

function text(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** A statement ends with the client that asked for it. */
function killWhenGone(service: Service, reply: FastifyReply, taskId: string): void {
  const { tasks } = service.options;
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished && tasks.list().some((task) => task.taskId === taskId)) tasks.kill(taskId);
  });
}

interface Collected {
  readonly chunks: Uint8Array[];
  readonly count: number;
  readonly kinds: number[];
  /** There were more rows than asked for. */
  readonly truncated: boolean;
}

/** All rows, or the first `max.rows`; stops, and stops the statement, when they take too many bytes or the client has left. */
async function collect(stream: ResultStream, max: { readonly bytes: number; readonly rows: number }, reply: FastifyReply): Promise<Collected> {
  const chunks: Uint8Array[] = [];
  const kinds: number[] = [];
  let bytes = 0;
  let count = 0;
  for (;;) {
    // One row more than wanted tells whether there are more.
    const part = await stream.next(Math.max(1, Math.min(10_000, max.rows - count)));
    if (count >= max.rows && part.count > 0) {
      stream.discard();
      dropLastComma(chunks);
      return { chunks, count, kinds, truncated: true };
    }
    count += part.count;
    bytes += part.bytes.length;
    part.kinds?.forEach((kind, i) => {
      kinds[i] = Math.max(kinds[i] ?? 0, kind);
    });
    // Each row ends with a comma; the last one's goes.
    const last = part.summary !== undefined;
    chunks.push(last && part.bytes.length > 0 ? part.bytes.subarray(0, -1) : part.bytes);
    if (last) {
      if (part.bytes.length === 0 && chunks.length > 1) dropLastComma(chunks);
      return { chunks, count, kinds, truncated: false };
    }
    if (bytes > max.bytes || reply.raw.destroyed) {
      stream.discard();
      throw new DbError('RequestTooLarge', `the result takes more than ${max.bytes} bytes`, { hint: 'use LIMIT, or stream it: Accept: application/x-ndjson, Bolt or gRPC; max_result_bytes is the limit' });
    }
  }
}

function dropLastComma(chunks: Uint8Array[]): void {
  for (let i = chunks.length - 1; i >= 0; i--) {
    if (chunks[i]!.length === 0) continue;
    chunks[i] = chunks[i]!.subarray(0, -1);
    return;
  }
}
