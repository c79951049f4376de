/**
 * The names a clause can see, with what is known of their types, and the errors about them.
 */
import type { DbError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { Projection } from '../ast.ts';
import { sourceError } from '../parser/source-error.ts';
import type { ProcedureHost } from '../procedures.ts';
import { ANY, type StaticType } from './types.ts';

export class Scope {
  readonly types: ReadonlyMap<string, StaticType>;

  constructor(types: ReadonlyMap<string, StaticType> = new Map()) {
    this.types = types;
  }

  has(name: string): boolean {
    return this.types.has(name);
  }

  with(name: string, type: StaticType = ANY): Scope {
    return new Scope(new Map(this.types).set(name, type));
  }

  withAll(entries: Iterable<readonly [string, StaticType]>): Scope {
    const types = new Map(this.types);
    for (const [name, type] of entries) types.set(name, type);
    return new Scope(types);
  }

  get names(): string[] {
    return [...this.types.keys()];
  }
}

/** What all checks share: the text to point into and the procedures to check calls against. */
export interface CheckContext {
  readonly source: string;
  readonly procedures: ProcedureHost;
  /** What `*` stood for, in order: the planner must not find another order. */
  readonly stars: Map<Projection, readonly string[]>;
  error(detail: string, offset: number, message: string, hint?: string): DbError;
}

export function checkContext(source: string, procedures: ProcedureHost): CheckContext {
  return {
    source, procedures, stars: new Map(),
    error: (detail, offset, message, hint) => sourceError('SyntaxError', detail, source, offset, message, hint),
  };
}

export function undefinedVariable(context: CheckContext, name: string, offset: number, scope: Scope): DbError {
  const meant = suggest(name, scope.names);
  return context.error('UndefinedVariable', offset, `Variable \`${name}\` not defined`,
    meant === undefined ? undefined : `did you mean ${meant}?`);
}
