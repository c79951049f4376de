/** Runs the examples of the documentation and compares what they answer with what stands there; `UPDATE=1` writes it there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { DATA_SECTION, cellsOf, rowOf, sectionsOf, tableOf, type Example, type Section } from './markdown.ts';
import { Playground } from './playground.ts';

const DOCUMENTS = ['cypher.md', 'cypher-writing.md', 'functions.md', 'procedures.md', 'quickstart.md'];
const UPDATE = process.env.UPDATE === '1';
const folder = mkdtempSync(join(tmpdir(), 'lgraph-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(DOCUMENTS)('docs/%s', (document) => {
  const path = resolve(import.meta.dirname, '../../docs', document);
  const lines = readFileSync(path, 'utf8').split('\n');
  const sections = sectionsOf(lines);
  const data = sections.find(({ title }) => title === DATA_SECTION);
  const edits: { example: Example; answer: string[] }[] = [];

  it.each(sections.filter(({ examples }) => examples.length > 0).map((section) => [section.title, section] as const))('%s', async (_, section) => {
    const playground = await Playground.open(folder);
    if (data !== undefined && data !== section) await answers(playground, data);
    for (const { example, answer } of await answers(playground, section)) {
      if (UPDATE) edits.push({ example, answer });
      else expect(answer, `docs/${document}:${example.line}\n${example.statement}`).toEqual(example.expected ?? []);
    }
  });

  afterAll(() => {
    if (!UPDATE) return;
    for (const { example, answer } of edits.sort((a, b) => b.example.from - a.example.from)) {
      const written = example.cell === undefined ? fenced(answer) : [rowOf(cellsOf(lines[example.from]!).with(example.cell, `\`${answer.join(' ')}\``))];
      lines.splice(example.from, example.to - example.from, ...written);
    }
    writeFileSync(path, lines.join('\n'));
  });
});

function fenced(answer: readonly string[]): string[] {
  return answer.length === 0 ? [] : ['```text', ...answer, '```'];
}

async function answers(playground: Playground, section: Section): Promise<{ example: Example; answer: string[] }[]> {
  for (const [name, text] of section.files) writeFileSync(join(folder, name), text);
  const found: { example: Example; answer: string[] }[] = [];
  for (const example of section.examples) {
    if (!example.isRun) continue;
    for (const [name, expression] of example.parameters) await playground.setParameter(name, expression);
    found.push({ example, answer: await answerTo(playground, example) });
  }
  return found;
}

async function answerTo(playground: Playground, { statement, cell, line }: Example): Promise<string[]> {
  try {
    const statements = statement.split(/;\n/);
    for (const each of statements.slice(0, -1)) await playground.run(each);
    const { columns, rows, changes, plan } = await playground.run(statements.at(-1)!);
    if (cell !== undefined) return rows.map((row) => row.join(', '));
    return [...tableOf(columns, rows), ...(plan === undefined ? [] : plan.trimEnd().split('\n').map((each) => each.trimEnd())), ...(changes.length === 0 ? [] : [`-- ${changes.join(', ')}`])];
  } catch (error) {
    if (error instanceof DbError) return [`-- error: ${error.code}`];
    throw new Error(`line ${line}: ${statement}`, { cause: error });
  }
}
