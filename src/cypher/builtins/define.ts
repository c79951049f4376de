/**
 * How builtin procedures are written down: a signature as TuGraph prints it, and what it does.
 */
import { DbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { FIELD_TYPES, type BuiltIndex, type FieldType } from '../../graph/catalog.ts';
import type { GraphView, GraphWriter } from '../../graph/view.ts';
import type { CypherMap, Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import type { ProcedureDef, ProcedureHost, ProcedureMode, ProcedureType } from '../procedures.ts';
import { DESCRIPTIONS } from './descriptions.ts';

export type BuiltinCall = (args: Value[], context: ExecContext, all: ProcedureHost) => Iterable<Value[]>;

export interface Builtin {
  readonly definition: ProcedureDef;
  readonly call: BuiltinCall;
}

export interface BuiltinOptions {
  /** The last argument may be repeated, or left out. */
  readonly variadic?: boolean;
}

/** `args` and `yields` as `name:TYPE, …`; a `?` behind a name: may be left out (null then). */
export function builtin(name: string, args: string, yields: string, mode: ProcedureMode, call: BuiltinCall, options: BuiltinOptions = {}): Builtin {
  const definition: ProcedureDef = {
    name, mode,
    args: split(args).map(([arg, type]) => (arg.endsWith('?') ? { name: arg.slice(0, -1), type, default: null } : { name: arg, type })),
    yields: split(yields).map(([column, type]) => ({ name: column, type })),
    ...(options.variadic === true ? { variadic: true } : {}),
    ...(DESCRIPTIONS[name] === undefined ? {} : { description: DESCRIPTIONS[name] }),
  };
  return { definition, call };
}

function split(list: string): [string, ProcedureType][] {
  return list.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    const [name, type] = part.split(':') as [string, ProcedureType];
    return [name, type];
  });
}

export function writerOf(context: ExecContext): GraphWriter {
  if (!('createNode' in context.view)) throw new DbError('AccessMode', 'a read-only transaction cannot change the graph');
  return context.view as GraphWriter;
}

/** Throws where an index, or what it goes by, is being built. The statement that makes one waits for it; what is called here sees one version, and cannot: the client is told to. */
export function checkWhole(view: GraphView, name: string, index: BuiltIndex | undefined, hint: string): void {
  if (index?.isUnfinished !== true) return;
  throw new DbError('Busy', `the index ${name} is being built: ${Math.floor(view.builtShare(index) * 100)} percent are done`, { hint: `ask again shortly; ${hint}` });
}

export function wrong(message: string): DbError {
  return new DbError('ProcedureCallFailed', message);
}

export function fieldType(name: string): FieldType {
  const type = FIELD_TYPES.find((each) => each === name.toUpperCase());
  if (type === undefined) throw wrong(`Unknown type name: ${name}`);
  return type;
}

export function text(value: Value | undefined, name: string): string {
  if (typeof value !== 'string') throw wrong(`${name} type should be string`);
  return value;
}

export function flag(value: Value | undefined, name: string): boolean {
  if (typeof value !== 'boolean') throw wrong(`${name} type should be boolean`);
  return value;
}

export function list(value: Value | undefined, name: string): Value[] {
  if (!Array.isArray(value)) throw wrong(`${name} type should be list`);
  return value;
}

/** A map of options, null for none. Keys that are not `known` are errors: a misspelt one would change nothing without a word. */
export function options(value: Value | undefined, name: string, known: readonly string[]): CypherMap {
  if (value === undefined || value === null) return new Map<string, Value>();
  if (!(value instanceof Map)) throw wrong(`${name} type should be map`);
  for (const key of value.keys()) if (!known.includes(key)) throw wrong(`unknown key ${key} in ${name}${didYouMean(key, known)}`);
  return value;
}

export function kindOf(value: Value | undefined): 'vertex' | 'edge' {
  const kind = text(value, 'label_type').toLowerCase();
  if (kind !== 'vertex' && kind !== 'edge') throw wrong("label_type must be 'vertex' or 'edge'");
  return kind;
}
