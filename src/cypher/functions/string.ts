/**
 * Strings. Positions and lengths count code points, so that no function cuts a character in two; texts without
 * surrogates, nearly all, take the direct way.
 */
import { mayMakeList } from '../../base/allowance.ts';
import { DbError } from '../../base/errors.ts';
import { invalidValue } from '../../value/value-errors.ts';
import { mayMakeText, textsOf } from '../../value/texts.ts';
import type { Value } from '../../value/value.ts';
import { IS_NORMALIZED } from '../ast.ts';
import { LIST_ITEMS_MAX, alias, countArgument, listArgument, scalar, stringArgument, wrongArgument } from './function.ts';
import type { FunctionContext, ScalarFunction } from './function.ts';

/** Of longer texts the pieces are counted before they are made. */
const LONG_TEXT = 1_000_000;
const SURROGATE = /[\ud800-\udfff]/;

export function textLength(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** The characters of a text. */
function pointsOf(text: string): string[] {
  mayMakeList(text.length);
  return [...text];
}

/** As `split`, which would end the process where there are too many pieces. */
function piecesOf(text: string, separator: string): string[] {
  if (text.length > LONG_TEXT) {
    let count = 1;
    for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + separator.length)) count++;
    mayMakeList(count);
  }
  return text.split(separator);
}

function slice(text: string, from: number, to: number): string {
  return SURROGATE.test(text) ? pointsOf(text).slice(from, to).join('') : text.slice(from, to);
}

export function reverseText(text: string): string {
  return pointsOf(text).reverse().join('');
}

function notNegative(name: string, value: Value | undefined): number {
  const count = countArgument(name, value);
  if (count < 0) throw new DbError('ArgumentError', `NegativeIntegerArgument: ${name}(): ${count} is negative`, { detail: 'NegativeIntegerArgument' });
  return count;
}

function substring([text, start, length]: Value[]): Value {
  const from = notNegative('substring', start);
  const to = length === undefined ? Number.MAX_SAFE_INTEGER : from + notNegative('substring', length);
  return slice(stringArgument('substring', text), from, to);
}

function left([text, length]: Value[]): Value {
  return slice(stringArgument('left', text), 0, notNegative('left', length));
}

function right([text, length]: Value[]): Value {
  const whole = stringArgument('right', text);
  const count = notNegative('right', length);
  return slice(whole, Math.max(0, textLength(whole) - count), Number.MAX_SAFE_INTEGER);
}

/** White space, or any of the characters of the second argument, off one or both ends. */
function trimmer(name: string, atStart: boolean, atEnd: boolean): ScalarFunction {
  return scalar(name, ['STRING', 'STRING'], 'STRING', ([text, characters]) => {
    const whole = stringArgument(name, text);
    if (characters === undefined) return atStart && atEnd ? whole.trim() : atStart ? whole.trimStart() : whole.trimEnd();
    const set = new Set(stringArgument(name, characters));
    const points = pointsOf(whole);
    let from = 0;
    let to = points.length;
    while (atStart && from < to && set.has(points[from]!)) from++;
    while (atEnd && to > from && set.has(points[to - 1]!)) to--;
    return points.slice(from, to).join('');
  }, { min: 1 });
}

function replace([text, search, replacement, limit]: Value[]): Value {
  const whole = stringArgument('replace', text);
  const from = stringArgument('replace', search);
  const to = stringArgument('replace', replacement);
  const pieces = from === '' ? ['', ...pointsOf(whole), ''] : piecesOf(whole, from);
  const times = limit === undefined ? pieces.length - 1 : Math.min(pieces.length - 1, notNegative('replace', limit));
  mayMakeText(whole.length + times * to.length);
  if (times === pieces.length - 1) return pieces.join(to);
  return [pieces.slice(0, times + 1).join(to), ...pieces.slice(times + 1)].join(from);
}

