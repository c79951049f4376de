/** The decoders of everything that comes from the network or from disk, each with well-formed inputs to damage. */
import { Readable } from 'node:stream';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { DbError } from '../../src/base/errors.ts';
import { MessageReader, MessageWriter } from '../../src/bolt/chunking.ts';
import { Handshake } from '../../src/bolt/handshake.ts';
import { PackWriter } from '../../src/bolt/packstream.ts';
import { readExtra, readRequest } from '../../src/bolt/requests.ts';
import { BOLT_5, BOLT_4, packMessage, unpackMessage } from '../../src/bolt/structures.ts';
import { splitStatements } from '../../src/cli/statements.ts';
import { csvRows } from '../../src/data/csv.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { importRows } from '../../src/data/import-text.ts';
import { fromTypedJson } from '../../src/data/typed-json.ts';
import { kindOfKey } from '../../src/data/block-kinds.ts';
import { BitmapBlock, BITMAP } from '../../src/graph/bitmaps.ts';
import { AdjacencyBlock, ADJACENCY, blockKey, ChunkBlock, CHUNK, CountersBlock, COUNTERS, EdgeBlock, EDGE, VertexBlock, VERTEX } from '../../src/graph/blocks.ts';
import type { Block, BlockKind } from '../../src/graph/blocks.ts';
import { INDEX, IndexPage } from '../../src/graph/btree.ts';
import { FIELD_TYPES } from '../../src/graph/catalog.ts';
import { decodeFrame, FrameEncoder } from '../../src/raft/codec.ts';
import { makeConfig } from '../../src/raft/config.ts';
import { BatchWriter, decodeEntry, isEntry, layoutOf, scanSegment } from '../../src/replica/log-store-format.ts';
import { stateBytes, statePairs } from '../../src/replica/state-file.ts';
import { clientProtos, CLIENT_SERVICE, serviceOf } from '../../src/rpc/client-proto.ts';
import { mapOf } from '../../src/rpc/client-values.ts';
import { unpackFrame } from '../../src/rpc/frame-packing.ts';
import { decodeMap, encodeMap } from '../../src/service/parameters.ts';
import { decodeValue, encodeValue } from '../../src/value/codec.ts';
import { jsonToValue, parametersOf, parseJson } from '../../src/value/json.ts';
import { makePoint } from '../../src/value/spatial.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../../src/value/temporal.ts';
import { Float } from '../../src/value/value.ts';
import type { CypherMap, Value } from '../../src/value/value.ts';
import type { Target } from './fuzz.ts';

const VALUES: readonly Value[] = [
  null, true, 0, -1, 2 ** 40, 2n ** 63n - 1n, -(2n ** 63n), new Float(1.5), new Float(Number.NaN), '', 'text', 'é😀'.repeat(50), Uint8Array.of(1, 2, 3), [1, 'a', [null]],
  new Map<string, Value>([['a', 1], ['b', new Map([['c', [1, 2]]])]]), new LocalDate(19_000), new LocalTime(1e9), new ZonedTime(1e9, 3600), new LocalDateTime(19_000, 5),
  new ZonedDateTime(19_000, 5, 7200), new ZonedDateTime(19_000, 5, 3600, 'Europe/Berlin'), new Duration(1, 2, 3, 4), makePoint(4326, 1, 2), makePoint(9157, 1, 2, 3),
];
const PARAMETERS: CypherMap = new Map(VALUES.map((value, i) => [`p${i}`, value]));

const text = (input: Buffer): string => input.toString();
const bytesOf = (text: string): Buffer => Buffer.from(text);

