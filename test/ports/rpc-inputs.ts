/**
 * The gRPC port, byte by byte: HTTP/2 frames made by hand, with calls of clients, of health and reflection, and of servers of the group. Each
 * input is a call on a stream of its own, or frames that no client sends.
 */
import { CLIENT_SERVICE, HEALTH_SERVICE, REFLECTION_SERVICES, serviceOf } from '../../src/rpc/client-proto.ts';
import { LANE_MAGIC } from '../../src/rpc/peer-lane.ts';
import { peerService } from '../../src/rpc/raft-proto.ts';
import type { Answers, Dialogue } from './dialogue.ts';
import type { Dice } from '../dice.ts';
import { mutated, noise } from './mutate.ts';
import { H2_PREFACE, h2Frame, h2Header, laneFrame } from '../wire-frames.ts';

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const END_HEADERS = 4;

function headers(path: string, more: readonly (readonly [string, string])[]): Buffer {
  const all = [[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'x'], ['te', 'trailers'], ['content-type', 'application/grpc'], ...more] as const;
  return Buffer.concat(all.map(([name, value]) => h2Header(name, value)));
}

function message(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

interface Call {
  readonly path: string;
  readonly messages: readonly Buffer[];
  readonly isPeer: boolean;
}

function callOf(service: string, method: string, request: object): Call {
  const definition = serviceOf(service)[method]!;
  return { path: definition.path, messages: [Buffer.from(definition.requestSerialize(request))], isPeer: false };
}

const p = (kind: object) => ({ key: 'p', value: kind });
const CLIENT_CALLS: readonly Call[] = [
  callOf(CLIENT_SERVICE, 'Run', { statement: 'MATCH (n:Canary) RETURN n, n.text' }), callOf(CLIENT_SERVICE, 'Run', { statement: 'CREATE (n:Fuzz {x: 1}) RETURN id(n)', graph: 'default' }),
  callOf(CLIENT_SERVICE, 'Run', { statement: 'UNWIND range(1, 30) AS x RETURN x, $p', parameters: [p({ list_value: { values: [{ map_value: { entries: [{ key: 'a', value: { int_value: '1' } }] } }, { point_value: { srid: 4979, x: 1, y: 2, z: 3 } }, { node_value: { id: '1', labels: ['A'] } }] } })] }),
  callOf(CLIENT_SERVICE, 'Run', { statement: 'RETURN $p', parameters: [p({ date_time_value: { seconds: '1600000000', nanos: 1, offset_seconds: 7200, zone: 'Europe/Berlin' } })], min_version: '1' }),
  callOf(CLIENT_SERVICE, 'Login', { user: 'admin', password: 'wrong' }), callOf(CLIENT_SERVICE, 'Begin', {}), callOf(CLIENT_SERVICE, 'Commit', { transaction: 'x' }), callOf(CLIENT_SERVICE, 'Rollback', { transaction: '17' }),
  callOf(CLIENT_SERVICE, 'Version', {}), callOf(CLIENT_SERVICE, 'Group', {}), callOf(CLIENT_SERVICE, 'ImportSchema', { description: '{"schema":[{"label":"F3","type":"VERTEX","primary":"id","properties":[{"name":"id","type":"INT64"}]}]}' }),
  callOf(CLIENT_SERVICE, 'ImportData', { description: '{"files":[{"columns":["x"],"format":"CSV","label":"Fuzz"}]}', data: Buffer.from('a\nb\n') }), callOf(HEALTH_SERVICE, 'Check', { service: CLIENT_SERVICE }),
  ...REFLECTION_SERVICES.flatMap((name) => [callOf(name, 'ServerReflectionInfo', { list_services: '' }), callOf(name, 'ServerReflectionInfo', { file_containing_symbol: CLIENT_SERVICE })]),
];

/** Answered whatever was before it on the connection. */
const LAST = callOf(HEALTH_SERVICE, 'Check', {});

const HELLO = { clusterId: 'c', fromId: 'a'.repeat(32), toId: 'b'.repeat(32), bootSeq: 1, version: 1, info: { nodeId: 'a'.repeat(32), rpcAddress: '127.0.0.1:1', restAddress: '127.0.0.1:2', boltAddress: '127.0.0.1:3', isWitness: false } };
const FRAMES = ['0101000000', '02050302000100', '060102030405', '05010000000000', '0800000000'].map((hex) => Buffer.from(hex, 'hex'));

/** Bodies of servers; `secret` is put in where it is known. */
function peerCalls(secret: string | undefined): Call[] {
  const { service } = peerService();
  const payload = (method: string, value: Buffer) => Buffer.from(service[method]!.requestSerialize({ payload: value }));
  const json = (value: object) => Buffer.from(JSON.stringify({ ...value, ...(secret === undefined ? {} : { secret }) }));
  const streams = ['Control', 'Bulk', 'Requests', 'State'].map((method): Call => (
    { path: service[method]!.path, isPeer: true, messages: [payload(method, json(HELLO)), ...FRAMES.slice(0, 2).map((one) => payload(method, one))] }));
  // What changes the group is sent by those only who do not know the secret.
  const ops = ['probe', 'status', 'nonsense', ...(secret === undefined ? ['join', 'removePeer', 'recover', 'propose'] : [])];
  const call = (value: Buffer): Call => ({ path: service.Call!.path, isPeer: true, messages: [payload('Call', value)] });
  return [...streams, ...ops.map((op) => call(json({ op, body: HELLO }))), call(Buffer.from('null')), call(Buffer.from('{"op":1,"secret":5}')), call(Buffer.from('[[]]'))];
}

export interface RpcTarget {
  readonly port: number;
  readonly token: string;
  readonly secret: string;
  /** Frames below gRPC that are wrong, too: with them Node's own HTTP/2 has ended the server by an assertion, by which of them is not known (docs/security.md). */
  readonly brokenFrames: boolean;
}

function call(dice: Dice, { path, messages }: Call, stream: number, { more, others, isGivenUp }: { more: readonly (readonly [string, string])[]; others: readonly Call[]; isGivenUp: boolean }): Buffer {
  const damage = (bytes: Buffer, share: number) => (dice.chance(share) ? mutated(dice, bytes, dice.pick(others).messages[0]!) : bytes);
  const bytes = Buffer.concat(messages.map((one) => damage(message(damage(one, 0.6)), 0.05)));
  // A head that cannot be read ends the connection, and with it what was to come.
  const head = damage(headers(dice.chance(0.01) ? mutated(dice, Buffer.from(path), Buffer.from('/..//%00')).toString('latin1') : path, more), 0.005);
  // In several frames, as they may come.
  const cut = dice.chance(0.1) ? dice.below(bytes.length + 1) : bytes.length;
  const data = [h2Frame(DATA, cut === bytes.length ? END_STREAM : 0, stream, bytes.subarray(0, cut)), ...(cut === bytes.length ? [] : [h2Frame(DATA, END_STREAM, stream, bytes.subarray(cut))])];
  return Buffer.concat([h2Frame(HEADERS, END_HEADERS, stream, head), ...data, ...(isGivenUp ? [h2Frame(RST_STREAM, 0, stream, CANCEL)] : [])]);
}

const CANCEL = Buffer.from([0, 0, 0, 8]);

/** Frames of the protocol below, right or wrong. */
function strange(dice: Dice, stream: number, whole: Buffer): Buffer {
  switch (dice.below(6)) {
    case 0: return mutated(dice, whole, whole);
    case 1: return Buffer.concat([whole, h2Frame(RST_STREAM, 0, stream, CANCEL)]);
    case 2: return Buffer.concat(Array.from({ length: 1 + dice.below(20) }, () => h2Frame(6, 0, 0, noise(dice, 8))));
    case 3: return h2Frame(SETTINGS, 0, 0, Buffer.concat(Array.from({ length: dice.below(8) }, () => Buffer.concat([Buffer.from([0, dice.below(9)]), noise(dice, 4)]))));
    case 4: return h2Frame(dice.below(14), dice.below(256), dice.pick([0, 1, stream, 2, 0x7fffffff]), noise(dice, dice.below(30)));
    default: return h2Frame(HEADERS, 0, stream, headers('/x', Array.from({ length: dice.below(200) }, (_, i) => [`x-${i}`, 'y'.repeat(dice.below(100))] as const)));
  }
}

/** Streams that have ended, or were broken off; also those given up before, where a later one has ended. */
class Http2Answers implements Answers {
  readonly rows = 0;
  readonly #over = new Set<number>();
  readonly #givenUp: number[];
  #pending = Buffer.alloc(0);

  constructor(givenUp: readonly number[]) {
    this.#givenUp = [...givenUp];
  }

  get count(): number {
    return this.#over.size;
  }

  #end(stream: number): void {
    this.#over.add(stream);
    while (this.#givenUp.length > 0 && this.#givenUp[0]! < stream) this.#over.add(this.#givenUp.shift()!);
  }

  push(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    while (this.#pending.length >= 9) {
      const length = this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < 9 + length) return;
      const [type, flags] = [this.#pending[3]!, this.#pending[4]!];
      if (type === RST_STREAM || ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0)) this.#end(this.#pending.readUInt32BE(5));
      this.#pending = this.#pending.subarray(9 + length);
    }
  }
}

