/**
 * Patterns: `p = (a:A {k: 1})-[r:T*1..3]->(b)`, `shortestPath(...)`, label expressions.
 *
 * Also decides whether a parenthesis in an expression opens a pattern: it does when what it encloses looks like a node and
 * a relationship arrow follows.
 */
import type {
  DynamicLabels, Expression, LabelExpression, MapLiteral, NodePattern, Parameter, PathSelector, PatternPart, RelationshipPattern,
} from '../ast.ts';
import type { Cursor } from './cursor.ts';
import { inBrackets, parseExpression, parseMapLiteral } from './expressions.ts';
import { refusedPathMode } from './refused-words.ts';

export function parsePatternList(c: Cursor): PatternPart[] {
  const parts = [parsePatternPart(c)];
  while (c.takePunct(',')) parts.push(parsePatternPart(c));
  return parts;
}

export function parsePatternPart(c: Cursor): PatternPart {
  const start = c.token.start;
  let variable: string | undefined;
  if (c.isName() && c.isPunct('=', 1)) {
    variable = c.expectName('a path variable');
    c.expectPunct('=');
  }
  const shortest = shortestFunction(c);
  if (shortest === undefined) {
    const selector = parseSelector(c);
    const { elements, where } = parseElements(c, true);
    return { kind: 'Part', variable, shortest, selector, elements, where, start, end: c.lastEnd };
  }
  const offset = c.token.start;
  c.at += 2;
  const { elements } = parseElements(c);
  c.expectPunct(')');
  if (elements.length !== 3) throw c.error('a shortest path pattern has exactly one relationship', 'UnexpectedSyntax', offset);
  const [, between] = elements;
  if (between!.kind === 'Relationship' && between!.repeated !== undefined) {
    throw c.error(`${shortest === 'all' ? 'allShortestPaths' : 'shortestPath'}() repeats a relationship, not a pattern`, 'UnexpectedSyntax', between!.start, 'ALL SHORTEST and SHORTEST 1 take any pattern');
  }
  return { kind: 'Part', variable, shortest, elements, start, end: c.lastEnd };
}

function shortestFunction(c: Cursor): 'one' | 'all' | undefined {
  if (!c.isPunct('(', 1)) return undefined;
  return c.isWord('SHORTESTPATH') ? 'one' : c.isWord('ALLSHORTESTPATHS') ? 'all' : undefined;
}

/** Whether `ANY`, `ALL` or `SHORTEST` begins a path pattern here. */
export function isSelectorAhead(c: Cursor): boolean {
  if (!c.isWord('ANY') && !c.isWord('ALL') && !c.isWord('SHORTEST')) return false;
  const next = c.peek(1);
  return next.type === 'integer' || next.type === 'parameter' || ['SHORTEST', 'PATH', 'PATHS', 'GROUP', 'GROUPS'].includes(next.key)
    || (c.isPunct('(', 1) && (isPatternAhead(c, 1) || c.isPunct('(', 2)));
}

/** `ANY 2 PATHS`, `SHORTEST 3`, `SHORTEST 2 PATH GROUPS`, `ALL SHORTEST`, …: undefined where all paths are wanted. */
function parseSelector(c: Cursor): PathSelector | undefined {
  if (!c.isWord('ANY') && !c.isWord('ALL') && !c.isWord('SHORTEST')) return undefined;
  const word = c.token.key;
  c.at++;
  const isShortest = word === 'SHORTEST' || c.takeWord('SHORTEST');
  const { start, end } = c.token;
  let count: PathSelector['count'] = { kind: 'Literal', value: 1, start, end: start };
  const mayCount = word === 'SHORTEST' || (word === 'ANY' && !isShortest);
  if (mayCount && c.token.type === 'parameter') {
    count = { kind: 'Parameter', name: c.token.text, start, end };
    c.at++;
  } else if (mayCount && c.token.type === 'integer') {
    const value = parseBound(c)!;
    if (value === 0) throw c.error('a path selector asks for at least one path', 'UnexpectedSyntax', start);
    count = { kind: 'Literal', value, start, end };
  }
  if (!c.takeWord('PATHS')) c.takeWord('PATH');
  const groups = (word === 'ALL' && isShortest) || (word === 'SHORTEST' && (c.takeWord('GROUPS') || c.takeWord('GROUP')));
  if (word === 'SHORTEST' && !groups && count.end === count.start) throw c.expected('how many paths, such as SHORTEST 1');
  return word === 'ALL' && !isShortest ? undefined : { count, groups };
}

