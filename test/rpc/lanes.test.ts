/** Lanes: frames cut and damaged on their way, servers from before there were lanes, TLS gone wrong, and nonsense on the port. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { decodeFrame, FrameEncoder } from '../../src/raft/codec.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { Hello, TransportHandlers } from '../../src/replica/consensus-transport.ts';
import { LANE_MAGIC, PeerLane } from '../../src/rpc/peer-lane.ts';
import { askPeer } from '../../src/rpc/peer-question.ts';
import { peerTls } from '../../src/rpc/peer-tls.ts';
import { insecure, newClient } from '../../src/rpc/raft-channel.ts';
import { peerService } from '../../src/rpc/raft-proto.ts';
import type { Frame } from '../../src/rpc/raft-proto.ts';
import { RaftTransport } from '../../src/rpc/raft-transport.ts';
import type { RaftTransportOptions } from '../../src/rpc/raft-transport.ts';
import { hasOpenssl, makeAuthority, makeCertificate } from '../server/certificates.ts';
import { H2_PREFACE, h2Frame, h2Header, laneFrame } from '../wire-frames.ts';
import { freePort, info, until } from './ends.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Listens; what is done with each connection is the caller's. */
async function listen(onConnection: (socket: Socket) => void, port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface End {
  readonly transport: RaftTransport;
  readonly port: number;
  readonly heard: Message[];
  readonly logs: string[];
}

async function start(id: string, options: Partial<RaftTransportOptions> = {}): Promise<End> {
  const [heard, logs]: [Message[], string[]] = [[], []];
  const port = options.port ?? await freePort();
  const transport = new RaftTransport({ listenHost: '127.0.0.1', port, secret: 'hush', electionTimeoutMs: 200, ...options });
  const handlers: TransportHandlers = {
    hello: (to): Hello => ({ clusterId: 'c', fromId: id, toId: to, bootSeq: 1, version: 1, info }),
    refuse: () => undefined, onPeerUp: () => undefined, onPeerDown: () => undefined, onPeerLost: () => undefined,
    onMessages: (_, messages) => void heard.push(...messages),
    onState: () => ({ refused: 'no' }), onRequest: (_, bytes, answer) => answer(bytes), onCall: (call) => Promise.resolve(call.body),
    log: (level, message) => void logs.push(`${level} ${message}`),
  };
  await transport.start(handlers);
  closers.push(() => transport.stop());
  return { transport, port, heard, logs };
}

/** A relay to `port`; `alter` may change, cut up or drop what goes there. */
function relay(port: () => number, alter: (data: Buffer) => Buffer[]): Promise<number> {
  return listen((near) => {
    const far = connect(port(), '127.0.0.1');
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('data', (data: Buffer) => near.write(data));
    near.on('data', (data: Buffer) => {
      for (const piece of alter(data)) far.write(piece);
    });
  });
}

const append = (data: Buffer): Message => ({ kind: 'append', term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [{ index: 1, term: 1, kind: 1, data }] });
const dataOf = (message: Message): Buffer => (message.kind === 'append' ? message.entries[0]!.data as Buffer : Buffer.alloc(0));

describe('frames', () => {
  it.each([1, 2, 3, 4, 5])('arrive whole and in order however the network cuts them (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const below = (n: number) => Math.floor(random.next() * n);
    const sent = Array.from({ length: 200 }, (): Frame => {
      const payload = randomBytes(below(4) === 0 ? below(200_000) : below(200));
      return below(3) === 0 ? { payload, deflated: true } : { payload };
    });
    const got: Frame[] = [];
    const settings = { messageBytesMax: 1 << 20, pingMs: 5, pongMs: 60_000 };
    const port = await listen((socket) => {
      socket.write(LANE_MAGIC);
      const lane = new PeerLane(socket, settings, false, { onFrame: (one) => void got.push(one), onEnd: () => undefined });
      closers.push(() => lane.close());
    });
    const cut = await relay(() => port, (data) => {
      const pieces: Buffer[] = [];
      for (let at = 0; at < data.length;) {
        const end = at + 1 + below(below(2) === 0 ? 12 : 70_000);
        pieces.push(data.subarray(at, end));
        at = end;
      }
      return pieces;
    });
    const socket = connect({ port: cut, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    const lane = new PeerLane(socket, settings, true, { onFrame: () => undefined, onEnd: () => undefined });
    closers.push(() => lane.close());
    for (const one of sent) lane.write(one);
    await until('all of it', () => got.length === sent.length);
    sent.forEach((one, i) => {
      expect(got[i]!.payload.equals(one.payload)).toBe(true);
      expect(got[i]!.deflated).toBe(one.deflated);
    });
  });

  it('never pass with a changed bit, and the stream comes back', async () => {
    const random = seededRandom(9);
    let sinceFlip = 0;
    let flips = 0;
    const b = await start('b');
    const port = await relay(() => b.port, (data) => {
      sinceFlip += data.length;
      if (sinceFlip < 20_000) return [data];
      sinceFlip = 0;
      flips += 1;
      const changed = Buffer.from(data);
      changed[Math.floor(random.next() * changed.length)]! ^= 1 << Math.floor(random.next() * 8);
      return [changed];
    });
    const a = await start('a');
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${port}` }]);
    const sent = new Set<string>();
    await until('some sixty changed bits', () => {
      const data = randomBytes(300);
      sent.add(data.toString('hex'));
      a.transport.send('b', [append(data)]);
      return flips >= 60 && b.heard.length > 500;
    }, 60_000);
    for (const message of b.heard) expect(sent.has(dataOf(message).toString('hex'))).toBe(true);
  }, 90_000);
});

describe('a slow network', () => {
  it('takes longer for a large frame than an answer may take, and that is no silence', async () => {
    const b = await start('b');
    let connections = 0;
    let waiting: { data: Buffer; far: Socket; near: Socket }[] = [];
    const port = await listen((near) => {
      connections += 1;
      const far = connect(b.port, '127.0.0.1');
      far.on('error', () => near.destroy());
      far.on('close', () => near.destroy());
      near.on('close', () => far.destroy());
      far.on('data', (data: Buffer) => near.write(data));
      near.on('data', (data: Buffer) => {
        near.pause();
        waiting.push({ data, far, near });
      });
    });
    // 64 KiB of each connection every 10 ms: 6 MB a second, and whatever is asked has to wait for its turn.
    const pump = setInterval(() => {
      const turn = waiting;
      waiting = [];
      for (const { data, far, near } of turn) {
        far.write(data);
        near.resume();
      }
    }, 10);
    closers.push(() => clearInterval(pump));
    const a = await start('a');
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${port}` }]);
    await until('heard', () => {
      a.transport.send('b', [append(Buffer.from('first'))]);
      return b.heard.length > 0;
    });
    const before = connections;
    const count = b.heard.length;
    const large = randomBytes(30 << 20);
    a.transport.send('b', [append(large)]);
    await until('the large one', () => b.heard.slice(count).some((message) => dataOf(message).length === large.length));
    expect(connections).toBe(before);
  }, 60_000);
});

