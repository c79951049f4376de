/**
 * POST /db/{graph}/schema/text and /import/text: TuGraph's online import, one package of lines in one transaction.
 *
 * The description is the import configuration as JSON text: `schema` items for the one, one `files` item without a path for the other.
 * Ours: under an Idempotency-Key a package that is sent again is answered as the first time; `detail` lists all lines that were left out.
 */
import type { FastifyInstance } from 'fastify';
import { DONE_BEFORE, dataImport, schemaImport } from '../data/text-import.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, optionalBoolean } from '../value/bodies.ts';
import { RestCall } from './rest-call.ts';

export function importRoutes(app: FastifyInstance, service: Service): void {
  for (const root of ['/db/:graph', '/graph/:graph']) {
    app.post(`${root}/schema/text`, async (request, reply) => {
      const call = await RestCall.of(service, request, reply);
      const work = schemaImport(bodyOf(request.body));
      return { log: await call.together(() => work(call)) ?? DONE_BEFORE };
    });
    app.post(`${root}/import/text`, async (request, reply) => {
      const call = await RestCall.of(service, request, reply);
      const body = bodyOf(request.body);
      const detail = optionalBoolean(body, 'detail', false);
      const done = await dataImport(body, { detail })((text, parameters) => call.rows(text, parameters));
      if (done === undefined) return { log: DONE_BEFORE };
      return detail ? done : { log: done.log };
    });
  }
}
