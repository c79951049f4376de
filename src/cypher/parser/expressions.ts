/**
 * Expressions, by precedence from loose to tight:
 * OR · XOR · AND · NOT · comparison · (IN, STARTS WITH, IS NULL …) · + - || · * / % · ^ · unary + - · postfix (.k [i] :Label) · atom.
 */
import { IS_NORMALIZED } from '../ast.ts';
import type {
  BinaryOperator, Case, Expression, ListComprehension, MapEntry, MapLiteral, MapProjectionItem,
} from '../ast.ts';
import { canonicalType } from '../../value/value-type.ts';
import { Float } from '../../value/value.ts';
import { parseAtom } from './atoms.ts';
import type { Cursor } from './cursor.ts';
import { isLabelAhead, parseLabelExpression } from './patterns.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=', '!=']);

export function parseExpression(c: Cursor): Expression {
  return c.nested(() => parseOr(c));
}

function parseOr(c: Cursor): Expression {
  return parseAssociative(c, 'OR', parseXor);
}

function parseXor(c: Cursor): Expression {
  return parseAssociative(c, 'XOR', parseAnd);
}

function parseAnd(c: Cursor): Expression {
  return parseAssociative(c, 'AND', parseNot);
}

/** A chain of an operator whose grouping does not matter: as a balanced tree, so that thousands of operands are no depth. */
function parseAssociative(c: Cursor, op: 'OR' | 'XOR' | 'AND', parseOperand: (c: Cursor) => Expression): Expression {
  const first = parseOperand(c);
  if (!c.isWord(op)) return first;
  const operands = [first];
  while (c.takeWord(op)) operands.push(parseOperand(c));
  return balanced(op, operands, 0, operands.length);
}

function balanced(op: BinaryOperator, operands: readonly Expression[], from: number, to: number): Expression {
  if (to - from === 1) return operands[from]!;
  const middle = (from + to + 1) >> 1;
  return binary(op, balanced(op, operands, from, middle), balanced(op, operands, middle, to));
}

function parseNot(c: Cursor): Expression {
  const start = c.token.start;
  if (!c.isWord('NOT')) return parseComparison(c);
  c.at++;
  const operand = c.nested(() => parseNot(c));
  return { kind: 'Unary', op: 'NOT', operand, start, end: operand.end };
}

function parseComparison(c: Cursor): Expression {
  const first = parsePredicate(c);
  if (!isComparison(c)) return first;
  const operands = [first];
  const ops: BinaryOperator[] = [];
  while (isComparison(c)) {
    const op = c.token.key === '!=' ? '<>' : c.token.key;
    c.at++;
    ops.push(op as BinaryOperator);
    operands.push(parsePredicate(c));
  }
  if (ops.length === 1) return binary(ops[0]!, operands[0]!, operands[1]!);
  return { kind: 'Chain', operands, ops, start: first.start, end: operands.at(-1)!.end };
}

function isComparison(c: Cursor): boolean {
  return c.token.type === 'punct' && COMPARISONS.has(c.token.key);
}

function parsePredicate(c: Cursor): Expression {
  return parseTests(c, parseSum(c));
}

/** What may stand behind an operand, any number of times. */
function parseTests(c: Cursor, operand: Expression): Expression {
  let left = operand;
  for (;;) {
    if (c.takeWord('IN')) left = binary('IN', left, parseSum(c));
    else if (c.takeWords('STARTS', 'WITH')) left = binary('STARTS WITH', left, parseSum(c));
    else if (c.takeWords('ENDS', 'WITH')) left = binary('ENDS WITH', left, parseSum(c));
    else if (c.takeWord('CONTAINS')) left = binary('CONTAINS', left, parseSum(c));
    else if (c.takePunct('=~') || c.takeWord('REGEXP')) left = binary('=~', left, parseSum(c));
    else if (c.takeWords('NOT', 'IN')) {
      const inside = binary('IN', left, parseSum(c));
      left = { kind: 'Unary', op: 'NOT', operand: inside, start: inside.start, end: inside.end };
    } else if (c.isWord('IS') || c.isPunct('::')) {
      left = parseIs(c, left);
    } else return left;
  }
}