function bolt(): Target[] {
  const messages: readonly (readonly [number, readonly Value[]])[] = [
    [0x01, [new Map<string, Value>([['user_agent', 'x/1'], ['routing', new Map([['address', 'a:1']])]])]], [0x6a, [new Map([['scheme', 'basic'], ['principal', 'a'], ['credentials', 'b']])]],
    [0x10, ['RETURN $x', PARAMETERS, new Map<string, Value>([['db', 'default'], ['mode', 'r'], ['bookmarks', ['lgraph:1']], ['tx_timeout', 1000], ['tx_metadata', new Map([['a', 1]])]])]],
    [0x11, [new Map<string, Value>([['tx_timeout', 5]])]], [0x3f, [new Map([['n', 1000], ['qid', -1]])]], [0x66, [new Map<string, Value>([['address', 'a:1']]), ['b'], null]], [0x0f, []],
  ];
  const packed = messages.flatMap(([tag, fields]) => [BOLT_5, BOLT_4].map((dialect) => {
    const writer = new PackWriter();
    packMessage(writer, tag, fields, dialect);
    return Buffer.from(writer.view());
  }));
  const framed = messages.map(([tag, fields]) => {
    const writer = new MessageWriter();
    writer.write(tag, fields, BOLT_5);
    return Buffer.from(writer.take());
  });
  return [
    { name: 'packstream', seeds: packed, run: (input) => unpackMessage(input) },
    { name: 'bolt-requests', seeds: packed, run: (input) => {
      const request = readRequest(unpackMessage(input));
      return 'extra' in request ? [request.kind, readExtra(request.extra)] : request.kind;
    } },
    { name: 'bolt-chunks', seeds: framed, run: (input) => {
      // In two parts, cut at a place that the input itself gives.
      const reader = new MessageReader(10_000);
      const cut = input.length === 0 ? 0 : input[0]! % input.length;
      return [...reader.push(input.subarray(0, cut)), ...reader.push(input.subarray(cut))].map((message) => message.length > 0);
    } },
    { name: 'bolt-handshake', seeds: ['6060b017000003040000000100000000000000000000', '6060b0170000 01ff 00000405 00000304 00000000 00000005 00'.replaceAll(' ', '')].map((hex) => Buffer.from(hex, 'hex')), run: (input) => {
      const handshake = new Handshake(() => undefined);
      const first = handshake.take(input.subarray(0, 20));
      return first.kind === 'more' ? handshake.take(input.subarray(20)) : first;
    } },
  ];
}

function values(): Target[] {
  return [
    { name: 'values', seeds: VALUES.map((value) => Buffer.from(written((writer) => encodeValue(writer, value)))), run: (input) => decodeValue(new ByteReader(input)) },
    { name: 'parameters', seeds: [encodeMap(PARAMETERS)], run: (input) => decodeMap(input) },
    { name: 'json', seeds: ['{"a": [1, 2.0, 1e5, 12345678901234567890, "x", null, true, {"b": "\\u0041\\n"}]}', '{"parameters": {"$x": 9007199254740993}}', '[]', '"123456789012345678 1.0"'].map(bytesOf), run: (input) => {
      const json = parseJson(text(input));
      return [jsonToValue(json), parametersOf(typeof json === 'object' && !Array.isArray(json) ? json : {})];
    } },
    { name: 'typed-json', seeds: ['{"date":"2024-01-31"}', '{"datetime":"2024-01-31T12:00:00.5+02:00"}', '{"duration":"P1Y2M3DT4H5M6.7S"}', '{"point":"point({x: 1.0, y: 2.0, crs: \'cartesian\'})"}', '[1,{"float":"NaN"},{"bytes":"AAA="}]'].map(bytesOf), run: (input) => fromTypedJson(jsonToValue(parseJson(text(input)))) },
  ];
}

function written(write: (writer: ByteWriter) => unknown): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return Buffer.from(writer.view());
}

