/**
 * Checks a whole query: which clauses may follow which, scopes from clause to clause, unions and subqueries.
 */
import type { CallSubqueryClause, Clause, Expression, Query, SetItem, SingleQuery, SubqueryExpression } from '../ast.ts';
import { checkCall } from './check-call.ts';
import { checkExpression, checkPredicate, aTypeName, typeName, VALUE } from './check-expression.ts';
import { checkCreatedPattern, checkMatchPatterns } from './check-pattern.ts';
import { checkProjection } from './check-projection.ts';
import { carryImports, carryOuter } from './outer-names.ts';
import { Scope, undefinedVariable, type CheckContext } from './scope.ts';
import { ANY, BOOLEAN, INTEGER, isUnknown, LIST, listOf, MAP, type StaticType, STRING } from './types.ts';

export interface CheckedQuery {
  readonly columns: readonly string[];
  readonly types: readonly StaticType[];
}

type Place = 'top' | 'union' | 'expression' | 'call';

const UPDATING: ReadonlySet<Clause['kind']> = new Set(['Create', 'Merge', 'Set', 'Remove', 'Delete', 'Foreach']);
const READING: ReadonlySet<Clause['kind']> = new Set(['Match', 'Unwind', 'Call', 'CallSubquery', 'LoadCsv']);

export function isUpdating(clause: Clause): boolean {
  return UPDATING.has(clause.kind);
}

export function checkQuery(context: CheckContext, query: Query, scope: Scope, place: Place): CheckedQuery {
  if (query.unionAll.some((all) => all !== query.unionAll[0])) {
    throw context.error('InvalidClauseComposition', query.start, 'UNION and UNION ALL cannot be mixed');
  }
  // A part of a union is not the whole statement.
  const within = query.parts.length > 1 && place === 'top' ? 'union' : place;
  const parts = query.parts.map((part) => checkSingleQuery(context, part, scope, within));
  for (const [i, part] of parts.entries()) {
    const same = part.columns.length === parts[0]!.columns.length && part.columns.every((name) => parts[0]!.columns.includes(name));
    if (!same) {
      throw context.error('DifferentColumnsInUnion', query.parts[i]!.start, 'All sub queries in an UNION must have the same column names.');
    }
  }
  return parts[0]!;
}

function checkSingleQuery(context: CheckContext, query: SingleQuery, outer: Scope, place: Place): CheckedQuery {
  const { clauses } = query;
  const last = clauses.at(-1)!;
  let scope = outer;
  let updated = false;
  let columns: readonly string[] = [];
  for (const [i, clause] of clauses.entries()) {
    if (isUpdating(clause)) {
      if (place === 'expression') {
        throw context.error('InvalidClauseComposition', clause.start, `${clause.kind.toUpperCase()} cannot stand in a subquery expression`);
      }
      updated = true;
    } else if (clause.kind === 'With') updated = false;
    else if (updated && READING.has(clause.kind)) {
      throw context.error('InvalidClauseComposition', clause.start, `WITH is required between an updating clause and ${clause.kind.toUpperCase()}`);
    }
    if (clause.kind === 'Return') {
      if (clause !== last) throw context.error('InvalidClauseComposition', clauses[i + 1]!.start, 'RETURN can only be the last clause');
      const checked = checkProjection(context, clause.projection, scope, 'RETURN', clause.start);
      return { columns: checked.columns, types: [...checked.scope.types.values()] };
    }
    if (clause.kind === 'Finish') {
      if (clause !== last) throw context.error('InvalidClauseComposition', clauses[i + 1]!.start, 'FINISH can only be the last clause');
      if (clauses.length === 1 || place === 'expression') throw context.error('InvalidClauseComposition', clause.start, clauses.length === 1 ? 'FINISH ends other clauses' : 'FINISH cannot stand in a subquery expression');
      return { columns: [], types: [] };
    }
    if (clause.kind === 'CallSubquery' && clause.inTransactions !== undefined) checkInTransactions(context, clause, query, place);
    const standalone = (place === 'top' || place === 'union') && clauses.length === 1;
    if (clause.kind === 'Call') {
      const call = checkCall(context, clause, scope, standalone);
      scope = call.scope;
      columns = call.columns;
      if (clause.where !== undefined) checkPredicate(context, clause.where, scope);
      if (standalone) return { columns, types: columns.map(() => ANY) };
    } else scope = checkClause(context, clause, scope);
  }
  if (place !== 'expression' && !isUpdating(last) && last.kind !== 'Call' && !(last.kind === 'CallSubquery' && !returns(last))) {
    throw context.error('InvalidClauseComposition', last.start, `a query cannot end with ${last.kind.toUpperCase()}`, 'end it with RETURN');
  }
  return { columns: [], types: [] };
}

