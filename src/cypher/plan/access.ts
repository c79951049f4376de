/**
 * Ways to find first candidates, with how many rows each gives: of a node by id, by an index, by label, or all nodes; of a relationship by id or by
 * an index of its type.
 */
import type { IndexDef } from '../../graph/catalog.ts';
import type { BinaryOperator, Expression, LabelExpression } from '../ast.ts';
import { conjuncts, forEachDynamic, mentionedVariables, plainLabels, plainTypes, presentKey } from '../semantics/walk.ts';
import { canBeSought, disjuncts } from './disjunctions.ts';
import type { GraphNode, GraphRelationship, Predicate } from './pattern-graph.ts';
import type { IdFunction } from './plan.ts';
import type { Statistics, ValueBound } from './statistics.ts';

/** Guesses for what is not counted. */
const EQUALITY_SHARE = 0.01;
const RANGE_SHARE = 0.25;
const LIST_LENGTH = 10;
/** Up to this share of a label's nodes indexes are walked for those that have a property at all, and for those of several alternatives. */
const FEW = 0.3;

interface Bound {
  readonly value: Expression;
  readonly inclusive: boolean;
}

export type Access =
  | { readonly kind: 'all'; readonly rows: number; readonly uses: readonly Predicate[] }
  | { readonly kind: 'label'; readonly label: string; readonly rows: number; readonly uses: readonly Predicate[] }
  | { readonly kind: 'labels'; readonly labels: LabelExpression; readonly rows: number; readonly uses: readonly Predicate[] }
  | {
    readonly kind: 'id'; readonly function: IdFunction; readonly ids: Expression; readonly list: boolean; readonly rows: number;
    readonly uses: readonly Predicate[];
  }
  | {
    readonly kind: 'seek'; readonly label: string; readonly index: IndexDef; readonly values: readonly Expression[];
    readonly list: boolean; readonly rows: number; readonly uses: readonly Predicate[];
  }
  | {
    readonly kind: 'range'; readonly label: string; readonly index: IndexDef; readonly equal: readonly Expression[];
    readonly lower: Bound | undefined; readonly upper: Bound | undefined; readonly prefix: Expression | undefined;
    readonly rows: number; readonly uses: readonly Predicate[];
    /** What `rows` has counted, but is to be tested again. */
    readonly counted: readonly Predicate[];
  }
  | { readonly kind: 'union'; readonly of: readonly Single[]; readonly rows: number; readonly uses: readonly Predicate[]; readonly counted: readonly Predicate[] };

/** By ids or values: what a relationship may be found by, too. */
export type Seek = Access & { readonly kind: 'id' | 'seek' | 'range' | 'union' };
type Single = Access & { readonly kind: 'id' | 'seek' | 'range' };

/** Indexes that what has certain labels, or a type, is in: each with the label or type. */
type Indexes = readonly (readonly [index: IndexDef, label: string])[];

interface Comparison {
  readonly key: string;
  readonly op: '=' | 'IN' | 'STARTS WITH' | '<' | '<=' | '>' | '>=' | 'IS NOT NULL';
  readonly value: Expression;
  readonly predicate: Predicate;
}

/** The way with the fewest rows. `known` tells which names have a value by then. */
export function bestAccess(node: GraphNode, predicates: readonly Predicate[], known: (name: string) => boolean, stats: Statistics): Access {
  let best: Access = { kind: 'all', rows: stats.nodes(), uses: [] };
  const better = (access: Access | undefined): void => {
    if (access === undefined || (access.kind === 'union' && access.rows > best.rows * FEW)) return;
    // An index is preferred to a scan that seems to give as little: counts change, plans stay for a while.
    if (access.rows < best.rows || (access.rows === best.rows && (best.kind === 'all' || (best.kind === 'label' && access.kind !== 'label')))) best = access;
  };
  for (const label of node.labels) better({ kind: 'label', label, rows: stats.nodes(label), uses: [] });
  const own = predicates.filter(({ mentions }) => mentions.has(node.name));
  const subject: Subject = { name: node.name, isNode: true, indexes: [...node.labels].flatMap((label) => indexesOf(label, stats)), known, stats };
  for (const predicate of own) better(labelsAccess(node.name, predicate, known, stats));
  better(bestOf(subject, own));
  for (const predicate of own) better(choiceAccess(subject, predicate, own));
  return best;
}

function indexesOf(label: string, { catalog }: Statistics): Indexes {
  const labelId = catalog.findLabel(label);
  return labelId === undefined ? [] : catalog.labelIndexes(labelId).map((index) => [index, label]);
}

