/**
 * /db/{graph}/relationship: edges by their id in TuGraph's form, `{source}_{destination}_{label}_{temporal}_{edge}`, as `euid()` gives it. The
 * last part alone says which edge it is; all of it has to fit, for a text that counts parallel edges may have another one's id there.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, integerField, listField, objectField, textField, textsOf } from '../value/bodies.ts';
import { mapText, quoted } from '../data/statement-text.ts';
import { checkDeclared, rowOf } from './node-routes.ts';
import { RestCall } from './rest-call.ts';

type Handler = (call: RestCall, path: Readonly<Record<string, string>>, request: FastifyRequest) => Promise<unknown>;

const THIS_EDGE = 'MATCH (a)-[r]->(b) WHERE id(a) = $source AND id(b) = $destination AND id(r) = $edge AND euid(r) = $euid';

export function relationshipRoutes(app: FastifyInstance, service: Service): void {
  const on = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, work: Handler) => {
    for (const root of ['/db/:graph/relationship', '/graph/:graph/relationship']) {
      app.route({
        method, url: root + url,
        handler: async (request: FastifyRequest, reply: FastifyReply) => (
          await work(await RestCall.of(service, request, reply), request.params as Record<string, string>, request) ?? reply.send()),
      });
    }
  };

  on('POST', '', async (call, { graph }, request) => {
    const body = bodyOf(request.body);
    const fields = body.fields === undefined ? [] : textsOf(body.fields, 'fields');
    const rows = listField(body, 'edge').map((item) => {
      const edge = bodyOf(item);
      return { source: integerField(edge, 'source'), destination: integerField(edge, 'destination'), fields: rowOf(fields, edge.values ?? []) };
    });
    const made = await call.together(async () => {
      const euids = await call.column(
        `UNWIND $rows AS row MATCH (a), (b) WHERE id(a) = row.source AND id(b) = row.destination
         CREATE (a)-[r:${quoted(textField(body, 'label'))} ${mapText(fields, 'row.fields')}]->(b) RETURN euid(r)`,
        { rows },
      );
      if (euids.length < rows.length) throw new DbError('EntityNotFound', 'Vertex does not exist.', { hint: 'one of the sources or destinations is missing; no edge was made' });
      return euids;
    });
    if (made === undefined) throw new DbError('OutcomeUnknown', 'the edges were made before under the same idempotency key; the list of their uids was too long to keep');
    return made.map((euid) => `/db/${graph}/relationship/${String(euid)}`);
  });
  on('GET', '/:euid', async (call, { euid }) => call.send(await found(call, euid!, '{label: type(r), property: properties(r)}')));
  on('GET', '/:euid/property', async (call, { euid }) => call.send(await found(call, euid!, 'properties(r)')));
  on('GET', '/:euid/property/:field', async (call, { euid, field }) => {
    const value = await found(call, euid!, 'r[$field]', { field });
    if (value === 'null') await checkDeclared(call, 'edge', JSON.parse(await found(call, euid!, 'type(r)')) as string, field!);
    return call.send(value);
  });
  on('PUT', '/:euid', async (call, { euid }, request) => {
    await need(call.value(`${THIS_EDGE} SET r += $property RETURN id(r)`, { ...edgeOf(euid!), property: objectField(bodyOf(request.body), 'property') }));
  });
  on('DELETE', '/:euid', async (call, { euid }) => {
    await need(call.value(`${THIS_EDGE} WITH r, id(r) AS edge DELETE r RETURN edge`, edgeOf(euid!)));
  });
}

function edgeOf(euid: string): { source: number; destination: number; edge: number; euid: string } {
  const parts = /^(\d{1,15})_(\d{1,15})_(\d{1,9})_(-?\d{1,19})_(\d{1,15})$/.exec(euid);
  if (parts === null) throw new DbError('InvalidRequest', 'Failed to parse Edge UID.', { hint: 'it looks like 0_1_2_0_3: source, destination, label, temporal id, edge' });
  return { source: Number(parts[1]), destination: Number(parts[2]), edge: Number(parts[5]), euid };
}

function need(value: Promise<string | undefined>): Promise<string> {
  return value.then((text) => {
    if (text === undefined) throw new DbError('EntityNotFound', 'Edge does not exist.');
    return text;
  });
}

function found(call: RestCall, euid: string, expression: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return need(call.value(`${THIS_EDGE} RETURN ${expression}`, { ...edgeOf(euid), ...more }));
}
