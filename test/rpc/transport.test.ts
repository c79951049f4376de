/** The transport between servers over a network that breaks, swallows and flips: a proxy between two real ends. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pace, Rests } from '../../src/base/pace.ts';
import type { Message } from '../../src/raft/messages.ts';
import { realBulkFiles } from '../../src/replica/bulk-files.ts';
import type { Hello, SendState, StateSink, TransportHandlers } from '../../src/replica/consensus-transport.ts';
import { insecure, newClient } from '../../src/rpc/raft-channel.ts';
import { askPeer } from '../../src/rpc/peer-question.ts';
import { RaftTransport } from '../../src/rpc/raft-transport.ts';
import type { RaftTransportOptions } from '../../src/rpc/raft-transport.ts';
import { Refusals } from '../../src/rpc/refusals.ts';
import type { Frame, FrameStream } from '../../src/rpc/raft-proto.ts';
import { freePort, info, until } from './ends.ts';


/** Bytes between a client and the port behind it, until told otherwise. */
class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  bytes = 0;
  /** Nothing gets through any more, and nobody is told. */
  isSwallowing = false;
  /** A bit of the byte with this number (counted from here on) changes. */
  flipAt = -1;
  /** Both sides are cut off when so many bytes have passed. */
  cutAt = -1;

  private constructor(target: () => number) {
    this.#server = createServer((near) => {
      const far = connect(target(), '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => (near.destroy(), far.destroy()));
      }
      near.on('data', (data: Buffer) => this.#pass(far, data));
      far.on('data', (data: Buffer) => (this.isSwallowing ? undefined : near.write(data)));
    });
  }

  static async before(target: () => number, port = 0): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  #pass(to: Socket, data: Buffer): void {
    if (this.isSwallowing) return;
    const at = this.flipAt - this.bytes;
    if (at >= 0 && at < data.length) {
      data[at]! ^= 4;
      this.flipAt = -1;
    }
    this.bytes += data.length;
    if (this.cutAt >= 0 && this.bytes >= this.cutAt) {
      this.cutAt = -1;
      this.cut();
      return;
    }
    to.write(data);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

class End {
  readonly id: string;
  readonly transport: RaftTransport;
  readonly port: number;
  readonly heard: Message[] = [];
  readonly logs: string[] = [];
  /** The file as far as it has arrived. */
  state = Buffer.alloc(0);
  offsets: number[] = [];
  isStored = false;

  private constructor(id: string, port: number, options: Partial<RaftTransportOptions>) {
    this.id = id;
    this.port = port;
    this.transport = new RaftTransport({ listenHost: '127.0.0.1', port, secret: 'hush', electionTimeoutMs: 200, ...options });
  }

  static async start(id: string, options: Partial<RaftTransportOptions> = {}): Promise<End> {
    const end = new End(id, await freePort(), options);
    await end.transport.start(end.#handlers());
    return end;
  }

  #handlers(): TransportHandlers {
    return {
      hello: (to): Hello => ({ clusterId: 'c', fromId: this.id, toId: to, bootSeq: 1, version: 1, info }),
      refuse: (hello) => (hello.clusterId === 'c' ? undefined : `this is a member of the group c, not of ${hello.clusterId}`),
      onPeerUp: () => undefined, onPeerDown: () => undefined, onPeerLost: () => undefined,
      onMessages: (_, messages) => void this.heard.push(...messages),
      onState: () => this.#sink(),
      onRequest: (_, bytes, answer) => answer(bytes),
      onCall: (call) => Promise.resolve(call.body),
      log: (level, message) => void this.logs.push(`${level} ${message}`),
    };
  }

  #sink(): StateSink {
    this.offsets.push(this.state.length);
    return {
      offset: this.state.length,
      write: async (bytes) => {
        await Promise.resolve();
        this.state = Buffer.concat([this.state, bytes]);
      },
      end: () => {
        this.isStored = true;
        return Promise.resolve();
      },
      abort: () => Promise.resolve(),
    };
  }
}

let a: End;
let b: End;
let proxy: Proxy;
let directory: string;

async function pair(options: Partial<RaftTransportOptions> = {}): Promise<void> {
  a = await End.start('a', options);
  b = await End.start('b', options);
  proxy = await Proxy.before(() => b.port);
  a.transport.setPeers([{ id: 'b', address: proxy.address }]);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'transport-'));
});
afterEach(async () => {
  await a.transport.stop();
  await b.transport.stop();
  proxy.close();
  rmSync(directory, { recursive: true, force: true });
});

