/** What the browser keeps for us: `session` for this tab, `local` for this browser. Works without (private windows, full disks). */
const PREFIX = 'lgraph.';
const storages = { session: () => sessionStorage, local: () => localStorage };
export type Where = keyof typeof storages;

export function kept<T>(where: Where, name: string, otherwise: T): T {
  try {
    const text = storages[where]().getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}

export function keep(where: Where, name: string, value: unknown): void {
  try {
    if (value === undefined) storages[where]().removeItem(PREFIX + name);
    else storages[where]().setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Then it lasts as long as the page.
  }
}
