/**
 * Requests that a client sends one behind the other over one connection are all worked on, and their answers stand in line. When the connection
 * breaks, Node tells that to the answer that is being sent, and to no other: whatever those would stream would be held for ever. Here all of them hear of it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export function closeQueuedAnswers(server: Pick<Server, 'prependListener'>): void {
  const openOf = new WeakMap<Socket, Set<ServerResponse>>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    let open = openOf.get(socket);
    if (open === undefined) {
      const mine = open = new Set<ServerResponse>();
      openOf.set(socket, mine);
      // In the next turn: the one that is being sent has heard of it by then.
      socket.once('close', () => setImmediate(() => mine.forEach(close)));
    }
    const answers = open;
    answers.add(response);
    response.once('close', () => answers.delete(response));
  });
}

/** What Node does to an answer whose connection closed (`emitCloseNT` in its lib/_http_server.js); `closed` shows the field. */
function close(response: ServerResponse): void {
  if (response.closed) return;
  response.destroyed = true;
  (response as unknown as { _closed: boolean })._closed = true;
  response.emit('close');
}
