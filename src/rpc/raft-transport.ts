/**
 * The Transport of `replica` over gRPC: a server for what others send, a link to each peer for what we send.
 */
import { DbError } from '../base/errors.ts';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { FrameEncoder, decodeFrame } from '../raft/codec.ts';
import type { Message } from '../raft/messages.ts';
import type { NodeId } from '../raft/types.ts';
import type { Hello, PeerCall, SendState, StateOutcome, Transport, TransportHandlers } from '../replica/consensus-transport.ts';
import { RaftLink, newClient } from './raft-link.ts';
import { FRAME_BYTES_MAX, peerService } from './raft-proto.ts';
import { receiveState, sendStateTo } from './raft-state.ts';
import type { Frame, PeerClient, Welcome } from './raft-proto.ts';

export interface RaftTransportOptions {
  readonly listenHost: string;
  readonly port: number;
  /** Shared by all servers of a group; undefined: anybody who reaches the port may speak. */
  readonly secret: string | undefined;
}

type Incoming = ServerDuplexStream<Frame, Frame>;

const CALL_CLIENTS_MAX = 64;

export class RaftTransport implements Transport {
  readonly #options: RaftTransportOptions;
  readonly #encoder = new FrameEncoder();
  readonly #links = new Map<NodeId, RaftLink>();
  readonly #callClients = new Map<string, PeerClient>();
  readonly #controlOf = new Map<NodeId, Incoming>();
  #server: Server | undefined;
  #handlers: TransportHandlers | undefined;

