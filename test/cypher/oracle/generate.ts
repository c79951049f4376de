/**
 * Random graphs and random queries over them. Queries are typed, so that none fails at run time, and where the order of rows could show
 * (LIMIT, collect) it is fixed or hidden: what is left must be the same in every right engine.
 */
import { Dice } from '../../dice.ts';
import type { Random } from '../../../src/base/random.ts';
import { OGraph, type OValue } from './model.ts';

type Type = 'node' | 'relationship' | 'entities' | 'int' | 'float' | 'bool' | 'string' | 'ints' | 'path';
type Scalar = Exclude<Type, 'node' | 'relationship' | 'entities' | 'path'>;
type Names = Map<string, Type>;

const LABELS = ['A', 'B', 'C'];
const TYPES = ['R', 'S'];
const KEYS: Readonly<Record<string, Scalar>> = { i: 'int', j: 'int', s: 'string', b: 'bool', f: 'float', l: 'ints' };
const SCALARS: readonly Scalar[] = ['int', 'int', 'string', 'bool', 'float', 'ints'];

export interface Generated {
  readonly text: string;
  /** The rows come in this order; otherwise as a bag. */
  readonly ordered: boolean;
  readonly writes: boolean;
}

function scalarValue(dice: Dice, type: Scalar): OValue {
  switch (type) {
    case 'int': return BigInt(dice.below(5) - 1);
    case 'float': return dice.pick([0.5, 1, 2, -1.5]);
    case 'bool': return dice.chance(0.5);
    case 'string': return dice.pick(['', 'a', 'ab', 'b', 'é']);
    case 'ints': return Array.from({ length: dice.below(4) }, () => BigInt(dice.below(3)));
  }
}

export function randomGraph(random: Random): OGraph {
  const dice = new Dice(random);
  const graph = new OGraph();
  const properties = (keys: readonly string[], share: number): [string, OValue][] => (
    keys.filter(() => dice.chance(share)).map((key) => [key, scalarValue(dice, KEYS[key]!)]));
  const nodes = Array.from({ length: 1 + dice.below(7) }, () => graph.addNode(LABELS.filter(() => dice.chance(0.4)), properties(Object.keys(KEYS), 0.7)));
  for (let n = dice.below(11); n > 0; n--) graph.addRelationship(dice.pick(TYPES), dice.pick(nodes), dice.pick(nodes), properties(['i', 's', 'f'], 0.6));
  return graph;
}

export function randomQuery(random: Random): Generated {
  return new QueryMaker(new Dice(random)).make();
}

