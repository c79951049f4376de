/** What Tab offers: decided by the words before the cursor, from what the graph has. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DbError } from '../base/errors.ts';
import { tokenize } from '../cypher/parser/lexer.ts';
import type { Token } from '../cypher/parser/lexer.ts';
import { KEYWORDS, isKeyword } from './shell-words.ts';

export interface Vocabulary {
  readonly labels: readonly string[];
  readonly types: readonly string[];
  readonly keys: readonly string[];
  readonly procedures: readonly string[];
  readonly functions: readonly string[];
  readonly graphs: readonly string[];
  readonly parameters: readonly string[];
  readonly commands: readonly string[];
}

export interface Completion {
  /** Each replaces `word`. */
  readonly offers: readonly string[];
  /** The part before the cursor that is being completed. */
  readonly word: string;
}

const NOTHING: Completion = { offers: [], word: '' };

/** `text` is what stands before the cursor, with the lines of the statement above it. */
export function complete(text: string, words: Vocabulary): Completion {
  if (text.trimStart().startsWith(':')) return completeCommand(text.trimStart(), words);
  const word = /[\p{ID_Continue}_]*$/u.exec(text)![0];
  const tokens = tokensBefore(text.slice(0, text.length - word.length));
  if (tokens === undefined) return NOTHING;
  const last = tokens.at(-1);
  const dotted = /[\p{ID_Continue}_.]*$/u.exec(text)![0];
  const beforeDotted = tokensBefore(text.slice(0, text.length - dotted.length))?.at(-1);
  if (beforeDotted?.key === 'CALL') return matching(dotted, words.procedures, [], '(');
  if (text.slice(0, text.length - word.length).endsWith('$')) return matching(word, words.parameters);
  if (last?.key === ':' || last?.key === '|' || last?.key === '&' || last?.key === '!') return matching(word, namesAfterColon(tokens, words));
  if (last?.key === '.') return withFunctions(dotted, matching(word, words.keys), words);
  if (isKeyPlace(tokens)) return matching(word, words.keys, [], ': ');
  const lower = word !== '' && word === word.toLowerCase();
  const keywords = lower ? KEYWORDS.map((keyword) => keyword.toLowerCase()) : KEYWORDS;
  const names = tokens.filter((token) => token.type === 'word' && !isKeyword(token.text)).map((token) => token.text);
  if (word === '' && last === undefined) return { word, offers: ['CALL', 'CREATE', 'MATCH', 'MERGE', 'RETURN', 'SHOW', 'UNWIND', 'WITH'].map((keyword) => `${keyword} `) };
  const functions = words.functions.map((name) => `${name}(`);
  return matching(word, [...new Set([...keywords.map((keyword) => `${keyword} `), ...functions, ...names])]);
}

/** `point.dist` is a function's name as well as a variable's property. */
function withFunctions(dotted: string, keys: Completion, { functions }: Vocabulary): Completion {
  const named = functions.filter((name) => name.includes('.') && name.toLowerCase().startsWith(dotted.toLowerCase()));
  return named.length === 0 ? keys : { word: dotted, offers: named.map((name) => `${name}(`) };
}

/** Labels in round brackets, types in square ones; a map's value is neither. */
function namesAfterColon(tokens: readonly Token[], words: Vocabulary): readonly string[] {
  const bracket = openBracket(tokens);
  if (bracket === '[') return words.types;
  if (bracket === '{') return [];
  return bracket === '(' ? words.labels : [...words.labels, ...words.types];
}

/** Behind `{` or `,` of a map in a pattern. */
function isKeyPlace(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1)?.key;
  if ((last !== '{' && last !== ',') || openBracket(tokens) !== '{') return false;
  const at = openAt(tokens);
  const before = tokens[at - 1];
  // `EXISTS {` and its like open a query; a pattern's map stands behind a name or a bracket.
  return before === undefined || !isKeyword(before.text) || before.type !== 'word';
}

const OPENS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

function openAt(tokens: readonly Token[]): number {
  const open: number[] = [];
  for (const [i, { key }] of tokens.entries()) {
    if (key === '(' || key === '[' || key === '{') open.push(i);
    else if (OPENS[key] !== undefined) open.pop();
  }
  return open.at(-1) ?? -1;
}

const openBracket = (tokens: readonly Token[]): string | undefined => tokens[openAt(tokens)]?.key;

/** Undefined inside of a string or comment. */
function tokensBefore(text: string): Token[] | undefined {
  try {
    const tokens = tokenize(text.replace(/\$$/, '')).slice(0, -1);
    return /\/\/[^\n]*$/.test(text.slice(tokens.at(-1)?.end ?? 0)) ? undefined : tokens;
  } catch (error) {
    if (error instanceof DbError) return undefined;
    throw error;
  }
}

function matching(word: string, names: readonly string[], more: readonly string[] = [], suffix = ''): Completion {
  const start = word.toLowerCase();
  return { word, offers: [...names, ...more].filter((name) => name.toLowerCase().startsWith(start)).map((name) => quotedIfNeeded(name) + suffix) };
}

/** Names with odd characters in backticks; offers that end with a space or bracket of ours are whole already. */
const quotedIfNeeded = (name: string): string => (/^[\p{ID_Start}_][\p{ID_Continue}_.]*[ (]?$/u.test(name) || /^\d+$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``);

function completeCommand(text: string, words: Vocabulary): Completion {
  const [command, ...rest] = text.split(/\s+/) as [string, ...string[]];
  if (rest.length === 0) return { word: command, offers: words.commands.filter((name) => name.startsWith(command)).map((name) => `${name} `) };
  const word = rest.at(-1)!;
  const from = (names: readonly string[]): Completion => ({ word, offers: names.filter((name) => name.startsWith(word)) });
  if (rest.length > 1) return NOTHING;
  switch (command) {
    case ':use': return from(words.graphs);
    case ':format': return from(['table', 'csv', 'json', 'plain']);
    case ':timing': return from(['on', 'off']);
    case ':help': return from(words.commands);
    case ':param': return from(words.parameters);
    case ':params': return from(['clear']);
    case ':source': return from(files(word));
    default: return NOTHING;
  }
}

function files(word: string): string[] {
  const folder = word.endsWith('/') ? word : dirname(word);
  try {
    return readdirSync(folder === '' ? '.' : folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => (word.includes('/') ? join(folder, entry.name) : entry.name) + (entry.isDirectory() ? '/' : ''));
  } catch {
    return [];
  }
}
