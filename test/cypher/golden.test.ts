/**
 * Scripts in test/golden/cypher: statements and what they answer, one graph per file.
 *
 *   MATCH (n) RETURN n;          a statement, ended by a semicolon at the end of a line; what follows up to an empty line is its answer
 *   … IN TRANSACTIONS …        is run in transactions of its own; written with two blanks, in one that is open
 *   :strict                      first line: the graph is made in TuGraph's way
 *   :param name = expression     for the statements after it
 *
 * UPDATE=1 writes the answers; review reads the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { execute, executeInTransactions, materialize, NO_PROCEDURES, planText, prepare } from '../../src/cypher/engine.ts';
import type { ExecContext, Execution, PreparedQuery } from '../../src/cypher/engine.ts';
import type { GraphView, GraphWriter } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { executeInParts } from './helpers-here.ts';
import { show } from './show.ts';

const folder = resolve(import.meta.dirname, '../golden/cypher');
/** Set: statements run in parts where they can. */
let parts: Random | undefined;

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  it(file, async () => {
    const path = resolve(folder, file);
    const script = readFileSync(path, 'utf8');
    const answered = await runScript(script);
    if (process.env.UPDATE === '1') writeFileSync(path, answered);
    else expect(answered).toBe(script);
  });

  it(`${file}, in parts`, async () => {
    parts = seededRandom(3);
    try {
      expect(await runScript(readFileSync(resolve(folder, file), 'utf8'))).toBe(readFileSync(resolve(folder, file), 'utf8'));
    } finally {
      parts = undefined;
    }
  });
}

async function runScript(script: string): Promise<string> {
  const store = await LocalStore.withGraph('default', undefined, undefined, script.startsWith(':strict'));
  const parameters = new Map<string, Value>();
  const out: string[] = [];
  let statement: string[] = [];
  let answering = false;
  for (const line of script.trimEnd().split('\n')) {
    if (answering) {
      if (line !== '') continue;
      answering = false;
    }
    if (statement.length === 0 && (line === '' || line === ':strict' || line.startsWith('#'))) {
      out.push(line);
      continue;
    }
    if (statement.length === 0 && line.startsWith(':param')) {
      const [, name, expression] = /^:param (\w+) = (.*)$/.exec(line)!;
      out.push(line);
      parameters.set(name!, query(`RETURN ${expression!} AS value`, store.begin().graph('default'), parameters).rows[0]![0]!);
      continue;
    }
    out.push(line);
    statement.push(line);
    if (!line.endsWith(';')) continue;
    out.push(...await answer(statement.join('\n').slice(0, -1), store, parameters));
    statement = [];
    answering = true;
  }
  return `${out.join('\n')}\n`;
}

/** Each statement is a transaction of its own; one that fails changes nothing. */
async function answer(text: string, store: LocalStore, parameters: ReadonlyMap<string, Value>): Promise<string[]> {
  try {
    const { columns, rows, effects } = await (/IN (\d+ CONCURRENT )?TRANSACTIONS/.test(text) ? inTransactions(text, store, parameters)
      : store.write((tx) => query(text, tx.graph('default'), parameters)));
    if (columns[0] === '@plan') return String(rows[0]![0]).trimEnd().split('\n');
    const lines = columns.length === 0 ? [] : [columns.join(' | '), ...rows.map((row) => row.map((value) => show(value)).join(' | '))];
    return [...lines, ...effects];
  } catch (error) {
    if (error instanceof DbError) return `! ${error.code} ${error.message}`.split('\n').map((line) => line.trimEnd());
    throw error;
  }
}

interface Answered {
  readonly columns: readonly string[];
  readonly rows: Value[][];
  readonly effects: string[];
}

function contextOf(view: GraphView, parameters: ReadonlyMap<string, Value>): ExecContext {
  return {
    view, parameters, procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 1_600_000_000_000, random: seededRandom(7), timeZone: 'Z', limits: {},
  };
}

/** The last line tells how many transactions it took. */
async function inTransactions(text: string, store: LocalStore, parameters: ReadonlyMap<string, Value>): Promise<Answered> {
  const points = [store.reader.acquire()];
  const before = store.writer.version;
  const view = points[0]!.view('default');
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const execution = await executeInTransactions(prepared, {
    read: contextOf(view, parameters),
    after: () => {
      points.push(store.reader.acquire());
      return contextOf(points[1]!.view('default'), parameters);
    },
    write: (work) => store.write((tx) => work(contextOf(tx.graph('default'), parameters))),
  });
  const answered = answerOf(prepared, execution, points[1]!.view('default'));
  for (const point of points) store.reader.release(point);
  return { ...answered, effects: [...answered.effects, `-- ${store.writer.version - before} transactions`] };
}

function query(text: string, view: GraphWriter, parameters: ReadonlyMap<string, Value>): Answered {
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const context = contextOf(view, parameters);
  return answerOf(prepared, parts === undefined || prepared.mode === 'explain' ? execute(prepared, context) : executeInParts(prepared, context, parts), view);
}

function answerOf(prepared: PreparedQuery, execution: Execution, view: GraphView): Answered {
  const rows: Value[][] = [];
  for (const batch of execution.rows()) for (const row of batch) rows.push(row.map((value) => materialize(value, view)));
  const { summary, ...counts } = execution.stats;
  const changed = Object.entries(counts).filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
  const effects = changed.length === 0 ? [] : [`-- ${changed.join(', ')}${prepared.updatesWithoutReturn ? `; ${summary}` : ''}`];
  if (prepared.mode === 'profile') effects.push(...planText(execution.plan!).replace(/, ms: [\d.]+/g, '').trimEnd().split('\n'));
  return { columns: prepared.columns, rows, effects };
}
