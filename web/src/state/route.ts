/** Which page is shown: the part after `#/`. */
import { signal } from '@preact/signals';

export const PAGES = ['servers', 'query', 'schema', 'import', 'users', 'tasks', 'metrics'] as const;
export type PageName = (typeof PAGES)[number];

function current(): PageName {
  const name = location.hash.replace(/^#\//, '').split('?')[0];
  return PAGES.find((page) => page === name) ?? 'servers';
}

export const page = signal<PageName>(current());
addEventListener('hashchange', () => {
  page.value = current();
});

export function go(name: PageName): void {
  location.hash = `#/${name}`;
}
