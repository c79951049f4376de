/** CSV files in the browser: a look at the beginning, guesses about it, and the whole in packages. */
import Papa from 'papaparse';

export interface Preview {
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly delimiter: string;
}

export interface CsvFormat {
  /** '' to find out. */
  readonly delimiter: string;
  readonly hasHeader: boolean;
}

const PREVIEW_ROWS = 50;
const PREVIEW_BYTES = 256 * 1024;

export async function preview(file: File, format: CsvFormat): Promise<Preview> {
  const text = await file.slice(0, PREVIEW_BYTES).text();
  const { data, meta } = Papa.parse<string[]>(text, { delimiter: format.delimiter, skipEmptyLines: true, preview: PREVIEW_ROWS + 1 });
  const [first = []] = data;
  return {
    names: format.hasHeader ? first.map((name) => name.trim()) : first.map((_, i) => `column${i + 1}`),
    rows: (format.hasHeader ? data.slice(1) : data).slice(0, PREVIEW_ROWS), delimiter: meta.delimiter,
  };
}

const GUESSES: readonly (readonly [type: string, pattern: RegExp])[] = [
  ['INT64', /^-?\d{1,18}$/], ['DOUBLE', /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/], ['BOOL', /^(true|false)$/i], ['DATE', /^\d{4}-\d\d-\d\d$/], ['DATETIME', /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?$/],
];

/** The narrowest type that all values have. */
export function guessType(values: readonly string[]): string {
  const filled = values.filter((value) => value !== '');
  return (filled.length === 0 ? undefined : GUESSES.find(([, pattern]) => filled.every((value) => pattern.test(value))))?.[0] ?? 'STRING';
}

export interface Package {
  readonly rows: readonly (readonly string[])[];
  /** Lines of the file before this package, that with the names included. */
  readonly linesBefore: number;
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

const PACKAGE_ROWS = 2000;

/** Reads the file piece by piece; goes on when `send` is done. */
export async function eachPackage(file: File, format: CsvFormat, send: (part: Package) => Promise<void>): Promise<void> {
  let lines = format.hasHeader ? 1 : 0;
  let isFirst = format.hasHeader;
  await new Promise<void>((resolve, reject) => {
    Papa.parse<string[]>(file, {
      delimiter: format.delimiter, skipEmptyLines: true, chunkSize: 512 * 1024,
      chunk: ({ data, meta }, parser) => {
        const rows = isFirst ? data.slice(1) : data;
        isFirst = false;
        parser.pause();
        void (async () => {
          for (let at = 0; at < rows.length; at += PACKAGE_ROWS) {
            const part = rows.slice(at, at + PACKAGE_ROWS);
            await send({ rows: part, linesBefore: lines, bytesRead: Math.min(file.size, meta.cursor) });
            lines += part.length;
          }
        })().then(() => parser.resume(), (error: unknown) => {
          // First, since an aborted file counts as complete.
          reject(error instanceof Error ? error : new Error(String(error)));
          parser.abort();
        });
      },
      complete: () => resolve(), error: reject,
    });
  });
}
