/**
 * Before 4.3, which has a message for it, drivers ask for the routing table by calling a procedure of the server's. Here it
 * is answered like the message, as a result of one row.
 */
import { ByteWriter } from '../base/bytes.ts';
import { assert } from '../base/assert.ts';
import { emptyStats } from '../cypher/context.ts';
import type { CypherMap } from '../value/value.ts';
import type { Results } from './door.ts';
import { boltEncoders } from './record-encoder.ts';

const CALL = /^\s*CALL\s+dbms\.(cluster\.)?routing\.getRoutingTable\s*\(/i;

export function asksForRouting(text: string): boolean {
  return CALL.test(text);
}

/** Context and database of the call, under whichever names the driver gives them. */
export function routingArguments(parameters: CypherMap): { readonly context: CypherMap; readonly db: string | undefined } {
  const context = parameters.get('context');
  const db = parameters.get('database') ?? parameters.get('db');
  return { context: context instanceof Map ? context : new Map(), db: typeof db === 'string' ? db : undefined };
}

export function routingResults(table: CypherMap, encoding: string, version: number): Results {
  const encoder = boltEncoders.find((one) => one.name === encoding);
  assert(encoder !== undefined, 'a connection names its own encoder');
  const writer = new ByteWriter();
  encoder.encode([table.get('ttl') ?? null, table.get('servers') ?? null], writer);
  const summary = { version, stats: emptyStats(), plan: undefined, mode: 'run' as const, notifications: [], elapsedMs: 0, repeated: false };
  return {
    columns: ['ttl', 'servers'], type: 'r', version, summary: undefined,
    next: async () => ({ bytes: writer.finish(), count: 1, summary }),
    discard: () => undefined,
  };
}
