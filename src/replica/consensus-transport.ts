/**
 * How consensus threads reach each other: declared here, implemented over TCP and gRPC by `rpc` and in memory by the simulator.
 *
 * Messages are best effort: they may be lost, late or repeated, and the core copes. Requests (between main threads)
 * and calls (formation, joining: by address, before anybody is a member) are answered once or fail.
 */
import type { Message } from '../raft/messages.ts';
import type { Acknowledged, Answered } from '../raft/node.ts';
import type { Config, NodeId } from '../raft/types.ts';
import type { Reading } from './bulk-files.ts';
import type { NodeInfo } from './protocol.ts';

/** The first thing said on every stream. */
export interface Hello {
  readonly clusterId: string;
  readonly fromId: NodeId;
  /** Whom the dialler expects at this address: an address that changed hands is noticed. */
  readonly toId: NodeId;
  readonly bootSeq: number;
  /** New with every start: a directory put back from a backup may come to the same `bootSeq` again. Absent from versions before. */
  readonly startId?: string;
  /** From a leader: what the peer has acknowledged to it. */
  readonly acknowledged?: Acknowledged | undefined;
  /** In which term the peer last voted for whoever says this, or followed it. */
  readonly answered?: Answered | undefined;
  readonly version: number;
  readonly info: NodeInfo;
}

export interface TransportHandlers {
  hello(to: NodeId): Hello;
  /** Why a peer that says this is refused; undefined: welcome. */
  refuse(hello: Hello): string | undefined;
  /** A peer opened its control stream: it lives, with this identity. */
  onPeerUp(hello: Hello): void;
  /** Its control stream closed. */
  onPeerDown(id: NodeId): void;
  /** Our own streams to a peer broke: what was on its way may be lost. */
  onPeerLost(id: NodeId): void;
  /** With the greeting of the stream that they came on. */
  onMessages(hello: Hello, messages: readonly Message[]): void;
  onState(from: NodeId, header: StateHeader): StateSink | StateRefusal;
  onRequest(from: NodeId, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void;
  /** Answers a call; a rejected promise travels back as its message. */
  onCall(call: PeerCall): Promise<unknown>;
  log(level: 'debug' | 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * What a file is that one server sends to another: the state at an index, and what its log must begin with. `sha256` of the whole
 * file is its name: a transfer that broke goes on where it stopped when the name is the same.
 */
export interface StateHeader {
  readonly sha256: string;
  readonly index: number;
  readonly term: number;
  readonly config: Config;
  readonly bytes: number;
}

/** Takes a state that arrives; `offset` is where an earlier, broken transfer of the same file stopped. */
export interface StateSink {
  readonly offset: number;
  write(bytes: Uint8Array): Promise<void>;
  /** All of it has arrived: it is durable when this resolves, and is proved whole when it is installed. */
  end(): Promise<void>;
  abort(): Promise<void>;
}

/** Why a state is not taken. `installing`: this one is here already and will be in use soon; `there`: it (or more) is in use. */
export interface StateRefusal {
  readonly refused: 'installing' | 'there' | string;
}

/** What became of a state that was sent. */
export type StateOutcome = 'stored' | 'installing' | 'there';

export interface SendState {
  readonly header: StateHeader;
  open(): Promise<Reading>;
  /** Milliseconds to wait before a part of so many bytes goes out. Throws to end the transfer. */
  pause(bytes: number): number;
  /** The other side has so many bytes of the file. */
  onProgress(bytes: number): void;
}

export interface PeerCall {
  readonly op: string;
  readonly body: unknown;
}

export interface Transport {
  start(handlers: TransportHandlers): Promise<void>;
  /** Keeps streams to exactly these peers. */
  setPeers(peers: readonly { readonly id: NodeId; readonly address: string }[]): void;
  send(to: NodeId, messages: readonly Message[]): void;
  /** Rejects when the peer cannot be reached or does not answer in time. */
  request(to: NodeId, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Sends a file, or the rest of it; resolves when the other side has it durably or does not need it any more. */
  sendState(to: NodeId, state: SendState): Promise<StateOutcome>;
  call(address: string, call: PeerCall, timeoutMs: number): Promise<unknown>;
  stop(): Promise<void>;
}

/** A group of one has nobody to talk to. */
export const noTransport: Transport = {
  start: () => Promise.resolve(),
  setPeers: () => undefined,
  send: () => undefined,
  request: () => Promise.reject(new Error('this server runs alone')),
  sendState: () => Promise.reject(new Error('this server runs alone')),
  call: () => Promise.reject(new Error('this server runs alone')),
  stop: () => Promise.resolve(),
};