/** Its batches are transactions: nothing else of the statement may write, and nothing may be around it. */
function checkInTransactions(context: CheckContext, clause: CallSubqueryClause, query: SingleQuery, place: Place): void {
  const refuse = (at: number, message: string): never => {
    throw context.error('InvalidClauseComposition', at, message);
  };
  if (place !== 'top') refuse(clause.start, 'CALL { ... } IN TRANSACTIONS cannot stand inside another subquery');
  for (const other of query.clauses) {
    if (other === clause) continue;
    if (isUpdating(other) || (other.kind === 'CallSubquery' && updatesInside(other))) {
      refuse(other.start, 'beside CALL { ... } IN TRANSACTIONS nothing else of the statement may write');
    }
    if (other.kind === 'CallSubquery' && other.inTransactions !== undefined) refuse(other.start, 'one CALL { ... } IN TRANSACTIONS per statement');
  }
}

function updatesInside(clause: CallSubqueryClause): boolean {
  return clause.query.parts.some((part) => part.clauses.some((each) => isUpdating(each) || (each.kind === 'CallSubquery' && updatesInside(each))));
}

function returns(clause: CallSubqueryClause): boolean {
  return clause.query.parts.some((part) => part.clauses.at(-1)!.kind === 'Return');
}

function checkClause(context: CheckContext, clause: Exclude<Clause, { kind: 'Return' | 'Call' | 'Finish' }>, scope: Scope): Scope {
  const declare = (name: string, type: StaticType): Scope => {
    if (scope.has(name)) throw context.error('VariableAlreadyBound', clause.start, `Variable \`${name}\` already declared`);
    return scope.with(name, type);
  };
  switch (clause.kind) {
    case 'Match': {
      const inner = checkMatchPatterns(context, clause.patterns, scope, clause.where);
      for (const hint of clause.hints) {
        const names = hint.kind === 'join' ? hint.variables : [hint.variable];
        for (const name of names) if (!inner.has(name)) throw undefinedVariable(context, name, clause.start, inner);
      }
      return inner;
    }
    case 'Unwind': {
      const list = checkExpression(context, clause.list, scope, VALUE);
      return declare(clause.variable, list.kind === 'list' ? list.element ?? ANY : isUnknown(list) ? ANY : list);
    }
    case 'With': return checkProjection(context, clause.projection, scope, 'WITH', clause.start, clause.where).scope;
    case 'Create': return clause.patterns.reduce((inner, part) => checkCreatedPattern(context, part, inner, 'CREATE'), scope);
    case 'Merge': {
      const inner = checkCreatedPattern(context, clause.pattern, scope, 'MERGE');
      for (const item of [...clause.onCreate, ...clause.onMatch]) checkSetItem(context, item, inner);
      return inner;
    }
    case 'Set':
      for (const item of clause.items) checkSetItem(context, item, scope);
      return scope;
    case 'Remove':
      for (const item of clause.items) {
        if (item.kind === 'labels') requireDeclared(context, item.variable, item.start, scope);
        else checkPropertyTarget(context, item.target, item.key, scope);
      }
      return scope;
    case 'Delete':
      for (const item of clause.items) checkDeleted(context, item, scope);
      return scope;
    case 'Foreach': {
      const list = checkExpression(context, clause.list, scope, VALUE);
      let inner = declare(clause.variable, list.kind === 'list' ? list.element ?? ANY : ANY);
      for (const each of clause.clauses) {
        if (!isUpdating(each) || each.kind === 'Return' || each.kind === 'Call' || each.kind === 'Finish') {
          throw context.error('InvalidClauseComposition', each.start, 'FOREACH may contain updating clauses only');
        }
        inner = checkClause(context, each, inner);
      }
      return scope;
    }
    case 'CallSubquery': return checkCallSubquery(context, clause, scope);
    case 'LoadCsv':
      checkExpression(context, clause.url, scope, VALUE);
      return declare(clause.variable, clause.headers ? MAP : listOf(STRING));
  }
}

function requireDeclared(context: CheckContext, name: string, offset: number, scope: Scope): StaticType {
  const type = scope.types.get(name);
  if (type === undefined) throw undefinedVariable(context, name, offset, scope);
  return type;
}

function checkSetItem(context: CheckContext, item: SetItem, scope: Scope): void {
  if (item.kind === 'property') {
    checkPropertyTarget(context, item.target, item.key, scope);
    checkExpression(context, item.value, scope, VALUE);
    return;
  }
  const type = requireDeclared(context, item.variable, item.start, scope);
  const accepted = item.kind === 'labels' ? ['node'] : ['node', 'relationship'];
  if (!isUnknown(type) && !accepted.includes(type.kind)) {
    throw context.error('InvalidArgumentType', item.start, `SET cannot change ${aTypeName(type)}`);
  }
  if (item.kind === 'labels') {
    for (const label of item.labels) if (typeof label !== 'string') checkExpression(context, label, scope, VALUE);
  } else checkExpression(context, item.value, scope, VALUE);
}