function files(): Target[] {
  const fields = FIELD_TYPES.map((type) => ({ name: type.toLowerCase(), type, optional: true }));
  const csv = 'true,1,2,3,4,1.5,2.5,2024-01-31,2024-01-31 10:00:00,"te""xt\n",AAA=,0101000020E6100000000000000000F03F0000000000000040,,,,"1,2.5"\n';
  const config = { schema: [{ label: 'P', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'n', type: 'STRING', optional: true, index: true, fulltext: true }] }, { label: 'k', type: 'EDGE', constraints: [['P', 'P']], temporal: 'at', properties: [{ name: 'at', type: 'INT64' }] }],
    indexes: [{ type: 'VERTEX', label: 'P', fields: ['id', 'n'], name: 'both', unique: true }], constraints: [{ name: 'c', rule: 'type', type: 'VERTEX', label: 'P', fields: ['id'], property_type: 'INTEGER' }],
    files: [{ path: 'a.csv', format: 'CSV', label: 'P', header: 1, columns: ['id', 'SKIP', 'n'] }, { path: 'b.csv', format: 'JSON', label: 'k', SRC_ID: 'P', DST_ID: 'P', columns: ['SRC_ID', 'DST_ID', 'at'] }] };
  return [
    { name: 'csv', seeds: [csv, 'a,b\r\nc, "d" ,\n\n"e\nf"\n'].map(bytesOf), run: (input) => csvRows(text(input), ',').map((row) => row.cells ?? row.error.length) },
    { name: 'import-rows', seeds: [csv, csv.repeat(3)].map(bytesOf), run: (input) => [...importRows(text(input), { format: 'CSV', delimiter: ',', header: 0, columns: fields })] },
    { name: 'import-json', seeds: ['[true,1,2,3,4,1.5,2.5,"2024-01-31","2024-01-31 10:00:00","x","AAA=",null,null,null,null,[1,2]]\n'].map(bytesOf), run: (input) => [...importRows(text(input), { format: 'JSON', delimiter: ',', header: 0, columns: fields })] },
    { name: 'import-config', seeds: [bytesOf(JSON.stringify(config)), bytesOf(JSON.stringify(config, undefined, 2))], run: (input) => parseImportConfig(text(input), 'config') },
    { name: 'scripts', seeds: ["RETURN 1; // x\nMATCH (n:`a;b` {t: ';'}) /* ; */ RETURN n;\n:help\n"].map(bytesOf), run: (input) => splitStatements(text(input)).complete.length },
  ];
}

function counters(): CountersBlock {
  const block = Object.assign(new CountersBlock(), { vertices: 5, byLabel: [1, 2] });
  block.texts.set(1, [2, 3]);
  block.built.set(4, 4096);
  return block;
}

function blocks(): Target {
  const samples: readonly (readonly [BlockKind<Block>, Block])[] = ([
    [VERTEX, new VertexBlock([0, 2], [1, 3], ['text', 5])], [EDGE, new EdgeBlock(1, 2, 300, [0], [new Float(2)])],
    [ADJACENCY, new AdjacencyBlock([{ typeId: 0, neighbours: [1, 2, 300], edges: [5, 6, 9], chunks: undefined }, { typeId: 1, neighbours: [], edges: [], chunks: [{ chunk: 3, firstEdge: 7 }] }])],
    [CHUNK, new ChunkBlock([1, 5, 3], [4, 5, 90])], [BITMAP, bitmap()], [COUNTERS, counters()],
    [INDEX, new IndexPage(['a', 'ab', 'b'], [1, 2, 3], undefined, true)], [INDEX, new IndexPage([1, [2, 'x']], [1, 2], [5, 6, 7])],
  ] as unknown) as readonly (readonly [BlockKind<Block>, Block])[];
  return {
    name: 'blocks', seeds: samples.map(([kind, block]) => Buffer.concat([Buffer.from([kind.tag]), written((writer) => kind.encode(block, writer))])),
    // What LevelDB's checksum lets through is refused, whatever the error: validate.ts.
    run: (input) => {
      const kind = kindOfKey(blockKey(1, input[0] ?? 0, 0));
      return kind === undefined ? undefined : refusing(() => kind.decode(new ByteReader(input.subarray(1))));
    },
  };
}

function bitmap(): BitmapBlock {
  const block = new BitmapBlock();
  for (const id of [0, 1, 2, 70, 500]) block.set(id, true);
  return block;
}

