/** Whatever a graph holds: export, import and export again give the same files, and the same values. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIELD_TYPES } from '../../src/graph/catalog.ts';
import type { FieldType } from '../../src/graph/catalog.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { Transaction } from '../../src/graph/transaction.ts';
import type { GraphTransaction } from '../../src/graph/transaction.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { importOffline } from '../../src/data/offline-import.ts';
import { exportParts } from '../../src/data/export-stream.ts';
import { withStore } from '../../src/data/open-store.ts';
import type { ExportFormat } from '../../src/data/export-graph.ts';
import { splitStatements } from '../../src/cli/statements.ts';
import { Playground } from '../docs/playground.ts';
import { createFirstState } from '../../src/auth/first-start.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { openLevelEngine } from '../../src/storage/level-engine.ts';
import { formatLiteral } from '../../src/value/format.ts';
import { ewkbOf } from '../../src/value/ewkb.ts';
import { makePoint } from '../../src/value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../../src/value/temporal.ts';
import { Float, integer, NodeValue } from '../../src/value/value.ts';
import type { Value } from '../../src/value/value.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-trip-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ODD_LABEL = 'Odd `label`; /* \' " \n\r\t\0,\u2028 //';
const ODD_KEY = 'a "key"\r\n`\\';
const LONG_LABEL = '字'.repeat(85);
const LONG_TYPE = 'L'.repeat(256);
const ODD_TYPE = 'LIKES\n"`, \\u0041 ;';

// -------------------------------------------------------------- values

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('', '"', '""', ' a ', 'a\nb', 'a\r\nb', ',', '\\n', "'", '𝒳é', 'null', '0', 'point({x: 1.0, y: 2.0, crs: \'cartesian\'})', '\t', ';', '\0', '\u2028\u2029', '\ufeff', '\u0085', '\r', '`', '//', '/* ', '\\', '\\u0041', '$x', 'x'.repeat(3000)));
const day = fc.integer({ min: -800_000, max: 3_000_000 });
const nano = fc.oneof(fc.integer({ min: 0, max: 86_399 }).map((s) => s * 1e9), fc.integer({ min: 0, max: 86_400e9 - 1 }));
const double = fc.double().map((value) => new Float(value));
const float = fc.float().map((value) => new Float(value));
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(integer);
const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Uint8Array.from(value));
const coordinate = fc.double({ min: -90, max: 90, noNaN: true });
const point = fc.oneof(
  fc.tuple(coordinate, coordinate).map(([x, y]) => makePoint(4326, x, y)), fc.tuple(coordinate, coordinate, coordinate).map(([x, y, z]) => makePoint(9157, x, y, z)),
);
const [line, polygon] = (['LINESTRING', 'POLYGON'] as const).map((kind) => fc.tuple(coordinate, coordinate, fc.constantFrom(4326 as const, 7203 as const)).map(([x, y, srid]) => (
  ewkbOf({ kind, srid, parts: [[[0, 0], [x, y], [1, 1], [0, 0]]] })))) as [fc.Arbitrary<string>, fc.Arbitrary<string>];
const date = day.map((epochDay) => new LocalDate(epochDay));
const localDateTime = fc.tuple(day, nano).map(([epochDay, nanoOfDay]) => new LocalDateTime(epochDay, nanoOfDay));
const OF_FIELD: Readonly<Record<FieldType, fc.Arbitrary<Value>>> = {
  BOOL: fc.boolean(), INT8: fc.integer({ min: -128, max: 127 }), INT16: fc.integer({ min: -32768, max: 32767 }), INT32: fc.integer(), INT64: big,
  FLOAT: float, DOUBLE: double, DATE: date, DATETIME: localDateTime, STRING: text, BLOB: bytes,
  POINT: point, LINESTRING: line, POLYGON: polygon, SPATIAL: fc.oneof(point, line, polygon), FLOAT_VECTOR: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => new Float(value)), { maxLength: 4 }),
};
const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.boolean(), big, double, text, bytes, point, date, localDateTime, nano.map((n) => new LocalTime(n)),
  fc.tuple(nano, fc.integer({ min: -18, max: 18 })).map(([n, hours]) => new ZonedTime(n, hours * 3600)),
  fc.tuple(day, nano).map(([epochDay, n]) => new ZonedDateTime(epochDay, n, 7200)),
  fc.tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: -500, max: 500 }), fc.integer(), fc.integer({ min: 0, max: 999_999_999 })).map((parts) => new Duration(...parts)),
);
const free: fc.Arbitrary<Value> = fc.oneof(scalar, fc.array(big, { maxLength: 3 }), fc.array(text, { maxLength: 3 }));

interface Sample {
  readonly rows: readonly (readonly Value[])[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly value: Value; readonly isFree: boolean }[];
  readonly nodes: readonly { readonly labels: readonly string[]; readonly value: Value; readonly other: Value }[];
}
const sample: fc.Arbitrary<Sample> = fc.record({
  rows: fc.array(fc.tuple(...FIELD_TYPES.map((type) => fc.option(OF_FIELD[type], { freq: 4 }))), { maxLength: 5 }),
  nodes: fc.array(fc.record({ labels: fc.subarray(['Free', ODD_LABEL, 'Typed']), value: fc.option(free), other: fc.option(free) }), { maxLength: 4 }),
  edges: fc.array(fc.record({ from: fc.nat(8), to: fc.nat(8), value: fc.option(scalar), isFree: fc.boolean() }), { maxLength: 8 }),
});

function fill(graph: GraphTransaction, { rows, nodes, edges }: Sample): void {
  graph.createLabel({ kind: 'vertex', name: 'Typed', primary: 'key', fields: [{ name: 'key', type: 'STRING', optional: false }, ...FIELD_TYPES.map((type) => ({ name: type.toLowerCase(), type, optional: true }))] });
  graph.createLabel({
    kind: 'vertex', name: 'Place', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }, { name: 'place', type: 'FLOAT_VECTOR', optional: true, vector: { indexType: 'ivf_flat', dimension: 7, distance: 'ip', m: 20, efConstruction: 200 } }],
  });
  // The name of one file may not be another's, nor longer than a file system takes.
  for (const name of [LONG_LABEL, 'Short', 'links_Short_Short']) graph.createLabel({ kind: 'vertex', name, primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }] });
  for (const name of ['links', LONG_TYPE]) graph.createLabel({ kind: 'edge', name, constraints: [], fields: [] });
  graph.createLabel({ kind: 'vertex', name: 'With_underscore', primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }] });
  graph.createLabel({ kind: 'edge', name: 'joins', constraints: [], temporal: 'at', temporalOrder: 'ASC', fields: [{ name: 'text', type: 'STRING', optional: true }, { name: 'at', type: 'INT64', optional: false }] });
  graph.createIndex({ kind: 'vertex', label: 'Typed', fields: ['int64', 'string'], unique: false, name: 'both' });
  graph.createIndex({ kind: 'vertex', label: 'Typed', fields: ['date'], unique: false });
  graph.createIndex({ kind: 'vertex', label: 'Free', fields: ['value'], unique: false });
  graph.createText({ kind: 'vertex', name: 'Typed_string_fulltext', labels: ['Typed'], fields: ['string'], analyzer: 'standard' });
  graph.createText({ kind: 'vertex', name: 'words `of` all', labels: ['Free', ODD_LABEL], fields: ['value', ODD_KEY], analyzer: 'whitespace' });
  graph.createText({ kind: 'edge', name: 'joins texts', labels: ['joins', ODD_TYPE], fields: ['text', 'value'], analyzer: 'english' });
  graph.createVectorIndex({ kind: 'vertex', name: 'like `this`', label: ODD_LABEL, field: ODD_KEY, dimensions: 3, similarity: 'euclidean' });
  graph.createVectorIndex({ kind: 'edge', name: 'like that', label: ODD_TYPE, field: 'value', similarity: 'cosine' });
  graph.createConstraint({ name: 'once', type: 'unique', kind: 'edge', label: 'joins', fields: ['at'] });
  graph.createIndex({ kind: 'edge', label: 'joins', fields: ['text'], unique: false });
  graph.createLabel({ kind: 'vertex', name: 'Nobody', primary: 'k', fields: [{ name: 'k', type: 'DATE', optional: false }] });
  graph.createConstraint({ name: 'is\nthere', type: 'exists', kind: 'vertex', label: 'With_underscore', fields: ['id'] });
  graph.createConstraint({ name: 'together', type: 'node_key', kind: 'vertex', label: 'Rare', fields: ['value', ODD_KEY] });
  graph.createConstraint({ name: 'number', type: 'type', kind: 'edge', label: 'joins', fields: ['at'], propertyType: 'INTEGER | FLOAT' });
  const ids: number[] = [];
  rows.forEach((row, i) => {
    const properties = FIELD_TYPES.map((type, at): [number, Value] => [graph.keyId(type.toLowerCase()), row[at]!]);
    ids.push(graph.createNode([graph.labelId('Typed')], [[graph.keyId('key'), `key "${i}"`], ...properties]).id);
  });
  ids.push(graph.createNode([graph.labelId('With_underscore')], [[graph.keyId('id'), -1]]).id);
  const [long, short, other] = [LONG_LABEL, 'Short', 'links_Short_Short'].map((label, i) => graph.createNode([graph.labelId(label)], [[graph.keyId('id'), i]]).id);
  for (const [type, start, end] of [['links', short, short], ['links', other, long], [LONG_TYPE, long, short], [LONG_TYPE, long, other]] as const) {
    graph.createRelationship(graph.typeId(type), start!, end!, []);
  }
  for (const { labels, value, other } of nodes) {
    const isTyped = labels.includes('Typed');
    const values: [number, Value][] = isTyped ? [[graph.keyId('key'), `key of node ${ids.length}`]] : [[graph.keyId('value'), value], [graph.keyId(ODD_KEY), other]];
    ids.push(graph.createNode(labels.map((label) => graph.labelId(label)), values).id);
  }
  edges.forEach(({ from, to, value, isFree }, i) => {
    const [start, end] = [ids[from % ids.length]!, ids[to % ids.length]!];
    if (isFree) graph.createRelationship(graph.typeId(ODD_TYPE), start, end, [[graph.keyId('value'), value]]);
    else graph.createRelationship(graph.typeId('joins'), start, end, [[graph.keyId('at'), i * 2 ** 40], [graph.keyId('text'), typeof value === 'string' ? value : null]]);
  });
}

async function makeStore(path: string, one: Sample): Promise<void> {
  const engine = await openLevelEngine({ location: join(path, 'store'), cacheBytes: 1 << 20, writeBufferBytes: 1 << 20 });
  const writer = new StateWriter(engine, new VersionClocks(), 1 << 20);
  const transaction = new Transaction({ base: (graph) => writer.head(graph), baseVersion: 0, timeMs: 1, ids: { vertex: (_, floor) => floor, edge: (_, floor) => floor } });
  createFirstState(transaction, undefined);
  fill(transaction.graph('default'), one);
  await writer.write([{ index: 1, staged: writer.stage(transaction.changes), timeMs: 1 }], { sync: false });
  await engine.close();
}

const exported = (path: string, format: ExportFormat) => withStore(path, async (_, reader) => {
  const point = reader.acquire();
  const files = new Map<string, string>();
  for await (const part of exportParts(point, ['default'], { format, delimiter: ',' })) files.set(part.path, (files.get(part.path) ?? '') + part.text);
  reader.release(point);
  return Object.fromEntries([...files].sort());
});

/** All elements with their values as Cypher literals, without ids, and what the catalog says beside schemas. */
const dump = (path: string) => withStore(path, async (_, reader) => {
  const point = reader.acquire();
  const view = point.view('default');
  const literals = (map: ReadonlyMap<string, Value>) => [...map].map(([key, value]) => `${key}: ${formatLiteral(value)}`).sort().join(', ');
  const node = (id: number) => `${view.nodeLabels(new NodeValue(id)).map((label) => view.catalog.labelName(label)).sort().join(':')} {${literals(view.nodeProperties(new NodeValue(id)))}}`;
  const nodes = [...view.scanNodes()].flatMap((ids) => Array.from(ids, node)).sort();
  const edges = [...view.scanRelationships()].flatMap((ids) => Array.from(ids, (id) => {
    const edge = view.findRelationship(id)!;
    return `${view.catalog.typeName(edge.typeId)} ${node(edge.start)} ${node(edge.end)} {${literals(view.relationshipProperties(edge))}}`;
  })).sort();
  const { data } = view.catalog;
  reader.release(point);
  const indexes = data.indexes.map(({ name, unique, pairUnique, keyIds }) => [name, String(unique), String(pairUnique), ...keyIds.map((key) => data.keys[key])].join(' ')).sort();
  return { nodes, edges, indexes, texts: view.catalog.texts.map((text) => view.catalog.textSpec(text)).sort((a, b) => (a.name < b.name ? -1 : 1)), constraints: data.constraints.map(({ name, type }) => [name, type]) };
});

