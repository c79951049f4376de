/** Statements that were run, and those worth keeping, in this browser. */
import { effect, signal } from '@preact/signals';
import { keep, kept } from '../state/storage.ts';

export interface Ran {
  readonly text: string;
  readonly graph: string;
  readonly at: number;
  readonly ms: number;
  /** Rows, or undefined where it failed. */
  readonly rows: number | undefined;
}

const KEPT_MAX = 200;
export const history = signal<readonly Ran[]>(kept('local', 'history', []));
export const favourites = signal<readonly string[]>(kept('local', 'favourites', []));
effect(() => keep('local', 'history', history.value));
effect(() => keep('local', 'favourites', favourites.value));

export function ran(entry: Ran): void {
  const [last] = history.value;
  const rest = last?.text === entry.text && last.graph === entry.graph ? history.value.slice(1) : history.value;
  history.value = [entry, ...rest].slice(0, KEPT_MAX);
}

export function toggleFavourite(text: string): void {
  const trimmed = text.trim();
  if (trimmed === '') return;
  favourites.value = favourites.value.includes(trimmed) ? favourites.value.filter((one) => one !== trimmed) : [trimmed, ...favourites.value];
}
