/**
 * The rows of one file as batches (row-batch.ts). Whole numbers and texts of ordinary rows go from the file's bytes into the stored form directly; every other
 * cell is read as cells.ts reads it, and a row in which anything is not as it should be by RowPlan, whose messages count.
 */
import { ByteWriter } from '../base/bytes.ts';
import { DbError } from '../base/errors.ts';
import type { FieldDef, GraphCatalog } from '../graph/catalog.ts';
import { encodeNumbers } from '../graph/blocks.ts';
import { encodeListHead, encodeText, encodeValue } from '../value/codec.ts';
import type { Value } from '../value/value.ts';
import { ByteRows } from './byte-rows.ts';
import type { RowVisitor } from './byte-rows.ts';
import { cellReader, wholeNumberIn } from './cells.ts';
import type { CellReader } from './cells.ts';
import { rowOf } from './csv.ts';
import { ElementRules } from './element-rules.ts';
import type { FileSpec, ImportConfig } from './import-config.ts';
import { BatchBuilder, packedCells } from './row-batch.ts';
import type { KeyColumnBuilder, RowBatch } from './row-batch.ts';
import { factsOf, problemOf, RowPlan } from './row-plan.ts';
import type { PlannedColumn } from './row-plan.ts';
import { rowParser } from './row-source.ts';
import type { RawCell, RawRow, RowParser } from './row-source.ts';

/** Longer texts are left to RowPlan, which knows the limit of a value. */
const SHORT_TEXT_BYTES = 1_000_000;
/** Rows with more properties take the general way: which of them are null is the bits of one number. */
const FAST_SLOTS_MAX = 30;

/** Largest numbers of the narrow types. */
const WIDTHS: Readonly<Partial<Record<FieldDef['type'], number>>> = { INT8: 2 ** 7, INT16: 2 ** 15, INT32: 2 ** 31, INT64: Number.MAX_SAFE_INTEGER };

/** One column, and the last value that was written from it. */
class Slot {
  readonly column: number;
  readonly #type: FieldDef['type'];
  readonly #width: number;
  readonly #optional: boolean;
  readonly #read: CellReader;
  /** Bytes of the value in the writer; equal: null. */
  from = 0;
  to = 0;
  /** The value, if it is a whole number; else NaN. */
  number = Number.NaN;

  constructor({ column, field }: PlannedColumn) {
    this.column = column;
    this.#type = field.type;
    this.#width = WIDTHS[field.type] ?? 0;
    this.#optional = field.optional;
    this.#read = cellReader(field);
  }

  /** Whether an empty cell is null, which is then not written at all. */
  get mayBeNull(): boolean {
    return this.#optional;
  }

  write(writer: ByteWriter, value: Value): void {
    this.from = writer.length;
    this.number = typeof value === 'number' ? value : Number.NaN;
    if (value !== null) encodeValue(writer, value);
    this.to = writer.length;
  }

