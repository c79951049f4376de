/** How requests come in: bodies as JSON in UTF-8, numbers exact; and what is no request of HTTP is refused in the form of every other error. */
import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import { parseJson } from '../value/json.ts';

/** Text is JSON too: TuGraph's clients send either type. */
const TYPES = ['application/json', 'text/plain'];

export function takeBodies(app: FastifyInstance): void {
  // Not by fastify itself: a body that is not JSON gets our own error, and numbers stay exact.
  app.removeContentTypeParser(TYPES);
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, body.length === 0 ? {} : parseJson(textOf(body as Buffer, request.headers['content-encoding'])));
    } catch (error) {
      done(error as Error);
    }
  });
}

function textOf(body: Buffer, encoding = 'identity'): string {
  if (encoding.toLowerCase() !== 'identity') throw new DbError('InvalidRequest', `the body is in the content-encoding "${encoding}"`, { hint: 'send it as it is' });
  // Else what cannot be read would be stored as U+FFFD.
  if (!isUtf8(body)) throw new DbError('InvalidRequest', 'Failed to extract JSON: the body is not UTF-8', { hint: 'JSON is sent in UTF-8, whatever its content-type says' });
  const text = body.toString();
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Answers what Node cannot read as a request, and closes. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? [408, 'the request did not arrive in time (http_request_timeout_ms)'] as const
    : error.code === 'HPE_HEADER_OVERFLOW' ? [431, 'the head of the request is too long'] as const
      : [400, `this is no request of HTTP: ${error.message}`] as const;
  const body = JSON.stringify({ error_code: 'InvalidRequest', error_message: message });
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  }
  socket.destroySoon();
}
