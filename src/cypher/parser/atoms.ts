/**
 * Atoms: literals, variables, function calls, parentheses, and the forms that begin with a word or bracket of their own
 * (CASE, EXISTS { }, comprehensions, quantifiers, reduce, shortestPath).
 */
import type { Expression, FunctionCall, PatternPart, Quantifier, Query, Span } from '../ast.ts';
import { parseSubquery } from './clauses.ts';
import type { Cursor } from './cursor.ts';
import {
  floatOf, inBrackets, parseCase, parseExpression, parseListComprehension, parseMapLiteral, parseMapProjectionItems,
} from './expressions.ts';
import { isWellFormedInteger, readInteger } from './lexer.ts';
import { isPatternAhead, isSelectorAhead, parsePatternList, parsePatternPart } from './patterns.ts';

/** Words that begin or continue a clause: as a bare variable they are nearly always a mistake. */
const NOT_VARIABLES: ReadonlySet<string> = new Set([
  'MATCH', 'RETURN', 'WITH', 'UNWIND', 'CREATE', 'MERGE', 'DELETE', 'DETACH', 'SET', 'REMOVE', 'WHERE', 'UNION', 'AS', 'AND',
  'OR', 'XOR', 'THEN', 'WHEN', 'ELSE', 'LIMIT', 'SKIP', 'ORDER', 'IN', 'FOREACH',
]);
const QUANTIFIERS: ReadonlySet<string> = new Set(['ALL', 'ANY', 'NONE', 'SINGLE']);

export function parseAtom(c: Cursor, negative: boolean): Expression {
  const token = c.token;
  const { start, end } = token;
  switch (token.type) {
    case 'integer':
      c.at++;
      return parseInteger(c, token, negative);
    case 'float': {
      c.at++;
      const value = floatOf(token.text, negative);
      if (!Number.isFinite(value.value)) throw c.error(`${token.text} is beyond the range of a float`, 'FloatingPointOverflow', start);
      return { kind: 'Literal', value, start, end };
    }
    case 'string':
      c.at++;
      return { kind: 'Literal', value: token.text, start, end };
    case 'parameter':
      c.at++;
      return { kind: 'Parameter', name: token.text, start, end };
    case 'punct':
      return parseBracketed(c);
    case 'word':
      return parseWord(c);
    case 'quoted':
      if (isFunctionAhead(c)) return parseCall(c);
      c.at++;
      return parseProjected(c, { kind: 'Variable', name: token.text, start, end });
    case 'end':
      throw c.expected('an expression');
  }
}

function parseInteger(c: Cursor, token: { text: string } & Span, negative: boolean): Expression {
  const { start, end, text } = token;
  if (!isWellFormedInteger(text)) throw c.error(`'${text}' is not a number`, 'InvalidNumberLiteral', start);
  const read = readInteger(text, negative);
  if (read === undefined) {
    throw c.error(`${negative ? '-' : ''}${text} does not fit into 64 bits`, 'IntegerOverflow', start);
  }
  return { kind: 'Literal', value: read.value, start, end };
}

function parseBracketed(c: Cursor): Expression {
  const start = c.token.start;
  if (c.isPunct('(')) {
    if (isPatternAhead(c)) return { kind: 'PatternPredicate', pattern: parsePatternPart(c), start, end: c.lastEnd };
    c.at++;
    const inner = inBrackets(c);
    c.expectPunct(')');
    return inner;
  }
  if (c.isPunct('[')) return parseListForm(c);
  if (c.isPunct('{')) return parseMapLiteral(c);
  throw c.expected('an expression');
}

function parseListForm(c: Cursor): Expression {
  const start = c.expectPunct('[').start;
  if (c.isName() && c.isWord('IN', 1)) {
    const comprehension = parseOrRewind(c, () => parseListComprehension(c, start));
    if (comprehension !== undefined) return comprehension;
  }
  const named = c.isName() && c.isPunct('=', 1) && isPatternAhead(c, 2);
  if (named || isPatternAhead(c)) {
    const pattern = parsePatternPart(c);
    const bar = c.barEndsLabels;
    c.barEndsLabels = true;
    const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
    c.barEndsLabels = bar;
    c.expectPunct('|');
    const project = inBrackets(c);
    c.expectPunct(']');
    return { kind: 'PatternComprehension', pattern, where, project, start, end: c.lastEnd };
  }
  const items: Expression[] = [];
  if (!c.isPunct(']')) {
    do items.push(inBrackets(c)); while (c.takePunct(','));
  }
  if (!c.isPunct(']')) throw c.expected("',' or ']'");
  c.at++;
  return { kind: 'List', items, start, end: c.lastEnd };
}