/** As servers were before: gRPC and nothing else on the port. Greets everybody, keeps what it hears. */
async function serverFromBefore(port: number, credentials: ServerCredentials): Promise<{ heard: Message[]; stop: () => void }> {
  const heard: Message[] = [];
  const server = new Server();
  const stream = (call: ServerDuplexStream<Frame, Frame>) => {
    call.on('error', () => undefined);
    call.once('data', () => {
      call.write({ payload: Buffer.from(JSON.stringify({ nodeId: 'b', inflates: true })) });
      call.on('data', ({ payload }: Frame) => void heard.push(...decodeFrame(payload)));
    });
    call.on('end', () => call.end());
  };
  server.addService(peerService().service, { Control: stream, Bulk: stream, Requests: stream, State: stream, Call: () => undefined });
  await new Promise<void>((resolve, reject) => server.bindAsync(`127.0.0.1:${port}`, credentials, (error) => (error === null ? resolve() : reject(error))));
  const stop = () => server.forceShutdown();
  closers.push(stop);
  return { heard, stop };
}

describe('a server from before there were lanes', () => {
  it('is spoken to by gRPC, and by lanes once it is a newer one', async () => {
    const port = await freePort();
    const before = await serverFromBefore(port, ServerCredentials.createInsecure());
    const magics: string[] = [];
    const through = await relay(() => port, (data) => {
      magics.push(data.subarray(0, LANE_MAGIC.length).toString());
      return [data];
    });
    const a = await start('a');
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${through}` }]);
    const say = (heard: Message[]) => until('heard', () => {
      a.transport.send('b', [append(Buffer.from('x')), { kind: 'commit', term: 1, commit: 7 }]);
      return heard.some(({ kind }) => kind === 'append') && heard.some(({ kind }) => kind === 'commit');
    });
    await say(before.heard);
    before.stop();
    magics.length = 0;
    const b = await start('b', { port });
    await say(b.heard);
    expect(magics).toContain(LANE_MAGIC.toString());
    expect(b.logs.filter((line) => line.includes('makes no sense'))).toEqual([]);
  });

  it('is heard over gRPC', async () => {
    const b = await start('b');
    const client = newClient(`127.0.0.1:${b.port}`, { credentials: insecure, messageBytesMax: 1 << 20, electionTimeoutMs: 500, compressBytesMin: 0 }, 'patient');
    closers.push(() => client.close());
    for (const stream of [client.Control(), client.Bulk()]) {
      stream.on('error', () => undefined);
      closers.push(() => stream.cancel());
      stream.write({ payload: Buffer.from(JSON.stringify({ clusterId: 'c', fromId: 'x', toId: 'b', bootSeq: 1, version: 1, info, secret: 'hush' })) });
      await new Promise((resolve) => stream.once('data', resolve));
      // The message `commit`, as it is on the wire.
      stream.write({ payload: frameOf({ kind: 'commit', term: 3, commit: 9 }) });
    }
    await until('both', () => b.heard.length === 2);
    expect(b.heard).toEqual([{ kind: 'commit', term: 3, commit: 9 }, { kind: 'commit', term: 3, commit: 9 }]);
  });
});

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lanes-'));
  const certificates = (name: string, ca: string) => ({ cert: readFileSync(join(directory, `${name}.pem`)), key: readFileSync(join(directory, `${name}-key.pem`)), ca: readFileSync(join(directory, `${ca}.pem`)) });

  it('carries lanes only between those that the authority signed, also with a server from before', async () => {
    makeAuthority(directory, 'ca');
    makeAuthority(directory, 'other-ca');
    for (const name of ['first', 'second']) makeCertificate(directory, name, 'ca');
    makeCertificate(directory, 'stranger', 'other-ca');
    const ours = peerTls(certificates('first', 'ca'));
    const b = await start('b', { credentials: ours.credentials });
    const a = await start('a', { credentials: peerTls(certificates('second', 'ca')).credentials });
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${b.port}` }]);
    await until('heard', () => {
      a.transport.send('b', [append(Buffer.alloc(300_000, 'y'))]);
      return b.heard.length > 0;
    });
    expect(dataOf(b.heard[0]!).length).toBe(300_000);
    // It trusts everybody; nobody trusts it.
    const stranger = await start('x', { credentials: peerTls(certificates('stranger', 'ca')).credentials });
    stranger.transport.setPeers([{ id: 'b', address: `127.0.0.1:${b.port}` }]);
    const plain = await start('y');
    plain.transport.setPeers([{ id: 'b', address: `127.0.0.1:${b.port}` }]);
    await until('both refused', () => new Set(b.logs.filter((line) => line.includes('refused') && line.includes('TLS'))).size >= 2);
    const count = b.heard.length;
    stranger.transport.send('b', [append(Buffer.from('z'))]);
    plain.transport.send('b', [append(Buffer.from('z'))]);
    await sleep(300);
    expect(b.heard.length).toBe(count);
    // Certificates that come later are those of the next connection.
    ours.use(certificates('second', 'ca'));
    const d = await start('d', { credentials: ours.credentials });
    d.transport.setPeers([{ id: 'b', address: `127.0.0.1:${b.port}` }]);
    await until('heard again', () => {
      d.transport.send('b', [append(Buffer.from('later'))]);
      return b.heard.some((message) => dataOf(message).toString() === 'later');
    });
    const old = await serverFromBefore(await freePort().then((port) => (oldPort = port)), ours.credentials.server);
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${oldPort}` }]);
    await until('the one from before', () => {
      a.transport.send('b', [append(Buffer.from('old'))]);
      return old.heard.length > 0;
    });
  }, 60_000);
  let oldPort = 0;

  it('tells nothing, least of all the secret, to a server that it cannot trust', async () => {
    let told = '';
    let handshakes = 0;
    const tls = createTlsServer({ ...certificates('stranger', 'other-ca'), requestCert: false });
    tls.on('secureConnection', (socket) => socket.on('data', (data: Buffer) => (told += data.toString('latin1'))));
    tls.on('tlsClientError', () => undefined);
    const port = await listen((socket) => {
      socket.once('readable', () => {
        const bytes = socket.read() as Buffer | null;
        if (bytes === null) return;
        handshakes += 1;
        socket.unshift(bytes.subarray(bytes[0] === LANE_MAGIC[0] ? LANE_MAGIC.length + 1 : 0));
        tls.emit('connection', socket);
      });
    });
    const a = await start('a', { credentials: peerTls(certificates('first', 'ca')).credentials });
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${port}` }]);
    await until('some attempts', () => handshakes > 12);
    expect(told).not.toContain('hush');
    expect(told).toBe('');
    // Once, however often it is tried.
    expect(a.logs.filter((line) => line.startsWith('info control stream'))).toEqual([`info control stream to 127.0.0.1:${port}: its certificate is not signed by the authority that this side trusts (server_ca, --ca)`]);
    rmSync(directory, { recursive: true, force: true });
  });
});