type Element = NodePattern | RelationshipPattern;

interface Elements {
  readonly elements: Element[];
  readonly where: Expression | undefined;
}

/** `mayFilter`: what stands in parentheses of its own may have a WHERE there. */
function parseElements(c: Cursor, mayFilter = false): Elements {
  const bar = c.barEndsLabels;
  c.barEndsLabels = false;
  const elements: Element[] = [];
  // Node, relationship, node, ...: what is repeated stands in a relationship's place, between nodes that need not be written.
  const isNodeDue = (): boolean => elements.at(-1)?.kind !== 'Node';
  for (;;) {
    if (c.isPunct('(') && c.isPunct('(', 1)) {
      const parenthesized = parseParenthesized(c, elements.length === 0, mayFilter);
      // A part may stand in parentheses of its own: ((a)-->(b)).
      if (!('kind' in parenthesized)) {
        c.barEndsLabels = bar;
        return parenthesized;
      }
      if (isNodeDue()) elements.push(unwritten(parenthesized.start));
      elements.push(parenthesized);
    } else if (elements.length === 0 || (isNodeDue() && c.isPunct('('))) elements.push(parseNodePattern(c));
    else if (!isNodeDue() && (c.isPunct('-') || (c.isPunct('<') && c.isPunct('-', 1)))) elements.push(quantified(c, parseRelationshipPattern(c)), parseNodePattern(c));
    else break;
  }
  if (isNodeDue()) elements.push(unwritten(c.lastEnd));
  c.barEndsLabels = bar;
  return { elements, where: undefined };
}

function unwritten(at: number): NodePattern {
  return { kind: 'Node', variable: undefined, labels: undefined, properties: undefined, where: undefined, start: at, end: at };
}

/** `((a)-->(b) WHERE ...){1,3}`, or where nothing is repeated just the elements. */
function parseParenthesized(c: Cursor, mayStandAlone: boolean, mayFilter: boolean): Elements | RelationshipPattern {
  const { start } = c.token;
  c.expectPunct('(');
  const inner = parseElements(c, mayFilter);
  const where = c.takeWord('WHERE') ? parseExpression(c) : inner.where;
  c.expectPunct(')');
  const { elements } = inner;
  const length = parseQuantifier(c);
  if (length === undefined) {
    if (mayStandAlone && (where === undefined || mayFilter)) return { elements, where };
    throw c.expected("how often the pattern in parentheses is repeated: '+', '*' or '{1,3}'");
  }
  if (elements.length === 1) throw c.error('a pattern that is repeated has at least one relationship', 'InvalidRelationshipPattern', start);
  const nested = elements.find((element) => element.kind === 'Relationship' && element.length !== undefined);
  if (nested !== undefined) {
    throw c.error('a pattern that is repeated cannot have a part that is repeated itself', 'InvalidRelationshipPattern', nested.start);
  }
  return {
    kind: 'Relationship', variable: undefined, types: undefined, direction: 'both', length, properties: undefined, where: undefined,
    repeated: { elements, where }, start, end: c.lastEnd,
  };
}

export function parseNodePattern(c: Cursor): NodePattern {
  const start = c.token.start;
  if (!c.isPunct('(')) throw refusedPathMode(c) ?? c.expected("a node pattern such as '(n)'");
  c.at++;
  const variable = c.isName() && !(c.isWord('WHERE') && !c.isPunct(')', 1)) && !isIsLabel(c) ? c.expectName('a variable') : undefined;
  const labels = parseOptionalLabels(c);
  const properties = parseOptionalProperties(c);
  const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
  c.expectPunct(')');
  return { kind: 'Node', variable, labels, properties, where, start, end: c.lastEnd };
}

function isIsLabel(c: Cursor): boolean {
  return c.isWord('IS') && (c.isName(1) || isDynamicAhead(c, 1));
}