class QueryMaker {
  readonly #dice: Dice;
  #next = 0;
  #ordered = false;
  #writes = false;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  make(): Generated {
    if (this.#dice.chance(0.12)) return { text: this.#plain(), ordered: this.#ordered, writes: false };
    const parts = [this.#single()];
    if (!this.#writes && this.#dice.chance(0.08)) return { text: this.#union(new Map()), ordered: false, writes: false };
    return { text: parts.join(' '), ordered: this.#ordered, writes: this.#writes };
  }

  /** Two or three queries with the same columns. */
  #union(outer: Names): string {
    const dice = this.#dice;
    const types = Array.from({ length: 1 + dice.below(2) }, () => dice.pick(SCALARS));
    const one = (): string => {
      const names: Names = new Map(outer);
      const match = dice.chance(0.8) ? `${this.#match(names, false)} ` : '';
      return `${match}RETURN ${types.map((type, i) => `${this.#expression(type, names, 2)} AS u${i}x`).join(', ')}`;
    };
    const joint = ` UNION ${dice.chance(0.5) ? 'ALL ' : ''}`;
    return Array.from({ length: 2 + dice.below(2) }, one).join(joint);
  }

  /** What has short cuts of its own: comparisons with literals, ids, groups by properties of one node, the first rows by a property. */
  #plain(): string {
    const dice = this.#dice;
    const label = (): string => dice.pick(['', '', ':A', ':B', ':C']);
    const type = (): string => dice.pick(['', ':R', ':S', ':R|S']);
    const arrow = (length: string, name = ''): string => {
      const inside = `[${name}${type()}${length}]`;
      return dice.pick([`-${inside}->`, `<-${inside}-`, `-${inside}-`]);
    };
    const start = `(m${label()})`;
    const pattern = dice.pick([`(n${label()})`, `${start}${arrow('')}(n${label()})`, `${start}${arrow('', 'r')}(${dice.chance(0.2) ? 'm' : ''})${arrow('')}(n)`, `(${dice.pick(['m', 'n'])})${arrow('', 'r')}(n${label()})`, `${start}${arrow('')}()${arrow('')}(n${label()})`, `${start}${arrow(dice.pick(['*1..2', '*..3', '*0..1']))}(n${label()})`]);
    const comparison = (): string => (dice.chance(0.8) ? `n.${dice.pick(['i', 'j'])} ${dice.pick(['=', '<>', '<>', '<', '<=', '>', '>='])} ${dice.below(5) - 1}` : this.#expression('bool', new Map([['n', 'node']]), 2));
    const conditions = dice.chance(0.6) ? Array.from({ length: 1 + dice.below(2) }, comparison) : [];
    if (dice.chance(0.4)) conditions.unshift(this.#sought(pattern.includes('[r') ? dice.pick(['n', 'r']) : 'n', new Map()));
    const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
    const keys = ['i', 'j', 's', 'b'].filter(() => dice.chance(0.5)).map((key) => `n.${key} AS ${key}`);
    const names = keys.map((item) => item.slice(-1)).sort(() => (dice.chance(0.5) ? 1 : -1));
    const ways = (list: readonly string[]): string => list.map((name) => `${name}${dice.chance(0.4) ? ' DESC' : ''}`).join(', ');
    const cut = dice.chance(0.7) ? `${dice.chance(0.2) ? ' SKIP 1' : ''} LIMIT ${dice.below(5)}` : '';
    this.#ordered = true;
    if (dice.chance(0.4) && keys.length > 0) return `MATCH ${pattern}${where} RETURN ${keys.join(', ')} ORDER BY ${ways(names)}${cut}`;
    const counts = dice.pick(['count(*)', 'count(n)', 'count(DISTINCT n)', 'count(DISTINCT n.i)', 'count(DISTINCT n.s)', 'count(DISTINCT n.f)']);
    return `MATCH ${pattern}${where} RETURN ${[...keys, `${counts} AS c`].join(', ')} ORDER BY ${ways(['c', ...names])}${cut}`;
  }

  #single(): string {
    const dice = this.#dice;
    const names: Names = new Map();
    const clauses: string[] = [];
    // Many rows, so that they come in several batches.
    if (dice.chance(0.1)) {
      const name = this.#fresh(names, 'int', 'u');
      clauses.push(`UNWIND range(1, ${dice.pick([3, 20, 70])}) AS ${name}`);
    }
    for (let n = 1 + dice.below(3); n > 0; n--) clauses.push(this.#reading(names));
    if (dice.chance(0.2)) {
      this.#writes = true;
      return [...clauses, this.#update(names)].join(' ');
    }
    clauses.push(this.#projection('RETURN', names, true));
    return clauses.join(' ');
  }

  #fresh(names: Names, type: Type, prefix: string): string {
    const name = `${prefix}${this.#next++}`;
    names.set(name, type);
    return name;
  }

  #reading(names: Names): string {
    const dice = this.#dice;
    switch (dice.below(9)) {
      case 0: {
        const list = this.#expression('ints', names, 2);
        return `UNWIND ${list} AS ${this.#fresh(names, 'int', 'u')}`;
      }
      case 1: return this.#projection('WITH', names, false);
      case 2: {
        if (names.size === 0) return this.#match(names, false);
        // Chains: what the first has not found is null in the next.
        return Array.from({ length: 1 + dice.below(3) }, () => this.#match(names, true)).join(' ');
      }
      case 3: return this.#subquery(names);
      default: return this.#match(names, false);
    }
  }

  #subquery(names: Names): string {
    const imports = [...names.keys()].filter(() => this.#dice.chance(0.6));
    const inner: Names = new Map(imports.map((name) => [name, names.get(name)!]));
    const body = this.#match(inner, false);
    const column = `c${this.#next++}`;
    const result = this.#dice.chance(0.5) ? `count(${this.#dice.chance(0.5) ? 'DISTINCT ' : ''}${this.#expression('int', inner, 1)})` : this.#expression('int', inner, 2);
    names.set(column, 'int');
    return `CALL (${imports.join(', ')}) { ${body} RETURN ${result} AS ${column} }`;
  }

  // -------------------------------------------------------------- patterns

  #match(names: Names, optional: boolean): string {
    const inner: Names = new Map(names);
    const parts = Array.from({ length: this.#dice.chance(0.25) ? 2 : 1 }, () => this.#part(inner, names, true));
    const conditions: string[] = [];
    const own = [...inner].filter(([name, type]) => (type === 'node' || type === 'relationship') && !names.has(name)).map(([name]) => name);
    if (own.length > 0 && this.#dice.chance(0.2)) conditions.push(this.#sought(this.#dice.pick(own), names));
    if (this.#dice.chance(0.5)) conditions.push(this.#expression('bool', inner, 3));
    const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
    for (const [name, type] of inner) names.set(name, type);
    return `${optional ? 'OPTIONAL ' : ''}MATCH ${parts.join(', ')}${where}`;
  }

  /** What ids or an index may tell: by literals, or by what is bound before. */
  #sought(name: string, outer: Names): string {
    const dice = this.#dice;
    const int = (): string => this.#expression('int', outer, 1);
    const id = (): string => dice.pick([String(dice.below(6)), String(dice.below(6)), `${dice.below(6)}.0`, `${dice.below(6)}.0`, '-1', '281474976710656', 'null', int()]);
    const text = (): string => dice.pick([`'${dice.below(6)}'`, `'${dice.below(6)}'`, "'01'", "'x'", this.#expression('string', outer, 1)]);
    switch (dice.below(8)) {
      case 0: return `id(${name}) = ${id()}`;
      case 1: return `${id()} = id(${name})`;
      case 2: return `id(${name}) IN [${id()}, ${id()}, ${id()}]`;
      case 3: return `elementId(${name}) = ${text()}`;
      case 4: return `elementId(${name}) IN [${text()}, ${text()}]`;
      case 5: return `${name}.i ${dice.pick(['=', '>', '<=', '<'])} ${int()}`;
      case 6: return `${name}.i IN [${int()}, ${int()}]`;
      default: return `${name}.s ${dice.pick(['=', 'STARTS WITH', '>='])} ${text()}`;
    }
  }

  /** `outer`: names that are bound already, which property maps may use. */
  #part(names: Names, outer: Names, named: boolean): string {
    const dice = this.#dice;
    let text = this.#node(names, outer, named);
    for (let hops = dice.pick([0, 1, 1, 1, 2, 2, 3]); hops > 0; hops--) {
      if (dice.chance(0.08)) {
        text += ` ${this.#repeated(names, outer, named)} ${this.#node(names, outer, named)}`;
        continue;
      }
      const direction = dice.pick(['out', 'in', 'both']);
      const variable = named && dice.chance(0.4);
      const length = dice.chance(0.15) ? dice.pick(['*0..1', '*1..2', '*2', '*..2', '*0..2']) : '';
      const name = variable && length === '' ? this.#fresh(names, 'relationship', 'r') : '';
      const types = dice.chance(0.5) ? '' : dice.chance(0.15) ? this.#dynamic(TYPES, outer) : `:${dice.pick(['R', 'S', 'R|S', '!R'])}`;
      const map = length === '' && dice.chance(0.15) ? ` {i: ${this.#expression('int', outer, 1)}}` : '';
      text += `${direction === 'in' ? '<-' : '-'}[${name}${types}${length}${map}]${direction === 'out' ? '->' : '-'}${this.#node(names, outer, named)}`;
    }
    if (named && dice.chance(0.08)) return `${this.#fresh(names, 'path', 'p')} = ${text}`;
    return text;
  }

  /** `((q)-[:R]->(w) WHERE …){1,2}`: inside single elements, outside lists. */
  #repeated(names: Names, outer: Names, named: boolean): string {
    const dice = this.#dice;
    const inner: Names = new Map(outer);
    const own = (prefix: string, type: 'node' | 'relationship'): string => {
      if (!named || dice.chance(0.3)) return '';
      const name = this.#fresh(inner, type, prefix);
      names.set(name, 'entities');
      return name;
    };
    const label = (): string => (dice.chance(0.2) ? `:${dice.pick(LABELS)}` : '');
    let text = `(${own('q', 'node')}${label()})`;
    for (let steps = dice.pick([1, 1, 2]); steps > 0; steps--) text += `-[${own('w', 'relationship')}${dice.pick(['', ':R', ':S', ':R|S', ':$any([\'R\', \'S\'])'])}]${dice.pick(['->', '-'])}(${own('q', 'node')}${label()})`;
    const where = dice.chance(0.4) ? ` WHERE ${this.#expression('bool', inner, 2)}` : '';
    return `(${text}${where})${dice.pick(['{1,2}', '{0,2}', '{2}', '{,1}', '{1}'])}`;
  }

  /** Names that are values: literals, or of what is bound before. */
  #dynamic(all: readonly string[], outer: Names): string {
    const dice = this.#dice;
    const [a, b] = [dice.pick(all), dice.pick(all)];
    switch (dice.below(5)) {
      case 0: return `:$('${a}')`;
      case 1: return `:$any(['${a}', '${b}'])`;
      case 2: return `:$all(['${a}', '${b}'])`;
      case 3: return `:!$any(['${a}'])`;
      default: return `:$(CASE WHEN ${this.#expression('bool', outer, 1)} THEN '${a}' ELSE ['${b}'] END)`;
    }
  }

  #node(names: Names, outer: Names, named: boolean): string {
    const dice = this.#dice;
    const known = [...names].filter(([, type]) => type === 'node').map(([name]) => name);
    let name = '';
    if (known.length > 0 && dice.chance(0.35)) name = dice.pick(known);
    else if (named && dice.chance(0.8)) name = this.#fresh(names, 'node', 'n');
    const labels = dice.chance(0.06) ? this.#dynamic(LABELS, outer) : dice.chance(0.35) ? `:${dice.pick(['A', 'B', 'C', 'A:B', 'A|B', '!A', 'A&!B'])}` : '';
    const map = dice.chance(0.15) ? ` {${dice.pick(['i', 'j'])}: ${this.#expression('int', outer, 1)}}` : '';
    return `(${name}${labels}${map})`;
  }

  // -------------------------------------------------------------- projections

  #projection(kind: 'WITH' | 'RETURN', names: Names, last: boolean): string {
    const dice = this.#dice;
    const after: Names = new Map();
    const items: string[] = [];
    const grouped = dice.chance(0.3);
    const kept = [...names].filter(() => dice.chance(0.5));
    for (const [name, type] of kept) {
      items.push(name);
      after.set(name, type);
    }
    for (let n = items.length === 0 ? 1 : dice.below(3); n > 0; n--) {
      const name = `x${this.#next++}`;
      if (grouped) {
        items.push(`${this.#aggregate(names)} AS ${name}`);
        after.set(name, 'int');
      } else {
        const type = dice.pick(SCALARS);
        items.push(`${this.#expression(type, names, 3)} AS ${name}`);
        after.set(name, type);
      }
    }
    const distinct = dice.chance(0.2) ? 'DISTINCT ' : '';
    let text = `${kind} ${distinct}${items.join(', ')}`;
    const sortable = [...after].filter(([, type]) => ['int', 'string', 'bool', 'float'].includes(type));
    // A cut is only the same everywhere if the order is total up to rows that are alike.
    if (sortable.length === after.size && dice.chance(last ? 0.4 : 0.2)) {
      const mixed = dice.chance(0.25) ? `${this.#mixed(after)}${dice.chance(0.3) ? ' DESC' : ''}, ` : '';
      text += ` ORDER BY ${mixed}${sortable.map(([name]) => `${name}${dice.chance(0.3) ? ' DESC' : ''}`).join(', ')}`;
      if (dice.chance(0.3)) text += ` SKIP ${dice.below(3)}`;
      if (dice.chance(0.6)) text += ` LIMIT ${dice.below(6)}`;
      if (last) this.#ordered = ![...after.values()].includes('float') && !distinct.includes('D');
    }
    names.clear();
    for (const [name, type] of after) names.set(name, type);
    if (kind === 'WITH' && dice.chance(0.3)) text += ` WHERE ${this.#expression('bool', names, 2)}`;
    return text;
  }

  /** Values of several types in one order. */
  #mixed(names: Names): string {
    const [a, b, c] = [this.#dice.pick(SCALARS), this.#dice.pick(SCALARS), this.#dice.pick(SCALARS)].map((type) => this.#expression(type, names, 1));
    return `CASE WHEN ${this.#expression('bool', names, 1)} THEN ${a!} WHEN ${this.#expression('bool', names, 1)} THEN ${b!} ELSE ${c!} END`;
  }

  #aggregate(names: Names): string {
    const dice = this.#dice;
    const distinct = dice.chance(0.3) ? 'DISTINCT ' : '';
    const int = (): string => this.#expression('int', names, 2);
    switch (dice.below(6)) {
      case 0: return 'count(*)';
      case 1: return `sum(${distinct}${int()})`;
      case 2: return `min(${int()})`;
      case 3: return `max(${int()})`;
      case 4: return `size(collect(${distinct}${this.#expression(dice.pick(SCALARS), names, 2)}))`;
      default: return `count(${distinct}${this.#expression(dice.pick(SCALARS), names, 2)}) + ${dice.below(3)}`;
    }
  }

  // -------------------------------------------------------------- updates

  /** Changes that come out the same in whatever order the rows are taken. */
  #update(names: Names): string {
    const nodes = [...names].filter(([, type]) => type === 'node').map(([name]) => name);
    // Nothing can be made from or merged with the null of an OPTIONAL MATCH.
    const present = nodes.length === 0 ? '' : `WITH * WHERE ${nodes.map((name) => `${name} IS NOT NULL`).join(' AND ')} `;
    return present + this.#change(names, nodes);
  }

  #change(names: Names, nodes: readonly string[]): string {
    const dice = this.#dice;
    const node = (): string => (nodes.length > 0 && dice.chance(0.6) ? dice.pick(nodes) : '');
    const value = (): string => `coalesce(${orderless(this.#expression('int', names, 1), '1')}, 0)`;
    const label = dice.pick(LABELS);
    switch (dice.below(nodes.length > 0 ? 9 : 3)) {
      case 0: return `CREATE (${node()})-[:R {i: ${value()}}]->(${node()})`;
      case 1: return `CREATE (:${label}:New {i: ${value()}, s: 'new'})<-[:S]-(${node()})`;
      case 2: return `MERGE (m:${label} {i: ${value()}}) ON CREATE SET m.j = 1 ON MATCH SET m.k = coalesce(m.k, 0) + 1`;
      case 3: return `SET ${dice.pick(nodes)}.i = ${dice.below(3)}, ${dice.pick(nodes)}.j = null`;
      case 4: return `SET ${dice.pick(nodes)}:${label}`;
      case 5: return `REMOVE ${dice.pick(nodes)}:${label}, ${dice.pick(nodes)}.s`;
      case 6: return `DETACH DELETE ${dice.pick(nodes)}`;
      case 7: return `MERGE (${dice.pick(nodes)})-[:R]->(${dice.pick(nodes)})`;
      default: return `FOREACH (q IN ${orderless(this.#expression('ints', names, 1), '[1, 2]')} | CREATE (:New {i: q}))`;
    }
  }

  // -------------------------------------------------------------- expressions

  #expression(type: Scalar, names: Names, depth: number): string {
    const dice = this.#dice;
    if (depth > 0 && dice.chance(0.55)) return this.#operation(type, names, depth - 1);
    const own = [...names].filter(([, each]) => each === type).map(([name]) => name);
    const holders = [...names].filter(([, each]) => each === 'node' || each === 'relationship').map(([name]) => name);
    const keys = Object.keys(KEYS).filter((key) => KEYS[key] === type);
    if (holders.length > 0 && dice.chance(0.6)) return `${dice.pick(holders)}.${dice.pick(keys)}`;
    if (own.length > 0 && dice.chance(0.6)) return dice.pick(own);
    if (dice.chance(0.06)) return 'null';
    const value = scalarValue(dice, type);
    if (Array.isArray(value)) return `[${value.join(', ')}]`;
    if (typeof value === 'string') return `'${value}'`;
    if (typeof value === 'number' && Number.isInteger(value)) return `${value}.0`;
    return String(value);
  }

