#!/usr/bin/env node
/**
 * A Bolt server that takes no time: it stands before a real one, passes each request on once, and from then on answers it from memory. What a
 * client reaches with it is what the client itself costs, which no server can be faster than.
 *
 *   node bench/lib/replay.mjs PORT UPSTREAM_PORT
 *
 * A request is RUN with the PULL behind it. Two are the same where text and parameters are; bookmarks do not count. Of statements that write, the
 * text alone counts, as their parameters are new each time.
 */
import { connect, createServer } from 'node:net';

const RUN = 0x10;
const SUCCESS = 0x70;
const FAILURE = 0x7f;
const WRITES = /\b(CREATE|MERGE|SET|DELETE)\b/;
/** Enough for the text of every statement that is measured, and before its first parameter. */
const TEXT_CHARS = 40;

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const answers = new Map();

/** Whole messages at the start of the bytes: chunks with a length of two bytes each, and 00 00 behind the last. */
function* messagesIn(bytes) {
  let at = 0;
  while (at + 2 <= bytes.length) {
    const parts = [];
    let end = at;
    for (;;) {
      if (end + 2 > bytes.length) return;
      const length = bytes.readUInt16BE(end);
      end += 2;
      if (length === 0) break;
      if (end + length > bytes.length) return;
      parts.push(bytes.subarray(end, end + length));
      end += length;
    }
    at = end;
    if (parts.length > 0) yield { body: Buffer.concat(parts), end };
  }
}

function keyOf(run) {
  const text = run.toString('latin1');
  if (WRITES.test(text.slice(0, TEXT_CHARS * 4))) return text.slice(0, TEXT_CHARS);
  const extra = text.lastIndexOf('bookmarks');
  return extra < 0 ? text.slice(0, -1) : text.slice(0, extra - 2);
}

createServer((client) => {
  const server = connect(upstreamPort, '127.0.0.1');
  for (const socket of [client, server]) socket.setNoDelay(true);
  const end = () => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) socket.on('error', end).on('close', end);
  /** The handshake is two packets of the client: its versions, then its choice with HELLO and LOGON. */
  let handshake = 2;
  let received = Buffer.alloc(0);
  let recording;
  const queue = [];
  const serve = () => {
    while (recording === undefined && queue.length > 0) {
      const { bytes, key } = queue.shift();
      const known = key === undefined ? undefined : answers.get(key);
      if (known !== undefined) {
        client.write(known);
        continue;
      }
      if (key !== undefined) recording = { key, bytes: Buffer.alloc(0) };
      server.write(bytes);
    }
  };
  server.on('data', (data) => {
    if (recording === undefined) {
      client.write(data);
      return;
    }
    recording.bytes = Buffer.concat([recording.bytes, data]);
    const kinds = [...messagesIn(recording.bytes)].map(({ body }) => body[1]);
    const failed = kinds.includes(FAILURE);
    // One for RUN, one for PULL.
    if (!failed && kinds.filter((kind) => kind === SUCCESS).length < 2) return;
    if (!failed) answers.set(recording.key, recording.bytes);
    client.write(recording.bytes);
    recording = undefined;
    serve();
  });
  client.on('data', (data) => {
    if (handshake > 0) {
      handshake--;
      server.write(data);
      return;
    }
    received = Buffer.concat([received, data]);
    for (;;) {
      const [first, second] = [...messagesIn(received)];
      if (first === undefined) return;
      const isRun = first.body[1] === RUN;
      if (isRun && second === undefined) return;
      const { end: length } = isRun ? second : first;
      queue.push({ bytes: received.subarray(0, length), key: isRun ? keyOf(first.body) : undefined });
      received = received.subarray(length);
      serve();
    }
  });
}).listen(port, '127.0.0.1');