/** `[x IN y, z]` is a list whose first item is a predicate: found out only at the comma. */
function parseOrRewind<T>(c: Cursor, parse: () => T | undefined): T | undefined {
  const at = c.at;
  const result = parse();
  if (result === undefined) {
    if (!c.isPunct(',')) throw c.expected("'|' or ']'");
    c.at = at;
  }
  return result;
}

function parseWord(c: Cursor): Expression {
  const token = c.token;
  const { start, end } = token;
  const next = c.peek(1);
  const opens = next.type === 'punct' ? next.key : '';
  switch (token.key) {
    case 'TRUE':
    case 'FALSE':
      c.at++;
      return { kind: 'Literal', value: token.key === 'TRUE', start, end };
    case 'NULL':
      c.at++;
      return { kind: 'Literal', value: null, start, end };
    case 'CASE':
      if (opens !== '.' && opens !== ',' && opens !== ')') return c.nested(() => parseCase(c));
      break;
    case 'EXISTS':
      if (opens === '{') return parseSubqueryExpression(c, 'exists');
      if (opens === '(') return parseExistsFunction(c);
      break;
    case 'COUNT':
      if (opens === '{') return parseSubqueryExpression(c, 'count');
      if (opens === '(' && c.isPunct('*', 2) && c.isPunct(')', 3)) {
        c.at += 4;
        return { kind: 'CountStar', start, end: c.lastEnd };
      }
      break;
    case 'COLLECT':
      if (opens === '{') return parseSubqueryExpression(c, 'collect');
      break;
    case 'TRIM':
      if (opens === '(') return parseTrim(c);
      break;
    case 'NORMALIZE':
      if (opens === '(') return parseNormalize(c);
      break;
    case 'REDUCE':
    case 'ALLREDUCE':
      if (opens === '(' && c.isName(2) && c.isPunct('=', 3)) return parseReduce(c);
      break;
    case 'SHORTESTPATH':
    case 'ALLSHORTESTPATHS':
      if (opens === '(') return { kind: 'ShortestPath', pattern: parsePatternPart(c), start, end: c.lastEnd };
      break;
    default:
      if (QUANTIFIERS.has(token.key) && opens === '(' && c.isName(2) && c.isWord('IN', 3)) return parseQuantifier(c);
  }
  if (isFunctionAhead(c)) return parseCall(c);
  if (NOT_VARIABLES.has(token.key) && !c.wasMadeName(token.text)) throw c.expected('an expression');
  c.at++;
  return parseProjected(c, { kind: 'Variable', name: token.text, start, end });
}

/** `name(` or `space.name(`. */
function isFunctionAhead(c: Cursor): boolean {
  let ahead = 0;
  while (c.isName(ahead) && c.isPunct('.', ahead + 1) && c.isName(ahead + 2)) ahead += 2;
  return c.isPunct('(', ahead + 1) && !NOT_VARIABLES.has(c.token.key);
}

function parseCall(c: Cursor): FunctionCall {
  const start = c.token.start;
  let name = c.expectName('a function');
  while (c.takePunct('.')) name += `.${c.expectName('a function')}`;
  c.expectPunct('(');
  const distinct = c.takeWord('DISTINCT');
  const args: Expression[] = [];
  if (!c.isPunct(')')) {
    do args.push(inBrackets(c)); while (c.takePunct(','));
  }
  if (!c.isPunct(')')) throw c.expected("',' or ')'");
  c.at++;
  return { kind: 'Call', name, distinct, args, start, end: c.lastEnd };
}

const TRIMMERS: Readonly<Record<string, string>> = { LEADING: 'ltrim', TRAILING: 'rtrim', BOTH: 'btrim' };

/** `trim(text)`, `trim(text, characters)`, and `trim([LEADING | TRAILING | BOTH] [characters] FROM text)`. */
function parseTrim(c: Cursor): FunctionCall {
  const { start, text: name } = c.token;
  c.at++;
  c.expectPunct('(');
  const side = TRIMMERS[c.token.key];
  const isSide = side !== undefined && (c.peek(1).type !== 'punct' || c.isPunct('(', 1));
  if (isSide) c.at++;
  const args: Expression[] = [];
  if (!(isSide && c.isWord('FROM')) && !c.isPunct(')')) args.push(inBrackets(c));
  const isFrom = c.takeWord('FROM');
  if (isFrom) args.unshift(inBrackets(c));
  else if (isSide) throw c.expected('FROM', ['FROM']);
  while (!isFrom && c.takePunct(',')) args.push(inBrackets(c));
  if (!c.isPunct(')')) throw c.expected(args.length === 0 ? 'an expression' : "',' or ')'");
  c.at++;
  return { kind: 'Call', name: isFrom ? side ?? 'btrim' : name, distinct: false, args, start, end: c.lastEnd };
}

