/**
 * Runs one TCK scenario in this process, in a transaction that is never committed. Errors are judged strictly: code and message have the
 * TCK's type and detail, and what is to be found at compile time is found before the statement runs.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DbError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { execute, materialize, prepare, type ProcedureDef, type ProcedureHost, type ProcedureType } from '../../../src/cypher/engine.ts';
import type { GraphWriter } from '../../../src/graph/view.ts';
import { equals } from '../../../src/value/compare.ts';
import { formatValue } from '../../../src/value/format.ts';
import { NodeValue, type Value } from '../../../src/value/value.ts';
import { matches, readExpected, sameBag } from './expected.ts';
import { SHARED, type Scenario, type Step } from './features.ts';

interface Result {
  readonly columns: readonly string[];
  readonly rows: Value[][];
}

interface Snapshot {
  readonly nodes: Set<string>;
  readonly relationships: Set<string>;
  readonly labels: Set<string>;
  readonly properties: Set<string>;
}

/** Why the scenario fails, or undefined. */
export function runScenario(scenario: Scenario, view: GraphWriter): string | undefined {
  return new ScenarioRun(view).run(scenario);
}

class ScenarioRun {
  readonly #view: GraphWriter;
  #parameters = new Map<string, Value>();
  #host = new TestProcedures();
  #result: Result | undefined;
  #error: unknown;
  /** Whether the error came before anything was run. */
  #compiling = false;
  #before: Snapshot | undefined;

  constructor(view: GraphWriter) {
    this.#view = view;
  }

  run(scenario: Scenario): string | undefined {
    for (const step of scenario.steps) {
      const problem = this.#step(step);
      if (problem !== undefined) return problem;
    }
    return this.#error === undefined ? undefined : `unexpected error: ${describe(this.#error)}`;
  }

  #step(step: Step): string | undefined {
    const { text, doc, table } = step;
    if (text === 'an empty graph' || text === 'any graph') return undefined;
    const named = /^the (.+) graph$/.exec(text);
    if (named !== null) {
      const folder = resolve(SHARED, 'tck/graphs', named[1]!);
      for (const query of readFileSync(resolve(folder, `${named[1]!}.cypher`), 'utf8').split(/;\s*(?:\n|$)/)) if (query.trim() !== '') this.#query(query);
      return undefined;
    }
    if (/^(after )?having executed:$/.test(text)) {
      try {
        this.#query(doc!);
      } catch (error) {
        return `setup: ${describe(error)}`;
      }
      return undefined;
    }
    if (/^parameters? (values )?are:$/.test(text)) {
      for (const [name, value] of table) this.#parameters.set(name!, readExpected(value!));
      return undefined;
    }
    if (text.startsWith('there exists a procedure ')) {
      this.#host.add(text.slice('there exists a procedure '.length), table);
      return undefined;
    }
    if (text === 'executing query:' || text === 'executing control query:') {
      this.#before = text === 'executing query:' ? this.#snapshot() : this.#before;
      this.#result = undefined;
      this.#error = undefined;
      try {
        this.#result = this.#query(doc!);
      } catch (error) {
        this.#error = error;
      }
      return undefined;
    }
    return this.#judge(step);
  }

  #judge({ text, table }: Step): string | undefined {
    const wanted = /^an? (\w+) should be raised at (compile time|runtime|any time): (.+)$/.exec(text);
    if (wanted !== null) {
      if (this.#error === undefined) return `expected ${wanted[1]!} ${wanted[3]!}, but got ${show(this.#result!)}`;
      const { error } = { error: this.#error };
      this.#error = undefined;
      if (!(error instanceof DbError)) return `not a DbError: ${describe(error)}`;
      const [, type, phase, detail] = wanted;
      const seen = `${error.code} ${error.kind.bolt} ${error.message}`;
      const fits = seen.includes(type!.replace('ProcedureError', 'Procedure')) && (detail === '*' || seen.includes(detail!)) && (phase !== 'compile time' || this.#compiling || type === 'ParameterMissing');
      return fits ? undefined : `expected ${type!} ${detail!} at ${phase!}: ${describe(error)}${this.#compiling ? ' when it was compiled' : ''}`;
    }
    if (this.#error !== undefined) return `unexpected error: ${describe(this.#error)}`;
    if (text === 'the result should be empty') return this.#result!.rows.length === 0 ? undefined : `expected no rows: ${show(this.#result!)}`;
    if (text === 'no side effects') return this.#effects([]);
    if (text === 'the side effects should be:') return this.#effects(table);
    const result = /^the result should be(, in any order|, in order)?\s*(\(ignoring element order for lists\))?:$/.exec(text);
    if (result === null) return `unknown step: ${text}`;
    return this.#rows(table, result[1] === ', in order', result[2] !== undefined);
  }

  #rows(table: Step['table'], ordered: boolean, anyListOrder: boolean): string | undefined {
    const { columns, rows } = this.#result!;
    const header = table[0] ?? [];
    if ([...header].sort().join('\0') !== [...columns].sort().join('\0')) return `columns ${columns.join(', ')} instead of ${header.join(', ')}`;
    const expected = table.slice(1).map((row) => row.map(readExpected));
    const actual = rows.map((row) => header.map((name) => row[columns.indexOf(name)]!));
    const same = (a: Value[], b: Value[]): boolean => a.every((value, i) => matches(value, b[i]!, anyListOrder));
    const fits = ordered ? expected.length === actual.length && expected.every((row, i) => same(row, actual[i]!)) : sameBag(expected, actual, same);
    return fits ? undefined : `expected ${table.slice(1).map((row) => row.join(' | ')).join(' ~ ')} but got ${show(this.#result!)}`;
  }

  #query(text: string): Result {
    const view = this.#view;
    this.#compiling = true;
    const query = prepare(text, { catalog: view.catalog, procedures: this.#host });
    this.#compiling = false;
    const execution = execute(query, {
      view, parameters: this.#parameters, procedures: this.#host, checkpoint: () => undefined, wallMs: 1_600_000_000_000,
      random: seededRandom(1), timeZone: 'Z', limits: {},
    });
    const rows: Value[][] = [];
    for (const batch of execution.rows()) for (const row of batch) rows.push(row.map((value) => materialize(value, view)));
    return { columns: query.columns, rows };
  }

  #snapshot(): Snapshot {
    const view = this.#view;
    const snapshot: Snapshot = { nodes: new Set(), relationships: new Set(), labels: new Set(), properties: new Set() };
    for (const ids of view.scanNodes()) {
      for (const id of Array.from(ids)) {
        const node = new NodeValue(id);
        snapshot.nodes.add(`${id}`);
        for (const label of view.nodeLabels(node)) snapshot.labels.add(view.catalog.labelName(label));
        for (const [key, value] of view.nodeProperties(node)) snapshot.properties.add(`n${id} ${key} ${formatValue(value)}`);
      }
    }
    for (const ids of view.scanRelationships()) {
      for (const id of Array.from(ids)) {
        snapshot.relationships.add(`${id}`);
        for (const [key, value] of view.relationshipProperties(view.findRelationship(id)!)) snapshot.properties.add(`r${id} ${key} ${formatValue(value)}`);
      }
    }
    return snapshot;
  }

  #effects(table: Step['table']): string | undefined {
    const after = this.#snapshot();
    const before = this.#before!;
    const wanted = new Map(table.map(([name, count]) => [name, Number(count)]));
    const gained = (a: Set<string>, b: Set<string>): number => [...b].filter((each) => !a.has(each)).length;
    for (const name of ['nodes', 'relationships', 'labels', 'properties'] as const) {
      const plus = gained(before[name], after[name]);
      const minus = gained(after[name], before[name]);
      if (plus !== (wanted.get(`+${name}`) ?? 0) || minus !== (wanted.get(`-${name}`) ?? 0)) {
        return `side effects on ${name}: +${plus} -${minus}, expected ${JSON.stringify([...wanted])}`;
      }
    }
    return undefined;
  }
}

