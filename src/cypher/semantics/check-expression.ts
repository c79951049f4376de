/**
 * Checks one expression in its scope and finds its static type: undefined variables, misplaced aggregates and patterns, and
 * operands that can never fit.
 */
import { suggest } from '../../base/suggest.ts';
import type { Binary, Expression, FunctionCall, LabelExpression, MapProjection } from '../ast.ts';
import { AGGREGATE_NAMES, FUNCTION_NAMES, findAggregate, findFunction } from '../functions/index.ts';
import { sourceError } from '../parser/source-error.ts';
import { checkExpressionPattern } from './check-pattern.ts';
import { checkSubqueryExpression } from './check-query.ts';
import { withArticle } from '../../value/format.ts';
import { undefinedVariable, type CheckContext, type Scope } from './scope.ts';
import { forEachDynamic } from './walk.ts';
import {
  acceptedArguments, ANY, BOOLEAN, FLOAT, INTEGER, isNumeric, isUnknown, join, LIST, listOf, MAP, NULL, NUMBER, PATH, resultType,
  STRING, type StaticType, typeOfValue, type TypeKind,
} from './types.ts';

export interface ExpressionFlags {
  /** Whether an aggregate may stand here: not at all, yes, or we are inside one. */
  readonly aggregates: 'no' | 'yes' | 'inside';
  /** Whether a pattern may stand here as a predicate. */
  readonly predicate: boolean;
}

export const VALUE: ExpressionFlags = { aggregates: 'no', predicate: false };
export const PREDICATE: ExpressionFlags = { aggregates: 'no', predicate: true };
export const PROJECTED: ExpressionFlags = { aggregates: 'yes', predicate: false };

export function isAggregateCall(e: Expression): boolean {
  return e.kind === 'CountStar' || (e.kind === 'Call' && findAggregate(e.name) !== undefined);
}

export function checkPredicate(context: CheckContext, e: Expression, scope: Scope): void {
  const type = checkExpression(context, e, scope, PREDICATE);
  if (type.kind !== 'boolean' && !isUnknown(type)) {
    throw context.error('InvalidArgumentType', e.start, `expected a Boolean but this is ${aTypeName(type)}`);
  }
}

export function checkExpression(context: CheckContext, e: Expression, scope: Scope, flags: ExpressionFlags): StaticType {
  const value: ExpressionFlags = flags.predicate ? { aggregates: flags.aggregates, predicate: false } : flags;
  const check = (child: Expression): StaticType => checkExpression(context, child, scope, value);
  // Aggregates may not stand where an expression is evaluated many times per row.
  const local: ExpressionFlags = { aggregates: 'no', predicate: false };
  switch (e.kind) {
    case 'Literal': return typeOfValue(e.value);
    case 'Parameter': return ANY;
    case 'Variable': {
      const type = scope.types.get(e.name);
      if (type === undefined) throw undefinedVariable(context, e.name, e.start, scope);
      return type;
    }
    case 'Property': return checkProperty(context, check(e.target), e.target);
    case 'List': return listOf(e.items.length === 0 ? ANY : e.items.map(check).reduce(join));
    case 'Map':
      for (const entry of e.entries) check(entry.value);
      return MAP;
    case 'Unary': {
      if (e.op === 'NOT') {
        requireBoolean(context, e.operand, checkExpression(context, e.operand, scope, { ...flags, predicate: true }), 'NOT');
        return BOOLEAN;
      }
      const operand = check(e.operand);
      requireNumeric(context, e.operand, operand, e.op);
      return operand;
    }
    case 'Binary': return checkBinary(context, e, scope, flags, check);
    case 'Chain':
      e.operands.forEach(check);
      return BOOLEAN;
    case 'IsNull': case 'IsTyped':
      check(e.operand);
      return BOOLEAN;
    case 'HasLabels': {
      const operand = check(e.operand);
      requireKind(context, e.operand, operand, ['node', 'relationship'], 'a label predicate');
      checkDynamicLabels(context, e.labels, scope);
      return BOOLEAN;
    }
    case 'Index': return checkIndex(context, check(e.target), check(e.index), e.target, e.index);
    case 'Slice': {
      const target = check(e.target);
      requireKind(context, e.target, target, ['list', 'string'], 'a slice');
      for (const bound of [e.from, e.to]) if (bound !== undefined) requireKind(context, bound, check(bound), ['integer', 'number'], 'a slice');
      return target;
    }
    case 'Case': {
      if (e.subject !== undefined) check(e.subject);
      const branches = e.branches.map((branch) => {
        checkExpression(context, branch.when, scope, { ...flags, predicate: e.subject === undefined });
        return check(branch.then);
      });
      return [...branches, e.otherwise === undefined ? NULL : check(e.otherwise)].reduce(join);
    }
    case 'Call': return checkCall(context, e, scope, value);
    case 'CountStar':
      requireAggregateAllowed(context, e.start, flags, 'count(*)');
      return INTEGER;
    case 'ListComprehension': {
      const inner = scope.with(e.variable, elementOf(context, e.list, check(e.list)));
      if (e.where !== undefined) checkLocalPredicate(context, e.where, inner);
      if (e.project === undefined) return listOf(inner.types.get(e.variable)!);
      return listOf(checkExpression(context, e.project, inner, local));
    }
    case 'PatternComprehension': {
      const inner = checkExpressionPattern(context, e.pattern, scope, true);
      if (e.where !== undefined) checkPredicate(context, e.where, inner);
      return listOf(checkExpression(context, e.project, inner, local));
    }
    case 'Quantifier': {
      checkLocalPredicate(context, e.where, scope.with(e.variable, elementOf(context, e.list, check(e.list))));
      return BOOLEAN;
    }
    case 'Reduce': {
      const initial = check(e.initial);
      const element = elementOf(context, e.list, check(e.list));
      const inner = scope.with(e.accumulator, ANY).with(e.variable, element);
      const step = checkExpression(context, e.step, inner, local);
      if (e.every === undefined) return join(initial, step);
      checkLocalPredicate(context, e.every, inner);
      return BOOLEAN;
    }
    case 'MapProjection': return checkMapProjection(context, e, scope, check);
    case 'PatternPredicate':
      if (!flags.predicate) {
        throw context.error('UnexpectedSyntax', e.start, 'a pattern stands for a Boolean and may only be used as a predicate',
          'use EXISTS { … } or a pattern comprehension');
      }
      checkExpressionPattern(context, e.pattern, scope, false);
      return BOOLEAN;
    case 'ShortestPath':
      checkExpressionPattern(context, e.pattern, scope, false);
      return e.pattern.shortest === 'all' ? listOf(PATH) : PATH;
    case 'Subquery': return checkSubqueryExpression(context, e, scope);
  }
}

