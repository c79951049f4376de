import { expect, it } from 'vitest';
import { Board, NO_PARTS } from '../../src/cypher/engine.ts';
import { ReaderCrew, ReaderLoads, type HelpRequest } from '../../src/service/reader-crew.ts';
import type { RunRequest } from '../../src/service/api.ts';
import { portsBetween } from '../../src/server/threads.ts';

const REQUEST: RunRequest = { graph: 'default', text: 'RETURN 1', parameters: new Uint8Array(), encoding: 'json', firstRows: 1, user: 'u', timeoutMs: 1000, killSlot: 3, minVersion: 0, summaryRow: false };
const FACTS = { request: REQUEST, version: 7, wallMs: 1, elapsedMs: () => 400 };

it('asks readers that have nothing to do, for as long as they have not', async () => {
  const loads = new ReaderLoads(3);
  const crews = portsBetween(3).map((ports, own) => new ReaderCrew(own, loads, ports));
  const asked: HelpRequest[] = [];
  const wanted: boolean[] = [];
  for (const crew of crews) {
    crew.listen((request, mayLeave) => {
      asked.push(request);
      wanted.push(mayLeave());
      loads.add(1, 1);
      wanted.push(mayLeave());
      loads.add(1, -1);
      return { parts: [[5, new Uint8Array([1, 2])]], lost: [] };
    });
  }
  loads.add(0, 1);
  loads.add(2, 1);
  const helpers = crews[0]!.helpersFor(FACTS);
  expect(helpers.areIdle).toBe(true);
  const board = Board.of([0, 10]);
  const got = helpers.ask({ board: board.buffer, plan: 'p', memoryBytes: (count) => 100 / count }, 5);
  expect([got.length, loads.helps(1), helpers.areIdle]).toEqual([1, true, false]);
  // Whoever is asked already is not asked again.
  expect(crews[2]!.helpersFor(FACTS).ask({ board: board.buffer, plan: 'p', memoryBytes: () => 1 }, 5)).toEqual([]);
  while (!loads.isIdle(1)) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(board.waitFor(0, () => undefined)).toBe(true);
  expect(got[0]!.result()).toEqual({ parts: [[5, new Uint8Array([1, 2])]], lost: [] });
  expect(asked.map(({ request, version, plan, memoryBytes }) => [request.text, request.timeoutMs, version, plan, memoryBytes])).toEqual([['RETURN 1', 600, 7, 'p', 100]]);
  expect(wanted).toEqual([false, true]);
  got[0]!.release();
  crews.forEach((crew) => crew.close());
});

it('ends an attempt in which a helper fails, and does nothing for one that is over', async () => {
  const loads = new ReaderLoads(2);
  const crews = portsBetween(2).map((ports, own) => new ReaderCrew(own, loads, ports));
  let calls = 0;
  crews[1]!.listen(() => {
    if (++calls === 1) throw new Error('broken');
    return NO_PARTS;
  });
  const [board, over] = [Board.of([0, 10]), Board.of([0, 10])];
  const ask = (of: Board) => crews[0]!.helpersFor(FACTS).ask({ board: of.buffer, plan: 'p', memoryBytes: () => 1 }, 5);
  ask(board)[0]!.release();
  while (!loads.isIdle(1)) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(board.isInVain).toBe(true);
  const late = ask(over);
  expect(over.waitFor(0, () => undefined)).toBe(false);
  while (!loads.isIdle(1)) await new Promise((resolve) => setTimeout(resolve, 1));
  expect([calls, late[0]!.result()]).toEqual([1, undefined]);
  crews.forEach((crew) => crew.close());
});
