/**
 * What a function is to the engine, and the small language in which the files of this folder define theirs.
 *
 * Functions get null for null unless they say otherwise, are pure but for their context, and never keep an argument to
 * change it. A wrong argument is the TCK's `TypeError: InvalidArgumentValue` at run time; `accepts` and `returns` let the
 * semantic check find the mistake before.
 */
import type { Random } from '../../base/random.ts';
import { DbError } from '../../base/errors.ts';
import type { GraphFacts } from '../context.ts';
import type { GraphView } from '../../graph/view.ts';
import { typeName } from '../../value/format.ts';
import { Float, isNumber } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';

/** A moment of the clock: milliseconds since 1970, and nanoseconds (below a million) on top. */
export interface FunctionTime {
  readonly wallMs: number;
  readonly nanos?: number;
}

export interface FunctionContext {
  readonly view: GraphView;
  readonly statementTime: FunctionTime;
  readonly transactionTime: FunctionTime;
  /** For values without a zone of their own: an offset or an IANA name. */
  readonly timeZone: string;
  readonly random: Random;
  readonly graphs?: (() => readonly GraphFacts[]) | undefined;
  /** Most items a function may put into one list; `LIST_ITEMS_MAX` where absent. */
  readonly listItemsMax?: number | undefined;
}

export const LIST_ITEMS_MAX = 10_000_000;

/** Types as the semantic check knows them. `NUMBER` is INTEGER or FLOAT, `TEMPORAL` any of the five, `ANY` says nothing. */
export type Kind =
  | 'ANY' | 'BOOLEAN' | 'INTEGER' | 'FLOAT' | 'NUMBER' | 'STRING' | 'BYTES' | 'LIST' | 'MAP' | 'NODE' | 'RELATIONSHIP' | 'PATH'
  | 'DATE' | 'LOCAL TIME' | 'ZONED TIME' | 'LOCAL DATETIME' | 'ZONED DATETIME' | 'TEMPORAL' | 'DURATION' | 'POINT';

export interface ScalarFunction {
  readonly name: string;
  readonly minArgs: number;
  readonly maxArgs: number;
  /** Kind of the result, if it is always the same. */
  readonly returns?: Kind;
  /** Kinds that each argument may have (beside null); the last entry holds for all further arguments. */
  readonly accepts?: readonly (readonly Kind[])[];
  /** Same arguments, same result, without looking at the graph, the clock or random numbers. */
  readonly deterministic: boolean;
  call(args: Value[], context: FunctionContext): Value;
}

export interface AggregateFunction {
  readonly name: string;
  readonly minArgs: number;
  readonly maxArgs: number;
  create(): Accumulator;
}

export interface Accumulator {
  add(args: Value[]): void;
  result(): Value;
  /** Rough bytes held, for memory limits. */
  readonly bytes: number;
  /** All it knows, and the same into a new one: it then goes on as the one that was saved would have. */
  save(): Value;
  load(saved: Value): void;
}

interface Options {
  /** The function sees nulls itself. */
  readonly nulls?: boolean;
  readonly deterministic?: boolean;
  /** Fewest arguments, when the last ones may be left out. */
  readonly min?: number;
  /** The last argument may be repeated. */
  readonly variadic?: boolean;
}

/** Defines a function with one list of accepted kinds (separated by `|`) for each parameter. */
export function scalar(
  name: string, parameters: readonly string[], returns: Kind, call: (args: Value[], context: FunctionContext) => Value, options: Options = {},
): ScalarFunction {
  return {
    name,
    minArgs: options.min ?? parameters.length,
    maxArgs: options.variadic === true ? Infinity : parameters.length,
    accepts: parameters.map((kinds) => kinds.split('|') as Kind[]),
    ...(returns === 'ANY' ? {} : { returns }),
    deterministic: options.deterministic ?? true,
    call: options.nulls === true ? call : (args, context) => {
      for (let i = 0; i < args.length; i++) {
        if (args[i] === null) return null;
      }
      return call(args, context);
    },
  };
}

/** The same function under another name. */
export function alias(name: string, target: ScalarFunction): ScalarFunction {
  return { ...target, name };
}

/** TuGraph's words, then ours. */
export function wrongArgument(name: string, expected: string, value: Value | undefined): DbError {
  return new DbError('TypeError', `${argumentsRefused(name)} InvalidArgumentValue: ${name}() needs ${expected}, not ${typeName(value ?? null)}`, { detail: 'InvalidArgumentValue' });
}

export function argumentsRefused(name: string): string {
  return `There are errors in the number of arguments or the type of arguments of function ${name.charAt(0).toUpperCase()}${name.slice(1)}.`;
}

export function doubleArgument(name: string, value: Value | undefined): number {
  if (typeof value === 'number') return value;
  if (value instanceof Float) return value.value;
  if (typeof value === 'bigint') return Number(value);
  throw wrongArgument(name, 'a number', value);
}

export function numberArgument(name: string, value: Value | undefined): number | bigint | Float {
  if (value !== undefined && isNumber(value)) return value;
  throw wrongArgument(name, 'a number', value);
}

/** An INTEGER that JavaScript counts with; larger ones are out of range for every function that asks for this. */
export function countArgument(name: string, value: Value | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') throw new DbError('ArgumentError', `NumberOutOfRange: ${name}(): ${value} is out of range`, { detail: 'NumberOutOfRange' });
  throw wrongArgument(name, 'an integer', value);
}

export function stringArgument(name: string, value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw wrongArgument(name, 'a string', value);
}

export function listArgument(name: string, value: Value | undefined): Value[] {
  if (Array.isArray(value)) return value;
  throw wrongArgument(name, 'a list', value);
}
