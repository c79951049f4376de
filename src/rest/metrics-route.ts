/** GET /metrics for Prometheus: open, or with a token of its own, or with an admin's. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { bearer, principalOf } from './reply.ts';

export interface MetricsSource {
  readonly text: () => Promise<string>;
  /** What a scraper shows as its bearer token; '' asks for none. */
  readonly token: string;
}

export function metricsRoute(app: FastifyInstance, service: Service, source: MetricsSource): void {
  app.get('/metrics', async (request, reply) => {
    if (source.token !== '' && !isEqual(bearer(request), source.token)) {
      const { isAdmin } = await principalOf(service, request);
      if (!isAdmin) throw new DbError('Forbidden', 'Admin access right required.');
    }
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return source.text();
  });
}

function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
