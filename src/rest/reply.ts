/** How REST answers: errors in TuGraph's form, the data version on every answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asDbError, DbError } from '../base/errors.ts';
import type { Principal } from '../service/api.ts';
import { plainAddress, traceparentOf } from '../service/origin.ts';
import type { Origin } from '../service/origin.ts';
import type { Service } from '../service/service.ts';

/** Seconds after which a client may try again what a lost leader made fail. */
const RETRY_AFTER_S = 1;

export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const failure = asDbError(withStatus(error));
  const { facts } = failure;
  knownOf(request).error = failure;
  if (failure.code === 'VersionNotReached' || facts.redirect !== undefined) {
    sendRedirect(request, reply, failure);
    return;
  }
  if (failure.kind.http === 503) void reply.header('Retry-After', String(RETRY_AFTER_S));
  const prefix = failure.kind.http === 401 && !failure.message.startsWith('Unauthorized') && failure.message !== 'Bad user/password.' ? 'Unauthorized: ' : '';
  void reply.code(failure.kind.http).send({
    error_code: failure.code,
    error_message: prefix + failure.message,
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    ...(failure.position === undefined ? {} : { line: failure.position.line, column: failure.position.column }),
  });
}

/** fastify's own refusals (body too large, wrong media type, malformed URL) with our codes. */
function withStatus(error: unknown): unknown {
  if (error instanceof DbError || !(error instanceof Error)) return error;
  const status = (error as { statusCode?: number }).statusCode;
  if (status === 413) return new DbError('RequestTooLarge', 'Request too large', { hint: 'split it, or raise max_request_bytes' });
  if (status === 415) return new DbError('InvalidRequest', error.message, { hint: 'send JSON, with the content-type application/json' });
  if (status !== undefined && status >= 400 && status < 500) return new DbError('InvalidRequest', error.message);
  return error;
}

/** TuGraph's 307: the body names the leader, and here the Location header does too. */
function sendRedirect(request: FastifyRequest, reply: FastifyReply, error: DbError): void {
  const location = String(error.facts.location ?? '');
  if (location !== '') void reply.header('Location', `${request.protocol}://${location}${request.url}`);
  // Nobody to send the client to: it has to come back.
  else void reply.header('Retry-After', String(RETRY_AFTER_S));
  void reply.code(location === '' ? 503 : 307).send({
    error_code: error.code, error_message: error.message, location,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    server_version: error.facts.server_version ?? Number(reply.getHeader('server_version') ?? 0),
  });
}

/** What the audit log wants to know of a request when it is over. */
interface Known {
  user?: string;
  error?: DbError;
}
const known = new WeakMap<FastifyRequest, Known>();

export function knownOf(request: FastifyRequest): Known {
  let facts = known.get(request);
  if (facts === undefined) known.set(request, facts = {});
  return facts;
}

/** The request's token; none is needed where everybody is admin. */
function tokenOf(service: Service, request: FastifyRequest): string {
  return service.options.disableAuth ? '' : bearer(request);
}

export function bearer(request: FastifyRequest): string {
  const header = request.headers.authorization;
  if (header === undefined || header === '') throw new DbError('Unauthorized', 'Unauthorized: [Unauthorized] No token given in the request.', { hint: 'POST /login gives one; send it as Authorization: Bearer …' });
  const match = /^Bearer\s+(\S+)$/i.exec(header);
  if (match === null) throw new DbError('Unauthorized', 'Unauthorized: [Unauthorized] Malformed token', { hint: 'send Authorization: Bearer <jwt>' });
  return match[1]!;
}

export function originOf(request: FastifyRequest): Origin {
  return { protocol: 'rest', address: plainAddress(request.ip), traceparent: traceparentOf(request.headers.traceparent) };
}

/** The bearer of the request's token, if need be after a wait (`version_wait_ms`: of a stranger, no longer) for the version that the client has seen. */
export function bearerOf(service: Service, request: FastifyRequest): Promise<Principal> {
  return service.authenticate(tokenOf(service, request), originOf(request), () => askedVersion(request));
}

/** The bearer of the request's token, for what is not a statement: those are checked by themselves. */
export async function principalOf(service: Service, request: FastifyRequest): Promise<Principal> {
  const principal = await bearerOf(service, request);
  knownOf(request).user = principal.user;
  service.requireOwnPassword(principal);
  return principal;
}

/** The version the client has seen, from its `server_version` header; 0 without one. */
export function askedVersion(request: FastifyRequest): number {
  const text = request.headers.server_version ?? request.headers['server-version'] ?? request.headers.serverversion;
  if (text === undefined) return 0;
  const version = Number(text);
  if (typeof text !== 'string' || !Number.isSafeInteger(version) || version < -1) {
    throw new DbError('InvalidRequest', 'Failed to parse server_version from header.', { hint: `found "${String(text)}"; it is an integer from an earlier answer` });
  }
  return version;
}

export function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function headerNumber(request: FastifyRequest, name: string): number | undefined {
  const text = headerText(request, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new DbError('InvalidRequest', `the header ${name} must be a number that is not negative, found "${text}"`);
  return value;
}

/** A parameter of the query, which may be there once; undefined without one. */
export function queryText(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new DbError('InvalidRequest', `the parameter ${name} may be given once`);
}