async function servers(): Promise<Target[]> {
  const frames = [
    [{ kind: 'heartbeat', term: 300, commit: 1, leaderCommit: 2, round: 3, witnessMay: 4 }, { kind: 'append', term: 1, prevIndex: 2, prevTerm: 3, commit: 4, entries: [{ index: 3, term: 1, kind: 1, data: Buffer.from('ab') }, { index: 4, term: 1, kind: 0, data: Buffer.alloc(0) }] }],
    [{ kind: 'vote', term: 1, lastIndex: 2, lastTerm: 1, transfer: false, configIndex: 0 }, { kind: 'readReply', term: 1, readId: 2, index: undefined }],
    [{ kind: 'installSnapshot', term: 1, index: 5, snapshotTerm: 1, config: makeConfig([{ id: 'a', voter: true, witness: false, info: '{}' }]) }],
  ].map((messages) => new FrameEncoder().encode(messages as never));
  const log = new BatchWriter().begin(1);
  log.segment({ format: 2, sequence: 1, term: 1, votedFor: '', start: { index: 0, term: 0, config: makeConfig([]) } }).hard({ term: 1, votedFor: 'a' });
  log.entry({ index: 1, term: 1, kind: 1, data: Buffer.from('some data') });
  const segment = Buffer.from(log.finish());
  const state: Buffer[] = [];
  const pairs = Readable.from([[[Buffer.from('key'), Buffer.from('value')], [Buffer.from('key2'), Buffer.alloc(100)]]]) as AsyncIterable<readonly [Uint8Array, Uint8Array][]>;
  for await (const piece of stateBytes(pairs, { pairs: 0, key: undefined })) state.push(Buffer.from(piece));
  const layout = layoutOf(2);
  return [
    { name: 'raft', seeds: frames, run: (input) => refusing(() => decodeFrame(input)) },
    { name: 'raft-frames', seeds: frames, run: (input) => refusing(() => unpackFrame({ payload: input, deflated: true }, 1 << 20).length) },
    { name: 'log', seeds: [segment, Buffer.concat([segment, Buffer.alloc(512)])], run: (input) => {
      const scan = scanSegment(input, undefined, () => undefined);
      return [scan, input.length > 32 && isEntry(input, 0, layout) ? refusing(() => decodeEntry(input, 0, input.length, layout)) : undefined];
    } },
    { name: 'state-file', seeds: [Buffer.concat(state)], run: async (input) => {
      let count = 0;
      for await (const puts of statePairs(input, 'state')) count += puts.length;
      return count;
    } },
  ];
}

/** For readers whose callers take any error for a refusal: only how long it takes counts. */
function refusing(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    throw error instanceof DbError ? error : new DbError('Corrupted', `${(error as Error).name} ${(error as Error).message}`);
  }
}

function grpc(): Target {
  clientProtos();
  const methods = Object.values(serviceOf(CLIENT_SERVICE));
  const run = methods.find(({ path }) => path.endsWith('/Run'))!;
  const value = (kind: object): object => ({ key: 'k', value: kind });
  const requests = [
    [run, { graph: 'default', statement: 'RETURN $x', parameters: [value({ int_value: '5' }), value({ string_value: 'x' }), value({ list_value: { values: [{ double_value: 1.5 }] } }), value({ map_value: { entries: [value({ bool_value: true })] } }), value({ date_value: { epoch_day: '5' } }), value({ point_value: { srid: 4326, x: 1, y: 2 } }), value({ duration_value: { months: '1', days: '2', seconds: '3', nanos: 4 } })] }],
    [methods.find(({ path }) => path.endsWith('/ImportData'))!, { graph: 'default', description: '{}', data: Buffer.from('a,b'), delimiter: ',' }],
    [methods.find(({ path }) => path.endsWith('/Login'))!, { user: 'a', password: 'b' }],
  ] as const;
  return {
    name: 'grpc',
    seeds: requests.map(([method, request]) => Buffer.concat([Buffer.from([methods.indexOf(method)]), method.requestSerialize(request)])),
    run: (input) => {
      const method = methods[(input[0] ?? 0) % methods.length]!;
      // What is no protobuf is refused with INVALID_ARGUMENT, whatever the error.
      const message = refusing(() => method.requestDeserialize(input.subarray(1))) as { parameters?: unknown };
      return mapOf(message.parameters);
    },
  };
}

export async function targets(): Promise<Target[]> {
  return [...bolt(), ...values(), ...files(), blocks(), ...await servers(), grpc()];
}
