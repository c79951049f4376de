/**
 * Walking and rewriting expressions without knowing each kind: used by the checks, the planner and the aggregation rewrite.
 */
import type {
  Clause, DynamicLabels, Expression, LabelExpression, NodePattern, PatternPart, Projection, Query, RelationshipPattern, RepeatedPattern, SetItem,
} from '../ast.ts';

/** Calls `visit` with each direct sub-expression, those inside patterns and subqueries included. */
export function forEachChild(e: Expression, visit: (child: Expression) => void): void {
  switch (e.kind) {
    case 'Literal': case 'Parameter': case 'Variable': case 'CountStar':
      return;
    case 'Property': visit(e.target); return;
    case 'List': e.items.forEach(visit); return;
    case 'Map': for (const entry of e.entries) visit(entry.value); return;
    case 'Unary': visit(e.operand); return;
    case 'Binary': visit(e.left); visit(e.right); return;
    case 'Chain': e.operands.forEach(visit); return;
    case 'IsNull': case 'IsTyped': visit(e.operand); return;
    case 'HasLabels':
      visit(e.operand);
      forEachDynamic(e.labels, visit);
      return;
    case 'Index': visit(e.target); visit(e.index); return;
    case 'Slice':
      visit(e.target);
      if (e.from !== undefined) visit(e.from);
      if (e.to !== undefined) visit(e.to);
      return;
    case 'Case':
      if (e.subject !== undefined) visit(e.subject);
      for (const branch of e.branches) {
        visit(branch.when);
        visit(branch.then);
      }
      if (e.otherwise !== undefined) visit(e.otherwise);
      return;
    case 'Call': e.args.forEach(visit); return;
    case 'ListComprehension':
      visit(e.list);
      if (e.where !== undefined) visit(e.where);
      if (e.project !== undefined) visit(e.project);
      return;
    case 'PatternComprehension':
      forEachInPart(e.pattern, visit);
      if (e.where !== undefined) visit(e.where);
      visit(e.project);
      return;
    case 'Quantifier': visit(e.list); visit(e.where); return;
    case 'Reduce':
      for (const part of [e.initial, e.list, e.step]) visit(part);
      if (e.every !== undefined) visit(e.every);
      return;
    case 'MapProjection':
      visit(e.target);
      for (const item of e.items) if (item.kind === 'entry') visit(item.value);
      return;
    case 'PatternPredicate': case 'ShortestPath': forEachInPart(e.pattern, visit); return;
    case 'Subquery': forEachInQuery(e.query, visit); return;
  }
}

export function forEachInPart(part: PatternPart, visit: (child: Expression) => void): void {
  for (const element of part.elements) forEachInElement(element, visit);
  if (part.where !== undefined) visit(part.where);
  if (part.selector !== undefined) visit(part.selector.count);
}

function forEachInElement(element: NodePattern | RelationshipPattern, visit: (child: Expression) => void): void {
  forEachDynamic(element.kind === 'Node' ? element.labels : element.types, visit);
  if (element.properties !== undefined) visit(element.properties);
  if (element.where !== undefined) visit(element.where);
  if (element.kind === 'Relationship' && element.repeated !== undefined) forEachInRepeated(element.repeated, visit);
}

export function forEachInRepeated({ elements, where }: RepeatedPattern, visit: (child: Expression) => void): void {
  for (const element of elements) forEachInElement(element, visit);
  if (where !== undefined) visit(where);
}

/** The elements of a part, those of patterns that are repeated among them. */
export function* allElements(elements: PatternPart['elements']): Generator<NodePattern | RelationshipPattern> {
  for (const element of elements) {
    yield element;
    if (element.kind === 'Relationship' && element.repeated !== undefined) yield* element.repeated.elements;
  }
}

function forEachInProjection(projection: Projection, visit: (child: Expression) => void): void {
  for (const item of projection.items) visit(item.expression);
  for (const item of projection.orderBy) visit(item.expression);
  if (projection.skip !== undefined) visit(projection.skip);
  if (projection.limit !== undefined) visit(projection.limit);
}

function forEachInSetItem(item: SetItem, visit: (child: Expression) => void): void {
  if (item.kind === 'labels') {
    for (const label of item.labels) if (typeof label !== 'string') visit(label);
    return;
  }
  visit(item.value);
  if (item.kind !== 'property') return;
  visit(item.target);
  if (typeof item.key !== 'string') visit(item.key);
}

