/** GET /audit_log: admins search the audit log of this server; the newest entries first. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { Service } from '../service/service.ts';
import { RestCall } from './rest-call.ts';

const FIELDS = ['protocol', 'address', 'user', 'graph', 'kind', 'outcome', 'code', 'trace_id'] as const;
const PARAMETERS: readonly string[] = [...FIELDS, 'from', 'to', 'text', 'limit'];
const LIMIT = 100;
const LIMIT_MAX = 10_000;

export interface AuditSearch {
  search(query: {
    readonly fromMs: number; readonly toMs: number; readonly equal: Readonly<Partial<Record<(typeof FIELDS)[number], string>>>;
    readonly text: string; readonly limit: number;
  }): Promise<readonly object[]>;
}

export function auditRoute(app: FastifyInstance, service: Service, log: AuditSearch): void {
  app.get('/audit_log', async (request, reply) => {
    (await RestCall.of(service, request, reply)).requireAdmin();
    const given = parameters(request);
    const equal = Object.fromEntries(FIELDS.flatMap((field) => (given[field] === undefined ? [] : [[field, given[field]]])));
    return log.search({ fromMs: time(given, 'from', 0), toMs: time(given, 'to', Infinity), equal, text: given.text ?? '', limit: limit(given.limit) });
  });
}

function parameters(request: FastifyRequest): Readonly<Record<string, string>> {
  const given = request.query as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!PARAMETERS.includes(name)) {
      const near = suggest(name, PARAMETERS);
      throw new DbError('InvalidRequest', `unknown parameter ${name}`, { hint: near === undefined ? `there are ${PARAMETERS.join(', ')}` : `did you mean ${near}?` });
    }
    if (typeof value !== 'string') throw new DbError('InvalidRequest', `the parameter ${name} may be given once`);
  }
  return given as Record<string, string>;
}

function time(given: Readonly<Record<string, string>>, name: string, otherwise: number): number {
  const text = given[name];
  if (text === undefined) return otherwise;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new DbError('InvalidRequest', `the parameter ${name} is a time such as 2026-01-31T12:00:00Z, found "${text}"`);
  return ms;
}

function limit(text: string | undefined): number {
  if (text === undefined) return LIMIT;
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(count >= 1 && count <= LIMIT_MAX)) throw new DbError('InvalidRequest', `the parameter limit is from 1 to ${LIMIT_MAX}, found "${text}"`);
  return count;
}
