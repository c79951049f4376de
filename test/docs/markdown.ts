/**
 * Examples in the documentation, as they are written there:
 *
 *   ```cypher    a statement (or several, each ended by a semicolon), run on the data that its document's section `The data of the examples` makes
 *   ```text      right behind it: what the last one answers. Absent: it answers nothing. `-- error: Code` where it fails
 *   ```csv       a file for LOAD CSV, its name after the word csv
 *   :param x 1   before a statement: a parameter for the rest of the section, as in the shell
 *   | `f()` | … | `expression` | `value` |     a row of a table under the heading `Example`, `Result`
 *
 * A statement with `<!-- not run: why -->` on the line before its block is not run. Each section (`##`) begins with the data anew.
 */
export interface Example {
  readonly line: number;
  readonly statement: string;
  readonly parameters: readonly (readonly [string, string])[];
  readonly isRun: boolean;
  /** Lines of the answer; undefined where none stands. */
  readonly expected: readonly string[] | undefined;
  /** Lines [from, to) that hold the answer, or where one would go. */
  readonly from: number;
  readonly to: number;
  /** In a row of a table: which cell holds the answer. */
  readonly cell: number | undefined;
}

export interface Section {
  readonly title: string;
  readonly examples: readonly Example[];
  readonly files: readonly (readonly [string, string])[];
}

export const DATA_SECTION = 'The data of the examples';

export function sectionsOf(lines: readonly string[]): Section[] {
  const sections: { title: string; examples: Example[]; files: [string, string][] }[] = [{ title: '', examples: [], files: [] }];
  let resultCell: number | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const { examples, files } = sections.at(-1)!;
    if (line.startsWith('## ')) sections.push({ title: line.slice(3), examples: [], files: [] });
    else if (line.startsWith('```')) {
      const end = closing(lines, at);
      const body = lines.slice(at + 1, end);
      const [language, name] = line.slice(3).split(' ') as [string, string?];
      if (language === 'csv') files.push([name!, `${body.join('\n')}\n`]);
      if (language === 'cypher') examples.push(blockExample(lines, at, end, body));
      at = end;
    } else if (line.startsWith('|')) {
      const cells = cellsOf(line);
      if (cells.includes('Result') && cells.includes('Example')) resultCell = cells.indexOf('Result');
      else if (resultCell !== undefined && !/^[-|\s]*$/.test(line)) examples.push(rowExample(cells, resultCell, at));
    } else resultCell = undefined;
  }
  return sections;
}

function closing(lines: readonly string[], open: number): number {
  const end = lines.indexOf('```', open + 1);
  if (end < 0) throw new Error(`line ${open + 1}: the block is not closed`);
  return end;
}

function blockExample(lines: readonly string[], at: number, end: number, body: readonly string[]): Example {
  const isText = lines[end + 1] === '```text';
  const to = isText ? closing(lines, end + 1) + 1 : end + 1;
  const parameters = body.flatMap((line) => {
    const parameter = /^:param (\w+) (.*)$/.exec(line);
    return parameter === null ? [] : [[parameter[1]!, parameter[2]!] as const];
  });
  return {
    line: at + 1, statement: body.filter((line) => !line.startsWith(':param')).join('\n').replace(/;$/, ''), parameters, cell: undefined,
    isRun: !(lines[at - 1] ?? '').startsWith('<!-- not run'), expected: isText ? lines.slice(end + 2, to - 1) : undefined, from: end + 1, to,
  };
}

/** A cell that is no whole statement is an expression. */
function rowExample(cells: readonly string[], cell: number, at: number): Example {
  const code = cells[cell - 1]!.replace(/^`|`$/g, '');
  const statement = /^(RETURN|MATCH|UNWIND|WITH|CALL)\b/.test(code) ? code : `RETURN ${code} AS value`;
  return { line: at + 1, statement, parameters: [], isRun: true, expected: [cells[cell]!.replace(/^`|`$/g, '')], from: at, to: at + 1, cell };
}

/** `\|` is a bar inside a cell. */
export function cellsOf(line: string): string[] {
  return line.trim().slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

export function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A table with the width each column needs; `(no rows)` where there is none. */
export function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (columns.length === 0) return [];
  const widths = columns.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ').trimEnd();
  return [line(columns), widths.map((width) => '-'.repeat(width)).join('-+-'), ...(rows.length === 0 ? ['(no rows)'] : rows.map(line))];
}
