/**
 * The file format GRAPH: JSON lines for what no label declares.
 *
 *   vertices  {"id": 7, "labels": ["A", "B"], "properties": {…}}                     id: a number of this export only
 *   edges     {"type": "T", "start": 7, "end": ["Person", 42], "properties": {…}}    an end: such a number, or a label and its primary key
 *
 * Property values are typed JSON (typed-json.ts). Names must be listed in the configuration's `names`.
 */
import { DbError } from '../base/errors.ts';
import { fieldValue } from '../graph/field-values.ts';
import type { Value } from '../value/value.ts';
import type { BulkGraph } from './bulk-graph.ts';
import { KeyTable } from './key-table.ts';
import { RowProblem } from './row-plan.ts';
import type { RawCell } from './row-source.ts';
import { fromTypedJson } from './typed-json.ts';

export class GraphLines {
  readonly #graph: BulkGraph;
  readonly #ids = new KeyTable();

  constructor(graph: BulkGraph) {
    this.#graph = graph;
  }

  taker(kind: 'vertex' | 'edge'): (cells: readonly RawCell[]) => void {
    return (cells) => {
      const [line] = cells;
      if (cells.length !== 1 || !(line instanceof Map)) throw new RowProblem('a line must be a JSON object');
      if (kind === 'vertex') this.#vertex(line);
      else this.#edge(line);
    };
  }

  #vertex(line: ReadonlyMap<string, Value>): void {
    const { catalog } = this.#graph;
    const names = line.get('labels') ?? [];
    if (!Array.isArray(names)) throw new RowProblem('`labels` must be a list');
    const labels = names.map((name) => known('label', name, catalog.findLabel(String(name)))).sort((a, b) => a - b);
    const id = line.get('id') ?? null;
    if (typeof id !== 'number') throw new RowProblem('`id` must be a number');
    if (this.#ids.find(id) >= 0) throw new RowProblem(`the id ${id} is there twice`);
    const [keys, values] = this.#properties(line, names.map((name) => catalog.vertexSchema(String(name))));
    this.#ids.add(id, this.#graph.createVertex(labels, keys, values));
  }

  #edge(line: ReadonlyMap<string, Value>): void {
    const { catalog } = this.#graph;
    const name = line.get('type') ?? null;
    const typeId = known('type', name, catalog.findType(String(name)));
    const [start, end] = [this.#end(line, 'start'), this.#end(line, 'end')];
    const [keys, values] = this.#properties(line, [catalog.edgeSchema(String(name))]);
    this.#graph.createEdge(typeId, start, end, keys, values);
  }

  #end(line: ReadonlyMap<string, Value>, which: string): number {
    const end = line.get(which) ?? null;
    if (typeof end === 'number') {
      const id = this.#ids.find(end);
      if (id < 0) throw new RowProblem(`no vertex has the id ${end} (${which})`);
      return id;
    }
    if (!Array.isArray(end) || end.length !== 2) throw new RowProblem(`\`${which}\` must be an id or [label, primary key]`);
    const label = this.#graph.catalog.findLabel(String(end[0]));
    const id = label === undefined ? -1 : this.#graph.primaryKeys(label)?.find(fromTypedJson(end[1]!)) ?? -1;
    if (id < 0) throw new RowProblem(`no vertex ${String(end[0])} has the primary key ${String(end[1])} (${which})`);
    return id;
  }

  #properties(line: ReadonlyMap<string, Value>, schemas: readonly ReturnType<BulkGraph['catalog']['vertexSchema']>[]): [number[], Value[]] {
    const given = line.get('properties') ?? new Map<string, Value>();
    if (!(given instanceof Map)) throw new RowProblem('`properties` must be an object');
    const fields = schemas.flatMap((schema) => schema?.fields ?? []);
    for (const field of fields) if (!field.optional && (given.get(field.name) ?? null) === null) throw new RowProblem(`Field [${field.name}] is not optional.`);
    const entries = [...given].map(([name, json]): [number, Value] => {
      const key = known('key', name, this.#graph.catalog.findKey(name));
      const field = fields.find((one) => one.name === name);
      const value = fromTypedJson(json);
      return [key, field === undefined ? value : fieldValue(field, value)];
    }).filter(([, value]) => value !== null).sort((a, b) => a[0] - b[0]);
    return [entries.map(([key]) => key), entries.map(([, value]) => value)];
  }
}

function known(what: string, name: Value, id: number | undefined): number {
  if (id === undefined) throw new DbError('ConstraintValidation', `the ${what} ${String(name)} is not among the configuration's names`);
  return id;
}
