import { expect, it } from 'vitest';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { schemaJson } from '../../src/data/config-json.ts';

it.each([[undefined, 'ASC'], ['ASC', 'ASC'], ['desc', 'DESC']])('takes the temporal order %s for %s, and writes it out so', (given, order) => {
  const config = parseImportConfig(JSON.stringify({
    schema: [{ label: 'paid', type: 'EDGE', properties: [{ name: 'at', type: 'INT64' }], temporal: 'at', ...(given === undefined ? {} : { temporal_order: given }) }], files: [],
  }), 'import.json');
  expect(config.schemas).toMatchObject([{ temporal: 'at', temporalOrder: order }]);
  expect(schemaJson(config)).toMatchObject([{ temporal: 'at', temporal_order: order }]);
});

it('reads TuGraph\'s vector indexes of fields, and says what is wrong with one', () => {
  const config = (item: object): string => JSON.stringify({
    schema: [{ label: 'P', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'v', type: 'FLOAT_VECTOR', optional: true }] }],
    vector_indexes: [{ type: 'VERTEX', label: 'P', field: 'v', index_type: 'hnsw', dimension: 4, ...item }],
  });
  const { schemas, vectorIndexes } = parseImportConfig(config({ distance_type: 'ip' }), 'c.json');
  expect(vectorIndexes).toEqual([]);
  expect(schemas[0]!.fields[1]!.vector).toEqual({ indexType: 'hnsw', dimension: 4, distance: 'ip', m: 16, efConstruction: 100 });
  const wrongOnes: [object, RegExp][] = [
    [{ label: 'Q' }, /vector_indexes\[0\]: Q is no vertex label/], [{ field: 'id' }, /P has no FLOAT_VECTOR field id/], [{ dimension: 0 }, /dimension should be an integer/],
    [{ index_type: 'tree' }, /index_type should be/], [{ dimensions: 4 }, /dimensions/], [{ type: 'EDGE' }, /no vertex label/],
  ];
  for (const [item, message] of wrongOnes) expect(() => parseImportConfig(config(item), 'c.json')).toThrow(message);
});

it.each([
  [{ detach_property: 'no' }, /`detach_property` is true or false/], [{ detach_property: 0 }, /`detach_property` is true or false/],
  [{ type: 'VERTX' }, /`type` is VERTEX or EDGE, given VERTX/], [{ properties: [{ name: 'id', type: 'INT64', unique: 'true' }] }, /`unique` is true or false/],
])('takes nothing misspelt for its opposite: %j', (item, message) => {
  const schema = { label: 'P', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }], ...item };
  expect(() => parseImportConfig(JSON.stringify({ schema: [schema] }), 'c.json')).toThrow(message);
});

it.each(['BLOB', 'FLOAT_VECTOR', 'POINT', 'LINESTRING', 'POLYGON', 'SPATIAL'])('takes no %s for a primary field, as the procedures do not', (type) => {
  const schema = { label: 'P', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type }] };
  expect(() => parseImportConfig(JSON.stringify({ schema: [schema] }), 'c.json')).toThrow(`a ${type} cannot be the primary field (id)`);
});