function checkLocalPredicate(context: CheckContext, e: Expression, scope: Scope): void {
  const type = checkExpression(context, e, scope, PREDICATE);
  requireBoolean(context, e, type, 'WHERE');
}

function checkProperty(context: CheckContext, target: StaticType, e: Expression): StaticType {
  switch (target.kind) {
    case 'any': case 'null': case 'node': case 'relationship': case 'map': case 'temporal': case 'point':
      return target.kind === 'temporal' ? INTEGER : ANY;
    case 'path':
      throw context.error('InvalidArgumentType', e.start, 'a path has no properties');
    default:
      throw sourceError('TypeError', 'InvalidArgumentType', context.source, e.start,
        `expected a Node, Relationship, Map, Point or temporal value but this is ${aTypeName(target)}`);
  }
}

function checkIndex(context: CheckContext, target: StaticType, index: StaticType, e: Expression, at: Expression): StaticType {
  if (!isUnknown(target) && !['list', 'map', 'node', 'relationship', 'string'].includes(target.kind)) {
    throw sourceError('TypeError', 'InvalidArgumentType', context.source, e.start, `${aTypeName(target)} has no elements`);
  }
  if (target.kind === 'string') {
    throw sourceError('TypeError', 'InvalidArgumentType', context.source, e.start, 'a String has no elements', 'use substring()');
  }
  if (target.kind === 'list') {
    if (!isUnknown(index) && index.kind !== 'integer' && index.kind !== 'number') {
      throw sourceError('TypeError', 'ListElementAccessByNonInteger', context.source, at.start,
        `a list index is an Integer but this is ${aTypeName(index)}`);
    }
    return target.element ?? ANY;
  }
  return ANY;
}

function checkBinary(
  context: CheckContext, e: Binary, scope: Scope, flags: ExpressionFlags, check: (e: Expression) => StaticType,
): StaticType {
  switch (e.op) {
    case 'AND': case 'OR': case 'XOR': {
      for (const side of [e.left, e.right]) {
        requireBoolean(context, side, checkExpression(context, side, scope, { ...flags, predicate: true }), e.op);
      }
      return BOOLEAN;
    }
    case '=': case '<>': case '<': case '<=': case '>': case '>=': case 'STARTS WITH': case 'ENDS WITH': case 'CONTAINS': case '=~':
      check(e.left);
      check(e.right);
      return BOOLEAN;
    case 'IN':
      check(e.left);
      requireKind(context, e.right, check(e.right), ['list'], 'IN');
      return BOOLEAN;
    case '+': case '||': return sumType(context, e, check(e.left), check(e.right));
    case '-': case '*': case '/': case '%': case '^': {
      const left = check(e.left);
      const right = check(e.right);
      requireNumeric(context, e.left, left, e.op);
      requireNumeric(context, e.right, right, e.op);
      if (e.op === '^') return FLOAT;
      if (left.kind === 'integer' && right.kind === 'integer') return INTEGER;
      if (!isNumeric(left) || !isNumeric(right)) return ANY;
      return left.kind === 'float' || right.kind === 'float' ? FLOAT : NUMBER;
    }
  }
}