function parseIs(c: Cursor, operand: Expression): Expression {
  c.takeWord('IS');
  const negated = c.takeWord('NOT');
  if (c.takeWord('NULL')) return { kind: 'IsNull', operand, negated, start: operand.start, end: c.lastEnd };
  const normalized = parseNormalized(c, operand);
  if (normalized !== undefined) return negated ? { kind: 'Unary', op: 'NOT', operand: normalized, start: operand.start, end: c.lastEnd } : normalized;
  if (!c.takePunct('::') && !c.takeWord('TYPED')) {
    if (negated || !isLabelAhead(c, 0)) throw c.expected('NULL, NOT NULL, a label, or :: and a type', ['NULL', 'NOT']);
    return { kind: 'HasLabels', operand, labels: parseLabelExpression(c), start: operand.start, end: c.lastEnd };
  }
  return { kind: 'IsTyped', operand, negated, type: parseType(c), start: operand.start, end: c.lastEnd };
}

const NORMAL_FORMS: ReadonlySet<string> = new Set(['NFC', 'NFD', 'NFKC', 'NFKD']);

/** `IS NORMALIZED`, `IS NFD NORMALIZED`: equal to its normal form; null of what is no text. */
function parseNormalized(c: Cursor, operand: Expression): Expression | undefined {
  const form = NORMAL_FORMS.has(c.token.key) && c.isWord('NORMALIZED', 1) ? c.token.key : undefined;
  if (form === undefined && !c.isWord('NORMALIZED')) return undefined;
  c.at += form === undefined ? 1 : 2;
  const { start } = operand;
  const end = c.lastEnd;
  return { kind: 'Call', name: IS_NORMALIZED, distinct: false, args: [operand, { kind: 'Literal', value: form ?? 'NFC', start, end }], start, end };
}

/** A type in the form of value/value-type.ts. */
export function parseType(c: Cursor): string {
  const { start } = c.token;
  const text = parseTypeName(c);
  const type = canonicalType(text);
  if (type === undefined) throw c.error(`${text} is not a type`, 'UnexpectedSyntax', start, 'types are such as INTEGER, STRING NOT NULL, LIST<FLOAT>, ZONED DATETIME');
  return type;
}

/** A type as its words: `LIST<INTEGER NOT NULL> | STRING`, normalised to upper case with single spaces. */
function parseTypeName(c: Cursor): string {
  let text = c.expectName('a type').toUpperCase();
  for (;;) {
    if (c.isWord('NOT') && c.isWord('NULL', 1)) {
      c.at += 2;
      text += ' NOT NULL';
    } else if (c.takePunct('!')) {
      text += ' NOT NULL';
    } else if (c.isWord('TIME') || c.isWord('DATETIME') || c.isWord('ZONED') || c.isWord('LOCAL') || c.isWord('VALUE')
      || c.isWord('WITHOUT') || (c.isWord('WITH') && c.isWord('TIMEZONE', 1)) || c.isWord('INTEGER') || c.isWord('NODE') || c.isWord('RELATIONSHIP') || c.isWord('MAP') || c.isWord('TIMEZONE') || c.isWord('TIMESTAMP') || c.isWord('VERTEX') || c.isWord('EDGE')) {
      text += ` ${c.token.key}`;
      c.at++;
    } else if (c.takeWord('LIST') || c.takeWord('ARRAY')) {
      text = `LIST<${text}>`;
    } else if (c.takePunct('<')) {
      text += `<${parseTypeName(c)}>`;
      c.expectPunct('>');
    } else if (c.isPunct('|') && !c.barEndsLabels) {
      c.at++;
      text += `|${parseTypeName(c)}`;
    } else return text;
  }
}