/** The way to find the relationship itself with the fewest rows; undefined: there is none but to follow it from a node. */
export function bestSeek({ name, types, length, repeated }: GraphRelationship, predicates: readonly Predicate[], known: (name: string) => boolean, stats: Statistics): Seek | undefined {
  if (length !== undefined || repeated !== undefined) return undefined;
  const [type, ...others] = plainTypes(types) ?? [];
  const typeId = type === undefined || others.length > 0 ? undefined : stats.catalog.findType(type);
  const indexes: Indexes = typeId === undefined ? [] : stats.catalog.typeIndexes(typeId).map((index) => [index, type!]);
  return bestOf({ name, isNode: false, indexes, known, stats }, predicates.filter(({ mentions }) => mentions.has(name)));
}

/** What is looked for. */
interface Subject {
  readonly name: string;
  readonly isNode: boolean;
  readonly indexes: Indexes;
  readonly known: (name: string) => boolean;
  readonly stats: Statistics;
}

function bestOf(subject: Subject, own: readonly Predicate[]): Seek | undefined {
  const found: (Seek | undefined)[] = [bestSingle(subject, own), ...own.map((predicate) => unionAccess(subject, predicate))];
  return fewestRows(found);
}

function bestSingle({ name, isNode, indexes, known, stats }: Subject, own: readonly Predicate[]): Single | undefined {
  const found: (Single | undefined)[] = own.map((predicate) => idAccess(name, isNode, predicate, known));
  const comparisons = own.map((predicate) => comparisonOn(name, predicate, known)).filter((each) => each !== undefined);
  if (comparisons.length > 0) for (const [index, label] of indexes) found.push(indexAccess(index, label, comparisons, stats));
  return fewestRows(found);
}

function fewestRows<T extends Access>(found: readonly (T | undefined)[]): T | undefined {
  let best: T | undefined;
  for (const access of found) if (access !== undefined && (best === undefined || access.rows < best.rows)) best = access;
  return best;
}

/** `n.p = 1 OR n.q > 2`: what one or the other finds, where all of the alternatives can be looked up. */
function unionAccess(subject: Subject, predicate: Predicate): Seek | undefined {
  const alternatives = disjuncts(predicate.expression);
  if (alternatives.length === 1) return undefined;
  const found = alternatives.map((alternative) => bestSingle(subject, conjuncts(alternative).filter(canBeSought).map((expression) => ({ expression, mentions: mentionedVariables(expression) }))));
  return union(found, [predicate]);
}

/** `(n:A|B {p: 1})`: what the index of the one label or that of the other finds. */
function choiceAccess(subject: Subject, predicate: Predicate, own: readonly Predicate[]): Seek | undefined {
  const e = predicate.expression;
  if (e.kind !== 'HasLabels' || e.labels.kind !== 'Or' || e.operand.kind !== 'Variable') return undefined;
  const found = e.labels.items.map((labels) => {
    const indexes = plainLabels(labels)?.flatMap((label) => indexesOf(label, subject.stats)) ?? [];
    return bestSingle({ ...subject, indexes }, own);
  });
  return union(found, [predicate, ...found.flatMap((each) => (each === undefined ? [] : countedIn(each)))]);
}

function union(of: readonly (Single | undefined)[], counted: readonly Predicate[]): Seek | undefined {
  const known = of.filter((each) => each !== undefined);
  if (known.length < of.length) return undefined;
  return { kind: 'union', of: known, rows: known.reduce((sum, { rows }) => sum + rows, 0), uses: [], counted };
}

/** Whether what it has found passes its predicates. */
export function isExact(access: Access): boolean {
  return access.kind !== 'range' && access.kind !== 'union' && !(access.kind === 'id' && access.function === 'euid');
}

/** A range with both bounds, or within what is equal: whoever asks for one knows that it is narrow, which no guess does. */
export function isWindow(access: Access): boolean {
  return access.kind === 'range' && (access.equal.length > 0 || access.prefix !== undefined || (access.lower !== undefined && access.upper !== undefined));
}

/** Predicates that the access's rows have counted. */
export function countedIn(access: Access): readonly Predicate[] {
  return access.kind === 'range' || access.kind === 'union' ? [...access.uses, ...access.counted] : access.uses;
}