function forEachInClause(clause: Clause, visit: (child: Expression) => void): void {
  switch (clause.kind) {
    case 'Match':
      for (const part of clause.patterns) forEachInPart(part, visit);
      if (clause.where !== undefined) visit(clause.where);
      return;
    case 'Unwind': visit(clause.list); return;
    case 'With':
      forEachInProjection(clause.projection, visit);
      if (clause.where !== undefined) visit(clause.where);
      return;
    case 'Return': forEachInProjection(clause.projection, visit); return;
    case 'Create': for (const part of clause.patterns) forEachInPart(part, visit); return;
    case 'Merge':
      forEachInPart(clause.pattern, visit);
      for (const item of [...clause.onCreate, ...clause.onMatch]) forEachInSetItem(item, visit);
      return;
    case 'Set': for (const item of clause.items) forEachInSetItem(item, visit); return;
    case 'Remove':
      for (const item of clause.items) {
        if (item.kind === 'labels') {
          for (const label of item.labels) if (typeof label !== 'string') visit(label);
          continue;
        }
        visit(item.target);
        if (typeof item.key !== 'string') visit(item.key);
      }
      return;
    case 'Delete': clause.items.forEach(visit); return;
    case 'Foreach':
      visit(clause.list);
      for (const inner of clause.clauses) forEachInClause(inner, visit);
      return;
    case 'Call':
      clause.args?.forEach(visit);
      if (clause.where !== undefined) visit(clause.where);
      return;
    case 'CallSubquery': forEachInQuery(clause.query, visit); return;
    case 'LoadCsv': visit(clause.url); return;
    case 'Finish':
  }
}

export function forEachInQuery(query: Query, visit: (child: Expression) => void): void {
  for (const part of query.parts) for (const clause of part.clauses) forEachInClause(clause, visit);
}

/** A copy of `e` with each direct sub-expression replaced; patterns and subqueries keep theirs. */
export function mapChildren(e: Expression, f: (child: Expression) => Expression): Expression {
  switch (e.kind) {
    case 'Literal': case 'Parameter': case 'Variable': case 'CountStar': case 'PatternPredicate': case 'ShortestPath': case 'Subquery':
      return e;
    case 'Property': return { ...e, target: f(e.target) };
    case 'List': return { ...e, items: e.items.map(f) };
    case 'Map': return { ...e, entries: e.entries.map((entry) => ({ key: entry.key, value: f(entry.value) })) };
    case 'Unary': return { ...e, operand: f(e.operand) };
    case 'Binary': return { ...e, left: f(e.left), right: f(e.right) };
    case 'Chain': return { ...e, operands: e.operands.map(f) };
    case 'IsNull': case 'IsTyped': return { ...e, operand: f(e.operand) };
    case 'HasLabels': return { ...e, operand: f(e.operand), labels: mapDynamic(e.labels, (each) => ({ ...each, expression: f(each.expression) })) };
    case 'Index': return { ...e, target: f(e.target), index: f(e.index) };
    case 'Slice':
      return { ...e, target: f(e.target), from: e.from && f(e.from), to: e.to && f(e.to) };
    case 'Case':
      return {
        ...e, subject: e.subject && f(e.subject), otherwise: e.otherwise && f(e.otherwise),
        branches: e.branches.map((branch) => ({ when: f(branch.when), then: f(branch.then) })),
      };
    case 'Call': return { ...e, args: e.args.map(f) };
    case 'ListComprehension':
      return { ...e, list: f(e.list), where: e.where && f(e.where), project: e.project && f(e.project) };
    case 'PatternComprehension':
      return { ...e, where: e.where && f(e.where), project: f(e.project) };
    case 'Quantifier': return { ...e, list: f(e.list), where: f(e.where) };
    case 'Reduce': return { ...e, initial: f(e.initial), list: f(e.list), step: f(e.step), every: e.every === undefined ? undefined : f(e.every) };
    case 'MapProjection':
      return {
        ...e, target: f(e.target),
        items: e.items.map((item) => (item.kind === 'entry' ? { ...item, value: f(item.value) } : item)),
      };
  }
}

/** Replaces every sub-expression for which `replace` has an answer, from the outside in. */
export function substitute(e: Expression, replace: (e: Expression) => Expression | undefined): Expression {
  return replace(e) ?? mapChildren(e, (child) => substitute(child, replace));
}

/** Equal but for where they stand in the text. */
export function sameExpression(a: Expression, b: Expression): boolean {
  return a.kind === b.kind && sameData(a, b);
}

function sameData(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameData(item, b[i]));
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) {
    if (key === 'start' || key === 'end') continue;
    if (key === 'name' && left.kind === 'Call') {
      if (String(left.name).toLowerCase() !== String(right.name).toLowerCase()) return false;
    } else if (!sameData(left[key], right[key])) return false;
  }
  return true;
}

/** Every variable an expression mentions, except those it binds itself. Names of pattern elements count as mentioned. */
export function mentionedVariables(e: Expression, into = new Set<string>()): Set<string> {
  switch (e.kind) {
    case 'Variable': into.add(e.name); return into;
    case 'ListComprehension': return withoutLocals([e.variable], [e.list], [e.where, e.project], into);
    case 'Quantifier': return withoutLocals([e.variable], [e.list], [e.where], into);
    case 'Reduce': return withoutLocals([e.accumulator, e.variable], [e.initial, e.list], [e.step, e.every], into);
    case 'MapProjection':
      for (const item of e.items) if (item.kind === 'variable') into.add(item.name);
      break;
    case 'PatternPredicate': case 'ShortestPath': case 'PatternComprehension': addPatternNames(e.pattern, into); break;
    case 'Subquery': addQueryNames(e.query, into); break;
    default:
  }
  forEachChild(e, (child) => mentionedVariables(child, into));
  return into;
}