const note = (round: number): Message => ({ kind: 'commit', term: 1, commit: round });
const append = (data: Buffer): Message => ({ kind: 'append', term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [{ index: 1, term: 1, kind: 1, data }] });

/** Says it until it is heard: messages may be lost. */
async function say(message: Message): Promise<void> {
  const before = b.heard.length;
  await until('heard', () => {
    a.transport.send('b', [message]);
    return b.heard.length > before;
  });
}

describe('a link', () => {
  it('comes back over a new connection when the network swallowed the old one', async () => {
    await pair();
    await say(note(1));
    proxy.isSwallowing = true;
    // Longer than keep-alive takes, so that attempts are swallowed as well.
    await sleep(2500);
    const swallowed = b.heard.length;
    a.transport.send('b', [note(2)]);
    await sleep(100);
    expect(b.heard.length).toBe(swallowed);
    proxy.isSwallowing = false;
    await say(note(3));
  });

  it('is tried at once when the peer comes by itself', async () => {
    await pair({ electionTimeoutMs: 600_000 });
    await say(note(1));
    // Nobody answers for a while: with this election timeout the pauses grow to minutes.
    const { port } = proxy;
    proxy.close();
    await sleep(2000);
    proxy = await Proxy.before(() => b.port, port);
    b.transport.setPeers([{ id: 'a', address: `127.0.0.1:${a.port}` }]);
    await say(note(2));
  });

  it('sends entries compressed only where that saves something', async () => {
    await pair({ compressBytesMin: 1000 });
    await say(note(0));
    const appends = () => b.heard.filter((message) => message.kind === 'append');
    const size = async (data: Buffer) => {
      const [before, count] = [proxy.bytes, appends().length];
      a.transport.send('b', [append(data)]);
      await until('it arrives', () => appends().length > count);
      expect(Buffer.compare(appends().at(-1)!.entries[0]!.data, data)).toBe(0);
      return proxy.bytes - before;
    };
    // The bulk stream is up when the first one came through.
    await until('the bulk stream', () => {
      a.transport.send('b', [append(Buffer.alloc(1))]);
      return appends().length > 0;
    });
    await sleep(100);
    expect(await size(Buffer.alloc(300_000, 'abc'))).toBeLessThan(100_000);
    expect(await size(randomBytes(300_000))).toBeGreaterThan(300_000);
  });

  it('refuses a frame that unpacks to more than is allowed, and goes on', async () => {
    await pair({ compressBytesMin: 1000, messageBytesMax: 1 << 20 });
    await say(note(0));
    a.transport.send('b', [append(Buffer.alloc(4 << 20, 'a'))]);
    await until('refused', () => b.logs.some((line) => line.includes('makes no sense')));
    await say(append(Buffer.alloc(1000, 'a')));
  });
});

