import { describe, expect, it } from 'vitest';
import { createFirstState } from '../../src/auth/first-start.ts';
import { systemClock } from '../../src/base/clock.ts';
import { asDbError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { BlockCache } from '../../src/graph/block-source.ts';
import { StateReader } from '../../src/graph/state-reader.ts';
import { StateWriter } from '../../src/graph/state-writer.ts';
import { pack, unpack } from '../../src/replica/packed.ts';
import { Transactor } from '../../src/replica/transactor.ts';
import { allEncoders } from '../../src/server/encoders.ts';
import { encodeMap } from '../../src/service/parameters.ts';
import { ServerProcedures } from '../../src/service/procedures/host.ts';
import { WriteHost } from '../../src/service/write-host.ts';
import { VersionClocks } from '../../src/storage/clocks.ts';
import { MemoryEngine } from '../../src/storage/memory-engine.ts';
import type { Value } from '../../src/value/value.ts';

/** A leader's writer thread in a group of one. */
class Leader {
  readonly #clocks = new VersionClocks();
  readonly #engine = new MemoryEngine();
  readonly #writer = new StateWriter(this.#engine, this.#clocks, 1 << 24);
  readonly #reader = new StateReader(this.#engine, this.#clocks, new BlockCache(1 << 24));
  #index = 0;
  readonly transactor: Transactor = new Transactor({
    writer: this.#writer, reader: this.#reader, clock: systemClock,
    port: {
      post: (message) => {
        if (message.kind !== 'propose') return;
        const first = this.#index + 1;
        this.#index += message.ids.length;
        const data = pack(unpack(message.data));
        queueMicrotask(() => this.transactor.receive({ kind: 'committed', first, terms: message.ids.map(() => message.term), ids: message.ids, kinds: message.ids.map(() => 1), data }));
      },
    },
    uncommittedBytesMax: 1 << 20, entryBytesMax: 1 << 20, syncIntervalMs: 1000, onFatal: (error) => {
      throw error;
    },
  });
  readonly host = new WriteHost(this.transactor, {
    procedures: new ServerProcedures(), encoders: allEncoders(), killFlags: new Int32Array(new SharedArrayBuffer(64)), random: seededRandom(1), wallMs: () => Date.now(), monotonicMs: () => performance.now(), timeZone: 'UTC',
    limits: {}, resultBytesMax: 1 << 20, transactionIdleMs: 60_000, transactionTotalMs: 60_000, transactionsMax: 100, onBuildProblem: () => undefined,
  });

  lead(term: number): void {
    this.#index++;
    this.transactor.receive({ kind: 'committed', first: this.#index, terms: [term], ids: [0], kinds: [0], data: pack([new Uint8Array()]) });
    this.transactor.receive({ kind: 'leading', term, readyIndex: this.#index });
  }

  async run(text: string, parameters: Record<string, Value> = {}, transaction?: number): Promise<unknown[][]> {
    const reply = await this.host.run({
      graph: 'default', text, parameters: encodeMap(new Map(Object.entries(parameters))), encoding: 'json', firstRows: 1000, user: 'admin', timeoutMs: 0, killSlot: -1, minVersion: 0,
      summaryRow: false, ...(transaction === undefined ? {} : { transaction }),
    });
    return JSON.parse(`[${Buffer.from(reply.bytes).toString().replace(/,$/, '')}]`) as unknown[][];
  }

  async begin(): Promise<Transaction> {
    const { transaction } = await this.host.begin({ user: 'admin', timeoutMs: 0, minVersion: 0, killSlot: -1 });
    return {
      run: (text, parameters) => this.run(text, parameters, transaction),
      commit: () => this.host.commit({ transaction, user: 'admin' }).then(() => 'committed', (error: unknown) => asDbError(error).code),
    };
  }
}

interface Transaction {
  run(text: string, parameters?: Record<string, Value>): Promise<unknown[][]>;
  commit(): Promise<string>;
}

async function leader(...statements: string[]): Promise<Leader> {
  const one = new Leader();
  one.lead(1);
  await new Promise((resolve) => setImmediate(resolve));
  await one.transactor.write((transaction) => ({ result: createFirstState(transaction, 'not asked for') }));
  for (const statement of statements) await one.run(statement);
  return one;
}

const TWO = 'UNWIND [1, 2] AS k CREATE (:C {k: k, n: 0})';
const ADD = 'MATCH (c:C {k: $k}) SET c.n = c.n + 1';
const all = (at: Leader) => at.run('MATCH (c:C) RETURN c.k AS k, c.n AS n ORDER BY k');

describe('a commit that meets a change', () => {
  it('is made when doing it again gives every answer again', async () => {
    const at = await leader(TWO);
    const [a, b] = [await at.begin(), await at.begin()];
    // Without an index both look at both vertices.
    expect(await a.run(`${ADD} RETURN c.n AS n`, { k: 1 })).toEqual([[1]]);
    expect(await b.run(`${ADD} RETURN c.n AS n`, { k: 2 })).toEqual([[1]]);
    expect([await a.commit(), await b.commit()]).toEqual(['committed', 'committed']);
    expect(await all(at)).toEqual([[1, 1], [2, 1]]);
  });

  it('loses no update where the answers say nothing about it', async () => {
    const at = await leader(TWO);
    const open = await Promise.all(Array.from({ length: 5 }, () => at.begin()));
    for (const one of open) await one.run(ADD, { k: 1 });
    for (const one of open) expect(await one.commit()).toBe('committed');
    expect(await all(at)).toEqual([[1, 5], [2, 0]]);
  });

  it('is refused when an answer would be another', async () => {
    const at = await leader(TWO);
    const [a, b] = [await at.begin(), await at.begin()];
    for (const one of [a, b]) expect(await one.run(`${ADD} RETURN c.n AS n`, { k: 1 })).toEqual([[1]]);
    expect([await a.commit(), await b.commit()]).toEqual(['committed', 'Conflict']);
    expect(await all(at)).toEqual([[1, 1], [2, 0]]);
  });

  it('is refused when only what it changed would be another', async () => {
    const at = await leader();
    const [a, b] = [await at.begin(), await at.begin()];
    for (const one of [a, b]) await one.run('MERGE (u:U {k: 1})');
    expect([await a.commit(), await b.commit()]).toEqual(['committed', 'Conflict']);
    expect(await at.run('MATCH (u:U) RETURN count(u) AS n')).toEqual([[1]]);
  });

  it('keeps the ids that the client was told', async () => {
    const at = await leader(TWO);
    const [a, b] = [await at.begin(), await at.begin()];
    await a.run(ADD, { k: 1 });
    const [[id, edge]] = await b.run('MATCH (c:C {k: 2}) CREATE (c)-[r:R]->(d:D {k: c.k}) RETURN id(d) AS d, id(r) AS r') as [[number, number]];
    await at.run('CREATE (:E)-[:R]->(:E)');
    expect([await a.commit(), await b.commit()]).toEqual(['committed', 'committed']);
    expect(await at.run('MATCH (:C {k: 2})-[r]->(d:D) RETURN id(d) AS d, id(r) AS r')).toEqual([[id, edge]]);
    expect(await at.run('MATCH (n) RETURN count(n) AS n')).toEqual([[5]]);
  });

  it('is refused after a statement that failed, a procedure, or another leadership', async () => {
    const at = await leader(TWO);
    const failed = await at.begin();
    await failed.run(ADD, { k: 1 });
    await expect(failed.run('MATCH (c:C {k: 1}) SET c.n = 1 / 0')).rejects.toThrow();
    const called = await at.begin();
    await called.run('CALL db.labels() YIELD label RETURN label');
    await called.run(ADD, { k: 1 });
    const late = await at.begin();
    await late.run(ADD, { k: 1 });
    await at.run(ADD, { k: 1 });
    expect([await failed.commit(), await called.commit()]).toEqual(['Conflict', 'Conflict']);
    at.transactor.receive({ kind: 'following', term: 1 });
    at.lead(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await late.commit()).toBe('Conflict');
    expect(await all(at)).toEqual([[1, 1], [2, 0]]);
  });

  it.each([1, 2, 3])('is as if transactions ran one after the other (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const pick = (n: number) => Math.floor(random.next() * n);
    const at = await leader('UNWIND range(0, 4) AS k CREATE (:C {k: k, n: 0})');
    const model = [0, 0, 0, 0, 0];
    const open: { one: Transaction; seen: Map<number, number>; written: Map<number, number> }[] = [];
    const outcomes = { committed: 0, Conflict: 0 };
    for (let step = 0; step < 600; step++) {
      if (open.length < 4) open.push({ one: await at.begin(), seen: new Map(), written: new Map() });
      const own = open[pick(open.length)]!;
      const k = pick(5);
      const what = random.next();
      if (what < 0.35) {
        const [[n]] = await own.one.run('MATCH (c:C {k: $k}) RETURN c.n AS n', { k }) as [[number]];
        if (own.written.has(k)) expect(n).toBe(own.written.get(k));
        else own.seen.set(k, n);
      } else if (what < 0.7) {
        // What it writes follows from what it was told.
        const value = [...own.seen.values(), ...own.written.values()].reduce((sum, n) => sum + n, 1);
        await own.one.run('MATCH (c:C {k: $k}) SET c.n = $n', { k, n: value });
        own.written.set(k, value);
      } else {
        open.splice(open.indexOf(own), 1);
        const outcome = await own.one.commit();
        outcomes[outcome as keyof typeof outcomes]++;
        if (outcome !== 'committed' || own.written.size === 0) continue;
        for (const [key, n] of own.seen) expect(model[key], `step ${step}: what it read of ${key}`).toBe(n);
        for (const [key, n] of own.written) model[key] = n;
        expect((await all(at)).map(([, n]) => n)).toEqual(model);
      }
    }
    expect(outcomes.committed).toBeGreaterThan(20);
    expect(outcomes.Conflict).toBeGreaterThan(5);
  });
});
