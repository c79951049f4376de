/**
 * Checks patterns: what may be bound again, kinds of variables, and what CREATE and MERGE can create.
 */
import type { Expression, NodePattern, PatternPart, RelationshipPattern, RepeatedPattern } from '../ast.ts';
import { checkDynamicLabels, checkExpression, checkPredicate, aTypeName, VALUE } from './check-expression.ts';
import { Scope, undefinedVariable, type CheckContext } from './scope.ts';
import { isUnknown, listOf, NODE, PATH, RELATIONSHIP, type StaticType } from './types.ts';
import { allElements, createdLabels, forEachChild, forEachDynamic, forEachInRepeated, mentionedVariables } from './walk.ts';

const RELATIONSHIPS = listOf(RELATIONSHIP);

/** The scope with everything a MATCH binds; then its properties and predicates may use all of it. */
export function checkMatchPatterns(context: CheckContext, parts: readonly PatternPart[], scope: Scope, where: Expression | undefined): Scope {
  const bound = new Map(scope.types);
  const relationships = new Set<string>();
  checkSelectors(context, parts);
  for (const part of parts) bindPart(context, part, bound, scope, relationships);
  const inner = new Scope(bound);
  for (const part of parts) {
    checkPartExpressions(context, part, inner, true, scope);
    if (part.where !== undefined) checkPredicate(context, part.where, inner);
    if (part.selector !== undefined) checkSelected(context, part, scope, inner);
  }
  if (where !== undefined) checkPredicate(context, where, inner);
  return inner;
}

/** As in Neo4j; a selector beside plain patterns is more than that has. */
function checkSelectors(context: CheckContext, parts: readonly PatternPart[]): void {
  const [, second] = parts.filter(({ selector }) => selector !== undefined);
  if (second === undefined) return;
  throw context.error('UnexpectedSyntax', second.start, 'Multiple path patterns cannot be used in the same clause in combination with a selective path selector', 'give each a MATCH of its own');
}

/** A pattern inside an expression; only a pattern comprehension may bind new names. */
export function checkExpressionPattern(context: CheckContext, part: PatternPart, scope: Scope, mayBind: boolean): Scope {
  if (!mayBind) {
    for (const element of [part, ...part.elements]) {
      if (element.variable !== undefined && !scope.has(element.variable)) {
        throw undefinedVariable(context, element.variable, element.start, scope);
      }
    }
  }
  return checkMatchPatterns(context, [part], scope, undefined);
}

function bindPart(
  context: CheckContext, part: PatternPart, bound: Map<string, StaticType>, outer: Scope, relationships: Set<string>,
): void {
  for (const element of part.elements) {
    if (element.kind === 'Relationship' && element.repeated !== undefined) bindRepeated(context, element.repeated, bound, relationships);
    if (element.variable === undefined) continue;
    if (element.kind === 'Node') bind(context, element, NODE, bound);
    else {
      const type = element.length === undefined ? RELATIONSHIP : RELATIONSHIPS;
      if (relationships.has(element.variable)) {
        const earlier = bound.get(element.variable);
        if (earlier !== undefined && earlier.kind !== type.kind) throw conflict(context, element.variable, element.start, earlier, type);
        throw context.error('RelationshipUniquenessViolation', element.start,
          `the relationship variable \`${element.variable}\` can be used only once in a pattern`);
      }
      relationships.add(element.variable);
      bind(context, element, type, bound);
    }
  }
  if (part.variable === undefined) return;
  if (bound.has(part.variable)) {
    throw context.error('VariableAlreadyBound', part.start, `Variable \`${part.variable}\` already declared`);
  }
  if (outer.has(part.variable)) throw context.error('VariableAlreadyBound', part.start, `Variable \`${part.variable}\` already declared`);
  bound.set(part.variable, PATH);
}

/** Inside, variables are single; outside, lists of what each repetition has. */
function bindRepeated(context: CheckContext, repeated: RepeatedPattern, bound: Map<string, StaticType>, relationships: Set<string>): void {
  const singles = new Map<string, StaticType>();
  for (const { kind, variable, start } of repeated.elements) {
    if (variable === undefined) continue;
    if (bound.has(variable)) {
      throw context.error('VariableAlreadyBound', start, `Variable \`${variable}\` already declared: inside a pattern that is repeated it would be another one`, 'give it another name inside');
    }
    const type = kind === 'Node' ? NODE : RELATIONSHIP;
    const earlier = singles.get(variable);
    if (earlier !== undefined && earlier.kind !== type.kind) throw conflict(context, variable, start, earlier, type);
    if (earlier !== undefined && kind === 'Relationship') {
      throw context.error('RelationshipUniquenessViolation', start, `the relationship variable \`${variable}\` can be used only once in a pattern`);
    }
    singles.set(variable, type);
  }
  for (const [name, type] of singles) {
    bound.set(name, listOf(type));
    if (type.kind === 'relationship') relationships.add(name);
  }
}

