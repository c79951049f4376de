/** Splits a script into statements at semicolons, outside of quotes and comments. */

export interface SplitScript {
  readonly complete: readonly string[];
  /** What stands behind the last semicolon. */
  readonly rest: string;
}

export function splitStatements(script: string): SplitScript {
  const complete: string[] = [];
  let start = 0;
  let i = 0;
  while (i < script.length) {
    const skipped = skipQuotedOrComment(script, i);
    if (skipped > i) {
      i = skipped;
      continue;
    }
    if (script[i] === ';') {
      const statement = script.slice(start, i).trim();
      if (statement !== '') complete.push(statement);
      start = i + 1;
    }
    i++;
  }
  return { complete, rest: script.slice(start) };
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
