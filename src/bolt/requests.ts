/**
 * The messages of a client as checked data, and what their `extra` maps ask for.
 *
 *   bookmarks                      serve from a state at least that new (bookmarks.ts)
 *   tx_timeout                     milliseconds; 0: none
 *   tx_metadata.idempotency_key    apply this write at most once, however often it is sent
 *   tx_metadata.read_mode          'local', 'bounded' or 'linearizable'
 *   tx_metadata.max_staleness_ms   how old a bounded read may be
 *   tx_metadata.traceparent        the client's W3C trace context, for the logs
 *   mode                           'r' refuses writes
 *   db                             the graph; 'neo4j' and 'system', which drivers and tools assume, mean the default one
 */
import { DbError } from '../base/errors.ts';
import { idempotencyKeyOf } from '../service/idempotency-key.ts';
import { traceparentOf } from '../service/origin.ts';
import type { ReadMode } from '../service/read-index.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { newestBookmark } from './bookmarks.ts';
import type { Message } from './structures.ts';

export type BoltRequest =
  | { readonly kind: 'HELLO' | 'LOGON'; readonly extra: CypherMap }
  | { readonly kind: 'RUN'; readonly text: string; readonly parameters: CypherMap; readonly extra: CypherMap }
  | { readonly kind: 'PULL' | 'DISCARD'; readonly rows: number; readonly qid: number }
  | { readonly kind: 'BEGIN'; readonly extra: CypherMap }
  | { readonly kind: 'ROUTE'; readonly context: CypherMap; readonly db: string | undefined }
  | { readonly kind: 'LOGOFF' | 'COMMIT' | 'ROLLBACK' | 'RESET' | 'GOODBYE' | 'TELEMETRY' };

export type RequestKind = BoltRequest['kind'];

const KINDS: ReadonlyMap<number, RequestKind> = new Map([
  [0x01, 'HELLO'], [0x6a, 'LOGON'], [0x6b, 'LOGOFF'], [0x02, 'GOODBYE'], [0x0f, 'RESET'], [0x10, 'RUN'], [0x2f, 'DISCARD'],
  [0x3f, 'PULL'], [0x11, 'BEGIN'], [0x12, 'COMMIT'], [0x13, 'ROLLBACK'], [0x54, 'TELEMETRY'], [0x66, 'ROUTE'],
]);

/** What the message is, from its first bytes. */
export function requestKind(message: Buffer): RequestKind | undefined {
  return (message[0]! & 0xf0) === 0xb0 ? KINDS.get(message[1] ?? 0) : undefined;
}

export function readRequest(message: Message): BoltRequest {
  const kind = KINDS.get(message.tag);
  const [first, second, third] = message.fields;
  switch (kind) {
    case undefined: throw invalid(`there is no message 0x${message.tag.toString(16)}`);
    case 'HELLO':
    case 'LOGON':
    case 'BEGIN': return { kind, extra: mapOf(first) };
    case 'RUN': return { kind, text: textOf(first, 'the statement'), parameters: mapOf(second), extra: mapOf(third) };
    case 'PULL':
    case 'DISCARD': {
      const extra = mapOf(first);
      return { kind, rows: rowsOf(extra.get('n')), qid: integerOf(extra.get('qid') ?? -1, 'qid') };
    }
    case 'ROUTE': {
      const db = third instanceof Map ? third.get('db') : third;
      return { kind, context: mapOf(first), db: typeof db === 'string' ? db : undefined };
    }
    default: return { kind };
  }
}

/** `n`: -1 is all. */
function rowsOf(value: Value | undefined): number {
  const rows = integerOf(value ?? -1, 'n');
  if (rows === -1) return Infinity;
  if (rows < 1) throw invalid(`n must be -1 or at least 1, but is ${rows}`);
  return rows;
}

function integerOf(value: Value, name: string): number {
  if (typeof value === 'bigint') return value > 0n ? Infinity : -Infinity;
  if (typeof value !== 'number') throw invalid(`${name} must be an integer`);
  return value;
}

