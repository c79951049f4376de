/** Statements that hold more than they may: with temporary files they give exactly what they give in memory. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/base/bytes.ts';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare, type ExecContext, type SpillStore } from '../../src/cypher/engine.ts';
import { prepareSpillFolder, spillFiles } from '../../src/service/spill-files.ts';
import { encodeValue } from '../../src/value/codec.ts';
import { LocalDate } from '../../src/value/temporal.ts';
import { Float, type CypherMap, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';

const MB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'lgraph-spill-'));
afterAll(() => rmSync(folder, { recursive: true }));
const view = (await LocalStore.withGraph()).begin().graph('default');
run('UNWIND range(1, 30) AS i CREATE (:N {i: i})');
/** For joins: keys of every kind, some of them often, all with one in common. */
for (const [label, seed, count] of [['J', 11, 3000], ['K', 12, 2500]] as const) {
  const random = seededRandom(seed);
  run(`UNWIND $rows AS r CREATE (n:${label}) SET n = r`, Array.from({ length: count }, (_, i): CypherMap => new Map<string, Value>([
    ['i', i], ['one', 1], ['many', below(random, 900)], ['few', below(random, 3)],
    ['any', random.next() < 0.7 ? `s${below(random, 600)}` : [null, below(random, 200), new Float(below(random, 200)), new Float(NaN), new LocalDate(below(random, 90)), [below(random, 30), 'x'], random.next() < 0.5][below(random, 7)]!],
  ])));
}

/** Counts what goes to disk, and whether everything was closed. */
class Watched implements SpillStore {
  readonly statementBytesMax: number;
  readonly failAt: number;
  readonly #inner: SpillStore;
  bytes = 0;
  open_ = 0;

  constructor(statementBytesMax = 512 * MB, totalBytesMax = 1024 * MB, failAt = Infinity) {
    this.failAt = failAt;
    this.statementBytesMax = statementBytesMax;
    this.#inner = spillFiles({ directory: folder, statementBytesMax, totalBytesMax, used: new SharedArrayBuffer(8) })!;
  }

  open() {
    const file = this.#inner.open();
    this.open_++;
    return {
      append: (bytes: Uint8Array) => {
        this.bytes += bytes.length;
        if (this.bytes > this.failAt) throw new DbError('ReadOnlyDisk', 'no space is left');
        return file.append(bytes);
      },
      read: (at: number, length: number) => file.read(at, length),
      close: () => {
        this.open_--;
        file.close();
      },
    };
  }
}

function run(text: string, rows: Value = [], spill?: SpillStore, memoryBytes?: number, checkpoint: () => void = () => undefined): string[] {
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const context: ExecContext = {
    view, parameters: new Map([['rows', rows]]), procedures: NO_PROCEDURES, checkpoint, wallMs: 0, random: seededRandom(1), timeZone: 'Z',
    limits: memoryBytes === undefined ? {} : { memoryBytes }, ...(spill === undefined ? {} : { spill }),
  };
  const lines: string[] = [];
  for (const batch of execute(prepared, context).rows()) {
    for (const row of batch) {
      const w = new ByteWriter();
      for (const value of row) encodeValue(w, value);
      lines.push(w.view().toString('latin1'));
    }
  }
  return lines;
}

function below(random: Random, n: number): number {
  return Math.floor(random.next() * n);
}

function randomValue(random: Random, depth = 0): Value {
  switch (below(random, depth > 1 ? 8 : 11)) {
    case 0: return null;
    case 1: return below(random, 50);
    case 2: return new Float(below(random, 50));
    case 3: return new Float((below(random, 1000) - 500) / 7);
    case 4: return `s${below(random, 40)}`;
    case 5: return below(random, 2) === 0;
    case 6: return new LocalDate(below(random, 30));
    case 7: return 2n ** 60n + BigInt(below(random, 20));
    case 8: return new Float(NaN);
    case 9: return Array.from({ length: below(random, 4) }, () => randomValue(random, depth + 1));
    default: return new Map([['k', randomValue(random, depth + 1)], ['l', below(random, 3)]]);
  }
}

function randomRows(seed: number, count: number): CypherMap[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i): CypherMap => new Map<string, Value>([
    ['i', i], ['few', below(random, 20)], ['many', below(random, count)], ['x', new Float((below(random, 1e6) - 5e5) / 997)],
    ['any', randomValue(random)], ['text', `${below(random, count)}${'-'.repeat(below(random, 40))}`],
  ]));
}