function indexAccess(index: IndexDef, label: string, comparisons: readonly Comparison[], stats: Statistics): Single | undefined {
  const count = stats.indexable(index, label);
  const values: Expression[] = [];
  const uses: Predicate[] = [];
  for (const [i, keyId] of index.keyIds.entries()) {
    const key = stats.catalog.keyName(keyId);
    const on = comparisons.filter((each) => each.key === key);
    const last = i === index.keyIds.length - 1;
    const equal = on.find((each) => each.op === '=');
    if (equal !== undefined) {
      values.push(equal.value);
      uses.push(equal.predicate);
      continue;
    }
    const inList = last ? on.find((each) => each.op === 'IN') : undefined;
    if (inList !== undefined) {
      const length = inList.value.kind === 'List' ? inList.value.items.length : LIST_LENGTH;
      const rows = Math.min(count, length * stats.rowsPerValue(index, label));
      return { kind: 'seek', label, index, values: [...values, inList.value], list: true, rows, uses: [...uses, inList.predicate] };
    }
    // A node without one of the columns is not in the index: each must be known to have a value.
    const rest = index.keyIds.slice(i).map((id) => stats.catalog.keyName(id));
    const complete = rest.every((name) => comparisons.some((each) => each.key === name));
    return complete ? rangeAccess(index, label, values, uses, on, stats) : undefined;
  }
  const rows = Math.min(count, stats.rowsPerValue(index, label));
  return { kind: 'seek', label, index, values, list: false, rows, uses };
}

function rangeAccess(
  index: IndexDef, label: string, equal: readonly Expression[], uses: readonly Predicate[], on: readonly Comparison[], stats: Statistics,
): Single | undefined {
  const lower = on.find((each) => each.op === '>' || each.op === '>=');
  const upper = on.find((each) => each.op === '<' || each.op === '<=');
  const prefix = on.find((each) => each.op === 'STARTS WITH');
  const bounds = [lower, upper, prefix].filter((each) => each !== undefined);
  const count = stats.indexable(index, label);
  if (bounds.length === 0 && equal.length === 0) return existenceAccess(index, label, count, on, stats);
  const share = equal.length === 0 ? literalShare(index, label, bounds, stats) : undefined;
  const rows = share !== undefined ? Math.max(1, count * share) : Math.max(1, count * EQUALITY_SHARE ** Math.min(equal.length, 1)) * RANGE_SHARE ** bounds.length;
  const bound = (each: Comparison | undefined, inclusive: string): Bound | undefined => (
    each === undefined ? undefined : { value: each.value, inclusive: each.op === inclusive });
  return {
    kind: 'range', label, index, equal, lower: bound(lower, '>='), upper: bound(upper, '<='),
    prefix: lower === undefined && upper === undefined ? prefix?.value : undefined, rows,
    // A range is tested again: the index orders values of several types, the predicate knows just one.
    uses, counted: bounds.map(({ predicate }) => predicate),
  };
}

/** All that have the property: of nodes, where these are few of the label's. */
function existenceAccess(index: IndexDef, label: string, count: number, on: readonly Comparison[], stats: Statistics): Single | undefined {
  const share = index.kind === 'edge' ? 1 : stats.rangeShare(index, label, undefined, undefined, undefined);
  if (on.length === 0 || share === undefined || (index.kind === 'vertex' && share > FEW)) return undefined;
  const counted = on.map(({ predicate }) => predicate);
  return { kind: 'range', label, index, equal: [], lower: undefined, upper: undefined, prefix: undefined, rows: Math.max(1, count * share), uses: [], counted };
}

/** Share of the label's nodes within the bounds, where all of them are literals. */
function literalShare(index: IndexDef, label: string, bounds: readonly Comparison[], stats: Statistics): number | undefined {
  let lower: ValueBound | undefined;
  let upper: ValueBound | undefined;
  let prefix: string | undefined;
  for (const { op, value } of bounds) {
    if (value.kind !== 'Literal' || value.value === null) return undefined;
    const bound = { value: value.value, inclusive: op === '>=' || op === '<=' };
    if (op === 'STARTS WITH') {
      if (typeof value.value !== 'string') return undefined;
      prefix = value.value;
    } else if (op === '>' || op === '>=') lower = bound;
    else upper = bound;
  }
  return bounds.length === 0 ? undefined : stats.rangeShare(index, label, lower, upper, prefix);
}

/** As `selectivity`, but where an index's values are known of the property. */
export function selectivityOn(labels: Iterable<string>, name: string, predicate: Predicate, stats: Statistics): number {
  const comparison = comparisonOn(name, predicate, () => true);
  if (comparison !== undefined && comparison.value.kind === 'Literal' && comparison.op !== '=' && comparison.op !== 'IN') {
    for (const label of labels) {
      const labelId = stats.catalog.findLabel(label);
      const index = labelId === undefined ? undefined : stats.catalog.labelIndexes(labelId).find(({ keyIds }) => stats.catalog.keyName(keyIds[0]!) === comparison.key);
      const share = index === undefined ? undefined : literalShare(index, label, [comparison], stats);
      if (share !== undefined) return share;
    }
  }
  return selectivity(predicate.expression);
}

