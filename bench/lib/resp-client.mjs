/** The smallest RESP client that can measure FalkorDB: one connection, one query at a time, replies skipped and not built. */
import net from 'node:net';

export class RespClient {
  #socket;
  #buffer = Buffer.alloc(0);
  #waiting = [];

  static async connect(port) {
    const client = new RespClient();
    client.#socket = net.connect(port, '127.0.0.1');
    client.#socket.setNoDelay(true);
    await new Promise((resolve, reject) => client.#socket.once('connect', resolve).once('error', reject));
    client.#socket.on('data', (data) => client.#onData(data));
    return client;
  }

  command(...words) {
    this.#socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #onData(data) {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data]);
    for (;;) {
      const end = replyEnd(this.#buffer, 0);
      if (end < 0) return;
      const waiting = this.#waiting.shift();
      if (this.#buffer[0] === 0x2d) waiting.reject(new Error(this.#buffer.subarray(0, end).toString()));
      else waiting.resolve(this.#buffer.subarray(0, end));
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  close() {
    this.#socket.destroy();
  }
}

/** Place behind the reply that starts at `at`, or -1 (RESP2: simple, error, integer, bulk, array). */
function replyEnd(buffer, at) {
  const line = buffer.indexOf('\r\n', at);
  if (line < 0) return -1;
  const type = buffer[at];
  if (type === 0x2b || type === 0x2d || type === 0x3a) return line + 2;
  const count = Number(buffer.toString('latin1', at + 1, line));
  if (type === 0x24) {
    const end = count < 0 ? line + 2 : line + 4 + count;
    return end <= buffer.length ? end : -1;
  }
  let place = line + 2;
  for (let i = 0; i < count; i++) {
    place = replyEnd(buffer, place);
    if (place < 0) return -1;
  }
  return place;
}
