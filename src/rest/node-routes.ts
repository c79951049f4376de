/** /db/{graph}/node: single vertices and batches of them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, integerField, listField, objectField, textField, textsOf, vertexId } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { mapText, quoted } from '../data/statement-text.ts';
import { RestCall } from './rest-call.ts';

type Handler = (call: RestCall, path: Readonly<Record<string, string>>, request: FastifyRequest) => Promise<unknown>;

export function nodeRoutes(app: FastifyInstance, service: Service): void {
  const on = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, work: Handler) => {
    for (const root of ['/db/:graph/node', '/graph/:graph/node']) {
      app.route({
        method, url: root + url,
        handler: async (request: FastifyRequest, reply: FastifyReply) => (
          await work(await RestCall.of(service, request, reply), request.params as Record<string, string>, request) ?? reply.send()),
      });
    }
  };

  on('POST', '', async (call, _path, request) => {
    const body = bodyOf(request.body);
    if (body.fields === undefined && body.values === undefined) return (await create(call, textField(body, 'label'), [objectField(body, 'property')]))[0];
    const fields = textsOf(listField(body, 'fields'), 'fields');
    return create(call, textField(body, 'label'), listField(body, 'values').map((row) => rowOf(fields, row)));
  });
  on('GET', '/:vid', async (call, { vid }) => call.send(await found(call, vid!, '{label: labels(n)[0], property: properties(n)}')));
  on('GET', '/:vid/property', async (call, { vid }) => call.send(await found(call, vid!, 'properties(n)')));
  on('GET', '/:vid/property/:field', async (call, { vid, field }) => call.send(await property(call, vid!, field!)));
  on('PUT', '/:vid', async (call, { vid }, request) => {
    const body = bodyOf(request.body);
    if (body.label !== undefined) throw new DbError('InvalidRequest', 'Changing vertex label is not allowed for now.');
    await need(call.value('MATCH (n) WHERE id(n) = $id SET n += $property RETURN id(n)', { id: vertexId(vid!), property: objectField(body, 'property') }));
  });
  on('DELETE', '/:vid', async (call, { vid }) => {
    const [row] = await call.rows('MATCH (n) WHERE id(n) = $id WITH n, COUNT { (n)<--() } AS i, COUNT { (n)-->() } AS o DETACH DELETE n RETURN i, o', { id: vertexId(vid!) });
    if (row === undefined) throw new DbError('EntityNotFound', 'Vertex does not exist.');
    return { in: row[0], out: row[1] };
  });

  on('GET', '/:vid/relationship/:direction', async (call, { vid, direction }) => {
    const id = vertexId(vid!);
    await found(call, vid!, 'id(n)');
    const out = () => call.column('MATCH (n)-[r]->() WHERE id(n) = $id RETURN euid(r)', { id });
    const into = () => call.column('MATCH (n)<-[r]-() WHERE id(n) = $id RETURN euid(r)', { id });
    switch (direction) {
      case 'out': return out();
      case 'in': return into();
      case 'all': return { out: await out(), in: await into() };
      default: throw new DbError('NotFound', 'Illegal URI.', { hint: 'relationships are at …/relationship/in, out and all' });
    }
  });
  on('POST', '/:vid/relationship', async (call, { vid }, request) => {
    const body = bodyOf(request.body);
    const fields = body.property === undefined ? {} : objectField(body, 'property');
    const euid = await call.value(
      `MATCH (a), (b) WHERE id(a) = $source AND id(b) = $destination CREATE (a)-[r:${quoted(textField(body, 'label'))} ${mapText(Object.keys(fields), '$fields')}]->(b) RETURN euid(r)`,
      { source: vertexId(vid!), destination: integerField(body, 'destination'), fields },
    );
    return call.send(await need(Promise.resolve(euid)));
  });
}

export function rowOf(fields: readonly string[], values: unknown): Body {
  if (!Array.isArray(values) || values.length !== fields.length) throw new DbError('InvalidRequest', `every row of \`values\` must be an array of ${fields.length} values.`);
  return Object.fromEntries(fields.map((field, i) => [field, values[i] as unknown]));
}

async function create(call: RestCall, label: string, rows: readonly Body[]): Promise<unknown[]> {
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return call.column(`UNWIND $rows AS row CREATE (n:${quoted(label)} ${mapText(fields, 'row')}) RETURN id(n)`, { rows });
}

function need(value: Promise<string | undefined>): Promise<string> {
  return value.then((text) => {
    if (text === undefined) throw new DbError('EntityNotFound', 'Vertex does not exist.');
    return text;
  });
}

function found(call: RestCall, vid: string, expression: string): Promise<string> {
  return need(call.value(`MATCH (n) WHERE id(n) = $id RETURN ${expression}`, { id: vertexId(vid) }));
}

async function property(call: RestCall, vid: string, field: string): Promise<string> {
  const value = await need(call.value('MATCH (n) WHERE id(n) = $id RETURN n[$field]', { id: vertexId(vid), field }));
  if (value !== 'null') return value;
  const label = JSON.parse(await found(call, vid, 'labels(n)[0]')) as string | null;
  await checkDeclared(call, 'vertex', label, field);
  return value;
}

/** Null is the value of a declared field; another name is a mistake. */
export async function checkDeclared(call: RestCall, kind: 'vertex' | 'edge', label: string | null, field: string): Promise<void> {
  const declared: unknown[] = await call.column('CALL db.getLabelSchema($kind, $label)', { kind, label }).catch(() => []);
  if (!declared.includes(field)) throw new DbError('FieldNotFound', `Field [${field}] does not exist.`);
}
