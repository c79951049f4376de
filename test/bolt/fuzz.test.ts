/**
 * 10,000 damaged conversations against a listening server: it must neither fall nor leak, and the next good client works.
 */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import type { Random } from '../../src/base/random.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BoltServer } from '../../src/bolt/bolt-server.ts';
import { MessageWriter } from '../../src/bolt/chunking.ts';
import { BOLT_5 } from '../../src/bolt/structures.ts';
import { BareClient, TAGS, toValue } from './client.ts';
import { FakeDoor } from './fake-door.ts';

const SEED = Number(process.env.SEED ?? 20_240_607);
const STREAMS = 10_000;
const AT_ONCE = 100;

const upTo = (random: Random, n: number) => Math.floor(random.next() * n);

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => upTo(random, 256)));
}

const MESSAGES: readonly (readonly [keyof typeof TAGS, ...unknown[]])[] = [
  ['RUN', 'RANGE 30', { x: [1, 'two', null, { three: 3 }] }, { bookmarks: ['lgraph:3'] }], ['PULL', { n: 10 }], ['PULL', { n: -1, qid: 0 }], ['DISCARD', { n: -1 }],
  ['BEGIN', { mode: 'r' }], ['BEGIN', { tx_timeout: 5 }], ['COMMIT'], ['ROLLBACK'], ['RESET'], ['ROUTE', {}, [], null], ['TELEMETRY', 1], ['LOGOFF'],
  ['LOGON', { scheme: 'basic', principal: 'admin', credentials: 'right' }], ['RUN', 'FAIL Internal', {}, {}], ['RUN', 'HANG', {}, {}], ['GOODBYE'],
];

/** A handshake and a login that work, then anything in any order. */
function conversation(random: Random): Buffer {
  const writer = new MessageWriter();
  const write = ([name, ...fields]: (typeof MESSAGES)[number]) => writer.write(TAGS[name], fields.map(toValue), BOLT_5);
  write(['HELLO', { user_agent: 'fuzz' }]);
  write(['LOGON', { scheme: 'basic', principal: 'admin', credentials: 'right' }]);
  for (let left = 1 + upTo(random, 12); left > 0; left--) write(MESSAGES[upTo(random, MESSAGES.length)]!);
  return Buffer.concat([Buffer.from('6060b01700080805' + '00'.repeat(12), 'hex'), writer.take()]);
}

function damaged(random: Random): Buffer {
  const kind = upTo(random, 10);
  if (kind === 0) return noise(random, upTo(random, 200));
  const whole = conversation(random);
  if (kind === 1) return whole.subarray(0, upTo(random, whole.length));
  if (kind === 2) return Buffer.concat([whole.subarray(0, 20), noise(random, upTo(random, 300))]);
  if (kind === 3) return whole;
  // Behind the handshake, so that it gets somewhere.
  const from = kind < 6 ? 0 : 20;
  for (let flips = 1 + upTo(random, 4); flips > 0; flips--) whole[from + upTo(random, whole.length - from)] = upTo(random, 256);
  return whole;
}

function play(port: number, bytes: Buffer, cut: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => socket.destroy(), 30);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(bytes.subarray(0, cut));
    setImmediate(() => socket.end(bytes.subarray(cut)));
  });
}

it(`outlives ${STREAMS} damaged conversations (SEED=${SEED})`, async () => {
  const random = seededRandom(SEED);
  const server = new BoltServer(new FakeDoor(), {
    host: '127.0.0.1', port: 0, messageBytesMax: 1_000_000, authTimeoutMs: 1000, writeTimeoutMs: 60_000, connectionsMax: 10 * AT_ONCE, log: () => undefined,
  });
  await server.start();
  for (let done = 0; done < STREAMS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => {
      const bytes = damaged(random);
      return play(server.port, bytes, upTo(random, bytes.length + 1));
    }));
  }
  await expect.poll(() => server.connectionCount, { timeout: 10_000 }).toBe(0);
  const good = new BareClient(server.port);
  await good.login();
  await good.ask('RUN', 'RANGE 3', {}, {});
  expect((await good.rows('PULL', { n: -1 })).rows).toEqual([[0], [1], [2]]);
  good.close();
  await server.stop();
}, 120_000);
