/** The row encoders of all protocols, for every thread that executes statements. */
import { boltEncoders } from '../bolt/record-encoder.ts';
import { rpcEncoder } from '../rpc/row-encoder.ts';
import { jsonEncoders } from '../rest/row-json.ts';
import type { RowEncoder } from '../service/api.ts';

export function allEncoders(): ReadonlyMap<string, RowEncoder> {
  return new Map([...boltEncoders, ...jsonEncoders, rpcEncoder].map((encoder) => [encoder.name, encoder]));
}
