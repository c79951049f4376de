/** POST /export: whole graphs at one version as a stream of files (data/export-stream.ts), for lgraph_export. Admins only. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import { delimiterOf } from '../data/csv.ts';
import { EXPORT_FORMATS } from '../data/export-graph.ts';
import type { ExportOptions } from '../data/export-graph.ts';
import { exportParts, framed } from '../data/export-stream.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
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
    await service.waitForVersion(Math.max(minVersion ?? 0, await service.readIndexes.versionFor(readMode)), versionWaitMs);
    const { reader } = service.options;
    const point = reader.acquire();
    try {
      const graphs = body.graphs === undefined ? point.system.graphs.map(({ name }) => name) : textsOf(body.graphs, 'graphs');
      for (const name of graphs) point.view(name);
      call.saw(point.version);
      const stream = Readable.from(released(point, () => reader.release(point), graphs, options));
      return await reply.type('application/octet-stream').send(stream);
    } catch (error) {
      reader.release(point);
      throw error;
    }
  });
}

/** The read point lives as long as the answer, also when the client leaves. */
async function* released(point: ReadPoint, release: () => void, graphs: readonly string[], options: ExportOptions): AsyncGenerator<Buffer> {
  try {
    yield* framed(exportParts(point, graphs, options), point.version);
  } finally {
    release();
  }
}

function optionsOf(body: Body): ExportOptions {
  const name = optionalText(body, 'format') ?? 'csv';
  const format = EXPORT_FORMATS.find((one) => one === name);
  if (format === undefined) throw new DbError('InvalidRequest', `\`format\` is one of ${EXPORT_FORMATS.join(', ')}`);
  const delimiter = delimiterOf(optionalText(body, 'delimiter') ?? ',');
  if (delimiter === undefined) throw new DbError('InvalidRequest', '`delimiter` must not be empty, a quote or a line break');
  return { format, delimiter };
}
