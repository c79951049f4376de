/** How a client wants a statement to run: the fields of `RunRequest` beside the statement. */
import { idempotencyKeyOf } from '../service/idempotency-key.ts';
import type { ReadMode } from '../service/read-index.ts';
import type { RunOptions } from '../service/session.ts';
import type { Message } from './client-values.ts';
import { mapOf, wrong } from './client-values.ts';
import { RPC_ENCODING } from './row-encoder.ts';

/** A count or a time that is not negative; 0, which is also what was not sent, is none. */
export function timeOf(value: unknown, name: string): number | undefined {
  const number = Number(value);
  if (number < 0 || !Number.isSafeInteger(number)) throw wrong(`\`${name}\` must not be negative or beyond 2^53, found ${String(value)}`);
  return number === 0 ? undefined : number;
}

export function readModeOf({ read_mode: mode, max_staleness_ms: staleness }: Message): ReadMode | undefined {
  switch (mode) {
    case 'LOCAL': return undefined;
    case 'LINEARIZABLE': return 'linearizable';
    case 'BOUNDED': return { boundedMs: staleness === undefined ? undefined : timeOf(staleness, 'max_staleness_ms') };
    default: throw wrong(`there is no read mode ${String(mode)}`);
  }
}

export function runOptionsOf(request: Message): Omit<RunOptions, 'firstRows'> {
  const waitMs = Number(request.version_wait_ms);
  return {
    graph: String(request.graph), parameters: mapOf(request.parameters), encoding: RPC_ENCODING,
    timeoutMs: timeOf(request.timeout_ms, 'timeout_ms'), minVersion: timeOf(request.min_version, 'min_version'),
    versionWaitMs: waitMs === 0 ? undefined : Math.max(0, waitMs), readMode: readModeOf(request),
    idempotencyKey: keyOf(request), readOnly: request.read_only === true,
  };
}

/** The request's idempotency key; undefined without one. */
export function keyOf({ idempotency_key: key }: Message): string | undefined {
  return key === '' ? undefined : idempotencyKeyOf(String(key), '`idempotency_key`');
}
