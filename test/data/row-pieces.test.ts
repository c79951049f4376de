/** Pieces of files: whatever their size, their rows are the file's, line by line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { rowPieces } from '../../src/data/row-pieces.ts';
import { rowParser } from '../../src/data/row-source.ts';
import type { RawRow } from '../../src/data/row-source.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-pieces-'));
const path = join(directory, 'rows');
afterAll(() => rmSync(directory, { recursive: true }));

function rowsOf(text: string, format: 'CSV' | 'JSON', header: number): RawRow[] {
  const rows: RawRow[] = [];
  const parser = rowParser(format, ',', header);
  parser.push(text, (row) => rows.push(row));
  parser.end((row) => rows.push(row));
  return rows;
}

async function inPieces(text: string, format: 'CSV' | 'JSON', header: number, chars: number): Promise<RawRow[]> {
  writeFileSync(path, text);
  const rows: RawRow[] = [];
  for await (const piece of rowPieces({ path, spec: { format, header }, delimiter: ',', chars })) {
    rows.push(...rowsOf(piece.text, format, 0).map((row) => ({ ...row, line: row.line + piece.line - 1 })));
  }
  return rows;
}

it('gives the rows of the whole file, with quotes, line breaks in them, quotes never closed, and blank lines', async () => {
  const piece = fc.constantFrom('a', '1', ',', '\n', '\r\n', '"', '""', ' ', '"x\ny"', '"a,b",', '"q""r"\n', 'é', '\n\n');
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 2 }), async (parts, chars, header) => {
    const text = parts.join('');
    expect(await inPieces(text, 'CSV', header, chars)).toEqual(rowsOf(text, 'CSV', header));
  }), { numRuns: 1500, seed: 1 });
});

it('cuts JSON at lines', async () => {
  const text = Array.from({ length: 100 }, (_, i) => (i % 7 === 0 ? 'broken "' : `[${i}, "text ${i} with \\" and \\n"]`)).join('\n');
  for (const chars of [1, 10, 33, 10_000]) expect(await inPieces(text, 'JSON', 1, chars)).toEqual(rowsOf(text, 'JSON', 1));
});
