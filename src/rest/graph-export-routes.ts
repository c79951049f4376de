/** POST /export: whole graphs at one version as a stream of files (data/export-stream.ts), for lgraph_export. Admins only. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import { delimiterOf } from '../data/csv.ts';
import { EXPORT_FORMATS } from '../data/export-graph.ts';
import type { ExportOptions } from '../data/export-graph.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, optionalText, textsOf } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { RestCall } from './rest-call.ts';

export function graphExportRoutes(app: FastifyInstance, service: Service): void {
  app.post('/export', async (request, reply) => {
    const call = await RestCall.of(service, request, reply);
    call.requireAdmin();
    const body = bodyOf(request.body);
    const options = optionsOf(body);
    const { minVersion, versionWaitMs, readMode } = call.options({});
    await service.waitForVersion(Math.max(minVersion ?? 0, await service.readIndexes.versionFor(readMode)), { waitMs: versionWaitMs });
    const graphs = body.graphs === undefined ? undefined : textsOf(body.graphs, 'graphs');
    const { version, bytes } = await service.options.copies.export(graphs, options);
    call.saw(version);
    return reply.type('application/octet-stream').send(Readable.from(bytes, { objectMode: false }));
  });
}

function optionsOf(body: Body): ExportOptions {
  const name = optionalText(body, 'format') ?? 'csv';
  const format = EXPORT_FORMATS.find((one) => one === name);
  if (format === undefined) throw new DbError('InvalidRequest', `\`format\` is one of ${EXPORT_FORMATS.join(', ')}`);
  const delimiter = delimiterOf(optionalText(body, 'delimiter') ?? ',');
  if (delimiter === undefined) throw new DbError('InvalidRequest', '`delimiter` must not be empty, a quote or a line break');
  return { format, delimiter };
}
