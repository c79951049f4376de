/** Colours for a statement, also for one that is being typed. */
import { styleText } from 'node:util';
import { DbError } from '../base/errors.ts';
import { tokenize } from '../cypher/parser/lexer.ts';
import type { Token } from '../cypher/parser/lexer.ts';
import { isKeyword } from './shell-words.ts';

type Style = Parameters<typeof styleText>[0];

/** Whoever asks has found out whether the terminal wants colours. */
export const paint = (style: Style, text: string): string => styleText(style, text, { validateStream: false });

/** The text with colours: nothing but escape sequences is added, whatever the text. */
export function highlight(text: string): string {
  if (text.trimStart().startsWith(':')) return text.replace(/:\S*/, (command) => paint('magenta', command));
  const { tokens, end } = tokensOf(text);
  let painted = '';
  let at = 0;
  for (const [i, token] of tokens.entries()) {
    const style = styleOf(token, tokens[i - 1], tokens[i + 1]);
    painted += between(text.slice(at, token.start));
    const written = text.slice(token.start, token.end);
    painted += style === undefined ? written : paint(style, written);
    at = token.end;
  }
  painted += between(text.slice(at, end));
  // What the lexer does not take: a string or comment that is still open, or a mistake.
  const odd = text.slice(end);
  if (odd === '') return painted;
  return painted + paint(/^['"`]/.test(odd) ? 'green' : odd.startsWith('/*') ? 'gray' : 'red', odd);
}

function tokensOf(text: string): { tokens: readonly Token[]; end: number } {
  let end = text.length;
  for (;;) {
    try {
      return { tokens: tokenize(text.slice(0, end)).slice(0, -1), end };
    } catch (error) {
      const offset = error instanceof DbError ? error.position?.offset : undefined;
      if (offset === undefined || offset >= end) return { tokens: [], end: 0 };
      end = offset;
    }
  }
}

/** Space, or comments. */
const between = (text: string): string => (text.trim() === '' ? text : paint('gray', text));

function styleOf(token: Token, before: Token | undefined, after: Token | undefined): Style | undefined {
  switch (token.type) {
    case 'string': return 'green';
    case 'integer': case 'float': return 'yellow';
    case 'parameter': return 'magenta';
    case 'word': case 'quoted': {
      if (before?.key === '.') return undefined;
      if (before?.key === ':' || before?.key === '|' || before?.key === '&') return 'cyan';
      if (token.type === 'quoted') return undefined;
      if (isKeyword(token.text)) return /^(true|false|null)$/i.test(token.text) ? 'yellow' : 'blue';
      return after?.key === '(' ? 'cyanBright' : undefined;
    }
    default: return undefined;
  }
}
