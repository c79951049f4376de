/** Bookmarks are data versions, written `lgraph:<version>`: the same number as REST's `server_version`. */
import { DbError } from '../base/errors.ts';
import type { Value } from '../value/value.ts';

const FORM = /^lgraph:(\d{1,15})$/;

export function bookmark(version: number): string {
  return `lgraph:${version}`;
}

/** The version that a client which brings these bookmarks has seen. */
export function newestBookmark(value: Value | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw malformed('bookmarks must be a list of strings');
  let newest: number | undefined;
  for (const item of value) {
    const version = typeof item === 'string' ? FORM.exec(item)?.[1] : undefined;
    if (version === undefined) throw malformed(`"${String(item)}" is not a bookmark of this database`);
    newest = Math.max(newest ?? 0, Number(version));
  }
  return newest;
}

function malformed(message: string): DbError {
  return new DbError('InvalidBookmark', message, { hint: 'a bookmark looks like lgraph:1043' });
}
