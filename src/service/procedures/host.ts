/** The server's procedures as the query engine's `ProcedureHost`. */
import type { ExecContext, ProcedureDef, ProcedureHost } from '../../cypher/engine.ts';
import type { Value } from '../../value/value.ts';
import { callContext } from './define.ts';
import type { ServerProcedure } from './define.ts';
import { commandProcedures } from './commands.ts';
import { privilegeProcedures } from './privileges.ts';
import { securityProcedures } from './security.ts';
import { serverProcedures } from './server.ts';
import { tugraphProcedures } from './tugraph.ts';

export class ServerProcedures implements ProcedureHost {
  readonly #procedures = new Map<string, ServerProcedure>();

  constructor(more: readonly ServerProcedure[] = []) {
    for (const one of [...securityProcedures, ...serverProcedures, ...tugraphProcedures, ...commandProcedures, ...privilegeProcedures, ...more]) this.#procedures.set(one.definition.name.toLowerCase(), one);
  }

  find(name: string): ProcedureDef | undefined {
    return this.#procedures.get(name.toLowerCase())?.definition;
  }

  *names(): Generator<string> {
    // A blank in front: commands call it, users do not.
    for (const { definition: { name } } of this.#procedures.values()) if (!name.startsWith(' ')) yield name;
  }

  call(definition: ProcedureDef, args: Value[], context: ExecContext): Iterable<Value[]> {
    return this.#procedures.get(definition.name.toLowerCase())!.call(args, callContext(context), context);
  }
}
