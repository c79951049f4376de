/** Helpers as other threads would be, in this one: each takes parts of the work while it is asked, and some is left. */
import type { Random } from '../../src/base/random.ts';
import { Board, execute, helpWith, prepare, type ExecContext, type Execution, type PreparedQuery } from '../../src/cypher/engine.ts';

export interface Helped {
  /** Attempts, whatever came of them. */
  asked: number;
  /** Parts that helpers made. */
  parts: number;
  inVain: number;
}

/** Runs a statement in parts wherever that can be done at all. */
export function executeInParts(query: PreparedQuery, context: ExecContext, random: Random, helped: Helped = { asked: 0, parts: 0, inVain: 0 }): Execution {
  const limits = { ...context.limits, parallelRows: 0 };
  const alone: ExecContext = { ...context, limits };
  return execute(query, {
    ...alone,
    helpers: {
      areIdle: true,
      ask: (work) => {
        helped.asked++;
        const board = new Board(work.board);
        return [0, 1, 2].map((helper) => {
          board.begin(helper);
          let left = 1 + Math.floor(random.next() * 12);
          const own = prepare(query.text, { catalog: context.view.catalog, procedures: context.procedures });
          const parts = helpWith(own, { ...alone, limits: { ...limits, memoryBytes: work.memoryBytes(3) } }, work, () => left-- <= 0);
          if (parts === undefined) helped.inVain++;
          else helped.parts += parts.parts.length;
          board.end(helper);
          return { result: () => parts, release: () => undefined };
        });
      },
    },
  });
}
