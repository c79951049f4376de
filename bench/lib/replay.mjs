#!/usr/bin/env node
/**
 * A Bolt server that takes no time: it stands before a real one, passes each request on once, and from then on answers it from memory. What a
 * client reaches with it is what the client itself costs, which no server can be faster than.
 *
 *   npm run build && node bench/lib/replay.mjs PORT UPSTREAM_PORT
 *
 * A request is RUN with the PULL behind it. Two are the same where text and parameters are; bookmarks do not count. Of statements that write, the
 * text alone counts, as their parameters are new each time.
 */
import { connect, createServer } from 'node:net';
import { MessageReader } from '../../dist/bolt/chunking.js';

const RUN = 0x10;
const SUCCESS = 0x70;
const FAILURE = 0x7f;
// What stands before the first word is its length, which may look like a letter.
const WRITES = /(?:CREATE|MERGE|SET|DELETE)\b/;
/** Enough for the text of every statement that is measured, and before its first parameter. */
const TEXT_CHARS = 40;
const MESSAGE_BYTES_MAX = 1 << 26;

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const answers = new Map();

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
  /** One request at a time: the bytes of the one that is coming in, and its messages so far. */
  let request = { reader: new MessageReader(MESSAGE_BYTES_MAX), bytes: [], messages: [] };
  let recording;
  server.on('data', (data) => {
    if (recording === undefined) {
      client.write(data);
      return;
    }
    recording.bytes.push(data);
    recording.kinds.push(...recording.reader.push(data).map((message) => message[1]));
    const failed = recording.kinds.includes(FAILURE);
    // One for RUN, one for PULL.
    if (!failed && recording.kinds.filter((kind) => kind === SUCCESS).length < 2) return;
    const answer = Buffer.concat(recording.bytes);
    if (!failed) answers.set(recording.key, answer);
    recording = undefined;
    client.write(answer);
  });
  client.on('data', (data) => {
    if (handshake > 0) {
      handshake--;
      server.write(data);
      return;
    }
    request.bytes.push(data);
    request.messages.push(...request.reader.push(data));
    const [first, pull] = request.messages;
    if (first === undefined || (first[1] === RUN && pull === undefined)) return;
    const bytes = Buffer.concat(request.bytes);
    const key = first[1] === RUN ? keyOf(first) : undefined;
    request = { reader: request.reader, bytes: [], messages: [] };
    const known = answers.get(key);
    if (known !== undefined) {
      client.write(known);
      return;
    }
    if (key !== undefined) recording = { key, reader: new MessageReader(MESSAGE_BYTES_MAX), bytes: [], kinds: [] };
    server.write(bytes);
  });
}).listen(port, '127.0.0.1');
