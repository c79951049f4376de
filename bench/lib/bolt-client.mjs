/** The smallest Bolt client that can measure: one connection, one request at a time, records counted and not built. */
import net from 'node:net';
import { MessageWriter } from '../../dist/bolt/chunking.js';
import { BOLT_5 } from '../../dist/bolt/structures.js';

export class BoltClient {
  #socket;
  #buffer = Buffer.alloc(0);
  #waiting = [];

  static async connect(port, user, password) {
    const client = new BoltClient();
    client.#socket = net.connect(port, '127.0.0.1');
    client.#socket.setNoDelay(true);
    await new Promise((resolve, reject) => client.#socket.once('connect', resolve).once('error', reject));
    client.#socket.write(Buffer.from('6060b01700000405000000000000000000000000', 'hex'));
    await new Promise((resolve) => client.#socket.once('data', resolve));
    client.#socket.on('data', (data) => client.#onData(data));
    await client.#send(0x01, [new Map([['user_agent', 'bench/1']])]);
    await client.#send(0x6a, [new Map([['scheme', 'basic'], ['principal', user], ['credentials', password]])]);
    return client;
  }

  /** Writes the message and resolves with the count of records before its SUCCESS. */
  #send(tag, fields, more) {
    const parts = [framed(tag, fields)];
    if (more !== undefined) parts.push(framed(...more));
    this.#socket.write(Buffer.concat(parts));
    const wait = () => new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, records: 0 }));
    if (more === undefined) return wait();
    const first = wait();
    const second = wait();
    return first.then(() => second);
  }

  run(text, parameters) {
    return this.#send(0x10, [text, parameters, new Map()], [0x3f, [new Map([['n', -1]])]]);
  }

  #onData(data) {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data]);
    for (;;) {
      const end = messageEnd(this.#buffer);
      if (end < 0) return;
      // Nothing between two messages keeps the connection alive.
      if (end === 2) {
        this.#buffer = this.#buffer.subarray(end);
        continue;
      }
      // The tag is behind the chunk header and the structure marker.
      const tag = this.#buffer[3];
      const waiting = this.#waiting[0];
      if (tag === 0x71) waiting.records++;
      else {
        this.#waiting.shift();
        if (tag === 0x70) waiting.resolve(waiting.records);
        else waiting.reject(new Error(this.#buffer.subarray(4, end).toString('latin1')));
      }
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  close() {
    this.#socket.destroy();
  }
}

const writer = new MessageWriter();

function framed(tag, fields) {
  writer.write(tag, fields, BOLT_5);
  return Buffer.from(writer.take());
}

/** Place behind the first whole message, or -1. */
function messageEnd(buffer) {
  let at = 0;
  while (at + 2 <= buffer.length) {
    const size = buffer.readUInt16BE(at);
    at += 2;
    if (size === 0) return at;
    at += size;
  }
  return -1;
}