  #operation(type: Scalar, names: Names, depth: number): string {
    const dice = this.#dice;
    const e = (each: Scalar, more: Names = names): string => this.#expression(each, more, depth);
    const paths = [...names].filter(([, each]) => each === 'path').map(([name]) => name);
    if (dice.chance(0.1)) return `CASE WHEN ${e('bool')} THEN ${e(type)} ${dice.chance(0.6) ? `ELSE ${e(type)} ` : ''}END`;
    if (dice.chance(0.08)) return `coalesce(${e(type)}, ${e(type)})`;
    switch (type) {
      case 'int':
        switch (dice.below(11)) {
          case 7: {
            const lists = [...names].filter(([, each]) => each === 'entities').map(([name]) => name);
            return lists.length > 0 ? `size(${dice.pick(lists)})` : `size([v IN ${e('ints')} WHERE v > 0])`;
          }
          case 8: return `COUNT { ${this.#union(names)} }`;
          case 9: {
            const holders = [...names].filter(([, each]) => each === 'node' || each === 'relationship').map(([name]) => name);
            if (holders.length === 0) return e('int');
            const projected = `(${dice.pick(holders)} {.i, .${dice.pick(['j', 's'])}, x: ${e('int')}${dice.chance(0.3) ? ', .*' : ''}})`;
            return dice.chance(0.5) ? `size(keys(${projected}))` : `${projected}.${dice.pick(['i', 'x', 'j'])}`;
          }
          case 0: return `size(${e(dice.pick(['ints', 'string']))})`;
          case 1: return `abs(${e('int')})`;
          case 2: return `${e('ints')}[${dice.below(4) - 1}]`;
          case 3: return paths.length > 0 ? `length(${dice.pick(paths)})` : `head(${e('ints')})`;
          case 4: return `reduce(s = ${e('int')}, v IN ${e('ints')} | s + v)`;
          case 5: return `COUNT { ${this.#inside(names)} }`;
          default: return `(${e('int')} ${dice.pick(['+', '-', '*'])} ${e('int')})`;
        }
      case 'float': return `(${e('float')} ${dice.pick(['+', '-', '*'])} ${e(dice.pick(['int', 'float']))})`;
      case 'string':
        switch (dice.below(3)) {
          case 0: return `toUpper(${e('string')})`;
          case 1: return `reverse(${e('string')})`;
          default: return `(${e('string')} + ${e('string')})`;
        }
      case 'ints':
        switch (dice.below(6)) {
          case 5: {
            const inner: Names = new Map(names);
            const match = this.#match(inner, false);
            return `COLLECT { ${match} RETURN ${this.#expression('int', inner, 1)} AS c ORDER BY c${dice.chance(0.3) ? ' DESC LIMIT 2' : ''} }`;
          }
          case 0: return `[v IN ${e('ints')} WHERE ${e('bool', new Map([...names, ['v', 'int']]))} | ${e('int', new Map([...names, ['v', 'int']]))}]`;
          case 1: return `(${e('ints')} + ${e('ints')})`;
          case 2: return `${e('ints')}[${dice.below(3)}..${dice.below(4)}]`;
          case 3: return `tail(${e('ints')})`;
          default: return `[${e('int')}, ${e('int')}]`;
        }
      case 'bool': return this.#predicate(names, e);
    }
  }

  #predicate(names: Names, e: (type: Scalar, names?: Names) => string): string {
    const dice = this.#dice;
    const nodes = [...names].filter(([, type]) => type === 'node').map(([name]) => name);
    const entities = [...names].filter(([, type]) => type === 'node' || type === 'relationship').map(([name]) => name);
    switch (dice.below(14)) {
      // Lists are properties too, and in indexes.
      case 13: return dice.chance(0.7) ? `(${e('ints')} ${dice.pick(['=', '=', '<>'])} ${e('ints')})` : `(${e('ints')} IN [${e('ints')}, ${e('ints')}])`;
      case 0: return `NOT ${e('bool')}`;
      case 1: return `(${e('bool')} ${dice.pick(['AND', 'OR', 'XOR'])} ${e('bool')})`;
      case 2: return `(${e('bool')} AND ${e('bool')})`;
      case 3: return `${e('int')} IN ${e('ints')}`;
      case 4: return `(${e(dice.pick(SCALARS))}) IS ${dice.chance(0.5) ? 'NOT ' : ''}NULL`;
      case 5: return `(${e('string')} ${dice.pick(['STARTS WITH', 'ENDS WITH', 'CONTAINS'])} ${e('string')})`;
      case 6: return nodes.length > 0 ? `(${dice.pick(nodes)}:${dice.pick(['A', 'B', 'A|C', '!B', '$(\'A\')', '$any([\'B\', \'C\'])'])})` : e('bool');
      case 7: return `${dice.pick(['all', 'any', 'none', 'single'])}(v IN ${e('ints')} WHERE ${e('bool', new Map([...names, ['v', 'int']]))})`;
      case 8: return `EXISTS { ${this.#inside(names)} }`;
      case 9: return entities.length > 1 ? `(${dice.pick(entities)} ${dice.pick(['=', '<>'])} ${dice.pick(entities)})` : e('bool');
      default: {
        const type = dice.pick(['int', 'int', 'int', 'string', 'float'] as const);
        return `(${e(type)} ${dice.pick(['=', '=', '<>', '<', '<=', '>', '>='])} ${e(type === 'float' && dice.chance(0.5) ? 'int' : type)})`;
      }
    }
  }

  #inside(names: Names): string {
    const inner: Names = new Map(names);
    const pattern = this.#part(inner, names, this.#dice.chance(0.5));
    const where = this.#dice.chance(0.3) ? ` WHERE ${this.#expression('bool', inner, 1)}` : '';
    return `MATCH ${pattern}${where}`;
  }
}

/** What looks at the graph while rows change it depends on their order: something else instead. */
function orderless(expression: string, instead: string): string {
  return /\b(COUNT|COLLECT|EXISTS) \{|\)-\[|\)<?--/.test(expression) ? instead : expression;
}