describe('nonsense on the port', () => {
  const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));
  const kind = (n: number) => Buffer.concat([LANE_MAGIC, Buffer.of(n)]);
  const hello = bytesOf({ clusterId: 'c', fromId: 'x', toId: 'b', bootSeq: 1, version: 1, info, secret: 'hush' });

  it.each<[string, Buffer, RegExp]>([
    ['an unknown kind', kind(9), /^$/],
    ['no greeting', Buffer.concat([kind(0), laneFrame(Buffer.from('hello'))]), /wrong secret/],
    ['another secret', Buffer.concat([kind(0), laneFrame(bytesOf({ secret: 'hushh' }))]), /wrong secret/],
    ['a length that lies', Buffer.concat([kind(1), laneFrame(hello), laneFrame(Buffer.alloc(10), 0, 0xfff_ffff)]), /nodeId/],
    ['a length beyond all limits', Buffer.concat([kind(1), laneFrame(hello), laneFrame(Buffer.alloc(10), 0, 0xffff_ffff)]), /nodeId/],
    ['a greeting that fills memory', Buffer.concat([kind(1), laneFrame(hello, 0, 1 << 20)]), /^$/],
    ['unknown flags', Buffer.concat([kind(1), laneFrame(hello), laneFrame(Buffer.alloc(10), 64)]), /nodeId/],
    ['a frame that is none of raft', Buffer.concat([kind(1), laneFrame(hello), laneFrame(Buffer.from([99, 99, 99]))]), /nodeId.*not a frame/s],
    ['a frame that does not unpack', Buffer.concat([kind(1), laneFrame(hello), laneFrame(Buffer.from([99, 99, 99]), 1)]), /nodeId.*not a frame/s],
    ['a request without an id', Buffer.concat([kind(2), laneFrame(hello), laneFrame(Buffer.alloc(0))]), /nodeId/],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^/],
  ])('%s', async (_, bytes, answer) => {
    const b = await start('b', { messageBytesMax: 1 << 28 });
    const a = await start('a');
    let told = '';
    const socket = connect(b.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => (told += data.toString('latin1')));
    closers.push(() => socket.destroy());
    socket.write(bytes);
    await sleep(150);
    expect(told.replace(LANE_MAGIC.toString(), '')).toMatch(answer);
    // Whatever that was, the next one is served.
    a.transport.setPeers([{ id: 'b', address: `127.0.0.1:${b.port}` }]);
    await until('heard', () => {
      a.transport.send('b', [append(Buffer.from('fine'))]);
      return b.heard.length > 0;
    });
    expect(b.heard.every((message) => dataOf(message).toString() === 'fine')).toBe(true);
  });

  it.each([false, true])('a call of gRPC that is given up in the packet that makes it (to a method that there is: %s)', async (exists) => {
    const b = await start('b');
    const path = exists ? '/lgraph.raft.v1.Peer/Control' : '/nobody/Knows';
    const fields = Buffer.concat([h2Header(':method', 'POST'), h2Header(':scheme', 'http'), h2Header(':path', path), h2Header(':authority', 'x'), h2Header('te', 'trailers'), h2Header('content-type', 'application/grpc')]);
    const calls = [1, 3, 5].flatMap((id) => [h2Frame(1, 4, id, fields), h2Frame(0, 0, id, Buffer.alloc(5)), h2Frame(3, 0, id, Buffer.from([0, 0, 0, 8]))]);
    const socket = connect(b.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    closers.push(() => socket.destroy());
    socket.write(Buffer.concat([H2_PREFACE, h2Frame(4, 0, 0, Buffer.alloc(0)), ...calls]));
    await sleep(200);
    expect(await askPeer(`127.0.0.1:${b.port}`, 'probe', { n: 1 }, { secret: 'hush', timeoutMs: 5000 })).toEqual({ n: 1 });
  });

  it('is hung up on when it says too little', async () => {
    const b = await start('b');
    const closed: string[] = [];
    for (const [name, bytes] of [['nothing', Buffer.alloc(0)], ['half a magic', LANE_MAGIC.subarray(0, 4)], ['a magic', kind(0)]] as const) {
      const socket = connect(b.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => void closed.push(name));
      socket.resume();
      closers.push(() => socket.destroy());
      if (bytes.length > 0) socket.write(bytes);
    }
    await until('all of them', () => closed.length === 3);
  }, 40_000);
});

function frameOf(message: Message): Buffer {
  return new FrameEncoder().encode([message]);
}
