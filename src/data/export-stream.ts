/**
 * Graphs of one read point as a stream of file parts, and its form on the wire:
 *
 *   {"path":"default/Person.csv","bytes":65540,"elements":812}\n   then so many bytes, again and again
 *   {"end":true,"version":117,"elements":90210}\n                  without it the stream was cut off
 */
import { setImmediate } from 'node:timers/promises';
import { DbError } from '../base/errors.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import { exportGraph } from './export-graph.ts';
import type { ExportOptions } from './export-graph.ts';
import type { ExportPart } from './export-part.ts';

/** Paths begin with the graph's name. One turn of the event loop a part, or some elements without one: other work goes on in between. */
export async function* exportParts(point: ReadPoint, graphs: readonly string[], options: ExportOptions): AsyncGenerator<ExportPart> {
  let before = 0;
  for (const name of graphs) {
    const view = point.view(name);
    let elements = 0;
    for (const part of exportGraph(view, point.source(point.findGraph(name)!.id), options)) {
      if (part !== undefined) {
        ({ elements } = part);
        yield { path: `${name}/${part.path}`, text: part.text, elements: before + elements };
      }
      await setImmediate();
    }
    before += elements;
  }
}

export async function* framed(parts: AsyncIterable<ExportPart>, version: number): AsyncGenerator<Buffer> {
  let elements = 0;
  for await (const part of parts) {
    ({ elements } = part);
    const bytes = Buffer.from(part.text);
    yield Buffer.concat([Buffer.from(`${JSON.stringify({ path: part.path, bytes: bytes.length, elements })}\n`), bytes]);
  }
  yield Buffer.from(`${JSON.stringify({ end: true, version, elements })}\n`);
}

export interface BytesPart {
  readonly path: string;
  readonly bytes: Buffer;
  readonly elements: number;
}

/** Reads what `framed` wrote; returns the version. Throws if the stream ends early. */
export async function* unframed(stream: AsyncIterable<Uint8Array>): AsyncGenerator<BytesPart, number> {
  let buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer, chunk]);
    for (;;) {
      const feed = buffer.indexOf(10);
      if (feed < 0) break;
      const head = JSON.parse(buffer.toString('utf8', 0, feed)) as { path?: string; bytes?: number; elements: number; end?: boolean; version?: number };
      if (head.end === true) return head.version!;
      if (buffer.length < feed + 1 + head.bytes!) break;
      yield { path: head.path!, bytes: buffer.subarray(feed + 1, feed + 1 + head.bytes!), elements: head.elements };
      buffer = buffer.subarray(feed + 1 + head.bytes!);
    }
  }
  throw new DbError('InvalidRequest', 'the export was cut off: the server went away or has closed the connection', { hint: 'export again' });
}
