/** How a row of one file becomes a vertex or an edge: which cell fills which property, read as what. */
import { DbError } from '../base/errors.ts';
import type { FieldDef, GraphCatalog, LabelSchema } from '../graph/catalog.ts';
import type { Value } from '../value/value.ts';
import { cellReader, shortened } from './cells.ts';
import type { CellReader } from './cells.ts';
import { DESTINATION, SKIP, SOURCE } from './import-config.ts';
import type { FileSpec } from './import-config.ts';
import type { RawCell } from './row-source.ts';

/** What is wrong with a row, as far as it is known. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem';
  /** From 1. */
  readonly column: number | undefined;
  readonly columnName: string | undefined;
  readonly value: string | undefined;

  constructor(reason: string, at: { column?: number; columnName?: string; value?: string } = {}) {
    super(reason);
    this.column = at.column;
    this.columnName = at.columnName;
    this.value = at.value;
  }
}

/** What is wrong with a row, by what was thrown about it; any other error is thrown on. */
export function problemOf(error: unknown): RowProblem {
  if (error instanceof RowProblem) return error;
  if (error instanceof DbError && error.code === 'ConstraintValidation') return new RowProblem(error.message);
  throw error;
}

/** The same as plain data. */
export function factsOf({ message, column, columnName, value }: RowProblem): { reason: string; column?: number; columnName?: string; value?: string } {
  return { reason: message, ...(column === undefined ? {} : { column }), ...(columnName === undefined ? {} : { columnName }), ...(value === undefined ? {} : { value }) };
}

/** A column that is read, and the field whose values it has. */
export interface PlannedColumn {
  readonly column: number;
  readonly field: FieldDef;
}

/** Reads rows into itself: valid until the next one. */
export class RowPlan {
  /** Columns of properties, by ascending key. */
  readonly properties: readonly (PlannedColumn & { readonly key: number })[];
  /** Columns of an edge's source and destination, in this order. */
  readonly ends: readonly PlannedColumn[];
  keys: readonly number[] = [];
  values: Value[] = [];
  source: Value = null;
  destination: Value = null;
  readonly #columns: readonly { readonly name: string; readonly read: CellReader | undefined; readonly slot: number }[];
  /** Key of each slot, ascending. */
  readonly #slots: readonly number[];
  readonly #cells: Value[];
  /** Key lists of the shapes that occurred, by which slots are null. */
  readonly #shapes = new Map<string, readonly number[]>();

  constructor(file: FileSpec, schemas: readonly LabelSchema[], catalog: GraphCatalog) {
    const find = (kind: 'vertex' | 'edge', label: string) => schemas.find((one) => one.kind === kind && one.name === label)!;
    const schema = find(file.kind, file.label);
    const fields = new Map<string, FieldDef>(schema.fields.map((field) => [field.name, field]));
    const primary = (label: string, name: string): FieldDef => {
      const of = find('vertex', label);
      return { ...of.fields.find((field) => field.name === of.primary)!, name };
    };
    if (file.kind === 'edge') {
      fields.set(SOURCE, primary(file.source!, SOURCE));
      fields.set(DESTINATION, primary(file.destination!, DESTINATION));
    }
    const isProperty = (name: string) => name !== SKIP && name !== SOURCE && name !== DESTINATION;
    this.#slots = file.columns.filter(isProperty).map((name) => catalog.findKey(name)!).sort((a, b) => a - b);
    this.#cells = this.#slots.map(() => null);
    const planned = (name: string): PlannedColumn => ({ column: file.columns.indexOf(name), field: fields.get(name)! });
    this.properties = this.#slots.map((key) => ({ ...planned(catalog.keyName(key)), key }));
    this.ends = file.kind === 'edge' ? [planned(SOURCE), planned(DESTINATION)] : [];
    this.#columns = file.columns.map((name) => ({
      name, read: name === SKIP ? undefined : cellReader(fields.get(name)!),
      slot: name === SOURCE ? -1 : name === DESTINATION ? -2 : isProperty(name) ? this.#slots.indexOf(catalog.findKey(name)!) : -3,
    }));
  }

  /** Throws RowProblem. */
  read(cells: readonly RawCell[]): void {
    const columns = this.#columns;
    if (cells.length > columns.length) throw new RowProblem(`${cells.length} columns, but only ${columns.length} are described`);
    let nulls = 0;
    let at = 0;
    try {
      for (; at < columns.length; at++) {
        const { read, slot } = columns[at]!;
        if (read === undefined) continue;
        const value = read(cells[at] ?? null);
        if (slot >= 0) {
          this.#cells[slot] = value;
          if (value === null) nulls++;
        } else if (slot === -1) this.source = value;
        else this.destination = value;
      }
    } catch (error) {
      throw cellProblem(error, at, columns[at]!.name, cells[at] ?? null);
    }
    if (nulls === 0) {
      this.keys = this.#slots;
      this.values = this.#cells;
    } else this.#withoutNulls();
  }

  #withoutNulls(): void {
    this.values = this.#cells.filter((value) => value !== null);
    const shape = this.#cells.map((value) => (value === null ? '0' : '1')).join('');
    let keys = this.#shapes.get(shape);
    if (keys === undefined) this.#shapes.set(shape, keys = this.#slots.filter((_, i) => this.#cells[i] !== null));
    this.keys = keys;
  }
}

function cellProblem(error: unknown, at: number, name: string, cell: RawCell): RowProblem {
  if (!(error instanceof DbError)) throw error;
  return new RowProblem(error.message, { column: at + 1, columnName: name, ...(cell === null ? {} : { value: shortened(String(cell)) }) });
}
