/** /db (also /graph): the graphs of the server, their labels and indexes, in TuGraph's forms. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { bodyOf, booleanField, listField, objectField, optionalBoolean, optionalText, textField } from '../value/bodies.ts';
import type { Body } from '../value/bodies.ts';
import { quoted } from '../data/statement-text.ts';
import { parseDate, parseLocalDateTime } from '../value/temporal-parse.ts';
import { RestCall } from './rest-call.ts';
import { queryText } from './reply.ts';

interface PathNames {
  readonly graph: string;
  readonly kind: string;
  readonly label: string;
  readonly field: string;
}

type Handler = (call: RestCall, path: PathNames, request: FastifyRequest) => Promise<unknown>;

export function graphRoutes(app: FastifyInstance, service: Service): void {
  const on = (method: 'GET' | 'POST' | 'DELETE', url: string, work: Handler) => {
    for (const root of ['/db', '/graph']) {
      app.route({
        method, url: root + url,
        handler: async (request: FastifyRequest, reply: FastifyReply) => (
          await work(await RestCall.of(service, request, reply), request.params as PathNames, request) ?? reply.send()),
      });
    }
  };

  // ---------------------------------------------------------------- graphs
  on('GET', '', (call) => call.object('CALL dbms.graph.listGraphs()'));
  on('GET', '/:graph', async (call, { graph }) => (await call.rows('CALL dbms.graph.getGraphInfo($graph)', { graph }))[0]![1]);
  on('POST', '', async (call, _path, request) => {
    const body = bodyOf(request.body);
    const config = body.config === undefined ? {} : objectField(body, 'config');
    const parameters = { name: textField(body, 'name'), description: optionalText(config, 'description') ?? '', size: graphSize(config), strict: optionalBoolean(config, 'strict', false) };
    await call.rows('CALL dbms.graph.createGraph($name, $description, $size, $strict)', parameters);
  });
  on('DELETE', '/:graph', async (call, { graph }) => void await call.rows('CALL dbms.graph.deleteGraph($graph)', { graph }));
  on('GET', '/:graph/node', async (call) => {
    const [counts, labels] = [await call.object('CALL dbms.meta.count()'), await call.column('CALL db.vertexLabels()')];
    return { num_label: labels.length, num_vertex: counts.vertex };
  });
  on('GET', '/:graph/relationship', async (call) => {
    const [counts, labels] = [await call.object('CALL dbms.meta.count()'), await call.column('CALL db.edgeLabels()')];
    return { num_label: labels.length, num_relationship: counts.edge };
  });

  // ---------------------------------------------------------------- labels
  on('GET', '/:graph/label', async (call) => ({ vertex: await call.column('CALL db.vertexLabels()'), edge: await call.column('CALL db.edgeLabels()') }));
  on('GET', '/:graph/label/:kind', (call, { kind }) => call.column(kindOf(kind) === 'vertex' ? 'CALL db.vertexLabels()' : 'CALL db.edgeLabels()'));
  on('GET', '/:graph/label/:kind/:label', async (call, { kind, label }) => {
    const fields = await call.rows('CALL db.getLabelSchema($kind, $label)', { kind: kindOf(kind), label }) as [string, string, boolean][];
    return Object.fromEntries(fields.map(([name, type, optional]) => [name, { type, optional }]));
  });
  on('POST', '/:graph/label', async (call, _path, request) => {
    const schema = labelSchema(bodyOf(request.body));
    await call.rows(schema.type === 'VERTEX' ? 'CALL db.createVertexLabelByJson($json)' : 'CALL db.createEdgeLabelByJson($json)', { json: JSON.stringify(schema) });
  });

  // ---------------------------------------------------------------- indexes
  on('GET', '/:graph/index', async (call) => indexes(await call.rows('CALL db.indexes()')));
  on('GET', '/:graph/index/:label', async (call, { label }, request) => {
    const [field, value] = [queryText(request, 'field'), queryText(request, 'value')];
    if (field === undefined && value === undefined) return indexes((await call.rows('CALL db.indexes()')).filter((row) => row[0] === label));
    if (field === undefined || value === undefined) throw new DbError('InvalidRequest', 'Both `field` and `value` must be specified.');
    return seek(call, { label, field, value });
  });
  on('POST', '/:graph/index', async (call, _path, request) => void await createIndex(call, bodyOf(request.body)));
  on('DELETE', '/:graph/index/:label/:field', async (call, { label, field }) => {
    const isEdge = (await call.rows('CALL db.indexes()')).some((row) => row[0] === label && row[1] === field && row[2] === 'edge');
    await call.rows(isEdge ? 'CALL db.deleteEdgeIndex($label, $field)' : 'CALL db.deleteIndex($label, $field)', { label, field });
  });
}

function graphSize(config: Body): number | null {
  const size = config.max_size_GB;
  if (size === undefined || size === null) return null;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > 2 ** 20) throw new DbError('InvalidRequest', '`max_size_GB` must be an integer from 1 to 1048576.');
  return size;
}

function kindOf(name: string): 'vertex' | 'edge' {
  if (name === 'node') return 'vertex';
  if (name === 'relationship') return 'edge';
  throw new DbError('NotFound', 'Illegal URI.', { hint: 'labels are at /label/node and /label/relationship' });
}

/** The body of POST /label as the schema that procedures take. */
function labelSchema(body: Body): { readonly type: 'VERTEX' | 'EDGE' } & Body {
  const properties = (body.fields === undefined ? [] : listField(body, 'fields')).map((item) => {
    const field = bodyOf(item);
    return { name: textField(field, 'name'), type: textField(field, 'type'), optional: field.optional === undefined ? false : booleanField(field, 'optional') };
  });
  const label = textField(body, 'name');
  const constraints = body.edge_constraints === undefined ? [] : listField(body, 'edge_constraints');
  if (booleanField(body, 'is_vertex')) return { label, type: 'VERTEX', primary: textField(body, 'primary'), properties };
  return { label, type: 'EDGE', constraints, properties };
}

