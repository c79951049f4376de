/**
 * Checks procedure calls against the procedure's signature.
 */
import { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { CallClause } from '../ast.ts';
import { sourceError } from '../parser/source-error.ts';
import type { ProcedureDef, ProcedureType } from '../procedures.ts';
import { checkExpression, aTypeName, VALUE } from './check-expression.ts';
import type { CheckContext, Scope } from './scope.ts';
import { ANY, BOOLEAN, FLOAT, INTEGER, isUnknown, LIST, MAP, NODE, NUMBER, PATH, RELATIONSHIP, STRING, type StaticType } from './types.ts';

export interface CheckedCall {
  readonly scope: Scope;
  /** What a standalone call returns. */
  readonly columns: readonly string[];
}

export function checkCall(context: CheckContext, clause: CallClause, scope: Scope, standalone: boolean): CheckedCall {
  const definition = findProcedure(context, clause);
  checkArguments(context, clause, definition, scope, standalone);
  // SHOW … YIELD * RETURN …: the command's columns are what its text says.
  if (clause.yieldStar && !standalone && !clause.procedure.startsWith(' ')) {
    throw context.error('UnexpectedSyntax', clause.start, 'YIELD * can only stand in a standalone CALL', 'name the columns');
  }
  const yields = clause.yields ?? (standalone || clause.yieldStar
    ? definition.yields.map(({ name }) => ({ column: name, variable: name, start: clause.start, end: clause.end })) : []);
  let inner = scope;
  for (const item of yields) {
    const column = definition.yields.find(({ name }) => name === item.column);
    if (column === undefined) {
      const meant = suggest(item.column, definition.yields.map(({ name }) => name));
      throw context.error('UndefinedVariable', item.start, `Unknown procedure output: ${item.column}`, meant === undefined ? undefined : `did you mean ${meant}?`);
    }
    if (inner.has(item.variable)) throw context.error('VariableAlreadyBound', item.start, `Variable \`${item.variable}\` already declared`);
    inner = inner.with(item.variable, staticType(column.type));
  }
  return { scope: inner, columns: yields.map((item) => item.variable) };
}

function findProcedure(context: CheckContext, clause: CallClause): ProcedureDef {
  const definition = context.procedures.find(clause.procedure);
  if (definition !== undefined) return definition;
  if (clause.procedure.startsWith(' ')) throw new DbError('NotSupported', 'this command is not available here: it is the server\'s');
  if (/^plugin\.(cpp|python)\./i.test(clause.procedure)) {
    throw sourceError('NotSupported', 'NotSupported', context.source, clause.start, `${clause.procedure} is not supported: this server runs no C++ or Python`,
      'write it in Cypher, or call the server from a client');
  }
  const meant = suggest(clause.procedure, context.procedures.names());
  throw sourceError('ProcedureNotFound', 'ProcedureNotFound', context.source, clause.start,
    `unregistered standalone function: ${clause.procedure}`, meant === undefined ? undefined : `did you mean ${meant}?`);
}

export function requiredArguments(definition: ProcedureDef): number {
  return definition.args.filter((arg) => arg.default === undefined).length;
}

function checkArguments(context: CheckContext, clause: CallClause, definition: ProcedureDef, scope: Scope, standalone: boolean): void {
  if (clause.args === undefined) {
    if (!standalone && definition.args.length > 0) {
      throw context.error('InvalidArgumentPassingMode', clause.start, `${definition.name} needs its arguments in parentheses here`);
    }
    return;
  }
  const given = clause.args.length;
  const max = definition.variadic === true ? Infinity : definition.args.length;
  if (given < requiredArguments(definition) || given > max) {
    throw context.error('InvalidNumberOfArguments', clause.start,
      `Function requires ${definition.args.length} arguments, but ${given} are given. Usage: ${signature(definition)}`);
  }
  for (const [i, arg] of clause.args.entries()) {
    const type = checkExpression(context, arg, scope, VALUE);
    const wanted = definition.args[Math.min(i, definition.args.length - 1)];
    if (wanted !== undefined && !accepts(wanted.type, type)) {
      throw context.error('InvalidArgumentType', arg.start, `${wanted.name} type should be ${wanted.type.toLowerCase()} but this is ${aTypeName(type)}`);
    }
  }
}

function accepts(wanted: ProcedureType, given: StaticType): boolean {
  if (isUnknown(given)) return true;
  const { kind } = given;
  switch (wanted) {
    case 'NUL': case 'ANY': return true;
    case 'INTEGER': return kind === 'integer' || kind === 'number';
    case 'FLOAT': case 'DOUBLE': case 'NUMBER': return kind === 'integer' || kind === 'float' || kind === 'number';
    case 'BOOLEAN': return kind === 'boolean';
    case 'STRING': return kind === 'string';
    case 'NODE': return kind === 'node';
    case 'RELATIONSHIP': return kind === 'relationship';
    case 'PATH': return kind === 'path';
    case 'LIST': return kind === 'list';
    case 'MAP': return kind === 'map' || kind === 'node' || kind === 'relationship';
  }
}

function staticType(type: ProcedureType): StaticType {
  switch (type) {
    case 'INTEGER': return INTEGER;
    case 'FLOAT': case 'DOUBLE': return FLOAT;
    case 'NUMBER': return NUMBER;
    case 'BOOLEAN': return BOOLEAN;
    case 'STRING': return STRING;
    case 'NODE': return NODE;
    case 'RELATIONSHIP': return RELATIONSHIP;
    case 'PATH': return PATH;
    case 'LIST': return LIST;
    case 'MAP': return MAP;
    case 'NUL': case 'ANY': return ANY;
  }
}

/** `name(arg::TYPE,…) :: (column::TYPE,…)`, as dbms.procedures() prints it. */
export function signature(definition: ProcedureDef): string {
  const args = definition.args.map(({ name, type }) => `${name}::${type}`).join(',');
  const yields = definition.yields.length === 0 ? '::NUL' : definition.yields.map(({ name, type }) => `${name}::${type}`).join(',');
  return `${definition.name}(${args}) :: (${yields})`;
}
