/** Bolt over TCP and WebSocket: each input is a message and a RESET behind it, so that the next one is met afresh. */
import { MessageWriter } from '../../src/bolt/chunking.ts';
import { BOLT_5 } from '../../src/bolt/structures.ts';
import { Float } from '../../src/value/value.ts';
import { TAGS, toValue } from '../bolt/client.ts';
import type { Answers, Dialogue } from './dialogue.ts';
import type { Dice } from '../dice.ts';
import { mutated, noise, scrambled } from './mutate.ts';

type Call = readonly [keyof typeof TAGS, ...unknown[]];
const HANDSHAKE = Buffer.from(`6060b01700080805${'00'.repeat(12)}`, 'hex');
const HANDSHAKES = [HANDSHAKE, Buffer.from(`6060b0170000010400000204${'00'.repeat(8)}`, 'hex'), Buffer.from(`6060b017000001ff${'00'.repeat(12)}`, 'hex')];

const CALLS: readonly Call[] = [
  ['RUN', 'MATCH (n:Canary) RETURN n, n.text', {}, {}], ['RUN', 'UNWIND range(1, 30) AS x RETURN x, $p', { p: [1, 'two', null, { three: 3, deep: [[[{ a: [] }]]] }] }, { bookmarks: ['lgraph:3'], tx_timeout: 500, db: 'default' }],
  ['RUN', 'CREATE (n:Fuzz {x: $x}) RETURN id(n)', { x: 1 }, { tx_timeout: 500 }], ['RUN', 'RETURN date(), point({x: 1, y: 2}), duration("P1D"), [1.5, true, "é"]', {}, { mode: 'r' }],
  ['RUN', 'MATCH (a:Fuzz) RETURN a LIMIT 3', {}, { tx_metadata: { app: 'x' } }], ['RUN', 'CALL dbms.components()', {}, {}], ['PULL', { n: 10 }], ['PULL', { n: -1, qid: 0 }], ['DISCARD', { n: -1, qid: -1 }],
  ['BEGIN', { mode: 'r', bookmarks: [] }], ['BEGIN', { tx_timeout: 5, db: 'default' }], ['COMMIT'], ['ROLLBACK'], ['RESET'], ['ROUTE', { address: 'x:1' }, ['lgraph:1'], { db: null }], ['TELEMETRY', 1],
  ['HELLO', { user_agent: 'fuzz', routing: { address: 'localhost:1' } }], ['LOGOFF'], ['GOODBYE'], ['LOGON', { scheme: 'basic', principal: 'admin', credentials: 'wrong' }], ['LOGON', { scheme: 'bearer', credentials: 'x.y.z' }],
  ['LOGON', { scheme: 'none' }], ['LOGON', { scheme: 'basic', principal: { a: 1 }, credentials: [1] }],
];

/** As a driver packs it; numbers that are no integers are floats. */
function packable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : new Float(value);
  if (Array.isArray(value)) return value.map(packable);
  if (typeof value !== 'object' || value === null || value instanceof Float) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packable(item)]));
}

function message([name, ...fields]: Call): Buffer {
  const writer = new MessageWriter();
  writer.write(TAGS[name], fields.map((field) => toValue(packable(field))), BOLT_5);
  return Buffer.from(writer.take());
}
const FRAMED = CALLS.map(message);
/** Without the size before and the two zeros behind. */
const BARE = FRAMED.map((framed) => framed.subarray(2, -2));
const RESET = message(['RESET']);
const RUN_PULL = [0, 1, 2, 3, 4].map((i) => Buffer.concat([FRAMED[i]!, message(['PULL', { n: 5 }])]));

/** In chunks of any size. */
function chunked(dice: Dice, bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, dice.chance(0.8) ? 0xffff : 1 + dice.below(20));
    parts.push(Buffer.from([length >> 8, length & 255]), bytes.subarray(at, at + length));
    at += length;
  }
  return Buffer.concat([...parts, Buffer.from([0, 0])]);
}

function input(dice: Dice): Buffer {
  const kind = dice.below(20);
  if (kind < 2) return Buffer.concat([dice.pick(RUN_PULL), RESET]);
  if (kind < 14) {
    const [name, ...fields] = dice.pick(CALLS);
    return Buffer.concat([message([dice.chance(0.03) ? 'RUN' : name, ...([scrambled(dice, fields)].flat())]), RESET]);
  }
  if (kind < 17) return Buffer.concat([chunked(dice, mutated(dice, dice.pick(BARE), dice.pick(BARE))), RESET]);
  if (kind < 18) return Buffer.concat([dice.pick(FRAMED), dice.pick(FRAMED), dice.pick(FRAMED), RESET]);
  return Buffer.concat([mutated(dice, dice.pick(FRAMED), dice.pick(FRAMED)), RESET]);
}

