/** The shell's history: one statement per line in a file of the user's. */
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { oneLine } from './statements.ts';

export const HISTORY_MAX = 1000;

/** Newest first, as readline wants it. A file that has grown to twice the limit is cut. */
export function loadHistory(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
    if (lines.length > 2 * HISTORY_MAX) writeFileSync(file, `${lines.slice(-HISTORY_MAX).join('\n')}\n`, { mode: 0o600 });
    return lines.slice(-HISTORY_MAX).reverse();
  } catch {
    return []; // No history yet.
  }
}

/** The line as it is remembered, or undefined for one that may hold a password: such a one is not kept. */
export function historyLine(text: string): string | undefined {
  if (/password|createUser/i.test(text)) return undefined;
  return text.startsWith(':') ? text : `${oneLine(text)};`;
}

export function saveHistory(file: string, line: string): void {
  try {
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch {
    // A home that cannot be written is no reason to fail.
  }
}
