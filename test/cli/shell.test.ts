/** The shell's parts that need no server: reading statements, completion, colours, output. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import neo4j from 'neo4j-driver';
import type { ResultSummary } from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { complete } from '../../src/cli/shell-completion.ts';
import { highlight } from '../../src/cli/shell-highlight.ts';
import { historyLine, loadHistory, saveHistory } from '../../src/cli/shell-history.ts';
import { rowPrinter } from '../../src/cli/shell-output.ts';
import type { OutputForm } from '../../src/cli/shell-output.ts';
import { oneLine, StatementReader, unitsOf } from '../../src/cli/statements.ts';
import { displayWidth } from '../../src/cli/table.ts';

describe('reading', () => {
  it('ends statements at semicolons outside of strings, names and comments', () => {
    expect(unitsOf("RETURN ';' // ; no\n AS x;\n\n/* ; */ MATCH (`a;b`)\nRETURN 1; RETURN 2")).toEqual([
      { text: "RETURN ';' // ; no\n AS x", line: 1 }, { text: '/* ; */ MATCH (`a;b`)\nRETURN 1', line: 4 }, { text: 'RETURN 2', line: 5 },
    ]);
  });

  it('takes commands as lines of their own, at the start of a statement only', () => {
    expect(unitsOf(':use a;\nMATCH (n\n:Person) RETURN n;\nexit').map(({ text }) => text)).toEqual([':use a', 'MATCH (n\n:Person) RETURN n', ':exit']);
    expect(unitsOf('// a comment\n:params\n// only that\n')).toEqual([{ text: ':params', line: 2 }]);
  });

  it('reads the same whether lines come one by one or all at once, and counts them', () => {
    const reader = new StatementReader();
    expect([reader.push('RETURN "a'), reader.push(';b"'), reader.push('; RETURN 2')].map((units) => units.length)).toEqual([0, 0, 1]);
    expect(reader.pending).toBe(' RETURN 2\n');
    expect(reader.end()).toEqual([{ text: 'RETURN 2', line: 3 }]);
  });

  it('puts a statement on one line that means the same', () => {
    expect(oneLine("MATCH (n) // all; of them\n  RETURN 'a\nb',\n\n 'c  d' /* x\n y */ AS z")).toBe("MATCH (n) RETURN 'a\\nb', 'c  d' AS z");
  });
});

