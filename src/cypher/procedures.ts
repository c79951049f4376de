/**
 * Procedures as the query engine sees them: a signature to check calls against, and a host that runs them.
 *
 * The engine brings the ones that need only a graph (builtins/); `service` brings the rest (users, graphs, cluster ...)
 * through a `ProcedureHost`, which is also how tests register theirs.
 */
import type { Value } from '../value/value.ts';
import type { ExecContext } from './context.ts';

export type ProcedureType =
  | 'NUL' | 'INTEGER' | 'FLOAT' | 'DOUBLE' | 'NUMBER' | 'BOOLEAN' | 'STRING' | 'NODE' | 'RELATIONSHIP' | 'PATH' | 'LIST' | 'MAP' | 'ANY';

export interface ProcedureArg {
  readonly name: string;
  readonly type: ProcedureType;
  /** An argument with a default may be left out. */
  readonly default?: Value;
}

export interface ProcedureColumn {
  readonly name: string;
  readonly type: ProcedureType;
}

/** `write` and `schema` change the graph; `dbms-read` and `dbms-write` concern the server and need no graph. */
export type ProcedureMode = 'read' | 'write' | 'schema' | 'dbms-read' | 'dbms-write';

export interface ProcedureDef {
  readonly name: string;
  readonly args: readonly ProcedureArg[];
  /** The last argument may be repeated any number of times. */
  readonly variadic?: boolean;
  readonly yields: readonly ProcedureColumn[];
  readonly mode: ProcedureMode;
  readonly description?: string;
}

export interface ProcedureHost {
  find(name: string): ProcedureDef | undefined;
  names(): Iterable<string>;
  call(definition: ProcedureDef, args: Value[], context: ExecContext): Iterable<Value[]>;
}

export const NO_PROCEDURES: ProcedureHost = {
  find: () => undefined,
  names: () => [],
  call: () => [],
};
