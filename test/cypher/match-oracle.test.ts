/**
 * Random patterns over random small graphs, against a matcher that tries everything: whatever start, direction, join or
 * shortcut the planner chooses, the rows must be the same.
 */
import { expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random.ts';
import type { GraphWriter } from '../../src/graph/view.ts';
import { NodeValue, RelationshipValue } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { rowsOf } from './rows.ts';

interface Edge {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly type: string;
}
interface Graph {
  readonly labels: readonly (readonly string[])[];
  readonly values: readonly number[];
  readonly edges: readonly Edge[];
}
interface Step {
  readonly from: string;
  readonly to: string;
  readonly types: readonly string[];
  readonly direction: 'out' | 'in' | 'both';
  readonly length: readonly [number, number] | undefined;
  readonly name: string;
}
interface Pattern {
  readonly nodes: ReadonlyMap<string, { readonly label: string | undefined; readonly value: number | undefined }>;
  readonly steps: readonly Step[];
  readonly equal: readonly [string, string] | undefined;
  readonly text: string;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;

function randomGraph(random: Random): Graph {
  const count = 3 + Math.floor(random.next() * 5);
  const labels = Array.from({ length: count }, () => ['A', 'B'].filter(() => random.next() < 0.5));
  const values = Array.from({ length: count }, () => Math.floor(random.next() * 3));
  const edges = Array.from({ length: Math.floor(random.next() * 12) }, (_, id) => ({
    id, from: Math.floor(random.next() * count), to: Math.floor(random.next() * count), type: pick(random, ['R', 'S']),
  }));
  return { labels, values, edges };
}

function randomPattern(random: Random): Pattern {
  const nodes = new Map<string, { label: string | undefined; value: number | undefined }>();
  const steps: Step[] = [];
  const names = ['a', 'b', 'c', 'd'];
  const parts: string[] = [];
  const written = new Set<string>();
  const node = (name: string): string => {
    if (!nodes.has(name)) {
      nodes.set(name, { label: random.next() < 0.3 ? pick(random, ['A', 'B']) : undefined, value: random.next() < 0.25 ? Math.floor(random.next() * 3) : undefined });
    }
    if (written.has(name)) return `(${name})`;
    written.add(name);
    const { label, value } = nodes.get(name)!;
    return `(${name}${label === undefined ? '' : `:${label}`}${value === undefined ? '' : ` {v: ${value}}`})`;
  };
  for (let part = 0; part < 1 + Math.floor(random.next() * 2); part++) {
    let at = pick(random, names);
    let text = node(at);
    for (let hop = 0; hop < Math.floor(random.next() * 3); hop++) {
      const to = pick(random, names);
      const types = random.next() < 0.4 ? [] : random.next() < 0.7 ? [pick(random, ['R', 'S'])] : ['R', 'S'];
      const direction = pick(random, ['out', 'in', 'both'] as const);
      const length = random.next() < 0.25 ? pick(random, [[0, 1], [1, 2], [2, 2], [1, 3], [0, 2]] as const) : undefined;
      const name = `r${steps.length}`;
      steps.push({ from: at, to, types, direction, length, name });
      const body = `[${name}${types.length === 0 ? '' : `:${types.join('|')}`}${length === undefined ? '' : `*${length[0]}..${length[1]}`}]`;
      text += `${direction === 'in' ? '<-' : '-'}${body}${direction === 'out' ? '->' : '-'}${node(to)}`;
      at = to;
    }
    parts.push(text);
  }
  const bound = [...nodes.keys()];
  const equal = random.next() < 0.3 && bound.length > 1 ? [bound[0]!, bound[1]!] as const : undefined;
  const text = `MATCH ${parts.join(', ')}${equal === undefined ? '' : ` WHERE ${equal[0]}.v = ${equal[1]}.v`}`;
  return { nodes, steps, equal, text };
}

/** Every assignment of nodes and trails, tried in the order of the text. */
function oracle(graph: Graph, pattern: Pattern): string[] {
  const rows: string[] = [];
  const place = new Map<string, number>();
  const used = new Set<number>();
  const trails = new Map<string, readonly number[]>();
  const fits = (name: string, id: number): boolean => {
    const { label, value } = pattern.nodes.get(name)!;
    return (label === undefined || graph.labels[id]!.includes(label)) && (value === undefined || graph.values[id] === value);
  };
  const finish = (names: readonly string[]): void => {
    const [name, ...rest] = names;
    if (name === undefined) {
      if (pattern.equal !== undefined && graph.values[place.get(pattern.equal[0])!] !== graph.values[place.get(pattern.equal[1])!]) return;
      rows.push([...[...pattern.nodes.keys()].sort().map((each) => place.get(each)!), ...pattern.steps.map((step) => `[${trails.get(step.name)!.join()}]`)].join(' '));
      return;
    }
    for (let id = 0; id < graph.labels.length; id++) {
      if (!fits(name, id)) continue;
      place.set(name, id);
      finish(rest);
      place.delete(name);
    }
  };
  const withNode = (name: string, id: number | undefined, next: () => void): void => {
    if (place.has(name)) {
      if (id === undefined || place.get(name) === id) next();
      return;
    }
    for (const each of id === undefined ? graph.labels.keys() : [id]) {
      if (!fits(name, each)) continue;
      place.set(name, each);
      next();
      place.delete(name);
    }
  };
  const walk = (index: number): void => {
    const step = pattern.steps[index];
    if (step === undefined) {
      finish([...pattern.nodes.keys()].filter((name) => !place.has(name)));
      return;
    }
    const [min, max] = step.length ?? [1, 1];
    withNode(step.from, undefined, () => {
      const extend = (at: number, trail: number[]): void => {
        if (trail.length >= min) {
          withNode(step.to, at, () => {
            trails.set(step.name, [...trail]);
            walk(index + 1);
          });
        }
        if (trail.length === max) return;
        for (const edge of graph.edges) {
          if (used.has(edge.id) || (step.types.length > 0 && !step.types.includes(edge.type))) continue;
          const ends: number[] = [];
          if (step.direction !== 'in' && edge.from === at) ends.push(edge.to);
          if (step.direction !== 'out' && edge.to === at && !(step.direction === 'both' && edge.from === edge.to)) ends.push(edge.from);
          for (const end of ends) {
            used.add(edge.id);
            extend(end, [...trail, edge.id]);
            used.delete(edge.id);
          }
        }
      };
      extend(place.get(step.from)!, []);
    });
  };
  walk(0);
  return rows.sort();
}

function build(store: LocalStore, graph: Graph, indexed: boolean): { view: GraphWriter; nodes: number[]; edges: number[] } {
  const view = store.begin().graph('default');
  const v = view.keyId('v');
  if (indexed) {
    for (const label of ['A', 'B']) {
      view.labelId(label);
      view.createIndex({ kind: 'vertex', label, fields: ['v'], unique: false });
    }
  }
  const nodes = graph.labels.map((labels, i) => view.createNode(labels.map((label) => view.labelId(label)), [[v, graph.values[i]!]]).id);
  const edges = graph.edges.map((edge) => view.createRelationship(view.typeId(edge.type), nodes[edge.from]!, nodes[edge.to]!, []).id);
  return { view, nodes, edges };
}

const SEED = Number(process.env.SEED ?? 20260101);
const ROUNDS = Number(process.env.ROUNDS ?? 400);

it(`matches what trying everything matches (SEED=${SEED})`, async () => {
  const store = await LocalStore.withGraph();
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const graph = randomGraph(random);
    const { view, nodes, edges } = build(store, graph, random.next() < 0.5);
    const pattern = randomPattern(random);
    const wanted = oracle(graph, pattern);
    const names = [...pattern.nodes.keys()].sort();
    const told = `round ${round}: ${pattern.text} on ${JSON.stringify(graph)}`;

    const full = rowsOf(view, `${pattern.text} RETURN ${[...names, ...pattern.steps.map(({ name }) => name)].join(', ')}`);
    const shown = full.map((row) => row.map((value) => {
      if (value instanceof NodeValue) return nodes.indexOf(value.id);
      const links = value instanceof RelationshipValue ? [value] : value as RelationshipValue[];
      return `[${links.map(({ id }) => edges.indexOf(id)).join()}]`;
    }).join(' ')).sort();
    expect(shown, told).toEqual(wanted);

    // The shortcuts: unnamed relationships, counting, distinct ends, existence, optional.
    const bare = pattern.text.replace(/r\d+/g, '');
    expect(rowsOf(view, `${bare} RETURN count(*) AS c`)[0]![0], told).toBe(wanted.length);
    const distinct = new Set(wanted.map((row) => row.split(' ').slice(0, names.length).join(' ')));
    expect(rowsOf(view, `${bare} RETURN DISTINCT ${names.join(', ')}`).length, told).toBe(distinct.size);
    expect(rowsOf(view, `OPTIONAL ${bare} RETURN count(*) AS c`)[0]![0], told).toBe(Math.max(1, wanted.length));
    expect(rowsOf(view, `RETURN COUNT { ${bare} } AS c`)[0]![0], told).toBe(wanted.length);
    const first = new Set(wanted.map((row) => row.split(' ')[0]!));
    expect(rowsOf(view, `MATCH (${names[0]!}) WHERE EXISTS { ${bare} } RETURN ${names[0]!}`).length, told).toBe(first.size);
    expect(rowsOf(view, `MATCH (${names[0]!}) WITH ${names[0]!} ${bare} RETURN count(*) AS c`)[0]![0], told).toBe(wanted.length);
  }
}, 120_000);

it(`finds the shortest trails (SEED=${SEED})`, async () => {
  const store = await LocalStore.withGraph();
  const random = seededRandom(SEED + 1);
  for (let round = 0; round < ROUNDS / 4; round++) {
    const graph = randomGraph(random);
    const { view, nodes } = build(store, graph, false);
    const [a, b] = [pick(random, nodes), pick(random, nodes)];
    if (a === b) continue;
    const arrow = pick(random, ['-[:R*..6]->', '<-[:R|S*..6]-', '-[*..6]-']);
    const ends = `MATCH (a), (b) WHERE id(a) = ${a} AND id(b) = ${b}`;
    const lengths = rowsOf(view, `${ends} MATCH p = (a)${arrow}(b) RETURN length(p) AS l`).map(([length]) => length as number);
    const shortest = Math.min(...lengths);
    const found = rowsOf(view, `${ends} MATCH p = allShortestPaths((a)${arrow}(b)) RETURN length(p) AS l`).map(([length]) => length as number);
    const told = `round ${round}: ${a} ${arrow} ${b} on ${JSON.stringify(graph)}`;
    expect(found, told).toEqual(lengths.filter((length) => length === shortest));
    expect(rowsOf(view, `${ends} MATCH p = shortestPath((a)${arrow}(b)) RETURN length(p) AS l`), told).toEqual(lengths.length === 0 ? [] : [[shortest]]);
    const reach = rowsOf(view, `MATCH (a)${arrow}(x) WHERE id(a) = ${a} RETURN x`).map(([node]) => (node as NodeValue).id);
    const distinct = rowsOf(view, `MATCH (a)${arrow}(x) WHERE id(a) = ${a} RETURN DISTINCT x`).map(([node]) => (node as NodeValue).id);
    expect(distinct.sort(), told).toEqual([...new Set(reach)].sort());
  }
}, 120_000);