function show({ columns, rows }: Result): string {
  return `[${columns.join(', ')}] ${rows.slice(0, 12).map((row) => row.map(formatValue).join(' | ')).join(' ~ ')}`;
}

function describe(error: unknown): string {
  return error instanceof DbError ? `${error.code} ${error.message}` : error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Procedures that the TCK describes by a table of arguments and results. */
class TestProcedures implements ProcedureHost {
  readonly #definitions = new Map<string, { definition: ProcedureDef; rows: Value[][]; columns: string[] }>();

  add(signature: string, table: Step['table']): void {
    const [, name, inputs, outputs] = /^(\S+?)\((.*?)\)\s*::\s*\((.*?)\)\s*:?$/.exec(signature)!;
    const fields = (text: string): { name: string; type: ProcedureType }[] => text.split(',').map((each) => each.trim()).filter((each) => each !== '')
      .map((each) => {
        const [field, type] = each.split('::').map((part) => part.trim());
        return { name: field!, type: type!.replace('?', '') as ProcedureType };
      });
    const definition: ProcedureDef = { name: name!, args: fields(inputs!), yields: fields(outputs!), mode: 'read' };
    this.#definitions.set(name!, { definition, columns: [...(table[0] ?? [])], rows: table.slice(1).map((row) => row.map(readExpected)) });
  }

  find(name: string): ProcedureDef | undefined {
    return this.#definitions.get(name)?.definition;
  }

  names(): Iterable<string> {
    return this.#definitions.keys();
  }

  call(definition: ProcedureDef, args: Value[]): Value[][] {
    const { rows, columns } = this.#definitions.get(definition.name)!;
    return rows
      .filter((row) => definition.args.every((arg, i) => {
        const wanted = row[columns.indexOf(arg.name)] ?? null;
        return args[i] === null ? wanted === null : equals(wanted, args[i]!) === true;
      }))
      .map((row) => definition.yields.map(({ name }) => row[columns.indexOf(name)] ?? null));
  }
}