/** What is repeated sees its own variables and what was bound before, but nothing else of the same MATCH. */
function checkRepeatedExpressions(context: CheckContext, part: PatternPart, repeated: RepeatedPattern, outer: Scope, all: Scope): void {
  const singles: [string, StaticType][] = [];
  for (const { kind, variable } of repeated.elements) if (variable !== undefined) singles.push([variable, kind === 'Node' ? NODE : RELATIONSHIP]);
  const scope = outer.withAll(singles);
  forEachInRepeated(repeated, (e) => {
    for (const name of mentionedVariables(e)) {
      if (scope.has(name) || !all.has(name)) continue;
      throw context.error('UndefinedVariable', positionOf(name, e), `Variable \`${name}\` not defined here: a pattern that is repeated sees its own variables and those of earlier clauses`,
        'compare lists of it in the WHERE of the MATCH');
    }
  });
  checkPartExpressions(context, { ...part, shortest: undefined, elements: repeated.elements }, scope, true);
  if (repeated.where !== undefined) checkPredicate(context, repeated.where, scope);
}

/** What is between the ends of paths that a selector chooses among sees its own variables and what was bound before: it is found out before the rest. */
function checkSelected(context: CheckContext, part: PatternPart, outer: Scope, all: Scope): void {
  const own = new Set([...allElements(part.elements)].map(({ variable }) => variable));
  own.add(part.variable);
  const look = (e: Expression): void => {
    for (const name of mentionedVariables(e)) {
      if (own.has(name) || outer.has(name) || !all.has(name)) continue;
      throw context.error('UndefinedVariable', positionOf(name, e), `Variable \`${name}\` not defined here: paths are chosen before the other patterns of the MATCH are known`,
        'match the other pattern in a clause before, or compare in the WHERE of the MATCH');
    }
  };
  for (const element of part.elements.slice(1, -1)) {
    if (element.kind === 'Relationship' && element.length !== undefined && element.variable !== undefined && outer.has(element.variable)) {
      throw context.error('VariableAlreadyBound', element.start, `Variable \`${element.variable}\` already declared`);
    }
    forEachDynamic(element.kind === 'Node' ? element.labels : element.types, look);
    if (element.properties !== undefined) look(element.properties);
    if (element.where !== undefined) look(element.where);
  }
  if (part.where !== undefined) look(part.where);
}

/** Where the expression first mentions the variable. */
function positionOf(name: string, e: Expression): number {
  let at: number | undefined;
  const look = (each: Expression): void => {
    if (each.kind === 'Variable' && each.name === name) at ??= each.start;
    forEachChild(each, look);
  };
  look(e);
  return at ?? e.start;
}

function bind(
  context: CheckContext, element: NodePattern | RelationshipPattern, type: StaticType, bound: Map<string, StaticType>,
): void {
  const name = element.variable!;
  const earlier = bound.get(name);
  if (earlier === undefined) {
    bound.set(name, type);
    return;
  }
  if (isUnknown(earlier)) {
    bound.set(name, type);
    return;
  }
  const fits = earlier.kind === type.kind
    && (type.kind !== 'list' || earlier.element === undefined || isUnknown(earlier.element) || earlier.element.kind === 'relationship');
  if (!fits) throw conflict(context, name, element.start, earlier, type);
}

function conflict(context: CheckContext, name: string, offset: number, earlier: StaticType, type: StaticType) {
  return context.error('VariableTypeConflict', offset, `Variable \`${name}\` is ${aTypeName(earlier)}, it cannot be used as ${aTypeName(type)}`);
}

/** `outer`: what was bound before the pattern. */
function checkPartExpressions(context: CheckContext, part: PatternPart, scope: Scope, reading: boolean, outer = scope): void {
  for (const element of part.elements) {
    if (element.kind === 'Relationship' && element.repeated !== undefined) checkRepeatedExpressions(context, part, element.repeated, outer, scope);
    checkDynamicLabels(context, element.kind === 'Node' ? element.labels : element.types, scope);
    if (element.properties !== undefined) {
      if (element.properties.kind === 'Parameter') {
        if (reading) {
          throw context.error('InvalidParameterUse', element.properties.start,
            'a parameter cannot stand for all properties of a pattern here', 'name each: {key: $parameter}');
        }
      } else checkExpression(context, element.properties, scope, VALUE);
    }
    if (element.where !== undefined) checkPredicate(context, element.where, scope);
    if (element.kind === 'Relationship' && element.length !== undefined && part.shortest !== undefined) {
      const min = element.length.min;
      if (min !== undefined && min > 1) {
        throw context.error('InvalidRelationshipPattern', element.start, 'a shortest path has a minimal length of 0 or 1');
      }
    }
  }
}

