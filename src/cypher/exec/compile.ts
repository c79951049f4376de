/**
 * Expressions → closures `(row, runtime) => Value`.
 *
 * Names are resolved to slots and property keys to numbers here, once; what is known of a variable's type picks a fast path. A
 * key the catalog does not know yet is looked up as it runs: the statement itself may bring it into being.
 */
import { DbError } from '../../base/errors.ts';
import { unreachable } from '../../base/assert.ts';
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { Value } from '../../value/value.ts';
import type { Expression, LabelExpression, PatternPart, Query } from '../ast.ts';
import { findFunction } from '../functions/index.ts';
import { CSV_PLACES, type Env } from '../plan/env.ts';
import type { Scoped } from '../plan/plan.ts';
import { compileCase, compileComprehension, compileMapProjection, compileQuantifier, compileReduce } from './compile-collections.ts';
import { compileBinary, compileChain, compileUnary } from './compile-operators.ts';
import { compileHasLabels, compileIndex, compileIsTyped, compileProperty, compileSlice } from './compile-access.ts';
import { carryOuter } from '../semantics/outer-names.ts';
import type { CountRows } from './ids.ts';
import type { Push } from './push.ts';
import type { Evaluate, Operator, Row, Runtime } from './runtime.ts';

/** Subqueries and patterns inside expressions, planned and built by whoever builds the operators. */
export interface Subplan {
  readonly run: Operator;
  readonly push: Push;
}

export interface CountedSubplan extends Subplan {
  readonly count: CountRows;
}

export interface CompileContext {
  readonly catalog: GraphCatalog;
  query(query: Query, env: Env): CountedSubplan;
  /** Matches of the pattern; `env` gets its variables. `limitOne`: only whether there is one matters. */
  pattern(pattern: PatternPart, where: Expression | undefined, env: Env): Subplan & { readonly env: Env };
}

export function compileScoped({ expression, env }: Scoped, cc: CompileContext): Evaluate {
  return compile(expression, env, cc);
}

export function compile(e: Expression, env: Env, cc: CompileContext): Evaluate {
  switch (e.kind) {
    case 'Literal': {
      const { value } = e;
      return () => value;
    }
    case 'Parameter': {
      const { name } = e;
      // The same for all rows of a run: looked up once.
      let known: Runtime | undefined;
      let value: Value = null;
      return (_row, rt) => {
        if (rt !== known) {
          value = parameter(rt, name);
          known = rt;
        }
        return value;
      };
    }
    case 'Variable': {
      const slot = slotOf(e.name, env);
      return (row) => row[slot]!;
    }
    case 'Property': return compileProperty(e, env, cc);
    case 'List': return compileList(e.items, env, cc);
    case 'Map': return compileMap(e.entries, env, cc);
    case 'Unary': return compileUnary(e, env, cc);
    case 'Binary': return compileBinary(e, env, cc);
    case 'Chain': return compileChain(e, env, cc);
    case 'IsNull': {
      const operand = compile(e.operand, env, cc);
      return e.negated ? (row, rt) => operand(row, rt) !== null : (row, rt) => operand(row, rt) === null;
    }
    case 'IsTyped': return compileIsTyped(e, env, cc);
    case 'HasLabels': return compileHasLabels(e, env, cc);
    case 'Index': return compileIndex(e, env, cc);
    case 'Slice': return compileSlice(e, env, cc);
    case 'Case': return compileCase(e, env, cc);
    case 'Call': return compileCall(e.name, e.args, env, cc);
    case 'CountStar': throw new DbError('SyntaxError', 'InvalidAggregation: count(*) cannot be used here', { detail: 'InvalidAggregation' });
    case 'ListComprehension': return compileComprehension(e, env, cc);
    case 'Quantifier': return compileQuantifier(e, env, cc);
    case 'Reduce': return compileReduce(e, env, cc);
    case 'MapProjection': return compileMapProjection(e, env, cc);
    case 'PatternComprehension': {
      const inner = env.fork();
      const matches = cc.pattern(e.pattern, e.where, inner);
      const project = compile(e.project, matches.env, cc);
      return (row, rt) => {
        const list: Value[] = [];
        matches.push(rt, [[row]], (match) => {
          list.push(project(match, rt));
          return false;
        });
        return list;
      };
    }
    case 'PatternPredicate': {
      const matches = cc.pattern(e.pattern, undefined, env.fork());
      return (row, rt) => matches.push(rt, [[row]], ANY_ROW);
    }
    case 'ShortestPath': {
      const name = ' path';
      const matches = cc.pattern({ ...e.pattern, variable: name }, undefined, env.fork());
      const slot = matches.env.slot(name)!;
      const all = e.pattern.shortest === 'all';
      return (row, rt) => {
        const paths: Value[] = [];
        for (const batch of matches.run(rt, [[row]])) {
          for (const match of batch) {
            if (!all) return match[slot]!;
            paths.push(match[slot]!);
          }
        }
        return all ? paths : null;
      };
    }
    case 'Subquery': return compileSubquery(e.type, e.query, env, cc);
    default: return unreachable(e);
  }
}