function indexes(rows: readonly unknown[][]): object[] {
  return rows.map(([label, field, , unique, pair]) => ({
    label, field, index_type: pair === true ? 'PairUniqueIndex' : unique === true ? 'GlobalUniqueIndex' : 'NonuniqueIndex',
  }));
}

/** Vertices by a value that stands in the URL as text, whatever the field's type: each value that the text may be is looked for. */
async function seek(call: RestCall, { label, field, value }: { label: string; field: string; value: string }): Promise<unknown[]> {
  const spaced = value.replace(' ', 'T');
  const candidates = [
    '$value', ...(numberOf(value) === undefined ? [] : ['$number']), ...(/^(true|false)$/i.test(value) ? ['toBoolean($value)'] : []),
    ...(isReadBy(parseDate, value) ? ['date($value)'] : []), ...(isReadBy(parseLocalDateTime, spaced) ? ['localdatetime($spaced)'] : []),
  ];
  // One MATCH for each, so that an index finds it.
  const text = candidates.map((candidate) => `MATCH (n:${quoted(label)}) WHERE n.${quoted(field)} = ${candidate} RETURN id(n) AS id`).join(' UNION ');
  return call.column(text, { value, spaced, number: numberOf(value) ?? null });
}

function isReadBy(parse: (text: string) => unknown, text: string): boolean {
  try {
    return parse(text) !== undefined;
  } catch {
    return false; // Then it is no such value.
  }
}

/** Integers exactly: ids are often larger than 2^53. */
function numberOf(text: string): number | bigint | undefined {
  if (/^-?\d+\.\d+$/.test(text)) return Number(text);
  if (!/^-?\d+$/.test(text)) return undefined;
  const whole = BigInt(text);
  return BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

async function createIndex(call: RestCall, body: Body): Promise<void> {
  const parameters = { label: textField(body, 'label'), field: textField(body, 'field'), unique: false, pair: false };
  const type = body.index_type ?? body.type ?? (optionalBoolean(body, 'is_unique', false) ? 1 : 0);
  if (type !== 0 && type !== 1 && type !== 2) throw new DbError('InvalidRequest', '`index_type` is 0 (non-unique), 1 (unique) or 2 (pair unique).');
  parameters.unique = type === 1;
  parameters.pair = type === 2;
  const isVertex = (await call.column('CALL db.vertexLabels()')).includes(parameters.label);
  if (isVertex && type === 2) throw new DbError('InvalidRequest', 'a pair unique index is for edges.');
  const isEdge = !isVertex && (await call.column('CALL db.edgeLabels()')).includes(parameters.label);
  await call.rows(isEdge ? 'CALL db.addEdgeIndex($label, $field, $unique, $pair)' : 'CALL db.addIndex($label, $field, $unique)', parameters);
}