/** `normalize(text, NFKC)`: the form is a word, or any text. */
function parseNormalize(c: Cursor): FunctionCall {
  const call = parseCall(c);
  const [text, form] = call.args;
  if (call.args.length !== 2 || form!.kind !== 'Variable' || !/^NFK?[CD]$/i.test(form!.name)) return call;
  return { ...call, args: [text!, { kind: 'Literal', value: form!.name.toUpperCase(), start: form!.start, end: form!.end }] };
}

function parseProjected(c: Cursor, target: Expression): Expression {
  if (!c.isPunct('{')) return target;
  return { kind: 'MapProjection', target, items: parseMapProjectionItems(c), start: target.start, end: c.lastEnd };
}

function parseQuantifier(c: Cursor): Quantifier {
  const start = c.token.start;
  const type = c.token.key.toLowerCase() as Quantifier['type'];
  c.at += 2;
  const variable = c.expectName('a variable');
  c.expectWord('IN');
  const list = inBrackets(c);
  c.expectWord('WHERE');
  const where = inBrackets(c);
  c.expectPunct(')');
  return { kind: 'Quantifier', type, variable, list, where, start, end: c.lastEnd };
}

/** `reduce(sum = 0, n IN list | sum + n)`, and `allReduce` with a condition behind the step: `allReduce(sum = 0, n IN list | sum + n, sum < 10)`. */
function parseReduce(c: Cursor): Expression {
  const { start, key } = c.token;
  c.at += 2;
  const accumulator = c.expectName('a variable');
  c.expectPunct('=');
  const initial = inBrackets(c);
  c.expectPunct(',');
  const variable = c.expectName('a variable');
  c.expectWord('IN');
  const list = inBrackets(c);
  c.expectPunct('|');
  const step = inBrackets(c);
  let every: Expression | undefined;
  if (key === 'ALLREDUCE') {
    c.expectPunct(',');
    every = inBrackets(c);
  }
  c.expectPunct(')');
  return { kind: 'Reduce', accumulator, initial, variable, list, step, every, start, end: c.lastEnd };
}

/** `exists(n.p)` asks for a value, `exists((a)-->(b))` for a match. */
function parseExistsFunction(c: Cursor): Expression {
  const start = c.token.start;
  c.at += 2;
  if (isPatternAhead(c)) {
    const pattern = parsePatternPart(c);
    c.expectPunct(')');
    return subqueryOf('exists', patternQuery([pattern], undefined, pattern), start, c.lastEnd);
  }
  const operand = inBrackets(c);
  c.expectPunct(')');
  return { kind: 'IsNull', operand, negated: true, start, end: c.lastEnd };
}

/** A whole query, or the patterns of one MATCH with an optional WHERE. */
function parseSubqueryExpression(c: Cursor, type: 'exists' | 'count' | 'collect'): Expression {
  const start = c.token.start;
  c.at++;
  const open = c.expectPunct('{');
  const bar = c.barEndsLabels;
  c.barEndsLabels = false;
  let query: Query;
  if (c.isPunct('(') || (c.isName() && c.isPunct('=', 1)) || c.isWord('SHORTESTPATH') || c.isWord('ALLSHORTESTPATHS') || isSelectorAhead(c)) {
    const patterns = parsePatternList(c);
    const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
    query = patternQuery(patterns, where, { start: open.end, end: c.lastEnd });
  } else {
    query = parseSubquery(c);
  }
  c.barEndsLabels = bar;
  c.expectPunct('}');
  return subqueryOf(type, query, start, c.lastEnd);
}

function subqueryOf(type: 'exists' | 'count' | 'collect', query: Query, start: number, end: number): Expression {
  return { kind: 'Subquery', type, query, start, end };
}

function patternQuery(patterns: PatternPart[], where: Expression | undefined, span: Span): Query {
  const { start, end } = span;
  return {
    kind: 'Query', unionAll: [], start, end,
    parts: [{ start, end, clauses: [{ kind: 'Match', optional: false, patterns, hints: [], where, start, end }] }],
  };
}
