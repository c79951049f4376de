/** The shell's history: one statement per line in a file of the user's. */
import { appendFileSync, readFileSync } from 'node:fs';

const KEPT = 1000;

/** Newest first, as readline wants it. */
export function loadHistory(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').slice(-KEPT).reverse();
  } catch {
    return []; // No history yet.
  }
}

export function saveHistory(file: string, statement: string): void {
  // A statement may hold a password: such a one is not kept.
  if (/password/i.test(statement)) return;
  try {
    appendFileSync(file, `${statement.replaceAll(/\s*\n\s*/g, ' ')};\n`, { mode: 0o600 });
  } catch {
    // A home that cannot be written is no reason to fail.
  }
}
