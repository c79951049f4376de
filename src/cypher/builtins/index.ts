/**
 * The procedures the engine brings itself: those that need a graph and nothing else. A host's procedure of the same name wins.
 */
import type { ProcedureDef, ProcedureHost } from '../procedures.ts';
import type { ExecContext } from '../context.ts';
import type { Value } from '../../value/value.ts';

export interface Builtin {
  readonly definition: ProcedureDef;
  readonly call: (args: Value[], context: ExecContext, all: ProcedureHost) => Iterable<Value[]>;
}

const BUILTINS: ReadonlyMap<string, Builtin> = new Map();

const merged = new WeakMap<ProcedureHost, ProcedureHost>();

export function withBuiltins(host: ProcedureHost): ProcedureHost {
  let all = merged.get(host);
  if (all === undefined) {
    all = mergedHost(host);
    merged.set(host, all);
  }
  return all;
}

function mergedHost(host: ProcedureHost): ProcedureHost {
  const all: ProcedureHost = {
    find: (name) => host.find(name) ?? BUILTINS.get(name)?.definition,
    names: () => new Set([...host.names(), ...BUILTINS.keys()]),
    call: (definition, args, context) => {
      const builtin = BUILTINS.get(definition.name);
      return builtin !== undefined && builtin.definition === definition ? builtin.call(args, context, all) : host.call(definition, args, context);
    },
  };
  return all;
}
