/**
 * What lgraph_backup reads a running server by (docs/backup.md). Admins only.
 *
 *   POST /backup/newest  {}                                → the newest version here and its checksum
 *   POST /backup/begin   {}                                → the same, held under the name `name`
 *   POST /backup/state   {name, after, bytes_max}          → a state file: what follows the key `after` (hex)
 *   POST /backup/log     {from_version, to_version, bytes_max} → a file of log entries
 *   POST /backup/end     {name}
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { BackupPoint } from '../replica/backup-point.ts';
import type { Copies } from '../service/backup-points.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, integerField, optionalText, textField } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { RestCall } from './rest-call.ts';

/** A client holds a part in memory. */
const PART_BYTES_MAX = 256 << 20;
const HEX = /^(?:[0-9a-f]{2})*$/;

export function backupRoutes(app: FastifyInstance, service: Service): void {
  const { copies } = service.options;
  const route = (path: string, work: (body: Body, request: FastifyRequest) => Promise<object>) => app.post(`/backup/${path}`, async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    const answer = await work(bodyOf(request.body), request);
    if (answer instanceof Readable) void reply.type('application/octet-stream');
    return answer;
  });
  route('newest', async () => factsOf(await copies.newest()));
  route('begin', async () => {
    const { name, ...point } = await copies.begin();
    return { name, ...factsOf(point) };
  });
  route('state', async (body) => {
    const name = textField(body, 'name');
    const after = optionalText(body, 'after') ?? '';
    if (!HEX.test(after)) throw new DbError('InvalidRequest', '`after` must be a key in hex digits');
    return Readable.from(await copies.state(name, after, bytesMax(body)), { objectMode: false });
  });
  route('log', async (body) => Readable.from(await log(copies, body), { objectMode: false }));
  route('end', async (body) => {
    await copies.end(textField(body, 'name'));
    return {};
  });
}

function log(copies: Copies, body: Body): Promise<AsyncIterable<Uint8Array>> {
  const [from, to] = [integerField(body, 'from_version'), integerField(body, 'to_version')];
  if (from < 1 || to < from) throw new DbError('InvalidRequest', '`from_version` must be at least 1, and `to_version` not less');
  return copies.log(from, to, bytesMax(body));
}

function bytesMax(body: Body): number {
  const bytes = integerField(body, 'bytes_max');
  if (bytes < 1 || bytes > PART_BYTES_MAX) throw new DbError('InvalidRequest', `\`bytes_max\` must be from 1 to ${PART_BYTES_MAX}`);
  return bytes;
}

function factsOf({ clusterId, version, timeMs, askedMs, checksum, serverVersion }: BackupPoint): object {
  return { cluster_id: clusterId, version, time_ms: timeMs, asked_ms: askedMs, checksum, server_version: serverVersion };
}