/** The scope with what CREATE or MERGE binds. */
export function checkCreatedPattern(context: CheckContext, part: PatternPart, scope: Scope, clause: 'CREATE' | 'MERGE'): Scope {
  if (part.shortest !== undefined || part.selector !== undefined) throw context.error('UnexpectedSyntax', part.start, `a shortest path cannot stand in ${clause}`);
  if (part.where !== undefined) throw context.error('UnexpectedSyntax', part.where.start, 'WHERE cannot stand in a created pattern');
  let inner = scope;
  const alone = part.elements.length === 1;
  for (const element of part.elements) {
    checkDynamicLabels(context, element.kind === 'Node' ? element.labels : element.types, inner);
    inner = element.kind === 'Node' ? checkCreatedNode(context, element, inner, alone) : checkCreatedRelationship(context, element, inner, clause);
    const properties = element.properties;
    if (properties === undefined) continue;
    if (properties.kind === 'Map') {
      checkNotItself(context, element, properties, scope);
      checkExpression(context, properties, inner, VALUE);
    }
    else if (clause === 'MERGE') {
      throw context.error('InvalidParameterUse', properties.start, 'a parameter cannot stand for all properties in MERGE',
        'name each: {key: $parameter}');
    }
  }
  if (part.variable !== undefined) {
    if (inner.has(part.variable)) throw context.error('VariableAlreadyBound', part.start, `Variable \`${part.variable}\` already declared`);
    inner = inner.with(part.variable, PATH);
  }
  return inner;
}

/** What is made has nothing yet that its properties could be made of. */
function checkNotItself(context: CheckContext, { variable }: NodePattern | RelationshipPattern, properties: Expression, scope: Scope): void {
  if (variable === undefined || scope.has(variable) || !mentionedVariables(properties).has(variable)) return;
  throw context.error('UndefinedVariable', positionOf(variable, properties), `Variable \`${variable}\` not defined`, 'set what depends on it afterwards: SET');
}

function checkCreatedNode(context: CheckContext, node: NodePattern, scope: Scope, alone: boolean): Scope {
  if (node.where !== undefined) throw context.error('UnexpectedSyntax', node.where.start, 'WHERE cannot stand in a created pattern');
  if (createdLabels(node.labels) === undefined) {
    throw context.error('InvalidLabelExpression', node.start, 'a created node has plain labels: (n:A:B), (n:A:$($label))');
  }
  if (node.variable === undefined) return scope;
  const earlier = scope.types.get(node.variable);
  if (earlier === undefined) return scope.with(node.variable, NODE);
  if (!isUnknown(earlier) && earlier.kind !== 'node') throw conflict(context, node.variable, node.start, earlier, NODE);
  if (alone || node.labels !== undefined || node.properties !== undefined) {
    throw context.error('VariableAlreadyBound', node.start, `Variable \`${node.variable}\` already declared`);
  }
  return scope;
}

function checkCreatedRelationship(
  context: CheckContext, relationship: RelationshipPattern, scope: Scope, clause: 'CREATE' | 'MERGE',
): Scope {
  const { start } = relationship;
  if (relationship.variable !== undefined && scope.has(relationship.variable)) {
    throw context.error('VariableAlreadyBound', start, `Variable \`${relationship.variable}\` already declared`);
  }
  if (relationship.length !== undefined) {
    throw context.error('CreatingVarLength', start, `variable-length relationships cannot be used in ${clause}`);
  }
  const types = relationship.types?.kind === 'Or' ? undefined : createdLabels(relationship.types);
  if (types?.length !== 1) {
    throw context.error('NoSingleRelationshipType', start, `${clause} needs exactly one relationship type`);
  }
  if (relationship.direction === 'both' && clause === 'CREATE') {
    throw context.error('RequiresDirectedRelationship', start, 'a created relationship has exactly one direction');
  }
  if (relationship.where !== undefined) throw context.error('UnexpectedSyntax', relationship.where.start, 'WHERE cannot stand in a created pattern');
  return relationship.variable === undefined ? scope : scope.with(relationship.variable, RELATIONSHIP);
}
