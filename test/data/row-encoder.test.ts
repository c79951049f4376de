/** Rows that go from bytes into their stored form are those that the general way gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWriter } from '../../src/base/bytes.ts';
import { CsvReader } from '../../src/data/csv.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { keyAt, bytesAt, unpackedCells } from '../../src/data/row-batch.ts';
import { RowEncoder } from '../../src/data/row-encoder.ts';
import { RowPlan, RowProblem } from '../../src/data/row-plan.ts';
import { EDGE, EdgeBlock, VERTEX, VertexBlock } from '../../src/graph/blocks.ts';
import { GraphCatalog } from '../../src/graph/catalog.ts';
import type { IndexDef } from '../../src/graph/catalog.ts';
import { indexKey } from '../../src/graph/mutator.ts';
import type { Value } from '../../src/value/value.ts';

const CONFIG = parseImportConfig(JSON.stringify({
  schema: [
    {
      label: 'Film', type: 'VERTEX', primary: 'id', properties: [
        { name: 'id', type: 'INT64' }, { name: 'title', type: 'STRING' }, { name: 'note', type: 'STRING', optional: true },
        { name: 'stars', type: 'INT8', optional: true }, { name: 'score', type: 'DOUBLE', optional: true }, { name: 'seen', type: 'BOOL', optional: true },
      ],
    },
    { label: 'by', type: 'EDGE', constraints: [['Film', 'Film']], properties: [{ name: 'role', type: 'STRING', optional: true }] },
  ],
  files: [
    { path: 'films.csv', format: 'CSV', label: 'Film', columns: ['title', 'id', 'SKIP', 'note', 'stars', 'score', 'seen'] },
    { path: 'by.csv', format: 'CSV', label: 'by', SRC_ID: 'Film', DST_ID: 'Film', columns: ['SRC_ID', 'role', 'DST_ID'] },
  ],
}), 'test');
const KEYS = ['title', 'score', 'id', 'note', 'stars', 'seen', 'role'];
const index = (id: number, kind: 'vertex' | 'edge', label: string, fields: string[]): IndexDef => ({
  id, kind, name: `i${id}`, label, labelId: 0, fields, keyIds: fields.map((field) => KEYS.indexOf(field)), unique: false, pairUnique: false, primary: false, root: id,
} as unknown as IndexDef);
const CATALOG = new GraphCatalog({
  labels: ['Film'], types: ['by'], keys: KEYS, schemas: CONFIG.schemas, nextId: 9,
  constraints: [{ id: 8, name: 'has_score', type: 'exists', kind: 'vertex', label: 'Film', fields: ['score'] }] as never,
  indexes: [index(0, 'vertex', 'Film', ['id']), index(1, 'vertex', 'Film', ['note']), index(2, 'vertex', 'Film', ['stars', 'title']), index(3, 'edge', 'by', ['role'])],
});

interface Row {
  readonly line: number;
  readonly problem?: string;
  readonly cells?: readonly unknown[];
  readonly bytes?: string;
  readonly keys?: readonly unknown[];
}

function storedForm(kind: 'vertex' | 'edge', plan: RowPlan): { bytes: string; keys: (Value | undefined)[] } {
  const writer = new ByteWriter();
  const block = kind === 'vertex' ? new VertexBlock([0], plan.keys, plan.values) : new EdgeBlock(0, 0, 0, plan.keys, plan.values);
  if (block instanceof VertexBlock) VERTEX.encode(block, writer);
  else EDGE.encode(block, writer);
  const ends = kind === 'vertex' ? [] : [plan.source, plan.destination];
  const indexes = CATALOG.data.indexes.filter((one) => one.kind === kind);
  // Of an edge only what follows its type and ends, three bytes here.
  return { bytes: writer.view().subarray(kind === 'vertex' ? 0 : 3).toString('hex'), keys: [...ends, ...indexes.map((one) => indexKey(one, block))] };
}

function general(kind: 'vertex' | 'edge', text: string, delimiter: string, header: number): Row[] {
  const plan = new RowPlan(CONFIG.files.find((file) => file.kind === kind)!, CONFIG.schemas, CATALOG);
  const rows: Row[] = [];
  const visit = (row: Parameters<Parameters<CsvReader['push']>[1]>[0]): void => {
    if (row.cells === undefined) {
      rows.push({ line: row.line, problem: row.error });
      return;
    }
    try {
      plan.read(row.cells);
      if (kind === 'vertex' && !plan.keys.includes(1)) throw new RowProblem('the constraint has_score requires the property score');
      rows.push({ line: row.line, cells: row.cells, ...storedForm(kind, plan) });
    } catch (error) {
      rows.push({ line: row.line, cells: row.cells, problem: (error as RowProblem).message });
    }
  };
  const reader = new CsvReader(delimiter, header);
  reader.push(text, visit);
  reader.end(visit);
  return rows;
}

function encoded(kind: 'vertex' | 'edge', parts: readonly Buffer[], delimiter: string, header: number): Row[] {
  const encoder = new RowEncoder({ ...CONFIG.files.find((file) => file.kind === kind)!, header }, CONFIG.schemas, CATALOG, delimiter);
  const rows: Row[] = [];
  const take = ({ batch, source }: ReturnType<RowEncoder['end']>): void => {
    for (let i = 0; i < batch.rows; i++) {
      rows.push({ line: batch.lines[i]!, cells: source.read(i, delimiter), bytes: Buffer.from(bytesAt(batch, i)).toString('hex'), keys: batch.keys.map((key) => keyAt(key, i)) });
    }
    for (const { line, reason, cells } of batch.problems) rows.push({ line, problem: reason, ...(cells === undefined ? {} : { cells: unpackedCells(cells) }) });
  };
  for (const part of parts) take(encoder.push(part));
  take(encoder.end());
  return rows.sort((a, b) => a.line - b.line);
}

const cell = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('', '1', '7', '-7', '127', '128', '-128', '-129', '191', '192', '300', '999999999999999', '9007199254740993', '99999999999999999999', '1.5', 'NaN', '1e3', 'true', 'false', 'x') },
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom('a', 'é', '字', '🎬', ' ', '\t', '-', '\u00a0', '\ufeff', '\r') , maxLength: 70 }) },
  { weight: 1, arbitrary: fc.constantFrom('""', '"a"', '"a""b"', '"a,b"', '"line\nbreak"', '"open', 'a"b', ' "blank" ', '"x"y') },
);
const row = fc.array(cell, { minLength: 0, maxLength: 9 });
const plausible = fc.tuple(fc.constantFrom('Ran', 'Ikiru', '赤', 'a'.repeat(200)), fc.integer({ min: -1000, max: 10 ** 15 }), fc.constantFrom('', 'z'), fc.constantFrom('', 'note'), fc.constantFrom('', '5'), fc.constantFrom('1.5', '3'), fc.constantFrom('', 'true'))
  .map((cells) => cells.map(String));
const file = fc.tuple(fc.array(fc.oneof(row, plausible), { maxLength: 12 }), fc.constantFrom(',', '|', '\t', '::', 'é'), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([rows, delimiter, feed, hasEnd]) => ({ delimiter, text: rows.map((cells) => cells.join(delimiter)).join(feed) + (hasEnd ? feed : '') }));

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...at.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}

it.each(['vertex', 'edge'] as const)('gives what the general way gives, for any file cut anywhere: %s', (kind) => {
  fc.assert(fc.property(file, fc.array(fc.nat(500), { maxLength: 6 }), fc.nat(2), ({ text, delimiter }, cuts, header) => {
    expect(encoded(kind, cut(Buffer.from(text), cuts), delimiter, header)).toEqual(general(kind, new TextDecoder().decode(Buffer.from(text)), delimiter, header));
  }), { numRuns: 700 });
});

it('reads bytes that are not UTF-8 as a decoder has them, and passes over a byte order mark', () => {
  const bytes = Buffer.concat([Buffer.from('\ufeffRan,1,,,,2,\nIk'), Buffer.from([0xff, 0xfe]), Buffer.from('ru,2,,é,,2,\n"q",3,,,,2,\n')]);
  const text = new TextDecoder().decode(bytes);
  const rows = encoded('vertex', cut(bytes, [1, 20, 33]), ',', 0);
  expect(rows).toEqual(general('vertex', text, ',', 0));
  expect(rows.map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
  expect(rows[1]!.cells![0]).toBe('Ik\ufffd\ufffdru');
});

it('keeps property type constraints', () => {
  const constraints = [{ id: 9, name: 'seen_is', type: 'type', kind: 'vertex', label: 'Film', fields: ['seen'], propertyType: 'STRING' }] as never;
  const encoder = new RowEncoder(CONFIG.files.find(({ kind }) => kind === 'vertex')!, CONFIG.schemas, new GraphCatalog({ ...CATALOG.data, constraints }), ',');
  const first = encoder.push(Buffer.from('Ran,1,,,,2,true\nIkiru,2,,,,2,\n'));
  const { batch } = encoder.end();
  expect([first.batch.rows + batch.rows, ...[...first.batch.problems, ...batch.problems].map(({ line, reason }) => `${line}: ${reason}`)])
    .toEqual([1, '1: the constraint seen_is requires the property seen of every Film to be STRING, not BOOLEAN']);
});
