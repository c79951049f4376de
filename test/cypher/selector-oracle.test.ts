/**
 * Path selectors over random small graphs: what `SHORTEST k`, `SHORTEST k GROUPS` and their like choose, against a choice among all paths, which the
 * same pattern without a selector gives (and repeat-oracle.test.ts checks). Whatever end the search begins at.
 */
import { expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random.ts';
import type { GraphWriter } from '../../src/graph/view.ts';
import type { PathValue, Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';
import { storeGraph } from './stored-graph.ts';

const SEED = Number(process.env.SEED ?? 20261128);
const ROUNDS = Number(process.env.ROUNDS ?? 60);

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
const below = (random: Random, n: number): number => Math.floor(random.next() * n);

const RELATIONSHIPS = ['-[:R]->', '<-[:R]-', '-[:R]-', '-->', '--', '-[:R|S]->'];
const QUANTIFIERS = ['+', '*', '{1,3}', '{2}', '{,2}', '{2,}', '{0,1}'];

interface Pattern {
  readonly text: string;
  readonly names: readonly string[];
}

/** One to three parts between nodes: a relationship, a repeated one, or a repeated pattern, some with conditions. */
function randomPattern(random: Random): Pattern {
  const names = ['s'];
  let text = `(s${random.next() < 0.3 ? ':A' : ''})`;
  const parts = 1 + below(random, random.next() < 0.5 ? 1 : 3);
  for (let i = 0; i < parts; i++) {
    const kind = below(random, 4);
    const named = random.next() < 0.5;
    const relationship = (name: string | undefined): string => {
      const body = pick(random, RELATIONSHIPS);
      if (name === undefined) return body;
      return body.includes('[') ? body.replace('[', `[${name}`) : body.replace('--', `-[${name}]-`);
    };
    if (kind === 0) {
      text += relationship(named ? `r${i}` : undefined);
      if (named) names.push(`r${i}`);
    } else if (kind === 1 || kind === 2) {
      const where = named && random.next() < 0.4 ? ` WHERE r${i}.w < 3` : '';
      text += relationship(named ? `r${i}` : undefined).replace(']', `${where}]`) + pick(random, QUANTIFIERS);
      if (named) names.push(`r${i}`);
    } else {
      const where = pick(random, ['', ` WHERE x${i}.v <= y${i}.v`, ` WHERE q${i}.w > 0`, ` WHERE x${i}.v + q${i}.w <> y${i}.v`]);
      const second = random.next() < 0.3 ? `${relationship(undefined)}(${random.next() < 0.3 ? `x${i}` : `z${i}${random.next() < 0.3 ? ':B' : ''}`})` : '';
      text += ` ((x${i}${random.next() < 0.2 ? ':A' : ''})${relationship(`q${i}`)}(y${i})${second}${where})${pick(random, QUANTIFIERS)} `;
      names.push(`x${i}`, `y${i}`, `q${i}`, ...second.includes(`z${i}`) ? [`z${i}`] : []);
    }
    const isLast = i === parts - 1;
    const name = isLast ? (random.next() < 0.08 ? 's' : 't') : `m${i}`;
    text += `(${name}${random.next() < 0.25 ? pick(random, [':A', ':B', ' {v: 1}', ':!A', ` WHERE ${name}.v > 0`]) : ''})`;
    if (!names.includes(name)) names.push(name);
  }
  return { text, names };
}

function found(view: GraphWriter, text: string): Value[][] {
  return rowsOf(view, text, { parameters: new Map([['k', 2]]) });
}

interface Path {
  readonly pair: string;
  readonly length: number;
  readonly row: string;
}

const SELECTORS = [
  ['SHORTEST 1', 1, false], ['ANY SHORTEST', 1, false], ['ANY', 1, false], ['SHORTEST 2', 2, false], ['SHORTEST $k PATHS', 2, false], ['ANY 5', 5, false],
  ['ALL SHORTEST', 1, true], ['SHORTEST GROUP', 1, true], ['SHORTEST 2 GROUPS', 2, true], ['SHORTEST 3 PATH GROUPS', 3, true],
] as const;

/** What the selector must give: all of `exact`, and of each pair's `among` as many as are missing. */
function chosen(all: readonly Path[], count: number, groups: boolean): { pair: string; lengths: number[]; among: string[] }[] {
  const pairs = new Map<string, Path[]>();
  for (const path of all) pairs.set(path.pair, [...pairs.get(path.pair) ?? [], path]);
  return [...pairs].map(([pair, paths]) => {
    const sorted = paths.toSorted((a, b) => a.length - b.length);
    const last = groups ? [...new Set(sorted.map(({ length }) => length))].slice(0, count).at(-1)! : sorted.slice(0, count).at(-1)!.length;
    const lengths = groups ? sorted.filter(({ length }) => length <= last).map(({ length }) => length) : sorted.slice(0, count).map(({ length }) => length);
    return { pair, lengths, among: sorted.filter(({ length }) => length <= last).map(({ row }) => row) };
  });
}

it(`chooses among what the pattern matches (SEED=${SEED})`, async () => {
  const store = await LocalStore.withGraph();
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const count = 2 + below(random, 5);
    const graph = {
      nodes: Array.from({ length: count }, () => ({ label: pick(random, ['A', 'B']), v: below(random, 3) })),
      edges: Array.from({ length: below(random, 9) }, () => ({ from: below(random, count), to: below(random, count), type: pick(random, ['R', 'R', 'S']), w: below(random, 4) })),
    };
    const view = store.begin().graph('default');
    const show = storeGraph(view, graph, 'r');
    const pattern = randomPattern(random);
    const columns = [...pattern.names, 'p'].join(', ');
    const to = pattern.names.includes('t') ? pattern.names.indexOf('t') : 0;
    const pathsOf = (text: string): Path[] => found(view, text).map((row) => (
      { pair: `${show(row[0]!)} ${show(row[to]!)}`, length: (row.at(-1) as PathValue).relationships.length, row: row.map(show).join(' ') }));
    const all = pathsOf(`MATCH p = ${pattern.text} RETURN ${columns}`);
    const [selector, k, groups] = pick(random, SELECTORS);
    const check = (prefix: string, among: readonly Path[], suffix = '', body = pattern.text): void => {
      const text = `${prefix}MATCH p = ${selector} ${body}${suffix} RETURN ${columns}`;
      const told = `SEED=${SEED} round ${round}: ${text} on ${JSON.stringify(graph)}`;
      const got = pathsOf(text);
      const wanted = chosen(among, k, groups);
      expect([...new Set(got.map(({ pair }) => pair))].sort(), told).toEqual(wanted.map(({ pair }) => pair).sort());
      for (const { pair, lengths, among: allowed } of wanted) {
        const own = got.filter((path) => path.pair === pair);
        expect(own.map(({ length }) => length).sort(), told).toEqual(lengths);
        const rest = [...allowed];
        for (const { row } of own) {
          expect(rest, told).toContain(row);
          rest.splice(rest.indexOf(row), 1);
        }
      }
    };
    check('', all);
    check('MATCH (s) WITH s ', all);
    if (to > 0) {
      check('MATCH (t) WITH t ', all);
      check('MATCH (s), (t) WITH s, t ', all);
    }
    // Inside the parentheses a condition is asked before paths are chosen, behind the MATCH of those that were.
    const longer = all.filter(({ length }) => length !== 1);
    check('', longer, '', `(${pattern.text.trim()} WHERE length(p) <> 1)`);
    const told = `SEED=${SEED} round ${round}: ${pattern.text} on ${JSON.stringify(graph)}`;
    if (groups) {
      const lengths = chosen(all, k, groups).flatMap((each) => each.lengths);
      expect(found(view, `MATCH p = ${selector} ${pattern.text} WHERE length(p) <> 1 RETURN count(*)`)[0]![0], told).toBe(lengths.filter((length) => length !== 1).length);
      expect(found(view, `RETURN COUNT { ${selector} ${pattern.text} }`)[0]![0], told).toBe(lengths.length);
    }
    const starts = new Set(all.map(({ pair }) => pair.split(' ')[0]!));
    expect(found(view, `MATCH (s) WHERE EXISTS { ${selector} ${pattern.text} } RETURN s`).map((row) => show(row[0]!)).sort(), told).toEqual([...starts].sort());
  }
}, 120_000);