  constructor(options: RaftTransportOptions) {
    this.#options = options;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    const server = new Server({
      'grpc.max_receive_message_length': FRAME_BYTES_MAX, 'grpc.max_send_message_length': FRAME_BYTES_MAX,
    });
    server.addService(peerService().service, {
      Control: (call: Incoming) => this.#onStream(call, handlers, (hello) => this.#onControl(call, hello, handlers)),
      Bulk: (call: Incoming) => this.#onStream(call, handlers, (hello) => onRaftFrames(call, hello, handlers)),
      State: (call: Incoming) => this.#onStream(call, handlers, (hello) => receiveState(call, hello, handlers)),
      Requests: (call: Incoming) => this.#onStream(call, handlers, (hello) => onRequests(call, hello, handlers)),
      Call: (call: ServerUnaryCall<Frame, Frame>, done: sendUnaryData<Frame>) => this.#onCall(call, done, handlers),
    });
    this.#server = server;
    const { listenHost, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`${listenHost}:${port}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else reject(new Error(`cannot listen on ${listenHost}:${port}: ${error.message}`));
      });
    });
  }

  // ---- what others send ----

  #onStream(call: Incoming, handlers: TransportHandlers, onHello: (hello: Hello) => void): void {
    call.on('error', () => undefined);
    call.once('data', (frame: Frame) => {
      const hello = this.#parseHello(frame);
      const refused = hello === undefined ? 'wrong secret' : handlers.refuse(hello);
      if (hello === undefined || refused !== undefined) {
        handlers.log('debug', `refused a peer at ${call.getPeer()}: ${refused}`);
        call.emit('error', { code: status.FAILED_PRECONDITION, details: refused });
        return;
      }
      const welcome: Welcome = { nodeId: hello.toId };
      call.write({ payload: Buffer.from(JSON.stringify(welcome)) });
      onHello(hello);
    });
    call.on('end', () => call.end());
  }

  #parseHello(frame: Frame): Hello | undefined {
    try {
      const { secret, ...hello } = JSON.parse(frame.payload.toString()) as Hello & { secret?: string };
      return this.#isSecret(secret) ? hello : undefined;
    } catch {
      // Not one of ours: treated as somebody who does not know the secret.
      return undefined;
    }
  }

  #isSecret(given: string | undefined): boolean {
    if (this.#options.secret === undefined) return true;
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(given ?? ''), digest(this.#options.secret));
  }

  #onControl(call: Incoming, hello: Hello, handlers: TransportHandlers): void {
    // A peer that reconnects may have left its old stream half open.
    this.#controlOf.get(hello.fromId)?.end();
    this.#controlOf.set(hello.fromId, call);
    call.on('close', () => {
      if (this.#controlOf.get(hello.fromId) !== call) return;
      this.#controlOf.delete(hello.fromId);
      handlers.onPeerDown(hello.fromId);
    });
    handlers.onPeerUp(hello);
    onRaftFrames(call, hello, handlers);
  }

  #onCall(call: ServerUnaryCall<Frame, Frame>, done: sendUnaryData<Frame>, handlers: TransportHandlers): void {
    const reply = (answer: object) => done(null, { payload: Buffer.from(JSON.stringify(answer)) });
    let parsed: PeerCall & { secret?: string };
    try {
      parsed = JSON.parse(call.request.payload.toString()) as typeof parsed;
    } catch {
      reply({ error: 'the call is not JSON' });
      return;
    }
    if (!this.#isSecret(parsed.secret)) {
      reply({ error: 'wrong secret' });
      return;
    }
    handlers.onCall({ op: parsed.op, body: parsed.body })
      .then((ok) => reply({ ok }), (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }));
  }

  // ---- what we send ----

  setPeers(peers: readonly { readonly id: NodeId; readonly address: string }[]): void {
    const wanted = new Map(peers.map(({ id, address }) => [id, address]));
    for (const [id, link] of this.#links) {
      if (wanted.get(id) === link.address) continue;
      link.close();
      this.#links.delete(id);
    }
    for (const [id, address] of wanted) {
      if (!this.#links.has(id)) this.#links.set(id, this.#newLink(id, address));
    }
  }

  #newLink(id: NodeId, address: string): RaftLink {
    const handlers = this.#handlers!;
    return new RaftLink(address, {
      hello: () => Buffer.from(JSON.stringify({ ...handlers.hello(id), secret: this.#options.secret })),
      onLost: () => handlers.onPeerLost(id),
      log: (level, message) => handlers.log(level, message),
    });
  }

  send(to: NodeId, messages: readonly Message[]): void {
    this.#links.get(to)?.send(messages, this.#encoder);
  }

  request(to: NodeId, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const link = this.#links.get(to);
    return link === undefined ? Promise.reject(new DbError('NoLeader', `${to} is not a peer (yet)`)) : link.request(bytes, timeoutMs);
  }

  call(address: string, call: PeerCall, timeoutMs: number): Promise<unknown> {
    const payload = Buffer.from(JSON.stringify({ ...call, secret: this.#options.secret }));
    return new Promise((resolve, reject) => {
      this.#clientFor(address).Call({ payload }, { deadline: Date.now() + timeoutMs }, (error, answer) => {
        if (error !== null || answer === undefined) {
          reject(new Error(error?.details ?? 'no answer'));
          return;
        }
        const parsed = JSON.parse(answer.payload.toString()) as { ok?: unknown; error?: string };
        if (parsed.error === undefined) resolve(parsed.ok);
        else reject(new Error(parsed.error));
      });
    });
  }

  async sendState(to: NodeId, state: SendState): Promise<StateOutcome> {
    const link = this.#links.get(to);
    if (link === undefined) throw new DbError('NoLeader', `${to} is not a peer`);
    const hello = Buffer.from(JSON.stringify({ ...this.#handlers!.hello(to), secret: this.#options.secret }));
    return sendStateTo(newClient(link.address), hello, state);
  }

  #clientFor(address: string): PeerClient {
    const known = this.#callClients.get(address);
    if (known !== undefined) return known;
    if (this.#callClients.size >= CALL_CLIENTS_MAX) {
      const [oldest, client] = [...this.#callClients][0]!;
      client.close();
      this.#callClients.delete(oldest);
    }
    const client = newClient(address);
    this.#callClients.set(address, client);
    return client;
  }

  async stop(): Promise<void> {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    for (const client of this.#callClients.values()) client.close();
    this.#callClients.clear();
    this.#server?.forceShutdown();
    await Promise.resolve();
  }
}

function onRaftFrames(call: Incoming, hello: Hello, handlers: TransportHandlers): void {
  call.on('data', (frame: Frame) => {
    let messages: Message[];
    try {
      messages = decodeFrame(frame.payload);
    } catch (error) {
      handlers.log('warn', `a frame from ${hello.fromId} makes no sense: ${(error as Error).message}`);
      call.emit('error', { code: status.INVALID_ARGUMENT, details: 'not a frame' });
      return;
    }
    handlers.onMessages(hello.fromId, messages);
  });
}

function onRequests(call: Incoming, hello: Hello, handlers: TransportHandlers): void {
  call.on('data', (frame: Frame) => {
    const reader = new ByteReader(frame.payload);
    const id = reader.varint();
    handlers.onRequest(hello.fromId, reader.raw(reader.remaining), (answer) => {
      if (!call.writable) return;
      call.write({ payload: new ByteWriter(answer.length + 9).varint(id).u8(0).raw(answer).finish() });
    });
  });
}