/** Ends of answers to RESET and to what stands before it; records are rows. */
class BoltAnswers implements Answers {
  rows = 0;
  #summaries = 0;
  #pending = Buffer.alloc(0);
  #message: Buffer[] = [];
  #skip: number;
  readonly #before: number;

  /** Bytes of the handshake's answer, and answers to what is sent before the first input. */
  constructor(skipBytes: number, before: number) {
    this.#skip = skipBytes;
    this.#before = before;
  }

  get count(): number {
    return Math.max(0, Math.floor((this.#summaries - this.#before) / 2));
  }

  push(data: Buffer): void {
    let bytes = data;
    if (this.#skip > 0) {
      bytes = data.subarray(this.#skip);
      this.#skip = Math.max(0, this.#skip - data.length);
    }
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= 2) {
      const length = this.#pending.readUInt16BE(0);
      if (this.#pending.length < 2 + length) return;
      if (length > 0) this.#message.push(this.#pending.subarray(2, Math.min(2 + length, 6)));
      else if (this.#message.length > 0) this.#end();
      this.#pending = this.#pending.subarray(2 + length);
    }
  }

  #end(): void {
    const tag = Buffer.concat(this.#message)[1];
    this.#message = [];
    if (tag === 0x71) this.rows++;
    else this.#summaries++;
  }
}

export interface BoltTarget {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export function boltDialogue(dice: Dice, target: BoltTarget, count: number): Dialogue {
  const isStranger = dice.chance(0.4);
  const login = isStranger ? [] : [message(['HELLO', { user_agent: 'fuzz' }]), message(['LOGON', { scheme: 'basic', principal: target.user, credentials: target.password }])];
  const inputs = Array.from({ length: count }, () => input(dice));
  const isWebSocket = dice.chance(0.3);
  if (dice.chance(0.03)) {
    // The handshake itself; little can follow.
    const damaged = mutated(dice, dice.pick(HANDSHAKES), HANDSHAKE);
    return { port: target.port, isStranger: true, opening: Buffer.alloc(0), inputs: [damaged, ...FRAMED.slice(0, 2)], answers: new BoltAnswers(4, 0) };
  }
  const hello = isStranger && dice.chance(0.7) ? [message(['HELLO', { user_agent: 'fuzz' }])] : login;
  if (!isWebSocket) return { port: target.port, isStranger, opening: Buffer.concat([HANDSHAKE, ...hello]), inputs, answers: new BoltAnswers(4, hello.length) };
  const opening = Buffer.concat([UPGRADE, frame(Buffer.concat([HANDSHAKE, ...hello]), dice)]);
  return { port: target.port, isStranger, opening, inputs: inputs.map((bytes) => webSocketInput(dice, bytes)), answers: new WebSocketAnswers(hello.length) };
}

// ---------------------------------------------------------------- WebSocket

const UPGRADE = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');

/** One frame of a client, masked. */
function frame(payload: Buffer, dice: Dice, opcode = 2, isLast = true): Buffer {
  const mask = noise(dice, 4);
  const head = payload.length < 126 ? Buffer.from([0, payload.length]) : payload.length < 65_536 ? Buffer.from([0, 126, payload.length >> 8, payload.length & 255])
    : Buffer.from([0, 127, 0, 0, 0, 0, payload.length >>> 24, (payload.length >> 16) & 255, (payload.length >> 8) & 255, payload.length & 255]);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1]! |= 0x80;
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3]!)]);
}

function webSocketInput(dice: Dice, bytes: Buffer): Buffer {
  const kind = dice.below(30);
  if (kind === 0) return mutated(dice, frame(bytes, dice), bytes);
  if (kind === 1) return Buffer.concat([frame(noise(dice, dice.below(125)), dice, 9), frame(bytes, dice)]);
  if (kind === 2) {
    const at = dice.below(bytes.length);
    return Buffer.concat([frame(bytes.subarray(0, at), dice, 2, false), frame(bytes.subarray(at), dice, 0)]);
  }
  return frame(bytes, dice);
}

class WebSocketAnswers implements Answers {
  readonly #bolt: BoltAnswers;
  #pending = Buffer.alloc(0);
  #isUpgraded = false;

  constructor(before: number) {
    this.#bolt = new BoltAnswers(4, before);
  }

  get count(): number {
    return this.#bolt.count;
  }
  get rows(): number {
    return this.#bolt.rows;
  }

  push(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    if (!this.#isUpgraded) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#isUpgraded = true;
      this.#pending = this.#pending.subarray(end + 4);
    }
    for (;;) {
      const { length: has } = this.#pending;
      if (has < 2) return;
      const short = this.#pending[1]! & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (has < head) return;
      const length = short < 126 ? short : short === 126 ? this.#pending.readUInt16BE(2) : this.#pending.readUInt32BE(6);
      if (has < head + length) return;
      if ((this.#pending[0]! & 15) <= 2) this.#bolt.push(this.#pending.subarray(head, head + length));
      this.#pending = this.#pending.subarray(head + length);
    }
  }
}
