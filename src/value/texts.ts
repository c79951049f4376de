/** Long texts out of many: with an end to how long, and to how long it takes. */
import { mayMake, walk } from '../base/allowance.ts';
import { DbError } from '../base/errors.ts';

/** Longest text that is made; V8 ends at 2^29 characters. */
export const TEXT_MAX = 2 ** 28;

/** To be called before a text of so many characters is made. Throws MemoryLimit. */
export function mayMakeText(length: number): void {
  if (length > TEXT_MAX) throw new DbError('MemoryLimit', `a text would have ${length} characters; at most ${TEXT_MAX} are possible`);
  mayMake(length);
}

/** The texts of all items, joined. */
export function textsOf<T>(items: readonly T[], text: (item: T) => string, separator: string): string {
  walk(items.length);
  const texts: string[] = [];
  let length = 0;
  for (const item of items) {
    const made = text(item);
    length += made.length + separator.length;
    if (length > TEXT_MAX) mayMakeText(length);
    texts.push(made);
  }
  mayMake(length);
  return texts.join(separator);
}
