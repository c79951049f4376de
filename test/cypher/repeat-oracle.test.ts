/**
 * Quantified path patterns over random small graphs, against an evaluator that tries every trail from every node: whatever end the planner
 * begins at, rows, lists and paths must be the same.
 */
import { expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { PathValue, type Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';
import { storeGraph } from './stored-graph.ts';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly w: number;
}
interface Graph {
  readonly nodes: readonly { readonly label: string; readonly v: number }[];
  readonly edges: readonly Edge[];
}
type Direction = 'out' | 'in' | 'both';
interface Step {
  readonly type: string | undefined;
  readonly direction: Direction;
}
interface Pattern {
  /** Of the inner nodes: y may be x again. */
  readonly names: readonly string[];
  readonly labels: readonly (string | undefined)[];
  readonly steps: readonly Step[];
  readonly where: 'none' | 'values' | 'weights' | 'outer';
  readonly min: number;
  readonly max: number;
  readonly quantifier: string;
  readonly start: string | undefined;
  readonly end: string | undefined;
  /** A further relationship from the end: it is none of those that are repeated. */
  readonly tail: Step | undefined;
  readonly text: string;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
const below = (random: Random, n: number): number => Math.floor(random.next() * n);

function randomGraph(random: Random): Graph {
  const count = 2 + below(random, 5);
  return {
    nodes: Array.from({ length: count }, () => ({ label: pick(random, ['A', 'B']), v: below(random, 4) })),
    edges: Array.from({ length: below(random, 9) }, () => ({ from: below(random, count), to: below(random, count), type: pick(random, ['R', 'S']), w: below(random, 4) })),
  };
}

const QUANTIFIERS = [['+', 1, Infinity], ['*', 0, Infinity], ['{1,3}', 1, 3], ['{2}', 2, 2], ['{,2}', 0, 2], ['{2,}', 2, Infinity], ['{0,1}', 0, 1]] as const;
const WHERES = { none: '', values: ' WHERE x.v <= y.v', weights: ' WHERE r0.w < 3 AND x.v + r0.w > 0', outer: ' WHERE r0.w <> k' } as const;

function stepText(name: string, { type, direction }: Step): string {
  const body = `[${name}${type === undefined ? '' : `:${type}`}]`;
  return `${direction === 'in' ? '<-' : '-'}${body}${direction === 'out' ? '->' : '-'}`;
}

function randomPattern(random: Random): Pattern {
  const randomStep = (): Step => ({ type: random.next() < 0.5 ? undefined : pick(random, ['R', 'S']), direction: pick(random, ['out', 'in', 'both']) });
  const steps = Array.from({ length: 1 + below(random, 2) }, randomStep);
  const names = ['x', ...steps.map((_, i) => (i === 1 && random.next() < 0.3 ? 'x' : ['y', 'z'][i]!))];
  const labels = names.map((name, i) => (names.indexOf(name) === i && random.next() < 0.25 ? pick(random, ['A', 'B']) : undefined));
  const [quantifier, min, max] = pick(random, QUANTIFIERS);
  const where = pick(random, ['none', 'values', 'weights', 'outer'] as const);
  const [start, end] = [random.next() < 0.3 ? 'A' : undefined, random.next() < 0.3 ? 'B' : undefined];
  const tail = random.next() < 0.3 ? randomStep() : undefined;
  const node = (name: string, label: string | undefined): string => `(${name}${label === undefined ? '' : `:${label}`})`;
  const inner = names.map((name, i) => (i === 0 ? '' : stepText(`r${i - 1}`, steps[i - 1]!)) + node(name, labels[i])).join('');
  const text = `${node('s', start)} (${inner}${WHERES[where]})${quantifier} ${node('t', end)}${tail === undefined ? '' : `${stepText('q', tail)}(u)`}`;
  return { names, labels, steps, where, min, max, quantifier, start, end, tail, text };
}

const K = 1;

/** Rows as text: start, end, lists of inner nodes and relationships, then the tail. */
function oracle(graph: Graph, pattern: Pattern): string[] {
  const rows: string[] = [];
  const trail: { edge: number; to: number }[] = [];
  const isUsed = (edge: number): boolean => trail.some((each) => each.edge === edge);
  function* followed(at: number, { type, direction }: Step): Generator<{ edge: number; to: number }> {
    for (const [edge, { from, to, type: own }] of graph.edges.entries()) {
      if (isUsed(edge) || (type !== undefined && own !== type)) continue;
      if (direction !== 'in' && from === at) yield { edge, to };
      if (direction !== 'out' && to === at && !(direction === 'both' && from === to)) yield { edge, to: from };
    }
  }
  const holds = (nodes: readonly number[], edges: readonly number[]): boolean => {
    for (const [i, name] of pattern.names.entries()) {
      if (nodes[pattern.names.indexOf(name)] !== nodes[i]) return false;
      if (pattern.labels[i] !== undefined && graph.nodes[nodes[i]!]!.label !== pattern.labels[i]) return false;
    }
    const [x, y, w] = [graph.nodes[nodes[0]!]!.v, graph.nodes[nodes[1]!]!.v, graph.edges[edges[0]!]!.w];
    return pattern.where === 'none' || (pattern.where === 'values' ? x <= y : pattern.where === 'weights' ? w < 3 && x + w > 0 : w !== K);
  };
  const length = pattern.steps.length;
  for (const start of graph.nodes.keys()) {
    if (pattern.start !== undefined && graph.nodes[start]!.label !== pattern.start) continue;
    const ended = (at: number): void => {
      if (pattern.end !== undefined && graph.nodes[at]!.label !== pattern.end) return;
      const nodes = [start, ...trail.map(({ to }) => to)];
      const lists: string[] = [];
      for (const [i, name] of pattern.names.entries()) {
        if (pattern.names.indexOf(name) === i) lists.push(`[${Array.from({ length: trail.length / length }, (_, n) => nodes[n * length + i]!).join()}]`);
      }
      for (let i = 0; i < length; i++) lists.push(`[${Array.from({ length: trail.length / length }, (_, n) => trail[n * length + i]!.edge).join()}]`);
      const row = `${start} ${at} ${lists.join(' ')} ${nodes.join('-')}`;
      if (pattern.tail === undefined) rows.push(row);
      else for (const { edge, to } of followed(at, pattern.tail)) rows.push(`${row} ${edge} ${to}`);
    };
    const repeat = (at: number, count: number): void => {
      if (count >= pattern.min) ended(at);
      if (count === pattern.max) return;
      const step = (place: number, from: number): void => {
        if (place === length) {
          const last = trail.slice(-length);
          if (holds([at, ...last.map(({ to }) => to)], last.map(({ edge }) => edge))) repeat(from, count + 1);
          return;
        }
        for (const next of [...followed(from, pattern.steps[place]!)]) {
          trail.push(next);
          step(place + 1, next.to);
          trail.pop();
        }
      };
      step(0, at);
    };
    repeat(start, 0);
  }
  return rows.sort();
}

const SEED = Number(process.env.SEED ?? 20260301);
const ROUNDS = Number(process.env.ROUNDS ?? 200);

it(`matches what trying every trail matches (SEED=${SEED})`, async () => {
  const store = await LocalStore.withGraph();
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const graph = randomGraph(random);
    const view = store.begin().graph('default');
    const place = storeGraph(view, graph);
    const show = (value: Value): string => (value instanceof PathValue ? value.nodes.map(place).join('-') : place(value));
    const pattern = randomPattern(random);
    const wanted = oracle(graph, pattern);
    const told = `SEED=${SEED} round ${round}: ${pattern.text} on ${JSON.stringify(graph)}`;
    const inner = [...new Set(pattern.names), ...pattern.steps.map((_, i) => `r${i}`)];
    const tail = pattern.tail === undefined ? [] : ['q', 'u'];
    const begins = pattern.where === 'outer' ? `WITH ${K} AS k ` : '';
    const shown = (text: string): string[] => rowsOf(view, text).map((row) => row.map(show).join(' ')).sort();
    // With the tail the path is longer than what the oracle writes.
    const lists = ['s', 't', ...inner];
    const short = (row: string): string => row.split(' ').filter((_, i) => i !== lists.length).join(' ');
    expect(shown(`${begins}MATCH ${pattern.text} RETURN ${[...lists, ...tail].join(', ')}`), told).toEqual(wanted.map(short).sort());
    if (pattern.tail === undefined) expect(shown(`${begins}MATCH p = ${pattern.text} RETURN ${lists.join(', ')}, p`), told).toEqual(wanted);
    // From either end, and between two given ones.
    for (const given of [['t'], ['s'], ['s', 't']]) {
      const k = pattern.where === 'outer' ? `, ${K} AS k` : '';
      const text = `MATCH ${given.map((name) => `(${name})`).join(', ')} WITH ${given.join(', ')}${k} MATCH ${pattern.text}`;
      expect(shown(`${text} RETURN ${[...lists, ...tail].join(', ')}`), `${told} given ${given.join()}`).toEqual(wanted.map(short).sort());
      expect(rowsOf(view, `${text} RETURN count(*) AS c`)[0]![0], told).toBe(wanted.length);
    }
    const ends = new Set(wanted.map((row) => row.split(' ').slice(0, 2).join(' ')));
    expect(shown(`${begins}MATCH ${pattern.text} RETURN DISTINCT s, t`), told).toEqual([...ends].sort());
    const starts = new Set(wanted.map((row) => row.split(' ')[0]!));
    if (pattern.where !== 'outer') {
      expect(shown(`MATCH (s) WHERE EXISTS { ${pattern.text} } RETURN s`), told).toEqual([...starts].sort());
      expect(shown(`MATCH (s) WHERE COUNT { ${pattern.text} } > 0 RETURN s`), told).toEqual([...starts].sort());
    }
    expect(rowsOf(view, `${begins}OPTIONAL MATCH ${pattern.text} RETURN count(s) AS c`)[0]![0], told).toBe(wanted.length);
  }
}, 120_000);
