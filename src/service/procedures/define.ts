/** How the server's procedures are written down: a signature as TuGraph prints it, and what it does. */
import { DbError } from '../../base/errors.ts';
import type { ExecContext, ProcedureDef, ProcedureMode, ProcedureType } from '../../cypher/engine.ts';
import type { Value } from '../../value/value.ts';
import { CallContext } from '../call-context.ts';

export interface ServerProcedure {
  readonly definition: ProcedureDef;
  call(args: Value[], call: CallContext, context: ExecContext): Iterable<Value[]>;
}

/** `args` and `yields` as `name:TYPE, …`; a `?` behind a name: may be left out (null then). */
export function procedure(
  name: string, args: string, yields: string, mode: ProcedureMode, description: string,
  call: (args: Value[], call: CallContext, context: ExecContext) => Iterable<Value[]>,
  options: { readonly variadic?: boolean } = {},
): ServerProcedure {
  const definition: ProcedureDef = {
    name, mode, description, variadic: options.variadic === true,
    args: split(args).map(([arg, type]) => (arg.endsWith('?') ? { name: arg.slice(0, -1), type, default: null } : { name: arg, type })),
    yields: split(yields).map(([column, type]) => ({ name: column, type })),
  };
  return { definition, call };
}

function split(list: string): [string, ProcedureType][] {
  return list.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    const [name, type] = part.split(':') as [string, ProcedureType];
    return [name, type];
  });
}

export function callContext(context: ExecContext): CallContext {
  if (!(context.session instanceof CallContext)) throw new DbError('Internal', 'a server procedure was called outside a session');
  return context.session;
}

// ---------------------------------------------------------------- arguments

export function textArg(args: readonly Value[], at: number, name: string): string {
  const value = args[at];
  if (typeof value !== 'string') throw new DbError('ProcedureCallFailed', `${name} type should be string`);
  return value;
}

export function booleanArg(args: readonly Value[], at: number, name: string): boolean {
  const value = args[at];
  if (typeof value !== 'boolean') throw new DbError('ProcedureCallFailed', `${name} type should be boolean`);
  return value;
}

export function textListArg(args: readonly Value[], at: number, name: string): string[] {
  const value = args[at];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw new DbError('ProcedureCallFailed', `${name} type should be a list of strings`);
  return value as string[];
}

export function mapArg(args: readonly Value[], at: number, name: string): Map<string, Value> {
  const value = args[at];
  if (!(value instanceof Map)) throw new DbError('ProcedureCallFailed', `${name} type should be map`);
  return value;
}

/** Plain JSON as a Cypher value. */
export function toValue(json: unknown): Value {
  if (json === null || json === undefined) return null;
  if (Array.isArray(json)) return json.map(toValue);
  if (typeof json === 'object') return new Map(Object.entries(json).map(([key, value]) => [key, toValue(value)]));
  return json as Value;
}
