/** The documentation describes what there is, all of it and nothing else: functions, procedures, words of the language, options, links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { withBuiltins } from '../../src/cypher/builtins/index.ts';
import { AGGREGATE_NAMES, FUNCTION_NAMES } from '../../src/cypher/functions/index.ts';
import type { ProcedureDef } from '../../src/cypher/procedures.ts';
import { OPTIONS } from '../../src/server/options.ts';
import { cellsOf } from './markdown.ts';
import { Playground, PROCEDURES } from './playground.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(resolve(ROOT, 'docs', name), 'utf8');
const code = (cell: string): string => cell.replace(/^`|`$/g, '');
const all = withBuiltins(PROCEDURES);
const procedures = [...all.names()].map((name) => all.find(name)!);

/** Rows of the tables with that heading in their first cell. */
function rowsUnder(text: string, heading: string): string[][] {
  const rows: string[][] = [];
  let isInside = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) isInside = false;
    else if (isInside && !/^[-|\s]*$/.test(line)) rows.push(cellsOf(line));
    else if (cellsOf(line)[0] === heading) isInside = true;
  }
  return rows;
}

// ---------------------------------------------------------------- functions

/** Forms of the language that look like functions. */
const FORMS = ['all', 'allReduce', 'allShortestPaths', 'any', 'none', 'reduce', 'shortestPath', 'single'];

it('describes every function, once, and no other', () => {
  const described = rowsUnder(page('functions.md'), 'Function').flatMap(([cell]) => /^([\w.]+)\(/.exec(code(cell!))?.[1] ?? []);
  const there = [...FUNCTION_NAMES, ...AGGREGATE_NAMES, ...FORMS].sort();
  expect([...new Set(described)].sort()).toEqual(there);
});

// ---------------------------------------------------------------- procedures

function signatureOf({ name, args, variadic }: ProcedureDef): string {
  const shown = args.map((arg, i) => {
    const text = `${arg.name} ${arg.type}${variadic === true && i === args.length - 1 ? ' …' : ''}`;
    return arg.default === undefined ? text : `[${text}]`;
  });
  return `${name}(${shown.join(', ')})`;
}

const described = rowsUnder(page('procedures.md'), 'Procedure').map(([signature, columns, who]) => ({ signature: code(signature!), columns: code(columns!), who: who! }));

it('describes every procedure as it is, once, and no other', () => {
  const there = procedures.map((each) => `${signatureOf(each)} → ${each.yields.map(({ name, type }) => `${name} ${type}`).join(', ')}`);
  expect(described.map(({ signature, columns }) => `${signature} → ${columns}`).sort()).toEqual(there.sort());
});

it('has a line about each procedure for SHOW PROCEDURES', () => {
  expect(procedures.filter(({ description }) => (description ?? '') === '').map(({ name }) => name)).toEqual([]);
});

const LEVELS: Readonly<Record<string, string>> = { read: 'READ', write: 'WRITE', schema: 'FULL' };
const VALUES: Readonly<Record<string, string>> = { STRING: "'x'", INTEGER: '1', DOUBLE: '1.0', BOOLEAN: 'false', LIST: '[]', MAP: '{}', ANY: "'10.1.1.1'" };

it('says who may call a procedure', async () => {
  const admin = await Playground.open(tmpdir());
  await admin.run("CALL dbms.security.createUser('lena', 'pw')");
  const lena = admin.as('lena');
  /** Called by a user without any right. */
  const isForbidden = async ({ name, args }: ProcedureDef, user: string): Promise<boolean> => {
    const values = args.map((arg) => (/^user(_name)?$/.test(arg.name) ? `'${user}'` : arg.name === 'current_password' ? "'pw'" : arg.name === 'graph_name' ? "'default'" : VALUES[arg.type]!));
    try {
      await lena.run(`CALL ${name}(${values.join(', ')})`);
      return false;
    } catch (error) {
      if (error instanceof DbError) return error.code === 'Forbidden';
      throw error;
    }
  };
  const whoMay = async (definition: ProcedureDef): Promise<string> => {
    const level = LEVELS[definition.mode];
    if (level !== undefined) return level;
    const takesUser = definition.args.some((arg) => /^user(_name)?$/.test(arg.name));
    const [own, others] = takesUser ? [await isForbidden(definition, 'lena'), await isForbidden(definition, 'admin')] : [await isForbidden(definition, ''), undefined];
    if (definition.name === 'dbms.graph.getGraphInfo' && own) return 'READ';
    return own ? 'admin' : others === true ? 'self' : 'all';
  };
  const wrong: string[] = [];
  for (const { signature, who } of described) {
    const definition = all.find(signature.slice(0, signature.indexOf('(')))!;
    const found = await whoMay(definition);
    if (found !== who) wrong.push(`${definition.name}: ${found}, described as ${who}`);
  }
  expect(wrong).toEqual([]);
});

// ---------------------------------------------------------------- words of the language

it('mentions every word the parser knows', () => {
  const folder = resolve(ROOT, 'src/cypher/parser');
  const words = new Set<string>();
  for (const file of readdirSync(folder)) {
    const source = readFileSync(resolve(folder, file), 'utf8');
    for (const [, args] of source.matchAll(/(?:takeWords?|isWord|expectWord)\(([^()]*)\)/g)) for (const [, word] of args!.matchAll(/'([A-Z]+)'/g)) words.add(word!);
    for (const [, word] of source.matchAll(/case '([A-Z]{2,})'/g)) words.add(word!);
    for (const [, list] of source.matchAll(/CLAUSE_KEYWORDS = \[([^\]]*)\]|SHOWN: [^{]*\{([^}]*)\}|INDEX_KINDS = \[([^\]]*)\]/g)) for (const [word] of (list ?? '').matchAll(/\b[A-Z]{2,}\b/g)) words.add(word);
  }
  expect(words.size).toBeGreaterThan(90);
  const text = ['cypher.md', 'cypher-writing.md', 'functions.md'].map(page).join('\n');
  // Words that are names of functions or literals are written as such.
  const isMentioned = (word: string) => new RegExp(`\\b${word}\\b`).test(text) || new RegExp(`\`[^\`\n]*\\b${word}\\b[^\`\n]*\``, 'i').test(text);
  expect([...words].filter((word) => !isMentioned(word)).sort()).toEqual([]);
});

