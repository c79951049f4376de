/**
 * One statement over Bolt on many connections, each with one request open at a time: what h2load is for HTTP. A process of its own, that writes
 * the same bytes each time and looks at no more of an answer than where it ends, so that little of what is measured is the client.
 *
 *   node bolt-load.mjs '{"port", "user", "password", "connections", "seconds", "text", "parameters"}'
 */
import { fork } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { MessageWriter } from '../../dist/bolt/chunking.js';
import { BOLT_5 } from '../../dist/bolt/structures.js';
import { percentile } from './load.mjs';

const WARM_UP_MS = 2000;
const SUCCESS = 0x70;
const RECORD = 0x71;

/** As `h2load` of load.mjs: requests per second, latencies in milliseconds. */
export function boltLoad(options) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)]);
    child.once('message', resolve).once('error', reject).once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
  });
}

function framed(tag, fields) {
  const writer = new MessageWriter();
  writer.write(tag, fields, BOLT_5);
  return Buffer.from(writer.take());
}

function connection({ port, user, password }, request, onDone, onFailed) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true);
  let rest = Buffer.alloc(0);
  let state = 'handshake';
  let sentAt = 0;
  // HELLO and LOGON, RUN and PULL: what is written at once is answered twice.
  let answers = 0;
  const ask = (next, bytes) => {
    state = next;
    answers = 2;
    sentAt = performance.now();
    socket.write(bytes);
  };
  socket.once('connect', () => socket.write(Buffer.from('6060b01700000405000000000000000000000000', 'hex')));
  socket.on('error', onFailed);
  socket.on('data', (data) => {
    let bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    if (state === 'handshake' && bytes.length >= 4) {
      bytes = bytes.subarray(4);
      ask('greeting', Buffer.concat([framed(0x01, [new Map([['user_agent', 'bench/1']])]), framed(0x6a, [new Map([['scheme', 'basic'], ['principal', user], ['credentials', password]])])]));
    }
    let at = 0;
    for (let message = messageAt(bytes, at); message !== undefined; message = messageAt(bytes, at)) {
      at = message.end;
      if (message.tag === RECORD) continue;
      if (message.tag !== SUCCESS) return onFailed(new Error(bytes.subarray(0, at).toString('latin1')));
      answers -= 1;
      if (answers > 0) continue;
      if (state === 'asking' && !onDone(performance.now() - sentAt)) return socket.destroy();
      ask('asking', request);
    }
    rest = bytes.subarray(at);
  });
}

/** The tag of the message that begins at `at`, and where it ends; undefined: it is not whole. */
function messageAt(bytes, at) {
  let tag = -1;
  for (let position = at; position + 2 <= bytes.length;) {
    const length = bytes.readUInt16BE(position);
    position += 2;
    if (length === 0 && tag >= 0) return { tag, end: position };
    if (length === 0) continue;
    if (position + length > bytes.length) return undefined;
    if (tag < 0) tag = bytes[position + 1];
    position += length;
  }
  return undefined;
}

async function main(options) {
  const request = Buffer.concat([framed(0x10, [options.text, new Map(Object.entries(options.parameters)), new Map()]), framed(0x3f, [new Map([['n', -1]])])]);
  const latencies = [];
  const from = performance.now() + WARM_UP_MS;
  const until = from + options.seconds * 1000;
  let open = options.connections;
  await new Promise((resolve, reject) => {
    const onDone = (ms) => {
      const now = performance.now();
      if (now >= from && now < until) latencies.push(ms);
      if (now < until) return true;
      open -= 1;
      if (open === 0) resolve();
      return false;
    };
    for (let i = 0; i < options.connections; i++) connection(options, request, onDone, reject);
  });
  latencies.sort((a, b) => a - b);
  process.send({ perSecond: latencies.length / options.seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), bad: 0, n: latencies.length }, () => process.disconnect());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2]));