function parseOptionalLabels(c: Cursor): LabelExpression | undefined {
  if (c.takePunct(':') || (isIsLabel(c) && c.takeWord('IS'))) return parseLabelExpression(c);
  return undefined;
}

function parseOptionalProperties(c: Cursor): MapLiteral | Parameter | undefined {
  if (c.isPunct('{')) return parseMapLiteral(c);
  if (c.token.type === 'parameter') {
    const token = c.token;
    c.at++;
    return { kind: 'Parameter', name: token.text, start: token.start, end: token.end };
  }
  return undefined;
}

function parseRelationshipPattern(c: Cursor): RelationshipPattern {
  const start = c.token.start;
  const pointsLeft = c.takePunct('<');
  c.expectPunct('-');
  let variable: string | undefined;
  let types: LabelExpression | undefined;
  let length: RelationshipPattern['length'];
  let properties: RelationshipPattern['properties'];
  let where: RelationshipPattern['where'];
  if (c.takePunct('[')) {
    if (c.isName() && !(c.isWord('WHERE') && !c.isPunct(']', 1)) && !isIsLabel(c)) variable = c.expectName('a variable');
    if (c.takePunct(':') || (isIsLabel(c) && c.takeWord('IS'))) types = parseLabelExpression(c);
    if (c.isPunct('..')) {
      throw c.error("a length range needs a '*' in front", 'InvalidRelationshipPattern');
    }
    if (c.takePunct('*')) length = parseLength(c);
    properties = parseOptionalProperties(c);
    if (c.takeWord('WHERE')) where = parseExpression(c);
    c.expectPunct(']');
  }
  c.expectPunct('-');
  const pointsRight = c.takePunct('>');
  const direction = pointsLeft === pointsRight ? 'both' : pointsLeft ? 'in' : 'out';
  return { kind: 'Relationship', variable, types, direction, length, properties, where, start, end: c.lastEnd };
}

/** `-[:T]->{2,4}`, `->+`, `->*`: as `*2..4`, `*1..`, `*0..`, but that its predicate holds for each relationship. */
function quantified(c: Cursor, pattern: RelationshipPattern): RelationshipPattern {
  const length = parseQuantifier(c);
  if (length === undefined) return pattern;
  if (pattern.length !== undefined) throw c.error('a relationship is repeated either by * or by a quantifier', 'InvalidRelationshipPattern', pattern.start);
  const { variable, where } = pattern;
  if (where === undefined || variable === undefined) return { ...pattern, length };
  const { start, end } = where;
  return { ...pattern, length, where: { kind: 'Quantifier', type: 'all', variable, list: { kind: 'Variable', name: variable, start, end }, where, start, end } };
}

function checkedQuantifier(c: Cursor, start: number, min: number, max: number | undefined): { min: number; max: number | undefined } {
  c.expectPunct('}');
  if (max === 0) throw c.error('a quantifier allows at least one repetition', 'InvalidRelationshipPattern', start);
  if (max !== undefined && max < min) throw c.error(`a quantifier's upper bound ${max} is less than its lower bound ${min}`, 'InvalidRelationshipPattern', start);
  return { min, max };
}

function parseQuantifier(c: Cursor): { min: number; max: number | undefined } | undefined {
  const { start } = c.token;
  if (c.takePunct('+')) return { min: 1, max: undefined };
  if (c.takePunct('*')) return { min: 0, max: undefined };
  if (!c.takePunct('{')) return undefined;
  const min = parseBound(c);
  if (!c.takePunct(',')) {
    if (min === undefined) throw c.expected('a number of repetitions');
    return checkedQuantifier(c, start, min, min);
  }
  return checkedQuantifier(c, start, min ?? 0, parseBound(c));
}

function parseLength(c: Cursor): { min: number | undefined; max: number | undefined } {
  const min = parseBound(c);
  if (c.takePunct('..')) return { min, max: parseBound(c) };
  return { min, max: min };
}

