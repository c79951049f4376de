/** POST /db/{graph}/export: a label's data as lines, streamed. POST /db/{graph}/misc/sub_graph: vertices with the edges between them. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { releasing } from '../base/byte-streams.ts';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import type { ResultStream } from '../service/session.ts';
import { bodyOf, booleanField, listField, optionalText, textField, textsOf } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { graphExportRoutes } from './graph-export-routes.ts';
import { quoted } from '../data/statement-text.ts';
import { RestCall } from './rest-call.ts';

const PART_ROWS = 4096;

export function exportRoutes(app: FastifyInstance, service: Service): void {
  graphExportRoutes(app, service);
  for (const root of ['/db/:graph', '/graph/:graph']) {
    app.post(`${root}/export`, async (request, reply) => {
      const call = await RestCall.of(service, request, reply);
      const stream = await call.session.run(await exportText(call, bodyOf(request.body)), { ...call.options({}, 'text-lines'), firstRows: 1000, readOnly: true });
      call.saw(stream.version);
      return reply.type('text/plain; charset=utf-8').send(Readable.from(releasing(parts(stream), () => stream.discard())));
    });
    app.post(`${root}/misc/sub_graph`, async (request, reply) => {
      const call = await RestCall.of(service, request, reply);
      const ids = listField(bodyOf(request.body), 'vertex_ids');
      if (!ids.every((id) => typeof id === 'number' && Number.isSafeInteger(id))) throw new DbError('InvalidRequest', '`vertex_ids` must be an array of integers.');
      return call.send((await call.value(SUB_GRAPH, { ids }))!);
    });
  }
}

const SUB_GRAPH = `
  OPTIONAL MATCH (n) WHERE id(n) IN $ids WITH collect(n) AS nodes
  OPTIONAL MATCH (a)-[r]->(b) WHERE id(a) IN $ids AND id(b) IN $ids WITH nodes, collect(r) AS relationships
  RETURN {
    nodes: [n IN nodes | {vid: id(n), label: labels(n)[0], properties: properties(n)}],
    relationships: [r IN relationships | {source: id(startNode(r)), destination: id(endNode(r)), uid: euid(r), label: type(r), properties: properties(r)}]
  }`;

/** The next part is fetched when the client has taken the last; if it leaves, the statement ends. */
async function* parts(stream: ResultStream): AsyncGenerator<Uint8Array> {
  for (;;) {
    const part = await stream.next(PART_ROWS);
    if (part.bytes.length > 0) yield part.bytes;
    if (part.summary !== undefined) return;
  }
}

async function exportText(call: RestCall, body: Body): Promise<string> {
  const label = quoted(textField(body, 'label'));
  const columns = textsOf(listField(body, 'properties'), 'properties');
  if (columns.length === 0) throw new DbError('InvalidRequest', '`properties` must not be empty.');
  const source = optionalText(body, 'src_label');
  const destination = optionalText(body, 'dst_label');
  if (booleanField(body, 'is_vertex')) return `MATCH (n:${label}) RETURN ${columns.map((name, i) => `n.${quoted(name)} AS c${i}`).join(', ')}`;
  const ends = { SRC_ID: await key(call, 'a', source), DST_ID: await key(call, 'b', destination) };
  const cells = columns.map((name, i) => `${name === 'SRC_ID' || name === 'DST_ID' ? ends[name] : `r.${quoted(name)}`} AS c${i}`);
  const of = (end: string | undefined) => (end === undefined ? '' : `:${quoted(end)}`);
  return `MATCH (a${of(source)})-[r:${label}]->(b${of(destination)}) RETURN ${cells.join(', ')}`;
}

/** What names an end of an edge: the primary key of its label, else its id. */
async function key(call: RestCall, variable: string, label: string | undefined): Promise<string> {
  if (label === undefined) return `id(${variable})`;
  const [schema] = await call.column('CALL db.getVertexSchema($label)', { label });
  return `${variable}.${quoted(textField(bodyOf(schema), 'primary'))}`;
}