// ---------------------------------------------------------------- options, links

it('names only options that exist in docs/tuning.md', () => {
  const names = OPTIONS.map(({ name }) => name as string);
  const mentioned = [...page('tuning.md').matchAll(/`([a-z]+(?:_[a-z0-9]+)+)(?: [^`]*)?`/g)].map(([, name]) => name!);
  expect(mentioned.length).toBeGreaterThan(20);
  expect(mentioned.filter((name) => !names.includes(name) && !/^lgraph_/.test(name))).toEqual([]);
});

let anchors: Map<string, Set<string>>;
const FILES = ['README.md', ...readdirSync(resolve(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

beforeAll(() => {
  anchors = new Map(FILES.map((file) => {
    const headings = readFileSync(resolve(ROOT, file), 'utf8').replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm);
    return [resolve(ROOT, file), new Set([...headings].map(([, title]) => title!.toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, '').replaceAll(' ', '-')))];
  }));
});

it('has no link that leads nowhere', () => {
  const broken = FILES.flatMap((file) => {
    const text = readFileSync(resolve(ROOT, file), 'utf8').replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
    return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([link, path, anchor]) => {
      const target = path === '' ? resolve(ROOT, file) : resolve(ROOT, dirname(file), path!);
      return existsSync(target) && (anchor === undefined || anchors.get(target)?.has(anchor) === true) ? [] : [`${file}: ${link}`];
    });
  });
  expect(broken).toEqual([]);
});
