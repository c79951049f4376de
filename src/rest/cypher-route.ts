/** POST /cypher: one statement, answered in TuGraph's form `{header, result, size, elapsed}`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import type { ReadMode } from '../service/read-index.ts';
import type { ResultStream, RunOptions } from '../service/session.ts';
import { askedVersion, bearer, headerNumber, headerText, originOf } from './reply.ts';
import { parametersOf } from '../value/json.ts';

interface CypherBody {
  readonly graph: string | undefined;
  readonly script: string;
  readonly timeoutMs: number | undefined;
  readonly parameters: unknown;
}

function cypherBody(body: unknown): CypherBody {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new DbError('InvalidRequest', 'Illegal JSON content.', { hint: 'send {"graph":"default","script":"MATCH …","parameters":{…}}' });
  const { graph, script, timeout, parameters } = body as Record<string, unknown>;
  if (typeof script !== 'string' || script.trim() === '') throw new DbError('InvalidRequest', '`script` not specified.', { hint: 'script is the Cypher text' });
  if (graph !== undefined && typeof graph !== 'string') throw new DbError('InvalidRequest', '`graph` must be a text.');
  const seconds = typeof timeout === 'number' ? timeout : timeout === undefined || timeout === null ? undefined : NaN;
  if (seconds !== undefined && !(seconds >= 0)) throw new DbError('InvalidRequest', '`timeout` must be a number of seconds.');
  return { graph, script, parameters, timeoutMs: seconds === undefined || seconds === 0 ? undefined : seconds * 1000 };
}

function readMode(request: FastifyRequest): ReadMode | undefined {
  const mode = headerText(request, 'read-mode') ?? headerText(request, 'read_mode');
  if (mode === 'bounded') return { boundedMs: headerNumber(request, 'max-staleness-ms') };
  if (mode === undefined || mode === 'local' || mode === 'linearizable') return mode;
  throw new DbError('InvalidRequest', `the header read-mode is local, bounded or linearizable, found "${mode}"`);
}

/** What the headers say about how a statement is to run. */
export function runOptions(request: FastifyRequest): Omit<RunOptions, 'encoding' | 'firstRows'> {
  return {
    minVersion: askedVersion(request), versionWaitMs: headerNumber(request, 'version-wait-ms'), readMode: readMode(request),
    idempotencyKey: headerText(request, 'idempotency-key'),
  };
}

export function cypherRoute(app: FastifyInstance, service: Service, resultBytesMax: number): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const token = bearer(request);
    const body = cypherBody(request.body);
    const session = service.session(await service.authenticate(token, originOf(request)));
    const started = performance.now();
    const asked = runOptions(request);
    // Written out: spreading makes a slow object, and every request passes here.
    const stream = await session.run(body.script, {
      minVersion: asked.minVersion, versionWaitMs: asked.versionWaitMs, readMode: asked.readMode, idempotencyKey: asked.idempotencyKey,
      graph: body.graph, parameters: parametersOf(body.parameters), encoding: 'json-tugraph',
      firstRows: 10_000, timeoutMs: body.timeoutMs, summaryRow: true,
      onTask: (id) => killWhenGone(service, reply, id),
    });
    const { chunks, count, kinds } = await collect(stream, resultBytesMax, reply);
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

/** All rows; stops, and stops the statement, when they are too many or the client has left. */
async function collect(stream: ResultStream, bytesMax: number, reply: FastifyReply): Promise<{ chunks: Uint8Array[]; count: number; kinds: number[] }> {
  const chunks: Uint8Array[] = [];
  const kinds: number[] = [];
  let bytes = 0;
  let count = 0;
  for (;;) {
    const part = await stream.next(10_000);
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
      return { chunks, count, kinds };
    }
    if (bytes > bytesMax || reply.raw.destroyed) {
      stream.discard();
      throw new DbError('RequestTooLarge', `the result takes more than ${bytesMax} bytes`, { hint: 'use LIMIT, or stream it over Bolt' });
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
