/** The client services on a gRPC server: on the one that servers of a group share with their peers, or on one of its own. */
import { Server } from '@grpc/grpc-js';
import type { ServerCredentials } from '@grpc/grpc-js';
import { rawMethods } from './client-call.ts';
import type { Serve } from './client-call.ts';
import { relayedPaths } from './client-proto.ts';
import { addReflection } from './reflection.ts';
import { skipGivenUpCalls } from './given-up-calls.ts';
import { sizeOptions } from './raft-channel.ts';

/** `mayAsk`: whether an address may connect at all, for what `serve` does not see. */
export function addClientServices(server: Server, serve: Serve, mayAsk: (peer: string) => boolean): void {
  const { definition, methods } = rawMethods(relayedPaths(), serve);
  server.addService(definition, methods);
  addReflection(server, mayAsk);
}

export interface ClientServerOptions {
  readonly host: string;
  readonly port: number;
  readonly messageBytesMax: number;
  readonly credentials: ServerCredentials;
  readonly mayAsk: (peer: string) => boolean;
}

/** Half a minute without a sign of life ends a connection, and the statements on it. */
const KEEP_ALIVE_MS = 30_000;
const STREAMS_MAX = 1000;

/** rpc_port of a server without a group. */
export class ClientServer {
  readonly #server: Server;
  readonly #options: ClientServerOptions;

  constructor(serve: Serve, options: ClientServerOptions) {
    this.#options = options;
    this.#server = new Server({
      // A row may be larger than any request.
      ...sizeOptions(options.messageBytesMax), 'grpc.max_send_message_length': -1, 'grpc.max_concurrent_streams': STREAMS_MAX, 'grpc.keepalive_time_ms': KEEP_ALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEP_ALIVE_MS / 3,
    });
    skipGivenUpCalls(this.#server);
    addClientServices(this.#server, serve, options.mayAsk);
  }

  async start(): Promise<void> {
    const { host, port, credentials } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials, (error) => {
        if (error === null) resolve();
        else reject(new Error(`cannot listen for gRPC on ${host}:${port}: ${error.message}`));
      });
    });
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
  }
}
