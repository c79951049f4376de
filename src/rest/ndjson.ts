/**
 * A result of any length as lines of JSON (`Accept: application/x-ndjson`), each sent when it is there:
 *
 *   {"columns":["n","x"],"type":"r"}
 *   [{…},1]                                   a row; values as in the plain form
 *   {"summary":{"rows":1,"version":7,…}}      the last line; or {"error":{"error_code",…}} where the statement failed in the middle
 *
 * The next rows are fetched when the client has taken the last; if it leaves, the statement ends.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { releasing } from '../base/byte-streams.ts';
import { asDbError } from '../base/errors.ts';
import type { ResultStream } from '../service/session.ts';

export const NDJSON = 'application/x-ndjson';
export const LINES_ENCODING = 'json-lines';
/** So few that errors of the first rows still have a status of HTTP, and the first line comes early. */
export const LINES_FIRST_ROWS = 100;
const PART_ROWS = 4096;

async function* lines(stream: ResultStream, started: number): AsyncGenerator<string | Uint8Array> {
  let rows = 0;
  try {
    yield `${JSON.stringify({ columns: stream.columns, type: stream.type })}\n`;
    for (;;) {
      const part = await stream.next(PART_ROWS);
      rows += part.count;
      if (part.bytes.length > 0) yield part.bytes;
      if (part.summary === undefined) continue;
      const { mode, stats, plan, notifications, repeated } = part.summary;
      const elapsed = Number(((performance.now() - started) / 1000).toFixed(6));
      yield `${JSON.stringify({ summary: { rows, version: stream.version, elapsed, mode, stats, plan: plan ?? null, notifications, repeated } })}\n`;
      return;
    }
  } catch (error) {
    const { code, message, hint } = asDbError(error);
    yield `${JSON.stringify({ error: { error_code: code, error_message: message, ...(hint === undefined ? {} : { hint }) } })}\n`;
  }
}

export function sendLines(reply: FastifyReply, stream: ResultStream, started: number): FastifyReply {
  const text = releasing(lines(stream, started), () => stream.discard());
  return reply.header('server_version', String(stream.version)).type(`${NDJSON}; charset=utf-8`).send(Readable.from(text, { objectMode: false, highWaterMark: 64 * 1024 }));
}
