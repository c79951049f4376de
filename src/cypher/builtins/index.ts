/**
 * The procedures the engine brings itself: those that need a graph and nothing else. A host's procedure of the same name wins.
 */
import type { ProcedureHost } from '../procedures.ts';
import { ALGORITHM_BUILTINS } from './algorithms.ts';
import type { Builtin } from './define.ts';
import { FULLTEXT_BUILTINS } from './fulltext.ts';
import { INTROSPECTION_BUILTINS } from './introspection.ts';
import { VECTOR_INDEX_BUILTINS } from './vector-indexes.ts';
import { NEO4J_BUILTINS } from './neo4j.ts';
import { SCHEMA_BUILTINS } from './schema.ts';
import { UPSERT_BUILTINS } from './upsert.ts';
import { VECTOR_BUILTINS } from './vector.ts';

const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [
    ...INTROSPECTION_BUILTINS, ...SCHEMA_BUILTINS, ...UPSERT_BUILTINS, ...ALGORITHM_BUILTINS, ...VECTOR_BUILTINS, ...NEO4J_BUILTINS, ...FULLTEXT_BUILTINS, ...VECTOR_INDEX_BUILTINS,
  ].map((each) => [each.definition.name, each]),
);

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