function textOf(value: Value | undefined, name: string): string {
  if (typeof value !== 'string') throw invalid(`${name} must be a string`);
  return value;
}

function mapOf(value: Value | undefined): CypherMap {
  if (value === undefined || value === null) return new Map();
  if (!(value instanceof Map)) throw invalid('a map was expected');
  return value;
}

function invalid(message: string): DbError {
  return new DbError('InvalidRequest', message);
}

export interface StatementExtra {
  readonly graph: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly minVersion: number | undefined;
  readonly readMode: ReadMode | undefined;
  readonly idempotencyKey: string | undefined;
  readonly readOnly: boolean;
  readonly notifications: Partial<NotificationFilter>;
  readonly traceparent: string | undefined;
}

/** Which notifications a client wants to be told; what a statement leaves open is as its connection has it. */
export interface NotificationFilter {
  readonly severity: 'OFF' | 'WARNING' | 'INFORMATION';
  /** Categories, in capitals. */
  readonly disabled: readonly string[];
}

export function readExtra(extra: CypherMap): StatementExtra {
  const impersonated = extra.get('imp_user') ?? null;
  if (impersonated !== null) {
    throw new DbError('NotSupported', 'acting as another user (imp_user) is not supported', { hint: 'log in as that user' });
  }
  const metadata = mapOf(extra.get('tx_metadata'));
  return {
    graph: graphOf(extra.get('db')),
    timeoutMs: timeoutOf(extra.get('tx_timeout')),
    minVersion: newestBookmark(extra.get('bookmarks')),
    readMode: readModeOf(metadata.get('read_mode'), metadata.get('max_staleness_ms')),
    idempotencyKey: keyOf(metadata.get('idempotency_key')),
    readOnly: extra.get('mode') === 'r',
    notifications: notificationFilter(extra),
    traceparent: traceparentOf(metadata.get('traceparent')),
  };
}

export function notificationFilter(extra: CypherMap): Partial<NotificationFilter> {
  const severity = extra.get('notifications_minimum_severity');
  // From Bolt 5.5 on they are called classifications.
  const disabled = extra.get('notifications_disabled_classifications') ?? extra.get('notifications_disabled_categories');
  return {
    ...(severity === 'OFF' || severity === 'WARNING' || severity === 'INFORMATION' ? { severity } : {}),
    ...(Array.isArray(disabled) ? { disabled: disabled.filter((one) => typeof one === 'string').map((one) => one.toUpperCase()) } : {}),
  };
}

const NAMES_OF_DEFAULT: ReadonlySet<Value> = new Set(['', 'neo4j', 'system']);

function graphOf(value: Value | undefined): string | undefined {
  if (value === undefined || value === null || NAMES_OF_DEFAULT.has(value)) return undefined;
  return textOf(value, 'db');
}

function timeoutOf(value: Value | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  const timeoutMs = integerOf(value, 'tx_timeout');
  if (timeoutMs < 0) throw new DbError('ArgumentError', `tx_timeout must not be negative, but is ${timeoutMs}`);
  return timeoutMs === Infinity ? 0 : timeoutMs;
}

function readModeOf(value: Value | undefined, stalenessMs: Value | undefined): ReadMode | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === 'bounded') {
    const boundedMs = stalenessMs === undefined || stalenessMs === null ? undefined : integerOf(stalenessMs, 'tx_metadata.max_staleness_ms');
    if (boundedMs !== undefined && boundedMs < 0) throw new DbError('ArgumentError', `tx_metadata.max_staleness_ms must not be negative, but is ${boundedMs}`);
    return { boundedMs };
  }
  if (value !== 'local' && value !== 'linearizable') {
    throw new DbError('ArgumentError', "tx_metadata.read_mode must be 'local', 'bounded' or 'linearizable'");
  }
  return value;
}

const IDEMPOTENCY_KEY = 'tx_metadata.idempotency_key';

function keyOf(value: Value | undefined): string | undefined {
  return value === undefined || value === null ? undefined : idempotencyKeyOf(textOf(value, IDEMPOTENCY_KEY), IDEMPOTENCY_KEY);
}