  /** Writes the cell; false: it is to be read the general way. */
  writeCell(writer: ByteWriter, bytes: Buffer, from: number, to: number): boolean {
    if (this.#width > 0) {
      const number = wholeNumberIn(bytes, from, to);
      if (!(number < this.#width && number >= -this.#width)) return false;
      this.write(writer, number);
      return true;
    }
    if (this.#type === 'STRING') {
      if (to - from >= SHORT_TEXT_BYTES) return false;
      this.from = writer.length;
      this.number = Number.NaN;
      encodeText(writer, bytes, from, to);
      this.to = writer.length;
      return true;
    }
    if (from === to) return false;
    this.write(writer, this.#read(bytes.toString('utf8', from, to)));
    return true;
  }
}

export class RowEncoder implements RowVisitor {
  readonly #delimiter: string;
  readonly #plan: RowPlan;
  readonly #slots: readonly Slot[];
  readonly #ends: readonly Slot[];
  readonly #columns: number;
  /** Slots of each index; -1: the file has no such column. */
  readonly #indexes: readonly (readonly number[])[];
  readonly #rules: ElementRules;
  /** Slots that must not be null; -1: the file has no such column. */
  readonly #required: readonly number[];
  readonly #labels: readonly number[];
  readonly #builder: BatchBuilder;
  /** What stands before the values, by which of them are null. */
  readonly #heads = new Map<number, Uint8Array>();
  readonly #scratch = new ByteWriter(1024);
  readonly #rows: ByteRows | undefined;
  readonly #parser: RowParser | undefined;
  readonly #decoder = new TextDecoder('utf-8');
  #source = new RowSource();

  constructor(spec: FileSpec, schemas: ImportConfig['schemas'], catalog: GraphCatalog, delimiter: string) {
    this.#delimiter = delimiter;
    this.#plan = new RowPlan(spec, schemas, catalog);
    const of = spec.kind === 'vertex' ? catalog.findLabel(spec.label)! : catalog.findType(spec.label)!;
    this.#labels = spec.kind === 'vertex' ? [of] : [];
    this.#columns = spec.columns.length;
    this.#slots = this.#plan.properties.map((one) => new Slot(one));
    this.#ends = this.#plan.ends.map((one) => new Slot(one));
    const slotOf = (key: number | undefined) => this.#plan.properties.findIndex((one) => one.key === key);
    this.#indexes = (spec.kind === 'vertex' ? catalog.labelIndexes(of) : catalog.typeIndexes(of)).map(({ keyIds }) => keyIds.map(slotOf));
    this.#rules = new ElementRules(catalog, spec.kind, spec.label);
    this.#required = this.#rules.required.map(({ key }) => slotOf(key));
    this.#builder = new BatchBuilder(this.#ends.length + this.#indexes.length);
    if (spec.format === 'CSV') this.#rows = new ByteRows(delimiter, spec.header, this);
    else this.#parser = rowParser(spec.format, delimiter, spec.header);
  }

  /** The rows that are complete with this part of the file. */
  push(part: Buffer): { batch: RowBatch; source: RowSource } {
    if (this.#rows !== undefined) this.#rows.push(part);
    else this.#parser!.push(this.#decoder.decode(part, { stream: true }), (row) => this.other(row));
    return this.#take();
  }

  end(): { batch: RowBatch; source: RowSource } {
    this.#rows?.end();
    this.#parser?.push(this.#decoder.decode(), (row) => this.other(row));
    this.#parser?.end((row) => this.other(row));
    return this.#take();
  }

  #take(): { batch: RowBatch; source: RowSource } {
    const source = this.#source;
    this.#source = new RowSource();
    return { batch: this.#builder.take(), source };
  }

  plain(bytes: Buffer, line: number, cells: number, from: number, to: number): void {
    const begin = this.#builder.bytes.length;
    if (this.#writePlain(bytes, cells)) {
      this.#source.bytes(this.#builder.rows, bytes, from, to);
      this.#builder.endRow(line);
      return;
    }
    this.#builder.bytes.cut(begin);
    const row = rowOf(bytes.toString('utf8', from, to), this.#delimiter, line);
    if (row !== undefined) this.other(row);
  }

  other(row: RawRow): void {
    if (row.cells === undefined) {
      this.#builder.problem({ line: row.line, reason: row.error });
      return;
    }
    try {
      this.#plan.read(row.cells);
      this.#rules.check(this.#plan.keys, this.#plan.values);
    } catch (error) {
      this.#builder.problem({ line: row.line, cells: packedCells(row.cells), ...factsOf(problemOf(error)) });
      return;
    }
    this.#writePlanned();
    this.#source.cells(this.#builder.rows, row.cells);
    this.#builder.endRow(row.line);
  }

  /** False: the general way must be gone; what was written is to be taken back. */
  #writePlain(bytes: Buffer, cells: number): boolean {
    if (cells > this.#columns || this.#slots.length > FAST_SLOTS_MAX || this.#rules.askForValues) return false;
    const { starts, ends } = this.#rows!;
    let nulls = 0;
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!;
      const { column } = slot;
      if (column >= cells || starts[column] === ends[column]) {
        if (!slot.mayBeNull) return false;
        nulls |= 1 << i;
      }
    }
    if (this.#required.some((slot) => slot < 0 || (nulls & (1 << slot)) !== 0)) return false;
    const writer = this.#builder.bytes;
    writer.raw(this.#heads.get(nulls) ?? this.#head(nulls));
    try {
      for (let i = 0; i < this.#slots.length; i++) {
        const slot = this.#slots[i]!;
        if ((nulls & (1 << i)) !== 0) slot.write(writer, null);
        else if (!slot.writeCell(writer, bytes, starts[slot.column]!, ends[slot.column]!)) return false;
      }
      this.#scratch.reset();
      for (const slot of this.#ends) {
        const { column } = slot;
        if (column >= cells || starts[column] === ends[column] || !slot.writeCell(this.#scratch, bytes, starts[column]!, ends[column]!)) return false;
      }
    } catch (error) {
      if (error instanceof DbError) return false;
      throw error;
    }
    this.#writeKeys();
    return true;
  }

  #writePlanned(): void {
    const writer = this.#builder.bytes;
    const { keys, values, properties } = this.#plan;
    writeNumbers(writer, this.#labels, keys);
    for (let i = 0, at = 0; i < this.#slots.length; i++) {
      const isThere = keys[at] === properties[i]!.key;
      this.#slots[i]!.write(writer, isThere ? values[at]! : null);
      if (isThere) at++;
    }
    this.#scratch.reset();
    this.#ends[0]?.write(this.#scratch, this.#plan.source);
    this.#ends[1]?.write(this.#scratch, this.#plan.destination);
    this.#writeKeys();
  }

  #writeKeys(): void {
    const { keys, bytes } = this.#builder;
    const ends = this.#ends.length;
    for (let i = 0; i < ends; i++) writeKey(keys[i]!, this.#ends[i]!, this.#scratch);
    for (let i = 0; i < this.#indexes.length; i++) {
      const slots = this.#indexes[i]!;
      if (slots.length > 1) this.#writeList(keys[ends + i]!, slots);
      else if (slots[0]! < 0) keys[ends + i]!.other(NO_BYTES);
      else writeKey(keys[ends + i]!, this.#slots[slots[0]!]!, bytes);
    }
  }

  /** The key of an index over several properties: none unless all are there. */
  #writeList(key: KeyColumnBuilder, slots: readonly number[]): void {
    const bytes = this.#builder.bytes.view();
    const list = encodeListHead(new ByteWriter(64), slots.length);
    for (const at of slots) {
      const slot = this.#slots[at];
      if (slot === undefined || isNull(slot)) {
        key.other(NO_BYTES);
        return;
      }
      list.raw(bytes.subarray(slot.from, slot.to));
    }
    key.other(list.view());
  }

  #head(nulls: number): Uint8Array {
    const writer = new ByteWriter(64);
    writeNumbers(writer, this.#labels, this.#plan.properties.filter((_, i) => (nulls & (1 << i)) === 0).map(({ key }) => key));
    const head = new Uint8Array(writer.view());
    this.#heads.set(nulls, head);
    return head;
  }
}

const NO_BYTES = new Uint8Array(0);

/** As blocks.ts begins a vertex (labels, keys) or the properties of an edge (keys). */
function writeNumbers(writer: ByteWriter, labels: readonly number[], keys: readonly number[]): void {
  if (labels.length > 0) encodeNumbers(labels, writer);
  encodeNumbers(keys, writer);
}

function writeKey(key: KeyColumnBuilder, slot: Slot, writer: ByteWriter): void {
  if (!Number.isNaN(slot.number)) key.number(slot.number);
  else {
    const bytes = writer.view();
    key.other(isNull(slot) ? NO_BYTES : bytes.subarray(slot.from, slot.to));
  }
}

function isNull({ from, to }: Slot): boolean {
  return to === from;
}

/** Where the rows of a batch came from: for what is said about those that the graph refuses. */
export class RowSource {
  #buffer: Buffer | undefined;
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #cells = new Map<number, readonly RawCell[]>();

  bytes(row: number, buffer: Buffer, from: number, to: number): void {
    this.#buffer = buffer;
    this.#from[row] = from;
    this.#to[row] = to;
  }

  cells(row: number, cells: readonly RawCell[]): void {
    this.#cells.set(row, cells);
    this.#from[row] = 0;
    this.#to[row] = 0;
  }

  /** The row's cells. */
  read(row: number, delimiter: string): readonly RawCell[] {
    return this.#cells.get(row) ?? rowOf(this.#buffer!.toString('utf8', this.#from[row], this.#to[row]), delimiter, 0)!.cells!;
  }
}
