/**
 * Labels and types that are values: `(n:$(label))`, `-[r:$any($types)]->`, `CREATE (:$($labels))`. A value is a text or a list of texts;
 * nothing else, null neither, names a label.
 */
import { typeName } from '../../value/format.ts';
import { NodeValue, type Value } from '../../value/value.ts';
import type { Expression, LabelExpression } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import { forEachDynamic, isDynamic, mapDynamic } from '../semantics/walk.ts';
import { compile, labelTest, type CompileContext } from './compile.ts';
import { hasTypeOrLabel, typeError } from './compile-access.ts';
import type { Evaluate, Row, Runtime } from './runtime.ts';

/** The expression with names in place of what was a value. */
export type LabelsOf = (row: Row, rt: Runtime) => LabelExpression;

/** The same object as long as the values are the same. */
export function compileLabels(labels: LabelExpression, env: Env, cc: CompileContext): LabelsOf {
  if (!isDynamic(labels)) return () => labels;
  const values: Evaluate[] = [];
  forEachDynamic(labels, (e: Expression) => {
    values.push(compile(e, env, cc));
  });
  let known: readonly (readonly string[])[] | undefined;
  let named = labels;
  return (row, rt) => {
    const names = values.map((value) => labelNames(value(row, rt)));
    if (known !== undefined && names.every((each, i) => sameNames(each, known![i]!))) return named;
    known = names;
    let at = 0;
    named = mapDynamic(labels, ({ of, start }): LabelExpression => {
      const items = names[at++]!.map((name) => ({ kind: 'Label' as const, name, start }));
      return items.length === 1 ? items[0]! : { kind: of === 'all' ? 'And' : 'Or', items };
    });
    return named;
  };
}

/** Labels that are made or taken away. */
export function labelNames(value: Value): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  const found = Array.isArray(value) ? `a list with ${article(value.find((item) => typeof item !== 'string')!)}` : article(value);
  throw typeError(`a label or type is a String or a list of Strings, not ${found}`);
}

function article(value: Value): string {
  if (value === null) return 'null';
  const name = typeName(value);
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

const NONE: readonly ArrayLike<number>[] = [];

/** The nodes with such labels, each once: those of the rarest label that all must have, of each of a choice, or of all nodes, where they pass. */
export function nodesWith(labels: LabelExpression, rt: Runtime): Iterable<ArrayLike<number>> {
  const { view } = rt;
  if (labels.kind === 'Label') {
    const id = view.catalog.findLabel(labels.name);
    return id === undefined ? NONE : view.scanNodes(id);
  }
  if (labels.kind === 'Or' && labels.items.every(({ kind }) => kind === 'Label')) return nodesWithAny(labels.items.flatMap((item) => (item.kind === 'Label' ? item.name : [])), rt);
  const test = labelTest(labels);
  const passes = (id: number): boolean => hasTypeOrLabel(new NodeValue(id), rt, test);
  if (labels.kind !== 'And') return kept(view.scanNodes(), passes);
  let rarest: number | undefined;
  for (const item of labels.items) {
    if (item.kind !== 'Label') continue;
    const id = view.catalog.findLabel(item.name);
    if (id === undefined) return NONE;
    if (rarest === undefined || view.nodeCount(id) < view.nodeCount(rarest)) rarest = id;
  }
  return kept(view.scanNodes(rarest), passes);
}

function* nodesWithAny(labels: readonly string[], rt: Runtime): Generator<ArrayLike<number>> {
  const { view } = rt;
  const done: number[] = [];
  for (const name of labels) {
    const id = view.catalog.findLabel(name);
    if (id === undefined || done.includes(id)) continue;
    if (done.length === 0) yield* view.scanNodes(id);
    else yield* kept(view.scanNodes(id), (node) => !done.some((label) => view.hasLabel(new NodeValue(node), label)));
    done.push(id);
  }
}

function* kept(found: Iterable<ArrayLike<number>>, passes: (id: number) => boolean): Generator<ArrayLike<number>> {
  for (const ids of found) yield Array.from(ids).filter(passes);
}
