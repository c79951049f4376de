/**
 * A call that its client has given up before anybody heard of it is not begun.
 *
 * grpc-js answers a call that it cannot serve at once, also where the stream is gone already, and HTTP/2 throws at that, where nobody
 * catches. HEADERS and RST_STREAM in the first packet of a connection are enough, because what is put back into a socket (peer-port.ts)
 * reaches HTTP/2 in one piece. A stranger must not end a server, so the event is kept from grpc-js.
 */
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';

/** Not part of what grpc-js promises; its version is pinned, and the test of this (test/rpc/lanes.test.ts) fails where it changes. */
interface MakesHttp2 {
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

/** Before the server is bound. */
export function skipGivenUpCalls(server: Server): void {
  const inner = server as unknown as MakesHttp2;
  const make = inner.createHttp2Server.bind(server);
  inner.createHttp2Server = (credentials) => {
    const http2 = make(credentials);
    const emit = http2.emit.bind(http2) as (event: string, ...values: unknown[]) => boolean;
    http2.emit = (event: string, ...values: unknown[]) => {
      const isGivenUp = event === 'stream' && isOver(values[0] as ServerHttp2Stream);
      return isGivenUp || emit(event, ...values);
    };
    return http2;
  };
}

const isOver = (stream: ServerHttp2Stream) => stream.destroyed || stream.closed;