function parseBound(c: Cursor): number | undefined {
  if (c.isPunct('-')) throw c.error('a length is not negative', 'InvalidRelationshipPattern');
  if (c.token.type !== 'integer') return undefined;
  const value = Number(c.token.text);
  if (!Number.isSafeInteger(value)) throw c.error('this length is too large', 'InvalidRelationshipPattern');
  c.at++;
  return value;
}

/** `A:B`, `A&B`, `A|B`, `A|:B`, `!A`, `%`, parentheses; `|` binds loosest, `!` tightest. */
export function parseLabelExpression(c: Cursor): LabelExpression {
  const items = [parseLabelAnd(c)];
  while (c.isPunct('|') && !c.barEndsLabels) {
    c.at++;
    c.takePunct(':');
    items.push(parseLabelAnd(c));
  }
  return items.length === 1 ? items[0]! : { kind: 'Or', items };
}

function parseLabelAnd(c: Cursor): LabelExpression {
  const items = [parseLabelNot(c)];
  while (c.takePunct('&') || (c.isPunct(':') && isLabelAhead(c, 1) && c.takePunct(':'))) {
    items.push(parseLabelNot(c));
  }
  return items.length === 1 ? items[0]! : { kind: 'And', items };
}

function parseLabelNot(c: Cursor): LabelExpression {
  if (c.takePunct('!')) return { kind: 'Not', item: parseLabelNot(c) };
  if (c.takePunct('%')) return { kind: 'Any' };
  if (c.takePunct('(')) {
    const bar = c.barEndsLabels;
    c.barEndsLabels = false;
    const inner = parseLabelExpression(c);
    c.barEndsLabels = bar;
    c.expectPunct(')');
    return inner;
  }
  if (isDynamicAhead(c)) return parseDynamic(c);
  const { start } = c.token;
  if (c.token.type === 'parameter') throw c.error('a parameter cannot be a label or type by itself', 'UnexpectedSyntax', start, `write $($${c.token.text})`);
  return { kind: 'Label', name: c.expectName('a label or type'), start };
}

/** Whether a label expression begins here, seen from behind its colon. */
export function isLabelAhead(c: Cursor, ahead: number): boolean {
  return c.isName(ahead) || c.isPunct('!', ahead) || c.isPunct('%', ahead) || c.isPunct('(', ahead) || c.peek(ahead).type === 'parameter' || isDynamicAhead(c, ahead);
}

/** `$(`, `$all(`, `$any(` */
export function isDynamicAhead(c: Cursor, ahead = 0): boolean {
  const token = c.peek(ahead);
  return c.isPunct('(', ahead + 1) && (c.isPunct('$', ahead) || (token.type === 'parameter' && /^(all|any)$/i.test(token.text)));
}

export function parseDynamic(c: Cursor): DynamicLabels {
  const { start, type, text } = c.token;
  const of = type === 'parameter' && text.toLowerCase() === 'any' ? 'any' : 'all';
  c.at += 2;
  const expression = inBrackets(c);
  c.expectPunct(')');
  return { kind: 'Dynamic', of, expression, start, end: c.lastEnd };
}

/** Whether the parenthesis at the cursor opens a path pattern with at least one relationship. */
export function isPatternAhead(c: Cursor, ahead = 0): boolean {
  const open = c.at + ahead;
  if (!c.isPunct('(', ahead)) return false;
  let inside = ahead + 1;
  if (c.isName(inside)) inside++;
  const first = c.peek(inside);
  const looksLikeNode = first.type === 'parameter' || (first.type === 'word' && (first.key === 'WHERE' || first.key === 'IS'))
    || (first.type === 'punct' && (first.key === ')' || first.key === ':' || first.key === '{'));
  if (!looksLikeNode) return false;
  const close = c.closing(open);
  if (close < 0) return false;
  let next = close - c.at + 1;
  // A pattern that is repeated.
  if (c.isPunct('(', next) && c.isPunct('(', next + 1)) return true;
  if (c.isPunct('<', next)) next++;
  if (!c.isPunct('-', next)) return false;
  // `(x {…}) - -1` is arithmetic.
  return c.isPunct('[', next + 1) || (c.isPunct('-', next + 1) && (c.isPunct('(', next + 2) || c.isPunct('>', next + 2)));
}
