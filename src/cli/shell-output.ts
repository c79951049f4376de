/**
 * Results of the shell row by row, so that a large one is never held: as a table, CSV, JSON lines or plain text.
 *
 *   table   framed; columns as wide as the first 1,000 rows need, then what was done and how long it took
 *   csv     RFC 4180 with a head
 *   json    an object a line
 *   plain   tab-separated with a head; a tab, line break or other control character in a value is written as `\t`, `\n` ...
 */
import type { ResultSummary } from 'neo4j-driver';
import { plan } from './shell-plan.ts';
import { jsonLine, printable, text } from './shell-values.ts';
import { columnWidths, tableLine, tableRule } from './table.ts';

export const OUTPUT_FORMS = ['table', 'csv', 'json', 'plain'] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** Where text goes. Resolves when there is room for more. */
export interface Sink {
  write(output: string): Promise<void> | undefined;
  /** The reader has gone: nothing more is worth sending. */
  readonly closed: boolean;
}

export class StreamSink implements Sink {
  readonly #stream: NodeJS.WriteStream;
  closed = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.closed = true; // `| head` has seen enough.
    });
  }

  write(output: string): Promise<void> | undefined {
    if (this.closed || this.#stream.write(output)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done).off('error', done).off('close', done);
        resolve();
      };
      this.#stream.on('drain', done).on('error', done).on('close', done);
    });
  }
}

export interface Footer {
  readonly summary: ResultSummary;
  readonly elapsedMs: number | undefined;
}

export interface RowPrinter {
  row(values: readonly unknown[]): Promise<void> | undefined;
  end(footer: Footer): Promise<void> | undefined;
}

export function rowPrinter(form: OutputForm, columns: readonly string[], sink: Sink): RowPrinter {
  return form === 'table' ? new TablePrinter(columns, sink) : new LinePrinter(form, columns, sink);
}

const csvCell = (cell: string): string => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Rows are gathered to pieces of this many characters: a system call each would be slow. */
const PIECE = 16_384;

class LinePrinter implements RowPrinter {
  readonly #line: (values: readonly unknown[]) => string;
  readonly #sink: Sink;
  #piece = '';

  constructor(form: 'csv' | 'json' | 'plain', columns: readonly string[], sink: Sink) {
    this.#sink = sink;
    if (form === 'json') {
      this.#line = (values) => jsonLine(Object.fromEntries(columns.map((name, i) => [name, values[i]])));
      return;
    }
    this.#line = form === 'csv' ? (values) => values.map((value) => (value === null ? '' : csvCell(text(value)))).join(',')
      : (values) => values.map((value) => printable(text(value))).join('\t');
    if (columns.length > 0) this.#piece = `${this.#line(columns)}\n`;
  }

  row(values: readonly unknown[]): Promise<void> | undefined {
    this.#piece += `${this.#line(values)}\n`;
    return this.#piece.length < PIECE ? undefined : this.#flush();
  }

  end(): Promise<void> | undefined {
    return this.#flush();
  }

  #flush(): Promise<void> | undefined {
    const piece = this.#piece;
    this.#piece = '';
    return piece === '' ? undefined : this.#sink.write(piece);
  }
}

/** Rows that are looked at for the widths of the columns. */
const WIDTH_ROWS = 1000;

/** EXPLAIN's one column, which holds the plan as text. */
const PLAN_COLUMN = '@plan';

class TablePrinter implements RowPrinter {
  readonly #columns: readonly string[];
  readonly #sink: Sink;
  #held: string[][] = [];
  #widths: readonly number[] | undefined;
  /** Columns of nothing but numbers stand to the right. */
  readonly #numeric: boolean[];
  #rows = 0;

  constructor(columns: readonly string[], sink: Sink) {
    this.#columns = columns.map(printable);
    this.#sink = sink;
    this.#numeric = columns.map(() => true);
  }

  row(values: readonly unknown[]): Promise<void> | undefined {
    if (this.#columns.length === 1 && this.#columns[0] === PLAN_COLUMN) return undefined; // The tree comes with the summary.
    this.#rows++;
    if (this.#widths === undefined) values.forEach((value, i) => (this.#numeric[i] &&= value === null || typeof value === 'bigint' || typeof value === 'number'));
    this.#held.push(values.map((value) => printable(text(value))));
    return this.#held.length < WIDTH_ROWS ? undefined : this.#flush();
  }

  #flush(): Promise<void> | undefined {
    let head: string[] = [];
    if (this.#widths === undefined) {
      this.#widths = columnWidths(this.#columns, this.#held);
      head = [tableRule(this.#widths), tableLine(this.#columns, this.#widths), tableRule(this.#widths)];
    }
    const lines = [...head, ...this.#held.map((row) => tableLine(row, this.#widths!, this.#numeric))];
    this.#held = [];
    return this.#sink.write(lines.map((line) => `${line}\n`).join(''));
  }

  async end({ summary, elapsedMs }: Footer): Promise<void> {
    if (this.#held.length > 0) await this.#flush();
    if (this.#widths !== undefined) await this.#sink.write(`${tableRule(this.#widths)}\n`);
    const tree = plan(summary);
    if (tree !== undefined) await this.#sink.write(`${tree}\n`);
    const parts = [`${this.#rows} row${this.#rows === 1 ? '' : 's'}`, ...changes(summary)];
    await this.#sink.write(`${parts.join(', ')}${elapsedMs === undefined ? '' : ` (${elapsedMs.toFixed(1)} ms)`}\n`);
  }
}

function changes({ counters }: ResultSummary): string[] {
  return [...Object.entries(counters.updates()), ...Object.entries(counters.systemUpdates() > 0 ? { systemUpdates: counters.systemUpdates() } : {})]
    .filter(([, count]) => count > 0).map(([name, count]) => `${name.replaceAll(/([A-Z])/g, ' $1').toLowerCase()}: ${count}`);
}

/** What the server remarks about the statement. */
export function remarks(summary: ResultSummary): string[] {
  return summary.notifications.filter(({ severityLevel }) => severityLevel === 'WARNING' || severityLevel === 'INFORMATION')
    .map(({ severityLevel, description }) => `${severityLevel.toLowerCase()}: ${description}`);
}
