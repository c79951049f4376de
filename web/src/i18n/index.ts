/**
 * Texts in the language of the browser, or the one chosen. `{name}` in a text is replaced by a value, `{name|one|many}` by the value and the
 * word that goes with it.
 */
import { effect, signal } from '@preact/signals';
import { keep, kept } from '../state/storage.ts';
import { en } from './en.ts';
import type { TextKey } from './en.ts';
import { zh } from './zh.ts';

export type Language = 'en' | 'zh';
const DICTIONARIES = { en, zh };

export const language = signal<Language>(kept<Language>('local', 'language', navigator.language.startsWith('zh') ? 'zh' : 'en'));
effect(() => {
  keep('local', 'language', language.value);
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});

export function t(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  return DICTIONARIES[language.value][key].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return one === undefined ? String(value) : `${value} ${String(value) === '1' ? one : many}`;
  });
}

const formats = { en: new Intl.NumberFormat('en'), zh: new Intl.NumberFormat('zh-CN') };

export function number(value: number | bigint): string {
  return formats[language.value].format(value);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value: number): string {
  let size = value;
  let unit = 0;
  for (; size >= 1000 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${size >= 100 || unit === 0 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** Milliseconds as people say them. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export type { TextKey };