function withoutLocals(
  locals: string[], outside: (Expression | undefined)[], inside: (Expression | undefined)[], into: Set<string>,
): Set<string> {
  for (const e of outside) if (e !== undefined) mentionedVariables(e, into);
  const inner = new Set<string>();
  for (const e of inside) if (e !== undefined) mentionedVariables(e, inner);
  for (const local of locals) inner.delete(local);
  for (const name of inner) into.add(name);
  return into;
}

function addPatternNames(part: PatternPart, into: Set<string>): void {
  if (part.variable !== undefined) into.add(part.variable);
  for (const { variable } of allElements(part.elements)) if (variable !== undefined) into.add(variable);
}

function addQueryNames(query: Query, into: Set<string>): void {
  for (const part of query.parts) for (const clause of part.clauses) addClauseNames(clause, into);
}

function addClauseNames(clause: Clause, into: Set<string>): void {
  if (clause.kind === 'Match') for (const part of clause.patterns) addPatternNames(part, into);
  else if (clause.kind === 'CallSubquery') {
    addQueryNames(clause.query, into);
    if (Array.isArray(clause.imports)) for (const name of clause.imports as string[]) into.add(name);
  }
}

/** Conjuncts of a predicate. */
export function conjuncts(e: Expression | undefined, into: Expression[] = []): Expression[] {
  if (e === undefined) return into;
  if (e.kind === 'Binary' && e.op === 'AND') {
    conjuncts(e.left, into);
    conjuncts(e.right, into);
  } else into.push(e);
  return into;
}

/** The names of a label expression that is a plain conjunction, or undefined. */
export function plainLabels(labels: LabelExpression | undefined): string[] | undefined {
  if (labels === undefined) return [];
  if (labels.kind === 'Label') return [labels.name];
  if (labels.kind !== 'And') return undefined;
  const names: string[] = [];
  for (const item of labels.items) {
    const inner = plainLabels(item);
    if (inner === undefined) return undefined;
    names.push(...inner);
  }
  return names;
}

/** The names of a type expression that is a plain choice, or undefined; no expression: an empty list, meaning any type. */
export function plainTypes(types: LabelExpression | undefined): string[] | undefined {
  if (types === undefined) return [];
  if (types.kind === 'Label') return [types.name];
  if (types.kind !== 'Or') return undefined;
  const names: string[] = [];
  for (const item of types.items) {
    if (item.kind !== 'Label') return undefined;
    names.push(item.name);
  }
  return names;
}

export function isNodePattern(element: NodePattern | RelationshipPattern): element is NodePattern {
  return element.kind === 'Node';
}

/** Every label name a label expression mentions. */
export function forEachLabel(labels: LabelExpression | undefined, visit: (name: string, start: number) => void): void {
  if (labels === undefined) return;
  switch (labels.kind) {
    case 'Label': visit(labels.name, labels.start); return;
    case 'Not': forEachLabel(labels.item, visit); return;
    case 'And': case 'Or': for (const item of labels.items) forEachLabel(item, visit); return;
    case 'Any': case 'Dynamic':
  }
}

/** The expressions of `$(…)` in a label expression. */
export function forEachDynamic(labels: LabelExpression | undefined, visit: (e: Expression) => void): void {
  if (labels === undefined) return;
  switch (labels.kind) {
    case 'Dynamic': visit(labels.expression); return;
    case 'Not': forEachDynamic(labels.item, visit); return;
    case 'And': case 'Or': for (const item of labels.items) forEachDynamic(item, visit); return;
    case 'Label': case 'Any':
  }
}

export function isDynamic(labels: LabelExpression | undefined): boolean {
  let found = false;
  forEachDynamic(labels, () => {
    found = true;
  });
  return found;
}

/** The label expression with something else in each dynamic place. */
export function mapDynamic(labels: LabelExpression, f: (dynamic: DynamicLabels) => LabelExpression): LabelExpression {
  switch (labels.kind) {
    case 'Dynamic': return f(labels);
    case 'Not': return { ...labels, item: mapDynamic(labels.item, f) };
    case 'And': case 'Or': return { ...labels, items: labels.items.map((item) => mapDynamic(item, f)) };
    case 'Label': case 'Any': return labels;
  }
}

/** The labels that a created node gets, or undefined where the expression says something else. */
export function createdLabels(labels: LabelExpression | undefined): (string | Expression)[] | undefined {
  if (labels === undefined) return [];
  if (labels.kind === 'Label') return [labels.name];
  if (labels.kind === 'Dynamic') return labels.of === 'all' ? [labels.expression] : undefined;
  if (labels.kind !== 'And') return undefined;
  const items = labels.items.map(createdLabels);
  return items.includes(undefined) ? undefined : (items as (string | Expression)[][]).flat();
}

/** The property of the variable that `name.key IS NOT NULL` asks for. */
export function presentKey(e: Expression, name: string): string | undefined {
  if (e.kind !== 'IsNull' || !e.negated || e.operand.kind !== 'Property') return undefined;
  const { target, key } = e.operand;
  return target.kind === 'Variable' && target.name === name ? key : undefined;
}