function parseSum(c: Cursor): Expression {
  let left = parseProduct(c);
  for (;;) {
    if (c.takePunct('+')) left = binary('+', left, parseProduct(c));
    else if (c.takePunct('-')) left = binary('-', left, parseProduct(c));
    else if (c.takePunct('||')) left = binary('||', left, parseProduct(c));
    else return left;
  }
}

function parseProduct(c: Cursor): Expression {
  let left = parsePower(c);
  for (;;) {
    if (c.takePunct('*')) left = binary('*', left, parsePower(c));
    else if (c.takePunct('/')) left = binary('/', left, parsePower(c));
    else if (c.takePunct('%')) left = binary('%', left, parsePower(c));
    else return left;
  }
}

function parsePower(c: Cursor): Expression {
  let left = parseUnary(c);
  while (c.takePunct('^')) left = binary('^', left, parseUnary(c));
  return left;
}

function parseUnary(c: Cursor): Expression {
  const start = c.token.start;
  if (c.isPunct('-')) {
    c.at++;
    // The smallest integer has no positive counterpart, so the sign belongs to the literal; a float likewise, for -0.0.
    if (c.token.type === 'integer' || c.token.type === 'float') return parsePostfix(c, { ...parseAtom(c, true), start });
    const operand = c.nested(() => parseUnary(c));
    return { kind: 'Unary', op: '-', operand, start, end: operand.end };
  }
  if (c.takePunct('+')) {
    const operand = c.nested(() => parseUnary(c));
    return { kind: 'Unary', op: '+', operand, start, end: operand.end };
  }
  return parsePostfix(c, parseAtom(c, false));
}

function parsePostfix(c: Cursor, atom: Expression): Expression {
  let target = atom;
  for (;;) {
    if (c.isPunct('.')) {
      c.at++;
      const key = c.expectName('a property name');
      target = { kind: 'Property', target, key, start: target.start, end: c.lastEnd };
    } else if (c.isPunct('[')) {
      target = parseSubscript(c, target);
    } else if (c.isPunct(':') && isLabelAhead(c, 1)) {
      c.at++;
      const labels = parseLabelExpression(c);
      target = { kind: 'HasLabels', operand: target, labels, start: target.start, end: c.lastEnd };
    } else return target;
  }
}

function parseSubscript(c: Cursor, target: Expression): Expression {
  c.expectPunct('[');
  const start = target.start;
  if (c.takePunct('..')) {
    const to = c.isPunct(']') ? undefined : inBrackets(c);
    c.expectPunct(']');
    return { kind: 'Slice', target, from: undefined, to, start, end: c.lastEnd };
  }
  const from = inBrackets(c);
  if (c.takePunct('..')) {
    const to = c.isPunct(']') ? undefined : inBrackets(c);
    c.expectPunct(']');
    return { kind: 'Slice', target, from, to, start, end: c.lastEnd };
  }
  c.expectPunct(']');
  return { kind: 'Index', target, index: from, start, end: c.lastEnd };
}

/** Inside brackets of its own a bar may join labels again. */
export function inBrackets(c: Cursor): Expression {
  const bar = c.barEndsLabels;
  c.barEndsLabels = false;
  const expression = parseExpression(c);
  c.barEndsLabels = bar;
  return expression;
}

export function binary(op: BinaryOperator, left: Expression, right: Expression): Expression {
  return { kind: 'Binary', op, left, right, start: left.start, end: right.end };
}

export function parseMapLiteral(c: Cursor): MapLiteral {
  const start = c.expectPunct('{').start;
  const entries: MapEntry[] = [];
  if (!c.isPunct('}')) {
    do {
      const key = c.expectName('a property name');
      c.expectPunct(':');
      entries.push({ key, value: inBrackets(c) });
    } while (c.takePunct(','));
  }
  c.expectPunct('}');
  return { kind: 'Map', entries, start, end: c.lastEnd };
}

