/**
 * Loads proto/raft.proto from the package and gives the service typed faces.
 */
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { Client, ClientDuplexStream, ClientUnaryCall, ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoFile } from './proto-file.ts';

export interface Frame {
  readonly payload: Buffer;
  readonly deflated?: boolean;
}

export type FrameStream = ClientDuplexStream<Frame, Frame>;

export interface PeerClient extends Client {
  Control(): FrameStream;
  Bulk(): FrameStream;
  Requests(): FrameStream;
  State(): FrameStream;
  Call(frame: Frame, options: { deadline: number }, done: (error: ServiceError | null, answer?: Frame) => void): ClientUnaryCall;
}

/** A sentence of JSON between two transports; its fields are the protocol's, so unknown ones are ignored. */
export interface Welcome {
  readonly nodeId: string;
  /** It reads frames with `deflated`. */
  readonly inflates?: boolean;
  /** Over gRPC: it knows lanes. */
  readonly lanes?: boolean;
}

let loaded: ServiceClientConstructor | undefined;

export function peerService(): ServiceClientConstructor {
  if (loaded !== undefined) return loaded;
  const definition = loadSync(protoFile('raft.proto'), { keepCase: true, longs: Number, defaults: true });
  const root = loadPackageDefinition(definition) as unknown as { lgraph: { raft: { v1: { Peer: ServiceClientConstructor } } } };
  loaded = root.lgraph.raft.v1.Peer;
  return loaded;
}
