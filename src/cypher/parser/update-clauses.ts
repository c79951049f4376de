/**
 * What SET, REMOVE and DELETE are followed by.
 */
import type { DeleteClause, Expression, RemoveClause, RemoveItem, SetItem } from '../ast.ts';
import type { Cursor } from './cursor.ts';
import { inBrackets, parseExpression } from './expressions.ts';
import { isDynamicAhead, parseDynamic } from './patterns.ts';

export function parseSetItems(c: Cursor): SetItem[] {
  const items = [parseSetItem(c)];
  while (c.takePunct(',')) items.push(parseSetItem(c));
  return items;
}

function parseSetItem(c: Cursor): SetItem {
  const start = c.token.start;
  if (c.isName()) {
    if (c.isPunct('=', 1) || c.isPunct('+=', 1)) {
      const variable = c.expectName('a variable');
      const kind = c.takePunct('=') ? 'replace' : 'merge';
      if (kind === 'merge') c.expectPunct('+=');
      const value = parseExpression(c);
      return { kind, variable, value, start, end: c.lastEnd };
    }
    if (isLabelsAhead(c)) {
      const variable = c.expectName('a variable');
      return { kind: 'labels', variable, labels: parseLabels(c), start, end: c.lastEnd };
    }
  }
  const { target, key } = parsePropertyTarget(c);
  c.expectPunct('=');
  const value = parseExpression(c);
  return { kind: 'property', target, key, value, start, end: c.lastEnd };
}

function isLabelsAhead(c: Cursor): boolean {
  return c.isPunct(':', 1) || (c.isWord('IS', 1) && (c.isName(2) || isDynamicAhead(c, 2)));
}

/** `:A:B`, `IS A`, and the dynamic `:$(expression)`. */
function parseLabels(c: Cursor): (string | Expression)[] {
  const labels: (string | Expression)[] = [];
  while (c.takePunct(':') || c.takePunct('&') || c.takeWord('IS')) {
    if (isDynamicAhead(c)) {
      const { of, expression, start } = parseDynamic(c);
      if (of === 'any') throw c.error('$any() says what is to be found: labels that are set or removed are all of them', 'InvalidLabelExpression', start, 'write $(expression)');
      labels.push(expression);
    } else labels.push(c.expectName('a label'));
  }
  return labels;
}

/** `x.a.b` sets `b` of `x.a`; `x[expression]` names the property by a value. */
function parsePropertyTarget(c: Cursor): { target: Expression; key: string | Expression } {
  const offset = c.token.start;
  const at = c.at;
  if (!c.isName() && !c.isPunct('(')) throw c.expected('a property such as n.name');
  let expression: Expression;
  if (c.isPunct('(') || c.isName()) expression = parseTarget(c);
  else throw c.expected('a property');
  if (expression.kind === 'Property') return { target: expression.target, key: expression.key };
  if (expression.kind === 'Index') return { target: expression.target, key: expression.index };
  c.at = at;
  throw c.error('expected a property such as n.name', 'UnexpectedSyntax', offset);
}

/** A postfix expression: parsed by hand, because `=` must stay. */
function parseTarget(c: Cursor): Expression {
  const start = c.token.start;
  let target: Expression;
  if (c.takePunct('(')) {
    target = inBrackets(c);
    c.expectPunct(')');
  } else {
    const name = c.expectName('a variable');
    target = { kind: 'Variable', name, start, end: c.lastEnd };
  }
  for (;;) {
    if (c.takePunct('.')) {
      const key = c.expectName('a property name');
      target = { kind: 'Property', target, key, start, end: c.lastEnd };
    } else if (c.takePunct('[')) {
      const index = inBrackets(c);
      c.expectPunct(']');
      target = { kind: 'Index', target, index, start, end: c.lastEnd };
    } else return target;
  }
}

export function parseRemove(c: Cursor, start: number): RemoveClause {
  const items: RemoveItem[] = [];
  do {
    const from = c.token.start;
    if (c.isName() && isLabelsAhead(c)) {
      const variable = c.expectName('a variable');
      items.push({ kind: 'labels', variable, labels: parseLabels(c), start: from, end: c.lastEnd });
    } else {
      const { target, key } = parsePropertyTarget(c);
      items.push({ kind: 'property', target, key, start: from, end: c.lastEnd });
    }
  } while (c.takePunct(','));
  return { kind: 'Remove', items, start, end: c.lastEnd };
}

export function parseDelete(c: Cursor, start: number): DeleteClause {
  const detach = c.takeWord('DETACH');
  if (!detach) c.takeWord('NODETACH');
  c.expectWord('DELETE');
  const items = [parseExpression(c)];
  while (c.takePunct(',')) items.push(parseExpression(c));
  return { kind: 'Delete', detach, items, start, end: c.lastEnd };
}
