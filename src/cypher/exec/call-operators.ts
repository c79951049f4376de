/**
 * Procedure calls and LOAD CSV: rows from outside the graph.
 */
import { DbError } from '../../base/errors.ts';
import { aTypeName } from '../../value/format.ts';
import { Float, isNumber, NodeValue, PathValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { LoadCsv, ProcedureCall } from '../plan/plan.ts';
import type { ProcedureArg, ProcedureDef } from '../procedures.ts';
import { compileScoped, parameter, type CompileContext } from './compile.ts';
import { BATCH_MAX, BATCH_MIN, type Operator, type Row, type Runtime } from './runtime.ts';

export function buildProcedureCall(node: ProcedureCall, input: Operator, cc: CompileContext): Operator {
  const { definition, columns, optional, passes } = node;
  const args = node.args?.map((arg) => compileScoped(arg, cc));
  return function* call(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const given = args === undefined ? implicitArguments(rt, definition) : args.map((arg) => arg(row, rt));
        const results = rt.procedures.call(definition, checkedArguments(definition, given), rt.context);
        let found = false;
        for (const result of results) {
          if (passes) continue;
          found = true;
          const made = row.slice();
          for (const { from, to } of columns) made[to] = result[from] ?? null;
          out.push(made);
          if (out.length < size) continue;
          rt.checkpoint(out.length);
          yield out;
          out = [];
          size = Math.min(size * 4, BATCH_MAX);
        }
        if (passes || (optional && !found)) out.push(row);
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  };
}

/** A standalone call without parentheses takes its arguments from the parameters of the same names. */
function implicitArguments(rt: Runtime, definition: ProcedureDef): Value[] {
  return definition.args.flatMap((arg) => {
    if (arg.default !== undefined && !rt.parameters.has(arg.name)) return [arg.default];
    return [parameter(rt, arg.name)];
  });
}

function checkedArguments(definition: ProcedureDef, given: readonly Value[]): Value[] {
  const values: Value[] = given.map((value, i) => {
    const arg = definition.args[Math.min(i, definition.args.length - 1)];
    return arg === undefined ? value : coerced(definition, arg, value);
  });
  for (const arg of definition.args.slice(given.length)) if (arg.default !== undefined) values.push(arg.default);
  return values;
}

function coerced(definition: ProcedureDef, arg: ProcedureArg, value: Value): Value {
  if (value === null) return null;
  switch (arg.type) {
    case 'NUL': case 'ANY': return value;
    case 'INTEGER': if (typeof value === 'number' || typeof value === 'bigint') return value; break;
    case 'FLOAT': case 'DOUBLE':
      if (value instanceof Float) return value;
      if (typeof value === 'number' || typeof value === 'bigint') return new Float(Number(value));
      break;
    case 'NUMBER': if (isNumber(value)) return value; break;
    case 'BOOLEAN': if (typeof value === 'boolean') return value; break;
    case 'STRING': if (typeof value === 'string') return value; break;
    case 'NODE': if (value instanceof NodeValue) return value; break;
    case 'RELATIONSHIP': if (value instanceof RelationshipValue) return value; break;
    case 'PATH': if (value instanceof PathValue) return value; break;
    case 'LIST': if (Array.isArray(value)) return value; break;
    case 'MAP': if (value instanceof Map) return value; break;
  }
  throw new DbError('SyntaxError', `InvalidArgumentType: ${arg.name} type should be ${arg.type.toLowerCase()}, ${definition.name} was given ${aTypeName(value)}`, {
    detail: 'InvalidArgumentType',
  });
}

export function buildLoadCsv(node: LoadCsv, input: Operator, cc: CompileContext): Operator {
  const url = compileScoped(node.url, cc);
  const { headers, fieldTerminator, slot, fileSlot, lineSlot } = node;
  return function* loadCsv(rt, source) {
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const from = url(row, rt);
        if (typeof from !== 'string') throw new DbError('TypeError', 'InvalidArgumentType: LOAD CSV needs a URL as a String', { detail: 'InvalidArgumentType' });
        const { csv } = rt.context;
        if (csv === undefined) throw new DbError('NotSupported', 'LOAD CSV is not enabled on this server');
        let out: Row[] = [];
        const place = { line: 0 };
        for (const record of csv.open(from, { headers, fieldTerminator }, place)) {
          const made = row.slice();
          made[slot] = record;
          made[fileSlot] = from;
          made[lineSlot] = place.line;
          out.push(made);
          if (out.length < BATCH_MAX) continue;
          rt.checkpoint(out.length);
          yield out;
          out = [];
        }
        if (out.length > 0) {
          rt.checkpoint(out.length);
          yield out;
        }
      }
    }
  };
}
