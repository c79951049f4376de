/**
 * The Transport of `replica` on one port: a server for what others send, a link to each peer for what we send. Raft messages and
 * requests travel in lanes; states and calls, and everything with servers from before there were lanes, by gRPC.
 */
import { DbError } from '../base/errors.ts';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Server } from '@grpc/grpc-js';
import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { FrameEncoder, decodeFrame } from '../raft/codec.ts';
import type { Message } from '../raft/messages.ts';
import type { NodeId } from '../raft/types.ts';
import type { Hello, PeerCall, SendState, StateOutcome, Transport, TransportHandlers } from '../replica/consensus-transport.ts';
import { normalAddress } from '../service/allowed-hosts.ts';
import { systemRandom } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { unpackFrame } from './frame-packing.ts';
import { skipGivenUpCalls } from './given-up-calls.ts';
import { PeerPort } from './peer-port.ts';
import type { LaneKind } from './peer-lane.ts';
import { grpcStream, laneStream } from './peer-stream.ts';
import type { PeerStream } from './peer-stream.ts';
import { insecure, keepAliveOptions, newClient, sizeOptions } from './raft-channel.ts';
import type { ChannelSettings, PeerCredentials } from './raft-channel.ts';
import { RaftLink } from './raft-link.ts';
import { peerService } from './raft-proto.ts';
import { Refusals } from './refusals.ts';
import { receiveState, sendStateTo } from './raft-state.ts';
import type { Frame, PeerClient, Welcome } from './raft-proto.ts';

export interface RaftTransportOptions {
  readonly listenHost: string;
  readonly port: number;
  /** Shared by all servers of a group; undefined: anybody who reaches the port may speak. */
  readonly secret: string | undefined;
  readonly electionTimeoutMs: number;
  /** Largest frame (default 256 MiB): a batch of entries, one large one, or the answer to a forwarded request. */
  readonly messageBytesMax?: number;
  /** Entries from so many bytes on travel compressed, where that pays (default 0: never). */
  readonly compressBytesMin?: number;
  /** Default: no TLS. */
  readonly credentials?: PeerCredentials;
  readonly random?: Random;
  /** More services on the same port; `mayAsk`: whether an address may connect at all. */
  readonly addServices?: (server: Server, mayAsk: (peer: string) => boolean) => void;
}

type GrpcCall = ServerDuplexStream<Frame, Frame>;

const CALL_CLIENTS_MAX = 64;
const MESSAGE_BYTES_MAX = 256 << 20;
/** A stream that has not said who it is by then is nobody's. */
const HELLO_MS = 10_000;
const WRONG_ADDRESS = 'its address may not connect (enable_ip_check): allow it with CALL dbms.security.addAllowedHosts';
const WRONG_SECRET = "wrong secret: it does not know this group's ha_secret";

export class RaftTransport implements Transport {
  readonly #options: RaftTransportOptions;
  readonly #encoder = new FrameEncoder();
  readonly #links = new Map<NodeId, RaftLink>();
  readonly #callClients = new Map<string, PeerClient>();
  readonly #controlOf = new Map<NodeId, PeerStream>();
  readonly #settings: ChannelSettings;
  #server: Server | undefined;
  #port: PeerPort | undefined;
  #refusals: Refusals | undefined;
  #handlers: TransportHandlers | undefined;
  /** Undefined: every address may speak. */
  #allowed: ReadonlySet<string> | undefined;

