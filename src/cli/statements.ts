/** Splits a script into statements at semicolons, outside of quotes and comments; `:commands` are lines of their own. */

export interface SplitScript {
  readonly complete: readonly string[];
  /** Where in the script each of them begins. */
  readonly starts: readonly number[];
  /** What stands behind the last semicolon. */
  readonly rest: string;
}

export function splitStatements(script: string): SplitScript {
  const complete: string[] = [];
  const starts: number[] = [];
  let start = 0;
  let i = 0;
  while (i < script.length) {
    const skipped = skipQuotedOrComment(script, i);
    if (skipped > i) {
      i = skipped;
      continue;
    }
    if (script[i] === ';') {
      const statement = script.slice(start, i);
      if (!isBlank(statement)) {
        complete.push(statement.trim());
        starts.push(start + statement.length - statement.trimStart().length);
      }
      start = i + 1;
    }
    i++;
  }
  return { complete, starts, rest: script.slice(start) };
}

/** The place behind the quoted text or comment that starts here; `i` itself if none does. An open one ends with the script. */
function skipQuotedOrComment(script: string, i: number): number {
  const character = script[i]!;
  if (character === "'" || character === '"' || character === '`') {
    for (let j = i + 1; j < script.length; j++) {
      if (script[j] === '\\' && character !== '`') j++;
      else if (script[j] === character) return j + 1;
    }
    return script.length;
  }
  if (script.startsWith('//', i)) {
    const end = script.indexOf('\n', i);
    return end < 0 ? script.length : end;
  }
  if (script.startsWith('/*', i)) {
    const end = script.indexOf('*/', i + 2);
    return end < 0 ? script.length : end + 2;
  }
  return i;
}

/** Whether there is nothing but space and comments. */
export function isBlank(script: string): boolean {
  for (let i = 0; i < script.length;) {
    if (/\s/.test(script[i]!)) i++;
    else if (script[i] !== '/') return false;
    else {
      const end = skipQuotedOrComment(script, i);
      if (end === i) return false;
      i = end;
    }
  }
  return true;
}

/** The statement on one line that means the same: comments are left out, a line break in a string becomes `\n`. */
export function oneLine(statement: string): string {
  let line = '';
  for (let i = 0; i < statement.length;) {
    const end = skipQuotedOrComment(statement, i);
    if (end === i) line += statement[i++]!;
    else {
      if (statement[i] === '/') line += ' ';
      else line += statement.slice(i, end).replaceAll('\r', '').replaceAll('\n', statement[i] === '`' ? ' ' : '\\n');
      i = end;
    }
    if (/\s$/.test(line) && statement[i - 1] !== "'" && statement[i - 1] !== '"') line = `${line.trimEnd()} `;
  }
  return line.trim();
}

/** A statement or a `:command`, and the line of the script, from 1, on which it begins. */
export interface Unit {
  readonly text: string;
  readonly line: number;
}

/** Gathers lines until statements are complete. */
export class StatementReader {
  #pending = '';
  #pendingLine = 1;
  #nextLine = 1;

  /** What has been read and is no whole statement yet. */
  get pending(): string {
    return this.#pending;
  }

  push(line: string): Unit[] {
    if (isBlank(this.#pending)) {
      const command = commandOf(line);
      if (command !== undefined) {
        this.clear();
        return [{ text: command, line: this.#nextLine++ }];
      }
    }
    this.#pending += `${line}\n`;
    this.#nextLine++;
    // Without a semicolon in the new line nothing can have become complete.
    if (!line.includes(';')) {
      if (this.#pending.trim() === '') this.clear();
      return [];
    }
    const { complete, starts, rest } = splitStatements(this.#pending);
    const units = complete.map((text, i) => ({ text, line: this.#lineAt(starts[i]!) }));
    this.#pendingLine = this.#lineAt(this.#pending.length - rest.length);
    this.#pending = rest;
    if (rest.trim() === '') this.clear();
    return units;
  }

  /** The last statement, which needs no semicolon at the end of a script. */
  end(): Unit[] {
    const text = this.#pending;
    const line = this.#lineAt(text.length - text.trimStart().length);
    this.clear();
    return isBlank(text) ? [] : [{ text: text.trim(), line }];
  }

  clear(): void {
    this.#pending = '';
    this.#pendingLine = this.#nextLine;
  }

  #lineAt(offset: number): number {
    let line = this.#pendingLine;
    for (let i = this.#pending.indexOf('\n'); i >= 0 && i < offset; i = this.#pending.indexOf('\n', i + 1)) line++;
    return line;
  }
}

function commandOf(line: string): string | undefined {
  const text = line.trim();
  if (text.startsWith(':')) return text.replace(/\s*;$/, '');
  return /^(exit|quit|help)\s*;?$/i.test(text) ? `:${text.replace(/\s*;$/, '').toLowerCase()}` : undefined;
}

/** A whole script at once. */
export function unitsOf(script: string): Unit[] {
  const reader = new StatementReader();
  return [...script.split(/\r?\n/).flatMap((line) => reader.push(line)), ...reader.end()];
}
