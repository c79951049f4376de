/**
 * Alternatives that say something of one thing are said as one: `n.p = 1 OR n.p = 2` is `n.p IN [1, 2]`, and `n:A OR n:B` is `n:A|B`. It is as true,
 * false or unknown as before, is tested faster, and is understood by what looks for indexes.
 */
import type { Expression, HasLabels, LabelExpression } from '../ast.ts';
import { isDynamic } from '../semantics/walk.ts';

/** What is joined by OR. */
export function disjuncts(e: Expression, into: Expression[] = []): Expression[] {
  if (e.kind === 'Binary' && e.op === 'OR') {
    disjuncts(e.left, into);
    disjuncts(e.right, into);
  } else into.push(e);
  return into;
}

export function joinAlternatives(e: Expression): Expression {
  if (e.kind !== 'Binary' || e.op !== 'OR') return e;
  const alternatives = disjuncts(e);
  const bySubject = new Map<string, Expression[]>();
  for (const [i, alternative] of alternatives.entries()) {
    const subject = subjectOf(alternative) ?? String(i);
    const same = bySubject.get(subject);
    if (same === undefined) bySubject.set(subject, [alternative]);
    else same.push(alternative);
  }
  if (bySubject.size === alternatives.length) return e;
  return [...bySubject.values()].map(joined).reduce((left, right) => ({ kind: 'Binary', op: 'OR', left, right, start: left.start, end: right.end }));
}

/** Alternatives of one subject can be joined; undefined: these with no others. */
function subjectOf(e: Expression): string | undefined {
  if (e.kind === 'HasLabels') return e.operand.kind === 'Variable' && !isDynamic(e.labels) ? JSON.stringify(['labels', e.operand.name]) : undefined;
  const of = choiceOf(e)?.of;
  if (of?.kind === 'Property' && of.target.kind === 'Variable') return JSON.stringify(['key', of.target.name, of.key]);
  const argument = of?.kind === 'Call' ? of.args[0] : undefined;
  return of?.kind === 'Call' && argument?.kind === 'Variable' ? JSON.stringify([of.name.toLowerCase(), argument.name]) : undefined;
}

/** Of one subject. */
function joined(alternatives: readonly Expression[]): Expression {
  const first = alternatives[0]!;
  if (alternatives.length === 1) return first;
  const [start, end] = [first.start, alternatives.at(-1)!.end];
  if (first.kind === 'HasLabels') return { kind: 'HasLabels', operand: first.operand, labels: { kind: 'Or', items: alternatives.flatMap((each) => choices((each as HasLabels).labels)) }, start, end };
  const items = alternatives.flatMap((each) => choiceOf(each)!.values);
  return { kind: 'Binary', op: 'IN', left: choiceOf(first)!.of, right: { kind: 'List', items, start, end }, start, end };
}

function choices(labels: LabelExpression): readonly LabelExpression[] {
  return labels.kind === 'Or' ? labels.items : [labels];
}

/** A property or the id of a variable, and the values of which it is to be one. */
function choiceOf(e: Expression): { readonly of: Expression; readonly values: readonly Expression[] } | undefined {
  if (e.kind !== 'Binary') return undefined;
  if (e.op === 'IN' && isSubject(e.left) && e.right.kind === 'List' && e.right.items.every(isPlain)) return { of: e.left, values: e.right.items };
  if (e.op !== '=') return undefined;
  if (isSubject(e.left) && isPlain(e.right)) return { of: e.left, values: [e.right] };
  return isSubject(e.right) && isPlain(e.left) ? { of: e.right, values: [e.left] } : undefined;
}

function isSubject(e: Expression): boolean {
  if (e.kind === 'Property') return e.target.kind === 'Variable';
  return e.kind === 'Call' && e.args.length === 1 && e.args[0]!.kind === 'Variable' && ['id', 'elementid'].includes(e.name.toLowerCase());
}

/** It cannot fail: after a true alternative the next is not looked at, in a list it is. */
function isPlain(e: Expression): boolean {
  return e.kind === 'Literal' || e.kind === 'Parameter' || e.kind === 'Variable';
}

/** Whether what a property or id is compared with may be looked at before its turn comes: it cannot fail, or as a property does, only where there can be none. */
export function canBeSought(e: Expression): boolean {
  if (e.kind === 'IsNull') return true;
  const isSafe = (side: Expression): boolean => isPlain(side) || isSubject(side) || (side.kind === 'List' && side.items.every(isSafe));
  return e.kind === 'Binary' && isSafe(e.left) && isSafe(e.right);
}