  constructor(options: RaftTransportOptions) {
    this.#options = options;
    this.#settings = {
      credentials: options.credentials ?? insecure, messageBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_MAX,
      electionTimeoutMs: options.electionTimeoutMs, compressBytesMin: options.compressBytesMin ?? 0,
    };
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#refusals = new Refusals(() => performance.now(), (line, reason) => {
      // A server that is not a member yet, or not any more, is refused in the course of things.
      handlers.log(reason === WRONG_SECRET || reason === WRONG_ADDRESS ? 'warn' : 'info', line);
    });
    const server = new Server({ ...sizeOptions(this.#settings.messageBytesMax), ...keepAliveOptions('patient', this.#settings) });
    skipGivenUpCalls(server);
    const overGrpc = (kind: LaneKind) => (call: GrpcCall) => this.#onKind(kind, grpcStream(call), handlers);
    server.addService(peerService().service, {
      Control: overGrpc('control'), Bulk: overGrpc('bulk'), Requests: overGrpc('requests'),
      State: (call: GrpcCall) => this.#onStream(grpcStream(call), handlers, (hello) => receiveState(call, hello, handlers)),
      Call: (call: ServerUnaryCall<Frame, Frame>, done: sendUnaryData<Frame>) => this.#onCall(call, done, handlers),
    });
    this.#options.addServices?.(server, (peer) => !this.#isStranger(peer));
    this.#server = server;
    this.#port = new PeerPort(server, this.#settings.credentials, {
      onLane: (socket, kind, peer) => this.#onKind(kind, laneStream(socket, peer, this.#settings), handlers),
      onRefused: (peer, reason) => this.#refusals!.note(peer, reason),
    });
    await this.#port.listen(this.#options.listenHost, this.#options.port);
  }

  /** From now on only these may speak to this server, and its own machine. */
  allow(addresses: readonly string[] | undefined): void {
    this.#allowed = addresses === undefined ? undefined : new Set(addresses);
  }

  #isStranger(peer: string): boolean {
    if (this.#allowed === undefined) return false;
    const address = normalAddress(peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
    return !this.#allowed.has(address) && address !== '127.0.0.1' && address !== '::1';
  }

  // ---- what others send ----

  #onKind(kind: LaneKind, stream: PeerStream, handlers: TransportHandlers): void {
    this.#onStream(stream, handlers, (hello) => {
      if (kind === 'control') this.#onControl(stream, hello, handlers);
      else if (kind === 'bulk') this.#onRaftFrames(stream, hello, handlers);
      else onRequests(stream, hello, handlers);
    });
  }

  #onStream(stream: PeerStream, handlers: TransportHandlers, onHello: (hello: Hello) => void): void {
    const nobody = setTimeout(() => stream.refuse('no greeting'), HELLO_MS);
    stream.onClose = () => clearTimeout(nobody);
    stream.onFrame = (frame) => {
      clearTimeout(nobody);
      stream.onFrame = () => undefined;
      const isStranger = this.#isStranger(stream.peer);
      const hello = isStranger ? undefined : this.#parseHello(frame);
      const refused = isStranger ? WRONG_ADDRESS : hello === undefined ? WRONG_SECRET : handlers.refuse(hello);
      if (hello === undefined || refused !== undefined) {
        this.#refusals!.note(stream.peer, refused!);
        stream.refuse(refused!);
        return;
      }
      const welcome: Welcome = { nodeId: hello.toId, inflates: true, lanes: true };
      stream.write(Buffer.from(JSON.stringify(welcome)));
      onHello(hello);
    };
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

  #onControl(stream: PeerStream, hello: Hello, handlers: TransportHandlers): void {
    // A peer that reconnects may have left its old stream half open.
    this.#controlOf.get(hello.fromId)?.close();
    this.#controlOf.set(hello.fromId, stream);
    stream.onClose = () => {
      if (this.#controlOf.get(hello.fromId) !== stream) return;
      this.#controlOf.delete(hello.fromId);
      handlers.onPeerDown(hello.fromId);
    };
    handlers.onPeerUp(hello);
    this.#links.get(hello.fromId)?.hurry();
    this.#onRaftFrames(stream, hello, handlers);
  }

  #onRaftFrames(stream: PeerStream, hello: Hello, handlers: TransportHandlers): void {
    stream.onFrame = (frame) => {
      let messages: Message[];
      try {
        messages = decodeFrame(unpackFrame(frame, this.#settings.messageBytesMax));
      } catch (error) {
        handlers.log('warn', `a frame from ${hello.fromId} makes no sense: ${(error as Error).message}`);
        stream.refuse('not a frame');
        return;
      }
      handlers.onMessages(hello, messages);
    };
  }

  #onCall(call: ServerUnaryCall<Frame, Frame>, done: sendUnaryData<Frame>, handlers: TransportHandlers): void {
    const reply = (answer: object) => done(null, { payload: Buffer.from(JSON.stringify(answer)) });
    if (this.#isStranger(call.getPeer())) {
      this.#refusals!.note(call.getPeer(), WRONG_ADDRESS);
      reply({ error: WRONG_ADDRESS });
      return;
    }
    let parsed: PeerCall & { secret?: string };
    try {
      parsed = JSON.parse(call.request.payload.toString()) as typeof parsed;
    } catch {
      reply({ error: 'the call is not JSON' });
      return;
    }
    if (!this.#isSecret(parsed.secret)) {
      this.#refusals!.note(call.getPeer(), WRONG_SECRET);
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
      settings: this.#settings, random: this.#options.random ?? systemRandom,
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
          // The next call dials anew instead of waiting for what TCP and gRPC make of the old connection.
          this.#callClients.get(address)?.close();
          this.#callClients.delete(address);
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
    return sendStateTo(newClient(link.address, this.#settings, 'patient'), hello, state);
  }

  #clientFor(address: string): PeerClient {
    const known = this.#callClients.get(address);
    if (known !== undefined) return known;
    if (this.#callClients.size >= CALL_CLIENTS_MAX) {
      const [oldest, client] = [...this.#callClients][0]!;
      client.close();
      this.#callClients.delete(oldest);
    }
    const client = newClient(address, this.#settings, 'patient');
    this.#callClients.set(address, client);
    return client;
  }

  async stop(): Promise<void> {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    for (const client of this.#callClients.values()) client.close();
    this.#callClients.clear();
    this.#port?.stop();
    this.#server?.forceShutdown();
    await Promise.resolve();
  }
}

function onRequests(stream: PeerStream, hello: Hello, handlers: TransportHandlers): void {
  stream.onFrame = (frame) => {
    if (frame.payload.length === 0) return stream.refuse('not a request');
    const reader = new ByteReader(frame.payload);
    const id = reader.varint();
    handlers.onRequest(hello.fromId, reader.raw(reader.remaining), (answer) => {
      stream.write(new ByteWriter(answer.length + 9).varint(id).u8(0).raw(answer).finish());
    });
  };
}