function checkPropertyTarget(context: CheckContext, target: Expression, key: Expression | string, scope: Scope): void {
  const type = checkExpression(context, target, scope, VALUE);
  if (!isUnknown(type) && type.kind !== 'node' && type.kind !== 'relationship' && type.kind !== 'map') {
    throw context.error('InvalidArgumentType', target.start, `${aTypeName(type)} has no properties to change`);
  }
  if (typeof key !== 'string') checkExpression(context, key, scope, VALUE);
}

function checkDeleted(context: CheckContext, e: Expression, scope: Scope): void {
  if (e.kind === 'HasLabels') throw context.error('InvalidDelete', e.start, 'DELETE removes whole entities', 'use REMOVE to remove a label');
  const type = checkExpression(context, e, scope, VALUE);
  if (!isUnknown(type) && !['node', 'relationship', 'path', 'list'].includes(type.kind)) {
    throw context.error('InvalidArgumentType', e.start, `Type mismatch: expected Node, Path or Relationship but was ${typeName(type)}`);
  }
}

function checkCallSubquery(context: CheckContext, clause: CallSubqueryClause, scope: Scope): Scope {
  const added = new Map<string, StaticType>();
  const inner = importedScope(context, clause, scope);
  const checked = checkImportingQuery(context, clause, inner, scope);
  for (const [i, column] of checked.columns.entries()) {
    if (scope.has(column)) throw context.error('VariableAlreadyBound', clause.start, `Variable \`${column}\` already declared in the outer scope`);
    added.set(column, checked.types[i] ?? ANY);
  }
  const status = clause.inTransactions?.status;
  if (status !== undefined) {
    if (scope.has(status) || added.has(status)) throw context.error('VariableAlreadyBound', clause.start, `Variable \`${status}\` already declared`);
    added.set(status, MAP);
  }
  return scope.withAll(added);
}

function importedScope(context: CheckContext, clause: CallSubqueryClause, scope: Scope): Scope {
  if (clause.imports === 'all') return scope;
  if (clause.imports === undefined) return new Scope();
  return new Scope().withAll(clause.imports.map((name) => [name, requireDeclared(context, name, clause.start, scope)]));
}

/** Each part of the query may begin with `WITH a, b`, which imports from outside. */
function checkImportingQuery(context: CheckContext, clause: CallSubqueryClause, inner: Scope, outer: Scope): CheckedQuery {
  if (clause.imports !== undefined) return checkQuery(context, carryImports(clause, outer.names), inner, 'call');
  const checked = clause.query.parts.map((part) => {
    const imports = importingWith(part);
    if (imports === undefined) return checkSingleQuery(context, part, new Scope(), 'call');
    const visible = imports === 'all' ? outer
      : new Scope().withAll(imports.map((name) => [name, requireDeclared(context, name, part.start, outer)]));
    const rest: SingleQuery = { ...part, clauses: part.clauses.slice(1) };
    if (rest.clauses.length === 0) throw context.error('InvalidClauseComposition', part.start, 'a subquery cannot end with WITH');
    return checkSingleQuery(context, rest, visible, 'call');
  });
  const columns = checked[0]!.columns;
  for (const part of checked) {
    if (part.columns.length !== columns.length || !part.columns.every((name) => columns.includes(name))) {
      throw context.error('DifferentColumnsInUnion', clause.start, 'All sub queries in an UNION must have the same column names.');
    }
  }
  return checked[0]!;
}

/** The names a subquery's leading WITH imports: it may only list variables. */
export function importingWith(part: SingleQuery): readonly string[] | 'all' | undefined {
  const first = part.clauses[0];
  if (first?.kind !== 'With' || first.where !== undefined) return undefined;
  const { projection } = first;
  if (projection.distinct || projection.orderBy.length > 0 || projection.skip !== undefined || projection.limit !== undefined) return undefined;
  if (projection.star) return projection.items.length === 0 ? 'all' : undefined;
  const names: string[] = [];
  for (const item of projection.items) {
    if (item.expression.kind !== 'Variable' || item.name !== item.expression.name) return undefined;
    names.push(item.name);
  }
  return names;
}

export function checkSubqueryExpression(context: CheckContext, e: SubqueryExpression, scope: Scope): StaticType {
  const checked = checkQuery(context, carryOuter(e.query, scope.names), scope, 'expression');
  if (e.type === 'collect' && checked.columns.length !== 1) {
    throw context.error('InvalidClauseComposition', e.start, 'COLLECT { } needs a RETURN with exactly one column');
  }
  return e.type === 'exists' ? BOOLEAN : e.type === 'count' ? INTEGER : checked.types[0] === undefined ? LIST : listOf(checked.types[0]);
}