const JOINS = [
  'MATCH (a:J), (b:K) WHERE a.any = b.any RETURN a.i AS a, b.i AS b',
  'MATCH (a:J), (b:K) WHERE a.many = b.many AND a.i < b.i RETURN a, b, a.i + b.i AS sum',
  'MATCH (a:J), (b:K) WHERE a.many = b.many AND a.few + 1 = b.few + 1 WITH a.i AS a, b.i AS b RETURN a, collect(b) AS bs',
  'MATCH (a:J), (b:K), (c:N) WHERE a.any = b.any AND b.few = c.i RETURN a.i AS a, b.i AS b, c.i AS c',
  'MATCH (a:J {few: 1}) OPTIONAL MATCH (b:K), (c:J) WHERE b.many = c.many AND b.i % 300 = a.i % 300 RETURN a.i AS a, b.i AS b, c.i AS c LIMIT 300',
] as const;
/** Without a key, and with one key for all. */
const PRODUCTS = [
  'MATCH (a:J), (b:K) WHERE a.i % 200 = 7 AND b.i + a.i > 2700 RETURN a.i AS a, b.i AS b',
  'MATCH (a:J), (b:K) WHERE a.i % 200 = 7 AND a.one = b.one RETURN a.i AS a, b.i AS b',
] as const;

const QUERIES = [
  'UNWIND $rows AS r RETURN r.i AS i, r.text AS t ORDER BY r.any, r.few DESC',
  'UNWIND $rows AS r RETURN r ORDER BY r.text DESC, r.x',
  'UNWIND $rows AS r RETURN r.any AS any ORDER BY any SKIP 37 LIMIT 3000',
  'UNWIND $rows AS r WITH r ORDER BY r.many LIMIT 60000 RETURN r.i, r.many',
  'UNWIND $rows AS r RETURN r.many AS k, count(*) AS n, sum(r.x) AS s, avg(r.x) AS a, stDev(r.x) AS d, min(r.any) AS lo, max(r.any) AS hi',
  'UNWIND $rows AS r RETURN r.many AS k, r.few AS f, collect(r.text) AS texts, count(DISTINCT r.any) AS kinds',
  'UNWIND $rows AS r RETURN r.any AS k, count(r.text), sum(DISTINCT r.few), collect(DISTINCT r.few) AS fs, percentileCont(r.x, 0.3), percentileDisc(r.few, 0.7)',
  'UNWIND $rows AS r RETURN DISTINCT r.many AS m',
  'UNWIND $rows AS r RETURN DISTINCT r.any AS a, r.few AS f',
  'UNWIND $rows AS r WITH DISTINCT r.text AS t, r.few AS f RETURN count(*) AS n, sum(f) AS s',
  'UNWIND $rows AS r RETURN r.many AS x UNION UNWIND $rows AS r RETURN r.i AS x',
  'UNWIND $rows AS r WITH r.many AS k, collect(r.i) AS list RETURN k, list ORDER BY size(list) DESC, k DESC',
  'UNWIND $rows AS r WITH r.text AS t, sum(r.x) AS s ORDER BY s RETURN DISTINCT t LIMIT 2500',
  'UNWIND $rows AS r MATCH (n:N {i: r.i % 30 + 1}) WITH n, r.many AS k, count(*) AS c RETURN n.i AS i, k, c ORDER BY k, i',
  ...JOINS,
] as const;