/** `[x IN list WHERE p | e]` after the bracket and up to its end. */
export function parseListComprehension(c: Cursor, start: number): ListComprehension | undefined {
  const variable = c.expectName('a variable');
  c.expectWord('IN');
  const list = inBrackets(c);
  const bar = c.barEndsLabels;
  c.barEndsLabels = true;
  const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
  c.barEndsLabels = bar;
  const project = c.takePunct('|') ? inBrackets(c) : undefined;
  if (!c.isPunct(']')) return undefined;
  c.at++;
  return { kind: 'ListComprehension', variable, list, where, project, start, end: c.lastEnd };
}

export function parseCase(c: Cursor): Case {
  const start = c.expectWord('CASE').start;
  const subject = c.isWord('WHEN') ? undefined : inBrackets(c);
  const branches: { when: Expression; then: Expression; isTest: boolean }[] = [];
  while (c.takeWord('WHEN')) {
    const whens = [parseWhen(c, subject)];
    // `CASE x WHEN 1, 2 THEN`: a list of values is one branch each.
    while (subject !== undefined && c.takePunct(',')) whens.push(parseWhen(c, subject));
    c.expectWord('THEN');
    const then = inBrackets(c);
    for (const when of whens) branches.push({ ...when, then });
  }
  if (branches.length === 0) throw c.expected('WHEN', ['WHEN']);
  const otherwise = c.takeWord('ELSE') ? inBrackets(c) : undefined;
  if (!c.takeWord('END')) throw c.expected(otherwise === undefined ? 'WHEN, ELSE or END' : 'END', ['WHEN', 'ELSE', 'END']);
  const rest = { otherwise, start, end: c.lastEnd };
  if (subject === undefined || !branches.some(({ isTest }) => isTest)) return { kind: 'Case', subject, branches: branches.map(({ when, then }) => ({ when, then })), ...rest };
  // With tests among the values each branch is a condition.
  return { kind: 'Case', subject: undefined, branches: branches.map(({ when, then, isTest }) => ({ when: isTest ? when : binary('=', subject, when), then })), ...rest };
}

/** A condition, a value, or a test of the subject, which stands to the left of it: `WHEN > 3`, `WHEN IS NULL`. */
function parseWhen(c: Cursor, subject: Expression | undefined): { when: Expression; isTest: boolean } {
  if (subject === undefined) return { when: inBrackets(c), isTest: false };
  if (isComparison(c)) {
    const op = c.token.key === '!=' ? '<>' : c.token.key;
    c.at++;
    return { when: binary(op as BinaryOperator, subject, parsePredicate(c)), isTest: true };
  }
  const isTest = c.isPunct('=~') || (c.isWord('IS') && !c.isWord('THEN', 1) && !c.isPunct(',', 1)) || (c.isWord('STARTS') && c.isWord('WITH', 1)) || (c.isWord('ENDS') && c.isWord('WITH', 1))
    || (c.isWord('CONTAINS') && !c.isWord('THEN', 1) && !c.isPunct(',', 1));
  return isTest ? { when: parseTests(c, subject), isTest } : { when: inBrackets(c), isTest };
}

export function parseMapProjectionItems(c: Cursor): MapProjectionItem[] {
  c.expectPunct('{');
  const items: MapProjectionItem[] = [];
  if (!c.isPunct('}')) {
    do {
      if (c.takePunct('.')) {
        if (c.takePunct('*')) items.push({ kind: 'all' });
        else items.push({ kind: 'property', key: c.expectName('a property name') });
      } else {
        const name = c.expectName("'.property', '.*', 'key: value' or a variable");
        if (c.takePunct(':')) items.push({ kind: 'entry', key: name, value: inBrackets(c) });
        else items.push({ kind: 'variable', name });
      }
    } while (c.takePunct(','));
  }
  c.expectPunct('}');
  return items;
}

/** A float literal's value; too large for a double is an error of the caller's. */
export function floatOf(text: string, negative: boolean): Float {
  const value = Number(text.replaceAll('_', ''));
  return new Float(negative ? -value : value);
}
