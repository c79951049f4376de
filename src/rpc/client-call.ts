/**
 * One call of a client, wherever its connection is: in this thread, or in the consensus thread, which has the port of a
 * group's servers (decision 013). Requests and answers are bytes; every method gets one request.
 */
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServerWritableStream, UntypedServiceImplementation, ServiceDefinition as GrpcServiceDefinition } from '@grpc/grpc-js';
import { plainAddress } from '../service/origin.ts';

/** How a call ends. */
export interface CallStatus {
  /** A code of gRPC; 0 is OK. */
  readonly code: number;
  readonly details: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a client sent, as plain data. */
export interface CallStart {
  /** `/package.Service/Method` */
  readonly path: string;
  /** The client's address, without its port. */
  readonly address: string;
  /** What we understand of the metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly request: Uint8Array;
}

export interface ClientCall extends CallStart {
  /** The client has left, or its deadline has passed. */
  readonly isGone: boolean;
  onGone(listener: () => void): void;
  /** Resolves when there is room for more, or nobody there. One at a time. */
  send(message: Uint8Array): Promise<void>;
  end(status: CallStatus): void;
}

export type Serve = (call: ClientCall) => void;

const UNDERSTOOD = ['authorization', 'traceparent'] as const;

type GrpcCall = ServerWritableStream<Buffer, Uint8Array>;

class OwnCall implements ClientCall {
  readonly #call: GrpcCall;
  readonly path: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly request: Uint8Array;
  #goneListeners: (() => void)[] = [];

  constructor(call: GrpcCall, path: string) {
    this.#call = call;
    this.path = path;
    this.address = addressOf(call.getPeer());
    this.request = call.request;
    this.metadata = Object.fromEntries(UNDERSTOOD.flatMap((name) => {
      const [value] = call.metadata.get(name);
      return typeof value === 'string' ? [[name, value]] : [];
    }));
    call.on('error', () => undefined);
    call.once('cancelled', () => {
      for (const listener of this.#goneListeners.splice(0)) listener();
    });
  }

  get isGone(): boolean {
    return this.#call.cancelled;
  }

  onGone(listener: () => void): void {
    if (this.isGone) listener();
    else this.#goneListeners.push(listener);
  }

  send(message: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // Written to a client that has left, its callback is never called.
      this.onGone(resolve);
      if (this.isGone) return;
      this.#call.write(message, () => {
        this.#goneListeners = this.#goneListeners.filter((one) => one !== resolve);
        resolve();
      });
    });
  }

  end({ code, details, metadata }: CallStatus): void {
    if (this.isGone) return;
    const trailer = new Metadata();
    for (const [name, value] of Object.entries(metadata)) trailer.set(name, value);
    if (code === grpcStatus.OK) this.#call.end(trailer);
    else this.#call.emit('error', { code, details, metadata: trailer });
  }
}

export function addressOf(peer: string): string {
  return plainAddress(peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
}

/** gRPC wants a Buffer; what came from another thread is a plain array of bytes. */
const asIs = (bytes: Uint8Array) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));

/** Methods whose messages stay bytes. An answer of one message is a stream of one: on the wire they are the same. */
export function rawMethods(paths: readonly string[], serve: Serve): { readonly definition: GrpcServiceDefinition; readonly methods: UntypedServiceImplementation } {
  const definition = Object.fromEntries(paths.map((path) => [path, {
    path, requestStream: false, responseStream: true, requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs,
  }]));
  const methods = Object.fromEntries(paths.map((path) => [path, (call: GrpcCall) => serve(new OwnCall(call, path))]));
  return { definition, methods };
}