/** Whether a predicate holds: only `true` does. */
export function compilePredicate(e: Expression, env: Env, cc: CompileContext): (row: Row, rt: Runtime) => boolean {
  const evaluate = compile(e, env, cc);
  return (row, rt) => {
    const value = evaluate(row, rt);
    if (value === true) return true;
    if (value === false || value === null) return false;
    throw new DbError('TypeError', 'InvalidArgumentType: expected a Boolean predicate', { detail: 'InvalidArgumentType' });
  };
}

export function slotOf(name: string, env: Env): number {
  const slot = env.slot(name);
  if (slot === undefined) {
    throw new DbError('SyntaxError', `UndefinedVariable: Variable \`${name}\` not defined`, { detail: 'UndefinedVariable' });
  }
  return slot;
}

export function parameter(rt: Pick<Runtime, 'parameters'>, name: string): Value {
  // TuGraph's clients put the dollar sign into the name.
  let value = rt.parameters.get(name);
  if (value === undefined) value = rt.parameters.get(`$${name}`);
  if (value === undefined) {
    throw new DbError('ParameterMissing', `MissingParameter: Parameter $${name} missing value: the statement expects it`, { detail: 'MissingParameter' });
  }
  return value;
}

/** One row is enough. */
const ANY_ROW = (): boolean => true;

function compileList(items: readonly Expression[], env: Env, cc: CompileContext): Evaluate {
  const parts = items.map((item) => compile(item, env, cc));
  return (row, rt) => {
    const list: Value[] = [];
    for (const part of parts) list.push(part(row, rt));
    return list;
  };
}

function compileMap(entries: readonly { readonly key: string; readonly value: Expression }[], env: Env, cc: CompileContext): Evaluate {
  const parts = entries.map(({ key, value }) => ({ key, value: compile(value, env, cc) }));
  return (row, rt) => {
    const map = new Map<string, Value>();
    for (const { key, value } of parts) map.set(key, value(row, rt));
    return map;
  };
}

/** What LOAD CSV has noted beside its record; null where none stands before. */
function csvPlace(slot: number | undefined): Evaluate {
  return slot === undefined ? () => null : (row) => row[slot]!;
}

function compileCall(name: string, args: readonly Expression[], env: Env, cc: CompileContext): Evaluate {
  const definition = findFunction(name);
  if (definition === undefined) throw new DbError('SyntaxError', `UnknownFunction: there is no function ${name}()`, { detail: 'UnknownFunction' });
  if (definition.name === 'file' || definition.name === 'linenumber') return csvPlace(env.slot(CSV_PLACES[definition.name]));
  const { call } = definition;
  const parts = args.map((arg) => compile(arg, env, cc));
  const [first, second] = parts;
  if (parts.length === 1 && first !== undefined) return (row, rt) => call([first(row, rt)], rt.functions);
  if (parts.length === 2 && first !== undefined && second !== undefined) return (row, rt) => call([first(row, rt), second(row, rt)], rt.functions);
  if (definition.name.toLowerCase() === 'coalesce') {
    return (row, rt) => {
      for (const part of parts) {
        const value = part(row, rt);
        if (value !== null) return value;
      }
      return null;
    };
  }
  return (row, rt) => {
    const values: Value[] = [];
    for (const part of parts) values.push(part(row, rt));
    return call(values, rt.functions);
  };
}

function compileSubquery(type: 'exists' | 'count' | 'collect', query: Query, env: Env, cc: CompileContext): Evaluate {
  const subplan = cc.query(carryOuter(query, env.names), env.fork());
  switch (type) {
    case 'exists': return (row, rt) => subplan.push(rt, [[row]], ANY_ROW);
    case 'count': return (row, rt) => subplan.count(rt, [[row]]);
    case 'collect':
      return (row, rt) => {
        const list: Value[] = [];
        subplan.push(rt, [[row]], (each) => {
          list.push(each[0]!);
          return false;
        });
        return list;
      };
  }
}

/** A test of a label expression by label ids; names without a number match nothing. */
export function labelTest(labels: LabelExpression): (has: (name: string) => boolean, any: boolean) => boolean {
  switch (labels.kind) {
    case 'Label': {
      const { name } = labels;
      return (has) => has(name);
    }
    case 'Any': return (_has, any) => any;
    case 'Dynamic': throw new Error('labels that are values have no test of their own');
    case 'Not': {
      const item = labelTest(labels.item);
      return (has, any) => !item(has, any);
    }
    case 'And': {
      const items = labels.items.map(labelTest);
      return (has, any) => items.every((item) => item(has, any));
    }
    case 'Or': {
      const items = labels.items.map(labelTest);
      return (has, any) => items.some((item) => item(has, any));
    }
  }
}
