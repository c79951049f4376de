/**
 * Errors that point into the statement: `Detail: what is wrong (line 1, column 8)`, the line, and a caret below the place.
 * Clients log errors, so literal texts of a statement about passwords are covered.
 */
import { DbError, type ErrorCode } from '../../base/errors.ts';
import { covered } from '../../base/redact.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

export function positionAt(source: string, offset: number): Position {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++;
  return { line, column: offset - lineStart + 1, offset };
}

/** The most of a line that a message repeats. */
const LINE_MAX = 120;

export function sourceError(
  code: ErrorCode, detail: string, source: string, offset: number, message: string, hint?: string,
): DbError {
  const position = positionAt(source, offset);
  const lineStart = offset - position.column + 1;
  const lineEnd = source.indexOf('\n', offset);
  let line = covered(source).slice(lineStart, lineEnd < 0 ? source.length : lineEnd).replace(/\r$/, '').replaceAll('\t', ' ');
  let caret = position.column - 1;
  if (line.length > LINE_MAX) {
    const from = Math.max(0, Math.min(caret - LINE_MAX / 2, line.length - LINE_MAX));
    line = line.slice(from, from + LINE_MAX);
    caret -= from;
  }
  const suggestion = hint === undefined ? '' : ` — ${hint}`;
  return new DbError(code,
    `${detail}: ${message}${suggestion} (line ${position.line}, column ${position.column})\n"${line}"\n${' '.repeat(caret + 1)}^`,
    { detail, position, hint });
}

export function syntaxError(source: string, offset: number, detail: string, message: string, hint?: string): DbError {
  return sourceError('SyntaxError', detail, source, offset, message, hint);
}
