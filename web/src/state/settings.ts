/** Choices of this browser: theme, graph, how many rows. */
import { computed, effect, signal } from '@preact/signals';
import { keep, kept } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener('change', (event) => {
  systemIsDark.value = event.matches;
});

export const theme = signal<Theme>(kept<Theme>('local', 'theme', 'system'));
export const isDark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemIsDark.value));
export const graphName = signal(kept('local', 'graph', 'default'));
export const rowsMax = signal(kept('local', 'rowsMax', 10_000));

effect(() => {
  keep('local', 'theme', theme.value);
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
});
effect(() => keep('local', 'graph', graphName.value));
effect(() => keep('local', 'rowsMax', rowsMax.value));