function sumType(context: CheckContext, e: Binary, left: StaticType, right: StaticType): StaticType {
  if (left.kind === 'list' || right.kind === 'list') {
    if (isUnknown(left) || isUnknown(right)) return LIST;
    if (left.kind === 'list' && right.kind === 'list') return join(left, right);
    return LIST;
  }
  if (isUnknown(left) || isUnknown(right)) return ANY;
  if (left.kind === 'string' || right.kind === 'string') return STRING;
  if (isNumeric(left) && isNumeric(right)) return left.kind === right.kind ? left : left.kind === 'float' || right.kind === 'float' ? FLOAT : NUMBER;
  if (left.kind === 'temporal' || right.kind === 'temporal') return ANY;
  const wrong = isNumeric(left) ? e.right : e.left;
  throw context.error('InvalidArgumentType', wrong.start, `cannot add ${aTypeName(right)} to ${aTypeName(left)}`);
}

function checkCall(context: CheckContext, e: FunctionCall, scope: Scope, flags: ExpressionFlags): StaticType {
  const name = e.name.toLowerCase();
  const aggregate = findAggregate(e.name);
  if (aggregate !== undefined) {
    requireAggregateAllowed(context, e.start, flags, e.name);
    const types = e.args.map((arg) => checkExpression(context, arg, scope, { aggregates: 'inside', predicate: false }));
    checkArity(context, e, aggregate.minArgs, aggregate.maxArgs);
    return resultType(name, types);
  }
  const definition = findFunction(e.name);
  if (definition === undefined) {
    const meant = suggest(e.name, [...FUNCTION_NAMES, ...AGGREGATE_NAMES]);
    throw context.error('UnknownFunction', e.start, `Plugin [${name}] does not exist: there is no function ${e.name}()`,
      meant === undefined ? undefined : `did you mean ${meant}()?`);
  }
  if (flags.aggregates === 'inside' && !definition.deterministic && (name === 'rand' || name === 'randomuuid')) {
    throw context.error('NonConstantExpression', e.start, `${e.name}() cannot be aggregated`);
  }
  const types = e.args.map((arg) => checkExpression(context, arg, scope, flags));
  checkArity(context, e, definition.minArgs, definition.maxArgs);
  const accepted = acceptedArguments(name);
  if (accepted !== undefined && e.args.length > 0) requireKind(context, e.args[0]!, types[0]!, accepted, `${e.name}()`, `Invalid argument of ${e.name.charAt(0).toUpperCase()}${e.name.slice(1)}: `);
  return resultType(name, types);
}

function checkArity(context: CheckContext, e: FunctionCall, min: number, max: number): void {
  if (e.args.length >= min && e.args.length <= max) return;
  const wanted = min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
  throw context.error('InvalidNumberOfArguments', e.start, `${e.name}() takes ${wanted} argument${wanted.endsWith('1') && min === 1 ? '' : 's'}, given ${e.args.length}`);
}

function checkMapProjection(
  context: CheckContext, e: MapProjection, scope: Scope, check: (e: Expression) => StaticType,
): StaticType {
  requireKind(context, e.target, check(e.target), ['node', 'relationship', 'map'], 'a map projection');
  for (const item of e.items) {
    if (item.kind === 'entry') check(item.value);
    else if (item.kind === 'variable' && !scope.has(item.name)) throw undefinedVariable(context, item.name, e.start, scope);
  }
  return MAP;
}

function requireAggregateAllowed(context: CheckContext, offset: number, flags: ExpressionFlags, name: string): void {
  if (flags.aggregates === 'no') throw context.error('InvalidAggregation', offset, `the aggregate ${name} cannot be used here`);
  if (flags.aggregates === 'inside') throw context.error('NestedAggregation', offset, 'an aggregate cannot contain another');
}

function elementOf(context: CheckContext, e: Expression, type: StaticType): StaticType {
  requireKind(context, e, type, ['list'], 'a list');
  return type.kind === 'list' ? type.element ?? ANY : ANY;
}

function requireBoolean(context: CheckContext, e: Expression, type: StaticType, what: string): void {
  requireKind(context, e, type, ['boolean'], what);
}

function requireNumeric(context: CheckContext, e: Expression, type: StaticType, what: string): void {
  requireKind(context, e, type, ['integer', 'float', 'number', 'temporal'], `'${what}'`);
}

export function checkDynamicLabels(context: CheckContext, labels: LabelExpression | undefined, scope: Scope): void {
  forEachDynamic(labels, (e) => {
    requireKind(context, e, checkExpression(context, e, scope, VALUE), ['string', 'list'], 'a label or type in $( )');
  });
}

function requireKind(context: CheckContext, e: Expression, type: StaticType, accepted: readonly TypeKind[], what: string, before = ''): void {
  if (isUnknown(type) || accepted.includes(type.kind)) return;
  throw context.error('InvalidArgumentType', e.start, `${before}${what} expects ${accepted.map((kind) => typeName({ kind })).join(' or ')} but this is ${aTypeName(type)}`);
}

export function typeName(type: StaticType): string {
  return type.kind[0]!.toUpperCase() + type.kind.slice(1);
}

export function aTypeName(type: StaticType): string {
  return withArticle(typeName(type));
}