async function importAgain(files: Readonly<Record<string, string>>, target: string): Promise<void> {
  const folder = join(target, 'files');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const base = join(folder, 'default');
  await importOffline({
    config: parseImportConfig(readFileSync(join(base, 'import.config'), 'utf8'), 'import.config'), base, directory: join(target, 'db'), graph: 'default', delimiter: ',',
    continueOnError: false, dryRun: false, overwrite: false, deleteIfExists: false, password: undefined, onProgress: () => undefined, onRejected: () => undefined,
  });
}

describe('export, import, export', () => {
  for (const format of ['csv', 'json'] as const) {
    it(`gives identical files as ${format}, for any graph`, async () => {
      let round = 0;
      await fc.assert(fc.asyncProperty(sample, async (one) => {
        const path = join(directory, String(round++));
        await makeStore(join(path, 'first'), one);
        const first = await exported(join(path, 'first'), format);
        await importAgain(first, path);
        expect(readdirSync(path).sort()).toEqual(['db', 'files', 'first']);
        expect(await exported(join(path, 'db'), format)).toEqual(first);
        expect(await dump(join(path, 'db'))).toEqual(await dump(join(path, 'first')));
        rmSync(path, { recursive: true });
      }), { numRuns: 12, seed: 7, endOnFailure: true });
    }, 120_000);
  }
});

describe('export as a script, run, export', () => {
  it('gives the same script, for any graph', async () => {
    let round = 0;
    await fc.assert(fc.asyncProperty(sample, async (one) => {
      const path = join(directory, String(round++));
      await makeStore(path, one);
      const script = (await exported(path, 'cypher'))['default/default.cypher']!;
      const { complete, rest } = splitStatements(script);
      expect(rest.trim()).toBe('');
      const server = await Playground.open(directory);
      for (const statement of complete) await server.run(statement);
      const again = await server.at(async (point) => {
        let whole = '';
        for await (const part of exportParts(point, ['default'], { format: 'cypher', delimiter: ',' })) whole += part.text;
        return whole;
      });
      expect(again).toBe(script);
      rmSync(path, { recursive: true });
    }), { numRuns: 12, seed: 8, endOnFailure: true });
  }, 120_000);
});