describe('history', () => {
  it('keeps statements between sessions, but for passwords, in a file for its owner', () => {
    const directory = mkdtempSync(join(tmpdir(), 'lgraph-history-'));
    const file = join(directory, 'history');
    for (const text of ['RETURN 1\nAS x', ':use other', "CALL dbms.security.changePassword('a', 'b')"]) {
      const line = historyLine(text);
      if (line !== undefined) saveHistory(file, line);
    }
    expect(loadHistory(file)).toEqual([':use other', 'RETURN 1 AS x;']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (let i = 0; i < 2500; i++) saveHistory(file, `RETURN ${i};`);
    expect(loadHistory(file)).toHaveLength(1000);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(1001);
    rmSync(directory, { recursive: true });
  });
});

describe('completion', () => {
  const words = {
    labels: ['Person', 'Place', 'odd name'], types: ['KNOWS', 'LIKES'], keys: ['name', 'nick', 'since'], procedures: ['db.labels', 'dbms.listServers'], functions: ['toUpper', 'point.distance'],
    graphs: ['default', 'other'], parameters: ['age'], commands: [':use', ':begin', ':format', ':source'],
  };
  it.each([
    ['MATCH (n:P', ['Person', 'Place']],
    ['MATCH (n:Person|Pl', ['Place']],
    ['MATCH (n:o', ['`odd name`']],
    ['MATCH (n)-[:', ['KNOWS', 'LIKES']],
    ['MATCH (n)-[r:KNOWS|L', ['LIKES']],
    ['MATCH (n {n', ['name: ', 'nick: ']],
    ['MATCH (n {name: 1, s', ['since: ']],
    ['MATCH (n) RETURN n.ni', ['nick']],
    ['RETURN point.d', ['point.distance(']],
    ['CALL dbms.', ['dbms.listServers(']],
    ['CALL db', ['db.labels(', 'dbms.listServers(']],
    ['RETURN $', ['age']],
    ['MATCH (somebody) RETURN someb', ['somebody']],
    ['MATC', ['MATCH ']],
    ['matc', ['match ']],
    ['RETURN toU', ['toUpper(']],
    ["RETURN 'MATC", []],
    ['RETURN 1 // MATC', []],
    [':u', [':use ']],
    [':use o', ['other']],
    [':format ', ['table', 'csv', 'json', 'plain']],
  ])('%s', (text, offers) => expect(complete(text, words).offers).toEqual(offers));

  it('completes over the lines of a statement', () => expect(complete('MATCH (n)\nWHERE n:Pla', words)).toEqual({ offers: ['Place'], word: 'Pla' }));
  it('never fails, whatever is typed', () => fc.assert(fc.property(fc.string(), (text) => complete(text, words).word.length <= text.length)));
});

describe('colours', () => {
  it('paints keywords, strings, numbers, labels, and what is still open', () => {
    expect(highlight("MATCH (n:Person) RETURN 'a")).toBe("\u001b[34mMATCH\u001b[39m (n:\u001b[36mPerson\u001b[39m) \u001b[34mRETURN\u001b[39m \u001b[32m'a\u001b[39m");
  });
  it('adds nothing but colours', () => {
    const piece = fc.constantFrom('MATCH', ' ', '(', ')', "'", '"', '`', '/*', '*/', '//', '\n', ':', '1', '1a', '§', '$x', 'é', '漢', '\\');
    fc.assert(fc.property(fc.array(piece).map((pieces) => pieces.join('')), (text) => stripVTControlCharacters(highlight(text)) === text), { numRuns: 500 });
  });
});

describe('output', () => {
  const summary = { counters: { updates: () => ({ nodesCreated: 2, labelsAdded: 0 }), systemUpdates: () => 0 }, plan: false, profile: false } as unknown as ResultSummary;
  async function printed(form: OutputForm, columns: string[], rows: unknown[][]): Promise<string> {
    let output = '';
    const printer = rowPrinter(form, columns, {
      closed: false,
      write: (text) => {
        output += text;
        return undefined;
      },
    });
    for (const row of rows) await printer.row(row);
    await printer.end({ summary, elapsedMs: undefined });
    return output;
  }

  it('makes tables whose lines are equally wide, with wide characters, marks and emoji', async () => {
    const output = await printed('table', ['名前', 'n'], [['東京', 1n], ['e\u0301', 22n], ['👩‍👩‍👧', null], ['plain', 3n]]);
    const lines = output.trimEnd().split('\n');
    expect(lines.pop()).toBe('4 rows, nodes created: 2');
    expect(new Set(lines.map(displayWidth)).size).toBe(1);
    expect(lines[3]).toBe('| 東京  |    1 |');
  });

  it('does not let data steer the terminal', async () => {
    const output = await printed('table', ['x'], [['\u001b[2Jgone\nline']]);
    expect(output).toContain('\\u001b[2Jgone\\nline');
    expect(output).not.toContain('\u001b');
  });

  it('writes CSV, JSON and plain text, with every digit', async () => {
    const rows = [['a "b", c', 9_007_199_254_740_993n, null, 1.5], ['tab\tbed', -1n, ['x', 2n], Number.NaN]];
    const columns = ['text', 'big', 'other', 'float'];
    expect(await printed('csv', columns, rows)).toBe('text,big,other,float\n"a ""b"", c",9007199254740993,,1.5\ntab\tbed,-1,"[""x"", 2]",NaN\n');
    expect(await printed('json', columns, rows)).toBe('{"text":"a \\"b\\", c","big":9007199254740993,"other":null,"float":1.5}\n{"text":"tab\\tbed","big":-1,"other":["x",2],"float":null}\n');
    expect(await printed('plain', columns, rows)).toBe('text\tbig\tother\tfloat\na "b", c\t9007199254740993\tnull\t1.5\ntab\\tbed\t-1\t["x", 2]\tNaN\n');
    expect(await printed('csv', ['none'], [])).toBe('none\n');
  });

  it('writes points, nodes and temporal values as Cypher does', async () => {
    const node = new neo4j.types.Node(1n, ['A', 'b c'], { at: new neo4j.types.Date(2024n, 2n, 29n) });
    expect(await printed('plain', ['p', 'n'], [[new neo4j.types.Point(7203n, 1, 2), node]])).toBe('p\tn\npoint({srid: 7203, x: 1.0, y: 2.0})\t(:A:`b c` {at: 2024-02-29})\n');
    const { Duration, LocalTime } = neo4j.types;
    const times = [new Duration<bigint>(0n, 0n, 0n, 3_000_000n), new Duration<bigint>(0n, 0n, 10n, 0n), new LocalTime<bigint>(12n, 30n, 15n, 250_000_000n), new LocalTime<bigint>(12n, 30n, 0n, 100n)];
    expect(await printed('csv', ['a', 'b', 'c', 'd'], [times])).toBe('a,b,c,d\nPT0.003S,PT10S,12:30:15.250,12:30:00.000000100\n');
  });
});
