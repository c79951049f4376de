/** Tables for the terminal; a wide (East Asian) character or an emoji takes two columns. */
import stringWidth from 'string-width';

/** Columns a text takes on a terminal. */
export const displayWidth = (text: string): number => (isAscii(text) ? text.length : stringWidth(text));

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Column widths that hold the head and all rows. */
export function columnWidths(columns: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return columns.map((column, i) => rows.reduce((width, row) => Math.max(width, displayWidth(row[i] ?? '')), displayWidth(column)));
}

export function tableLine(cells: readonly string[], widths: readonly number[], numeric: readonly boolean[] = []): string {
  return `| ${widths.map((width, i) => {
    const cell = cells[i] ?? '';
    const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
    return numeric[i] === true ? space + cell : cell + space;
  }).join(' | ')} |`;
}

export const tableRule = (widths: readonly number[]): string => `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columnWidths(columns, rows);
  const rule = tableRule(widths);
  return [rule, tableLine(columns, widths), rule, ...rows.map((row) => tableLine(row, widths)), rule].join('\n');
}