/** The separator may be a list of separators; an empty one takes the text apart into characters. */
function split([text, separator]: Value[], context: FunctionContext): Value {
  const whole = stringArgument('split', text);
  const separators = (Array.isArray(separator) ? separator : [separator]).map((one) => stringArgument('split', one));
  if (separators.includes('')) return pointsOf(whole);
  const only = separators.length === 1 ? separators[0]! : undefined;
  const pattern = only ?? new RegExp(separators.map((one) => one.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|') || '(?!)', 'u');
  if (only === undefined) mayMakeList(whole.length);
  const pieces = only === undefined ? whole.split(pattern) : piecesOf(whole, only);
  if (pieces.length > (context.listItemsMax ?? LIST_ITEMS_MAX)) throw new DbError('MemoryLimit', 'split() would make too long a list');
  return pieces;
}

function normalize([text, form]: Value[]): Value {
  const name = form === undefined ? 'NFC' : stringArgument('normalize', form).toUpperCase();
  if (!['NFC', 'NFD', 'NFKC', 'NFKD'].includes(name)) throw invalidValue(`normalize() does not know the form '${name}'`);
  return stringArgument('normalize', text).normalize(name);
}

/** TuGraph: characters `start` to `end` (from 1, both included) become a star or the given character. */
function mask([text, start, end, character]: Value[]): Value {
  const points = pointsOf(stringArgument('mask', text));
  const from = countArgument('mask', start);
  const to = countArgument('mask', end);
  const star = character === undefined ? '*' : stringArgument('mask', character);
  if (from < 1 || to < from) throw invalidValue('mask() needs 1 <= start <= end');
  if (textLength(star) !== 1) throw invalidValue('mask() needs one character to write');
  return points.map((point, i) => (i + 1 >= from && i + 1 <= to ? star : point)).join('');
}

function concat(args: Value[]): Value {
  return textsOf(args, (arg) => stringArgument('concat', arg), '');
}

function reverse([value]: Value[]): Value {
  if (typeof value === 'string') return reverseText(value);
  if (Array.isArray(value)) return listArgument('reverse', value).toReversed();
  throw wrongArgument('reverse', 'a string or a list', value);
}

const toUpper = scalar('toUpper', ['STRING'], 'STRING', ([text]) => stringArgument('toUpper', text).toUpperCase());
const toLower = scalar('toLower', ['STRING'], 'STRING', ([text]) => stringArgument('toLower', text).toLowerCase());
const characters = scalar('char_length', ['STRING'], 'INTEGER', ([text]) => textLength(stringArgument('char_length', text)));

export const STRING_FUNCTIONS: readonly ScalarFunction[] = [
  toUpper, alias('upper', toUpper),
  toLower, alias('lower', toLower),
  characters, alias('character_length', characters),
  scalar('substring', ['STRING', 'INTEGER', 'INTEGER'], 'STRING', substring, { min: 2 }),
  scalar('left', ['STRING', 'INTEGER'], 'STRING', left),
  scalar('right', ['STRING', 'INTEGER'], 'STRING', right),
  trimmer('trim', true, true), trimmer('btrim', true, true), trimmer('ltrim', true, false), trimmer('rtrim', false, true),
  scalar('replace', ['STRING', 'STRING', 'STRING', 'INTEGER'], 'STRING', replace, { min: 3 }),
  scalar('split', ['STRING', 'STRING|LIST'], 'LIST', split),
  scalar('reverse', ['STRING|LIST'], 'ANY', reverse),
  scalar('normalize', ['STRING', 'STRING'], 'STRING', normalize, { min: 1 }),
  scalar(IS_NORMALIZED, ['ANY', 'STRING'], 'BOOLEAN', ([text, form]) => (typeof text === 'string' ? text === normalize([text, form!]) : null)),
  scalar('mask', ['STRING', 'INTEGER', 'INTEGER', 'STRING'], 'STRING', mask, { min: 3 }),
  scalar('concat', ['STRING', 'STRING'], 'STRING', concat, { variadic: true }),
];