describe.each([1, 2])('seed %i', (seed) => {
  const rows = randomRows(seed, 4000);

  it.each(QUERIES)('%s', (text) => {
    const expected = run(text, rows);
    const spill = new Watched();
    const tiny = run(text, rows, spill, 192 * 1024);
    expect(tiny.length).toBe(expected.length);
    expect(tiny.join('\n') === expected.join('\n')).toBe(true);
    expect(spill.bytes).toBeGreaterThan(0);
    expect(spill.open_).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('divides partitions again, and merges more runs than it reads at once', () => {
  const rows = randomRows(4, 30_000);
  for (const text of ['UNWIND $rows AS r RETURN r.many AS k, count(*), collect(r.text)', 'UNWIND $rows AS r RETURN r.text AS t ORDER BY t, r.i DESC', 'UNWIND $rows AS r RETURN DISTINCT r.text']) {
    const spill = new Watched();
    expect(run(text, rows, spill, 160 * 1024).join('\n') === run(text, rows).join('\n')).toBe(true);
    // Everything was written more than once.
    expect(spill.bytes).toBeGreaterThan(30_000 * 20 * 2);
  }
});

it.each([...JOINS, ...PRODUCTS])('joins as in memory, however little that is: %s', (text) => {
  const expected = run(text);
  expect(expected.length).toBeGreaterThan(100);
  expect(() => run(text, [], undefined, 24 * 1024)).toThrow(/holds more than/);
  for (const kilobytes of [112, 192]) {
    const spill = new Watched();
    expect(run(text, [], spill, kilobytes * 1024).join('\n') === expected.join('\n'), `${kilobytes} KB`).toBe(true);
    expect(spill.bytes).toBeGreaterThan(0);
    expect(spill.open_).toBe(0);
  }
});

it('divides the sides of a join again', () => {
  run('UNWIND $rows AS r CREATE (n:L) SET n = r', randomRows(13, 20_000).map((row) => new Map([['i', row.get('i')!], ['many', row.get('many')!]])));
  const text = 'MATCH (a:L), (b:L) WHERE a.many = b.many RETURN a.i AS a, b.i AS b';
  const spill = new Watched();
  expect(run(text, [], spill, 160 * 1024).join('\n') === run(text).join('\n')).toBe(true);
  expect(spill.bytes).toBeGreaterThan(20_000 * 2 * 10 * 2);
  run('MATCH (n:L) DELETE n');
});

it('ends with MemoryLimit without a folder, and where one group is too much', () => {
  const rows = randomRows(5, 6000);
  expect(() => run(QUERIES[0], rows, undefined, 256 * 1024)).toThrow(/holds more than/);
  const spill = new Watched();
  expect(() => run('UNWIND $rows AS r RETURN r.few % 1 AS k, collect(r.text + r.text + r.text)', rows, spill, 256 * 1024)).toThrow(/holds more than/);
  expect(() => run('UNWIND $rows AS r RETURN collect(r.text + r.text + r.text)', rows, spill, 256 * 1024)).toThrow(/holds more than/);
  expect(spill.open_).toBe(0);
});

it.each(QUERIES)('gives files back when it is killed, at any moment, or when the disk is full: %s', (text) => {
  const rows = randomRows(6, 3000);
  const whole = new Watched();
  let checkpoints = 0;
  const expected = run(text, rows, whole, 128 * 1024, () => checkpoints++);
  expect(whole.bytes).toBeGreaterThan(0);
  for (const part of [1, 2, 4]) {
    const spill = new Watched();
    let left = Math.floor((checkpoints * part) / 5);
    expect(() => run(text, rows, spill, 128 * 1024, () => {
      if (left-- === 0) throw new DbError('Killed', 'the statement was killed');
    })).toThrow('killed');
    expect(spill.open_).toBe(0);
    const full = new Watched(undefined, undefined, (whole.bytes * part) / 5);
    expect(() => run(text, rows, full, 128 * 1024)).toThrow('no space is left');
    expect(full.open_).toBe(0);
  }
  expect(run(text, rows)).toEqual(expected);
});

it('looks at kill and deadline at least every few thousand steps while it writes, sorts and merges', () => {
  const rows = randomRows(7, 10_000);
  for (const text of [QUERIES[1], QUERIES[5], QUERIES[8]]) {
    let checkpoints = 0;
    run(text, rows, new Watched(), 512 * 1024, () => checkpoints++);
    // Each row is written and read, and sorted or looked up.
    expect(checkpoints).toBeGreaterThan((2 * 10_000) / 4096);
  }
});

it('limits the bytes of one statement and of all', () => {
  const rows = randomRows(8, 6000);
  const small = new Watched(64 * 1024);
  expect(() => run(QUERIES[0], rows, small, 256 * 1024)).toThrow(/raise query_spill_mb|temporary files/);
  const crowded = new Watched(512 * MB, 64 * 1024);
  expect(() => run(QUERIES[0], rows, crowded, 256 * 1024)).toThrow(/all statements together/);
  expect([small.open_, crowded.open_]).toEqual([0, 0]);
  // What was given back may be used again.
  const used = new SharedArrayBuffer(8);
  const store = spillFiles({ directory: folder, statementBytesMax: MB, totalBytesMax: 100, used })!;
  const file = store.open();
  file.append(new Uint8Array(80));
  expect(() => store.open().append(new Uint8Array(80))).toThrow(DbError);
  file.close();
  file.close();
  expect(new BigInt64Array(used)[0]).toBe(80n);
});

it('keeps the folder to itself, and empties it of what a crash left', () => {
  const own = join(folder, 'own');
  prepareSpillFolder(own);
  expect(statSync(own).mode & 0o777).toBe(0o700);
  writeFileSync(join(own, 'lgraph-spill-1-2-3'), 'left behind');
  writeFileSync(join(own, 'somebody-elses'), 'stays');
  prepareSpillFolder(own);
  expect(readdirSync(own)).toEqual(['somebody-elses']);
  writeFileSync(join(folder, 'no-folder'), '');
  expect(() => prepareSpillFolder(join(folder, 'no-folder'))).toThrow(/query_spill_dir/);
  prepareSpillFolder('');
  rmSync(join(folder, 'no-folder'));
  rmSync(own, { recursive: true });
  expect(existsSync(own)).toBe(false);
  expect(() => spillFiles({ directory: own, statementBytesMax: 1, totalBytesMax: 1, used: new SharedArrayBuffer(8) })!.open()).toThrow(/temporary file/);
});
