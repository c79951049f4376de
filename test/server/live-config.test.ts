import { expect, it } from 'vitest';
import { EMPTY_SYSTEM } from '../../src/graph/system.ts';
import { OPTIONS } from '../../src/server/options.ts';
import { changedLive, LIVE_OPTIONS, LIVE_SETTING, liveValues } from '../../src/service/live-config.ts';
import type { LiveValues } from '../../src/service/live-config.ts';

const configured = Object.fromEntries(Object.keys(LIVE_OPTIONS).map((name) => [name, OPTIONS.find((option) => option.name === name)!.default])) as unknown as LiveValues;
const withSetting = (value: unknown) => ({ ...EMPTY_SYSTEM, settings: { [LIVE_SETTING]: value } });

it('has the types and ranges of the table of options, and says so in its help', () => {
  for (const [name, live] of Object.entries(LIVE_OPTIONS)) {
    const option: { type: string; min?: number; max?: number } | undefined = OPTIONS.find((one) => one.name === name);
    expect(option?.type, name).toBe(live.type);
    if (live.type === 'integer') expect({ min: option?.min ?? -Infinity, max: option?.max ?? Number.MAX_SAFE_INTEGER }, name).toEqual({ min: live.min, max: live.max });
  }
});

it('puts what the group was told over what a server is configured as, until it is told null', () => {
  const first = changedLive(EMPTY_SYSTEM, [['slow_query_ms', 5], ['enable_audit_log', true]]);
  expect(liveValues(withSetting(first), configured)).toEqual({ ...configured, slow_query_ms: 5, enable_audit_log: true });
  const second = changedLive(withSetting(first), [['slow_query_ms', null]]);
  expect(second).toEqual({ enable_audit_log: true });
});

it.each([['verbose', 3], ['verbose', -1], ['verbose', 1.5], ['verbose', true], ['enable_audit_log', 'yes'], ['durable', true], ['toString', 1], ['__proto__', 1]])('refuses %s = %j', (name, value) => {
  expect(() => changedLive(EMPTY_SYSTEM, [[name, value]])).toThrow();
});