describe('strangers', () => {
  it('are refused on every stream and call, with one line a minute', async () => {
    await pair();
    const settings = { credentials: insecure, messageBytesMax: 1 << 20, electionTimeoutMs: 500, compressBytesMin: 0 };
    const client = newClient(`127.0.0.1:${b.port}`, settings, 'patient');
    const hello = { clusterId: 'c', fromId: 'x', toId: 'b', bootSeq: 1, version: 1, info };
    const greeted = (stream: FrameStream, words: object) => new Promise<string>((resolve) => {
      stream.on('data', (frame: Frame) => resolve(`welcome ${frame.payload.toString()}`));
      stream.on('error', (error) => resolve(error.message));
      stream.write({ payload: Buffer.from(JSON.stringify(words)) });
      stream.write({ payload: Buffer.from('{}') });
    });
    for (const open of [() => client.Control(), () => client.Bulk(), () => client.Requests(), () => client.State()]) {
      for (const secret of [undefined, '', 'wrong', 'hush ']) expect(await greeted(open(), { ...hello, secret })).toContain('wrong secret');
      expect(await greeted(open(), { ...hello, clusterId: 'd', secret: 'hush' })).toContain('not of d');
    }
    expect(await greeted(client.Control(), { ...hello, secret: 'hush' })).toContain('welcome');
    await expect(askPeer(`127.0.0.1:${b.port}`, 'probe', {}, { secret: 'wrong', timeoutMs: 5000 })).rejects.toThrow('wrong secret');
    expect(await askPeer(`127.0.0.1:${b.port}`, 'probe', { n: 1 }, { secret: 'hush', timeoutMs: 5000 })).toEqual({ n: 1 });
    client.close();
    expect(b.heard).toEqual([]);
    expect(b.offsets).toEqual([]);
    const lines = b.logs.filter((line) => line.includes('refused a connection'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^warn refused a connection to the RPC port from 127\.0\.0\.1:\d+: wrong secret: it does not know this group's ha_secret$/);
  });

  it('are counted between the lines', async () => {
    await pair();
    let nowMs = 0;
    const lines: string[] = [];
    const refusals = new Refusals(() => nowMs, (line) => void lines.push(line));
    for (let i = 0; i < 5; i++) refusals.note(`10.0.0.9:${1000 + i}`, 'wrong');
    refusals.note('10.0.0.8:1', 'wrong');
    expect(lines).toHaveLength(2);
    nowMs = 60_000;
    refusals.note('10.0.0.9:77', 'wrong');
    expect(lines[2]).toBe('refused a connection to the RPC port from 10.0.0.9:77: wrong (4 more times since the last line)');
  });
});

describe('a state', () => {
  const bytes = randomBytes(5_000_000);

  function header(): Pick<SendState, 'header' | 'open'> {
    const path = join(directory, 'state');
    writeFileSync(path, bytes);
    return { open: () => realBulkFiles(directory).read('state'), header: { sha256: createHash('sha256').update(bytes).digest('hex'), index: 7, term: 1, config: { members: [] }, bytes: bytes.length } };
  }
  const send = (confirmed: number[] = []) => a.transport.sendState('b', { ...header(), pause: () => 0, onProgress: (count) => void confirmed.push(count) });

  it('goes on where the connection broke', async () => {
    await pair();
    await say(note(1));
    proxy.cutAt = proxy.bytes + 3_000_000;
    await expect(send()).rejects.toThrow();
    const arrived = b.state.length;
    expect(arrived).toBeGreaterThan(500_000);
    const before = proxy.bytes;
    const confirmed: number[] = [];
    expect(await send(confirmed)).toBe('stored');
    expect(b.state.equals(bytes)).toBe(true);
    expect(b.offsets[1]).toBeGreaterThanOrEqual(arrived);
    expect(confirmed[0]).toBe(b.offsets[1]);
    // Only the rest was sent again.
    expect(proxy.bytes - before).toBeLessThan(bytes.length - b.offsets[1]! + 100_000);
  });

  it('never takes a part in which a bit has changed', async () => {
    await pair();
    await say(note(1));
    // Deep inside a part: 256 KiB of bytes to one head of HTTP/2 every 16 KiB.
    proxy.flipAt = proxy.bytes + 1_500_123;
    await expect(send()).rejects.toThrow();
    expect(b.isStored).toBe(false);
    expect(b.state.equals(bytes.subarray(0, b.state.length))).toBe(true);
    expect(await send()).toBe('stored');
    expect(b.state.equals(bytes)).toBe(true);
  });
});

describe('a rate limit', () => {
  it('is shared, and what was not used is not saved up', async () => {
    await pair();
    let nowMs = 0;
    const pace = new Pace(1000, () => nowMs);
    expect(pace.take(500)).toBe(0);
    expect(pace.take(500)).toBe(500);
    expect(pace.take(100)).toBe(1000);
    nowMs = 60_000;
    expect(pace.take(1000)).toBe(0);
    expect(pace.take(1)).toBe(1000);
    expect(new Pace(0, () => 0).take(1e12)).toBe(0);
  });

it('rests in proportion to its work while somebody waits, and makes up for nothing', () => {
  let busyMs = 1000;
  const rests = new Rests(25, () => busyMs);
  busyMs += 10;
  expect(rests.next(true)).toBe(30);
  expect(rests.next(true)).toBe(0);
  busyMs += 10;
  expect(rests.next(false)).toBe(0);
  busyMs += 60_000;
  expect(rests.next(true)).toBe(300);
  busyMs += 10;
  expect(new Rests(100, () => busyMs).next(true)).toBe(0);
});
});
