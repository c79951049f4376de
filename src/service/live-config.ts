/**
 * Options that change while the servers run, for the whole group at once: they are part of the replicated state, and what is
 * there has the last word over the configuration of a server (as in TuGraph, whose four live options are among them).
 */
import { DbError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { SystemState } from '../graph/system.ts';

/** Name of the live options among the system settings. */
export const LIVE_SETTING = 'config';

type LiveType = { readonly type: 'boolean' } | { readonly type: 'integer'; readonly min: number; readonly max: number };

/** Ranges as in the table of options (a test compares them). */
export const LIVE_OPTIONS = {
  enable_audit_log: { type: 'boolean' },
  enable_ip_check: { type: 'boolean' },
  audit_log_expire: { type: 'integer', min: 0, max: 876_000 },
  slow_query_ms: { type: 'integer', min: 0, max: 86_400_000 },
  verbose: { type: 'integer', min: 0, max: 2 },
  token_life_s: { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
  token_refresh_s: { type: 'integer', min: 60, max: Number.MAX_SAFE_INTEGER },
  login_failures_max: { type: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER },
  login_lock_ms: { type: 'integer', min: 100, max: Number.MAX_SAFE_INTEGER },
  statement_timeout_ms: { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
} as const satisfies Readonly<Record<string, LiveType>>;

export type LiveName = keyof typeof LIVE_OPTIONS;
export type LiveValues = { readonly [N in LiveName]: (typeof LIVE_OPTIONS)[N]['type'] extends 'boolean' ? boolean : number };

/** TuGraph changes these too; here they are what they were started as. */
export const FIXED_OPTIONS: readonly string[] = ['durable', 'optimistic_txn'];

/** The state's values over those of the configuration. */
export function liveValues(system: SystemState, configured: LiveValues): LiveValues {
  return { ...configured, ...stored(system) };
}

function stored(system: SystemState): Partial<LiveValues> {
  const values = system.settings[LIVE_SETTING];
  return values !== null && typeof values === 'object' ? values as Partial<LiveValues> : {};
}

/** The setting after some changes; null: as each server is configured. Throws for what is unknown or out of range. */
export function changedLive(system: SystemState, changes: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const values: Record<string, unknown> = { ...stored(system) };
  for (const [name, value] of changes) {
    const option: LiveType | undefined = Object.hasOwn(LIVE_OPTIONS, name) ? LIVE_OPTIONS[name as LiveName] : undefined;
    if (option === undefined) {
      const near = suggest(name, Object.keys(LIVE_OPTIONS));
      throw new DbError('ArgumentError', `Option ${name} does not exist.`, { hint: near === undefined ? `these change while the server runs: ${Object.keys(LIVE_OPTIONS).join(', ')}` : `did you mean ${near}?` });
    }
    if (value === null) {
      delete values[name];
      continue;
    }
    check(name, option, value);
    values[name] = value;
  }
  return values;
}

function check(name: string, option: LiveType, value: unknown): void {
  if (option.type === 'boolean') {
    if (typeof value !== 'boolean') throw new DbError('ArgumentError', `Option ${name} must be BOOL type.`);
    return;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new DbError('ArgumentError', `Option ${name} must be INTEGER type.`);
  if (value < option.min || value > option.max) throw new DbError('ArgumentError', `Option ${name} is from ${option.min} to ${option.max}, found ${value}.`);
}
