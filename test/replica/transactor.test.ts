import { describe, expect, it } from 'vitest';
import type { DbError } from '../../src/base/errors.ts';
import { parseTextQuery } from '../../src/cypher/fulltext/query.ts';
import { TextSearch } from '../../src/cypher/fulltext/search.ts';
import type { Transaction } from '../../src/graph/transaction.ts';
import { NodeValue } from '../../src/value/value.ts';
import { unpack } from '../../src/replica/packed.ts';
import type { Propose } from './transactor-bench.ts';
import { Bench, create, leading } from './transactor-bench.ts';

describe('the transactor', () => {
  it('refuses writes until this term\'s no-op is applied', async () => {
    const bench = new Bench();
    await expect(bench.transactor.write(create('a'))).rejects.toMatchObject({ code: 'NotLeader' });
    bench.transactor.receive({ kind: 'leading', term: 1, readyIndex: 1 });
    await bench.settle();
    await expect(bench.transactor.write(create('a'))).rejects.toMatchObject({ code: 'NotLeader' });
    bench.commit([{ id: 0, term: 1, data: undefined }]);
    await bench.settle();
    expect(bench.transactor.leading).toBe(true);
  });

  it('takes up no leadership that was lost again while it was waiting to', async () => {
    const bench = await leading();
    const refused = bench.transactor.write(create('a'));
    refused.catch(() => undefined);
    await bench.settle();
    const { ids } = bench.proposed.splice(0)[0]!;
    // While this entry is being written: its proposal is refused (a handover is on), then leadership goes.
    bench.commit([{ id: 0, term: 1, data: undefined }]);
    bench.transactor.receive({ kind: 'rejected', ids, reason: 'not-leader' });
    bench.transactor.receive({ kind: 'following', term: 2 });
    await bench.settle();
    await expect(refused).rejects.toMatchObject({ code: 'NotLeader' });
    expect(bench.transactor.leading).toBe(false);
    bench.lead(3);
    await bench.settle();
    void bench.transactor.write(create('b')).catch(() => undefined);
    await bench.settle();
    expect(bench.proposed.map((one) => one.term)).toEqual([3]);
  });

  it('answers nothing of the past: a client that has seen more is sent away, errors included', async () => {
    const bench = await leading();
    const work = () => {
      throw new Error('evaluated on an old state');
    };
    await expect(bench.transactor.write(work, { minVersion: bench.index + 1 })).rejects.toMatchObject({ code: 'VersionNotReached' });
    const soon = bench.transactor.write(create('a'), { minVersion: bench.index + 1 });
    bench.commit([{ id: 0, term: 1, data: undefined }]);
    await bench.settle();
    bench.commitProposed();
    expect(await soon).toMatchObject({ version: bench.index });
  });

  it('does one of two requests with one key that come in together, whoever of them was first', async () => {
    const bench = await leading();
    const both = ['a', 'b'].map((name) => bench.transactor.write(create(name), { idempotencyKey: 'k' }));
    await bench.settle();
    expect(bench.proposed.flatMap((one) => one.ids)).toHaveLength(1);
    bench.commitProposed();
    const [first, second] = await Promise.all(both);
    expect(first!.repeated).toBe(undefined);
    expect(second!.repeated).not.toBe(undefined);
    expect(bench.count()).toBe(1);
  });

  it('answers only when the entry is committed and applied, with that write\'s version', async () => {
    const bench = await leading();
    let answered = 0;
    const done = bench.transactor.write(create('a')).then((written) => (answered = written.version));
    await bench.settle();
    expect(answered).toBe(0);
    expect(bench.count()).toBe(0);
    bench.commitProposed();
    expect(await done).toBe(bench.index);
    expect(bench.count()).toBe(1);
  });

  it('sends what comes in one turn as one message, each write seeing the ones before it', async () => {
    const bench = await leading();
    const ids = [1, 2, 3].map((n) => bench.transactor.write(create(`n${n}`)));
    await bench.settle();
    expect(bench.proposed.map((one) => one.ids.length)).toEqual([3]);
    bench.commitProposed();
    expect((await Promise.all(ids)).map((written) => written.result)).toEqual([0, 1, 2]);
  });

  it('drops its head when leadership goes, and applies what was committed after all', async () => {
    const bench = await leading();
    const kept = bench.transactor.write(create('kept'));
    await bench.settle();
    const lost = bench.transactor.write(create('lost'));
    await bench.settle();
    const [first, second] = bench.proposed.splice(0) as [Propose, Propose];
    bench.transactor.receive({ kind: 'following', term: 2 });
    bench.commit([{ id: first.ids[0]!, term: 1, data: unpack(first.data)[0]! }]);
    bench.transactor.receive({ kind: 'rejected', ids: second.ids, reason: 'lost' });
    await expect(lost).rejects.toMatchObject({ code: 'NotLeader' });
    expect((await kept).version).toBe(bench.index);
    expect(bench.count()).toBe(1);
    bench.lead(3);
    await bench.settle();
    const next = bench.transactor.write(create('next'));
    await bench.settle();
    bench.commitProposed();
    expect((await next).result).toBe(1);
    expect(bench.fatal).toBeUndefined();
  });

  it('starts over from the committed state when a proposal is refused, and refuses what was built on it', async () => {
    const bench = await leading();
    const refused = bench.transactor.write(create('refused'));
    await bench.settle();
    const [proposal] = bench.proposed.splice(0) as [Propose];
    bench.transactor.receive({ kind: 'rejected', ids: proposal.ids, reason: 'busy' });
    await expect(refused).rejects.toMatchObject({ code: 'Busy' });
    await bench.settle();
    const next = bench.transactor.write(create('next'));
    await bench.settle();
    expect(bench.proposed[0]!.epoch).toBeGreaterThan(proposal.epoch);
    bench.commitProposed();
    expect((await next).result).toBe(0);
    expect(bench.count()).toBe(1);
  });

  it('does a request with an idempotency key once, and repeats its answer', async () => {
    const bench = await leading();
    const work = (tx: Transaction) => ({ ...create('once')(tx), answer: () => Buffer.from('the answer') });
    const first = bench.transactor.write(work, { idempotencyKey: 'key-1' });
    await bench.settle();
    const meanwhile = bench.transactor.write(work, { idempotencyKey: 'key-1' });
    await bench.settle();
    bench.commitProposed();
    await first;
    expect(Buffer.from((await meanwhile).repeated!).toString()).toBe('the answer');
    const again = await bench.transactor.write(work, { idempotencyKey: 'key-1' });
    expect(Buffer.from(again.repeated!).toString()).toBe('the answer');
    expect(bench.count()).toBe(1);
  });

  it('lets an interactive transaction commit, unless something it has read changed meanwhile', async () => {
    const bench = await leading();
    const made = bench.transactor.write(create('a'));
    await bench.settle();
    bench.commitProposed();
    await made;
    const key = (() => {
      const point = bench.reader.acquire();
      const id = point.view('default').catalog.findKey('k')!;
      bench.reader.release(point);
      return id;
    })();
    const open = () => {
      const interactive = bench.transactor.begin();
      const graph = interactive.transaction.graph('default');
      const old = String(graph.nodeProperty(new NodeValue(0), key));
      graph.setNodeProperty(new NodeValue(0), key, `${old}!`);
      return interactive;
    };
    const [one, two] = [open(), open()];
    const committed = bench.transactor.commit(one);
    await bench.settle();
    const conflict = await bench.transactor.commit(two).catch((error: DbError) => error.code);
    expect(conflict).toBe('Conflict');
    bench.commitProposed();
    await committed;
    const creating = [bench.transactor.begin(), bench.transactor.begin()];
    for (const each of creating) each.transaction.graph('default').createNode([], []);
    const both = creating.map((each) => bench.transactor.commit(each));
    await bench.settle();
    bench.commitProposed();
    await Promise.all(both);
    expect(bench.count()).toBe(3);
  });

  it('takes a full-text search as a read of the words that were looked for, not of the whole index', async () => {
    const bench = await leading();
    const write = async (work: (graph: ReturnType<Transaction['graph']>) => void) => {
      const done = bench.transactor.write((tx) => ({ result: work(tx.graph('default')) }));
      await bench.settle();
      bench.commitProposed();
      await done;
    };
    // Enough words that these are on pages of their own.
    const add = (text: string) => (graph: ReturnType<Transaction['graph']>) => void graph.createNode([graph.labelId('T')], [[graph.keyId('t'), text]]);
    await write((graph) => {
      graph.createText({ kind: 'vertex', name: 'i', labels: ['T'], fields: ['t'], analyzer: 'standard' });
      for (let n = 0; n < 400; n++) add(`a${n} m${n} z${n}`)(graph);
    });
    for (const [text, outcome] of [['z5 again', 'Conflict'], ['a5', 'committed']] as const) {
      const open = bench.transactor.begin();
      const graph = open.transaction.graph('default');
      expect(new TextSearch({ view: graph, index: graph.catalog.findText('i')!, checkpoint: () => undefined }).run(parseTextQuery('z5')!).ids).toContain(5);
      add(`found by ${text.length}`)(graph);
      await write(add(text));
      const committed = bench.transactor.commit(open).then(() => 'committed', (error: DbError) => error.code);
      await bench.settle();
      bench.commitProposed();
      expect(await committed).toBe(outcome);
    }
  });

  it('stops the process rather than drift, when an entry cannot be applied', async () => {
    const bench = await leading();
    bench.commit([{ id: 0, term: 1, data: Uint8Array.from([99, 0]) }]);
    await bench.settle();
    expect(bench.fatal).toMatchObject({ code: 'Corrupted' });
  });
});
