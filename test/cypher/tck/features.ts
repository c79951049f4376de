/**
 * Reads openCypher TCK feature files: the small part of Gherkin they use (backgrounds, scenarios, outlines with example
 * tables, doc strings, data tables).
 *
 * The files are looked for beside the checkout, in ../shared, or where LGRAPH_SHARED says.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';

export const SHARED = resolve(process.env.LGRAPH_SHARED ?? resolve(import.meta.dirname, '../../../../shared'));
export const FEATURES = resolve(SHARED, 'tck/features');
export const hasFeatures = existsSync(FEATURES);

export interface Step {
  readonly text: string;
  readonly doc: string | undefined;
  readonly table: readonly (readonly string[])[];
}

export interface Scenario {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly tags: readonly string[];
  readonly steps: readonly Step[];
}

export function readScenarios(): Scenario[] {
  const files = readdirSync(FEATURES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.feature')).sort();
  return files.flatMap((file) => parseFeature(relative(FEATURES, resolve(FEATURES, file)), readFileSync(resolve(FEATURES, file), 'utf8')));
}

interface MutableStep {
  text: string;
  doc: string | undefined;
  table: string[][];
}
interface Block {
  kind: 'background' | 'scenario' | 'outline';
  name: string;
  line: number;
  tags: string[];
  steps: MutableStep[];
  examples: { line: number; cells: string[] }[][];
}

function parseFeature(file: string, text: string): Scenario[] {
  const lines = text.split(/\r?\n/);
  const blocks: Block[] = [];
  let tags: string[] = [];
  let block: Block | undefined;
  let inExamples = false;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    const heading = /^(Background|Scenario Outline|Scenario|Examples|Feature):\s*(.*)$/.exec(line);
    if (line.startsWith('@')) {
      tags = line.split(/\s+/);
    } else if (heading !== null) {
      const [, type, name] = heading;
      inExamples = type === 'Examples';
      if (type === 'Feature') continue;
      if (inExamples) {
        block!.examples.push([]);
      } else {
        block = {
          kind: type === 'Background' ? 'background' : type === 'Scenario' ? 'scenario' : 'outline',
          name: name!, line: i + 1, tags, steps: [], examples: [],
        };
        blocks.push(block);
        tags = [];
      }
    } else if (line.startsWith('|')) {
      const cells = splitRow(line);
      if (inExamples) block!.examples.at(-1)!.push({ line: i + 1, cells });
      else block!.steps.at(-1)!.table.push(cells);
    } else if (line.startsWith('"""')) {
      const indent = lines[i]!.length - lines[i]!.trimStart().length;
      const doc: string[] = [];
      for (i++; !lines[i]!.trim().startsWith('"""'); i++) doc.push(stripIndent(lines[i]!, indent));
      block!.steps.at(-1)!.doc = doc.join('\n').replaceAll('\\"\\"\\"', '"""');
    } else {
      const step = /^(?:Given|When|Then|And|But)\s+(.*)$/.exec(line);
      if (step !== null) block!.steps.push({ text: step[1]!, doc: undefined, table: [] });
    }
  }
  const background = blocks.filter((each) => each.kind === 'background').flatMap((each) => each.steps);
  return blocks.flatMap((each): Scenario[] => {
    if (each.kind === 'background') return [];
    const steps = [...background, ...each.steps];
    if (each.kind === 'scenario') return [{ file, line: each.line, name: each.name, tags: each.tags, steps }];
    return each.examples.flatMap((table) => table.slice(1).map(({ cells, line }): Scenario => {
      const fill = (text: string): string => table[0]!.cells.reduce((filled, name, i) => filled.replaceAll(`<${name}>`, cells[i]!), text);
      return {
        file, line, tags: each.tags, name: fill(each.name),
        steps: steps.map((step) => ({
          text: fill(step.text), doc: step.doc === undefined ? undefined : fill(step.doc),
          table: step.table.map((row) => row.map(fill)),
        })),
      };
    }));
  });
}

function stripIndent(line: string, indent: number): string {
  let at = 0;
  while (at < indent && (line[at] === ' ' || line[at] === '\t')) at++;
  return line.slice(at);
}

/** Cells between bars; `\|` is a bar, `\n` a line break, `\\` a backslash. */
function splitRow(line: string): string[] {
  const cells: string[] = [];
  let cell = '';
  for (let i = 1; i < line.length; i++) {
    const char = line[i]!;
    if (char === '\\') {
      const next = line[++i];
      cell += next === 'n' ? '\n' : next === '|' || next === '\\' ? next : `\\${next ?? ''}`;
    } else if (char === '|') {
      cells.push(cell.trim());
      cell = '';
    } else cell += char;
  }
  return cells;
}