const PREFACE = Buffer.concat([
  H2_PREFACE, h2Frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])), h2Frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x3f, 0xff, 0xff, 0xff])),
]);

const LANE_ANSWER_FLAGS = new Set([4, 8]);

/** Refusals, and signs of life that were asked for. */
class LaneAnswers implements Answers {
  readonly rows = 0;
  count = 0;
  #pending = Buffer.alloc(0);
  #hasMagic = false;

  push(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    if (!this.#hasMagic && this.#pending.length >= LANE_MAGIC.length) {
      this.#hasMagic = true;
      this.#pending = this.#pending.subarray(LANE_MAGIC.length);
    }
    while (this.#hasMagic && this.#pending.length >= 9) {
      const length = this.#pending.readUInt32LE(0);
      if (this.#pending.length < 9 + length) return;
      if (LANE_ANSWER_FLAGS.has(this.#pending[4]!)) this.count += 1;
      this.#pending = this.#pending.subarray(9 + length);
    }
  }
}

/** A server's own way to this port (src/rpc/peer-lane.ts): a greeting, right or wrong, and frames behind it. */
function laneDialogue(dice: Dice, port: number, secret: string | undefined): Dialogue {
  const hello = Buffer.from(JSON.stringify({ ...HELLO, ...(secret === undefined ? {} : { secret }) }));
  const damage = (bytes: Buffer, share: number) => (dice.chance(share) ? mutated(dice, bytes, hello) : bytes);
  // A sign of life is asked for before anything else, so that the last input is answered where the server goes on.
  const ping = laneFrame(Buffer.alloc(0), 2);
  const inputs = [
    ping, damage(laneFrame(damage(hello, 0.5)), 0.1),
    ...Array.from({ length: dice.below(4) }, () => damage(laneFrame(damage(dice.pick(FRAMES), 0.5), dice.pick([0, 0, 1, 2, 4, 8, 16])), 0.2)), ping,
  ];
  const opening = damage(Buffer.concat([LANE_MAGIC, Buffer.of(dice.below(4))]), 0.1);
  return { port, isStranger: secret === undefined, opening, inputs, answers: new LaneAnswers() };
}

export function rpcDialogue(dice: Dice, { port, token, secret, brokenFrames }: RpcTarget, count: number): Dialogue {
  const isStranger = dice.chance(0.5);
  if (dice.chance(0.2)) return laneDialogue(dice, port, isStranger ? undefined : secret);
  const calls = [...CLIENT_CALLS, ...peerCalls(isStranger ? undefined : secret)];
  const more = isStranger ? dice.pick([[], [['authorization', 'Bearer x.y.z']], [['authorization', '']]] as const) : [['authorization', `Bearer ${token}`], ['grpc-timeout', '500m']] as const;
  const givenUp: number[] = [];
  const inputs = Array.from({ length: count }, (_, i) => {
    const stream = 2 * i + 1;
    if (i === count - 1) return call(dice, LAST, stream, { more: [], others: [LAST], isGivenUp: false });
    const chosen = dice.pick(calls);
    // A stream of servers stays open for as long as both want: most are given up, so that the next calls have their turn.
    const isGivenUp = chosen.isPeer && dice.chance(0.95);
    if (isGivenUp) givenUp.push(stream);
    // What costs the server most tells least: to refuse a password takes it a tenth of a second.
    const whole = call(dice, chosen.path.endsWith('/Login') && dice.chance(0.9) ? CLIENT_CALLS[0]! : chosen, stream, { more, others: calls, isGivenUp });
    return brokenFrames && dice.chance(0.03) ? strange(dice, stream, whole) : whole;
  });
  const opening = brokenFrames && dice.chance(0.02) ? mutated(dice, PREFACE, PREFACE) : PREFACE;
  return { port, isStranger, opening, inputs, answers: new Http2Answers(givenUp) };
}