function comparisonOn(name: string, predicate: Predicate, known: (name: string) => boolean): Comparison | undefined {
  const e = predicate.expression;
  const present = presentKey(e, name);
  if (present !== undefined) return { key: present, op: 'IS NOT NULL', value: e, predicate };
  if (e.kind !== 'Binary') return undefined;
  const { left, right } = e;
  const isOwn = (side: Expression): side is Expression & { kind: 'Property' } => (
    side.kind === 'Property' && side.target.kind === 'Variable' && side.target.name === name);
  const isKnown = (side: Expression): boolean => [...mentionedVariables(side)].every((each) => each !== name && known(each));
  if (isOwn(left) && isKnown(right) && isComparison(e.op)) return { key: left.key, op: e.op, value: right, predicate };
  const flipped = FLIPPED[e.op];
  if (isOwn(right) && flipped !== undefined && isKnown(left)) return { key: right.key, op: flipped, value: left, predicate };
  return undefined;
}

const FLIPPED: Partial<Record<BinaryOperator, '=' | '<' | '<=' | '>' | '>='>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function isComparison(op: BinaryOperator): op is Exclude<Comparison['op'], 'IS NOT NULL'> {
  return op === '=' || op === 'IN' || op === 'STARTS WITH' || op === '<' || op === '<=' || op === '>' || op === '>=';
}

function idAccess(name: string, isNode: boolean, predicate: Predicate, known: (name: string) => boolean): Single | undefined {
  const e = predicate.expression;
  if (e.kind !== 'Binary' || (e.op !== '=' && e.op !== 'IN')) return undefined;
  const isKnown = (side: Expression): boolean => [...mentionedVariables(side)].every((each) => each !== name && known(each));
  const functionOf = (side: Expression): IdFunction | undefined => {
    const of = idFunction(side, name);
    return isNode && of === 'euid' ? undefined : of;
  };
  const of = functionOf(e.left);
  if (of !== undefined && isKnown(e.right)) {
    return { kind: 'id', function: of, ids: e.right, list: e.op === 'IN', rows: e.op === 'IN' ? LIST_LENGTH : 1, uses: [predicate] };
  }
  const mirrored = e.op === '=' ? functionOf(e.right) : undefined;
  return mirrored !== undefined && isKnown(e.left) ? { kind: 'id', function: mirrored, ids: e.left, list: false, rows: 1, uses: [predicate] } : undefined;
}

function idFunction(e: Expression, name: string): IdFunction | undefined {
  if (e.kind !== 'Call' || e.args.length !== 1 || e.args[0]!.kind !== 'Variable' || e.args[0].name !== name) return undefined;
  switch (e.name.toLowerCase()) {
    case 'id': return 'id';
    case 'elementid': return 'elementId';
    case 'euid': return 'euid';
    default: return undefined;
  }
}

/** `(n:A|B)`, `(n:$(label))`. */
function labelsAccess(name: string, predicate: Predicate, known: (name: string) => boolean, stats: Statistics): Access | undefined {
  const e = predicate.expression;
  if (e.kind !== 'HasLabels' || e.operand.kind !== 'Variable' || e.operand.name !== name) return undefined;
  const rows = nodesOf(e.labels, stats);
  let isKnown = rows !== undefined;
  forEachDynamic(e.labels, (each) => {
    isKnown &&= [...mentionedVariables(each)].every((other) => other !== name && known(other));
  });
  return isKnown ? { kind: 'labels', labels: e.labels, rows: rows!, uses: [predicate] } : undefined;
}

/** How many nodes there may be; undefined where no label narrows them down. */
function nodesOf(labels: LabelExpression, stats: Statistics): number | undefined {
  switch (labels.kind) {
    case 'Label': return stats.nodes(labels.name);
    case 'Dynamic': {
      // A label like any other.
      const all = stats.catalog.data.labels.map((label) => stats.nodes(label));
      return all.reduce((sum, count) => sum + count, 0) / Math.max(1, all.length);
    }
    case 'Or': {
      const each = labels.items.map((item) => nodesOf(item, stats));
      return each.includes(undefined) ? undefined : each.reduce<number>((sum, count) => sum + count!, 0);
    }
    case 'And': {
      const each = labels.items.map((item) => nodesOf(item, stats)).filter((count) => count !== undefined);
      return each.length === 0 ? undefined : Math.min(...each);
    }
    case 'Not': case 'Any': return undefined;
  }
}

/** Share of rows a predicate lets pass. */
export function selectivity(e: Expression): number {
  if (e.kind === 'Unary' && e.op === 'NOT') return 1 - selectivity(e.operand) * 0.9;
  if (e.kind === 'HasLabels') return 0.5;
  if (e.kind !== 'Binary') return 0.6;
  switch (e.op) {
    case '=': return 0.1;
    case 'IN': return 0.2;
    case '<': case '<=': case '>': case '>=': case 'STARTS WITH': case 'CONTAINS': case 'ENDS WITH': return 0.4;
    case '<>': return 0.9;
    case 'AND': return selectivity(e.left) * selectivity(e.right);
    default: return 0.6;
  }
}
