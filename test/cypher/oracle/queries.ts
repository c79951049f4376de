/**
 * Clauses, as openCypher 9 defines them: each turns one table into another, row by row, and a pattern is matched by trying every node
 * and every relationship in every place.
 */
import type { Clause, Expression, LabelExpression, NodePattern, PatternPart, Projection, ProjectionItem, Query, RelationshipPattern, SetItem } from '../../../src/cypher/ast.ts';
import { allElements, isDynamic } from '../../../src/cypher/semantics/walk.ts';
import { evaluate, hasLabels } from './expressions.ts';
import { equal, groupText, isNumber, order, type OGraph, type ONode, type OPath, type ORelationship, type OValue } from './model.ts';

export type ORow = Map<string, OValue>;
export interface Scope {
  readonly graph: OGraph;
  readonly row: ORow;
}

/** Thrown where trying everything would take too long: such a query says no more than a smaller one. */
export class TooLarge extends Error {}

/** Places of patterns and rows one query may take. */
const STEPS_MAX = 30_000;
let steps = 0;

function count(more: number): void {
  steps += more;
  if (steps > STEPS_MAX) throw new TooLarge();
}

export function runQuery(query: Query, graph: OGraph): ORow[] {
  steps = 0;
  return runParts(query, graph, [new Map()]);
}

export function runSubquery(query: Query, scope: Scope): ORow[] {
  return runParts(query, scope.graph, [scope.row]);
}

function runParts(query: Query, graph: OGraph, input: readonly ORow[]): ORow[] {
  const tables = query.parts.map((part) => part.clauses.reduce<ORow[]>((table, clause) => runClause(clause, table, graph), [...input]));
  if (tables.length === 1) return tables[0]!;
  const names = [...(tables.find((table) => table.length > 0)?.[0]?.keys() ?? [])];
  const all = tables.flat().map((row) => new Map(names.map((name) => [name, row.get(name)!])));
  return query.unionAll[0] === true ? all : distinct(all);
}

function distinct(rows: readonly ORow[]): ORow[] {
  const seen = new Map(rows.map((row) => [[...row].map(([name, value]) => `${name}=${groupText(value)}`).join('|'), row]));
  // The first of each: a Map keeps the last, so from behind.
  for (const row of [...rows].reverse()) seen.set([...row].map(([name, value]) => `${name}=${groupText(value)}`).join('|'), row);
  return [...seen.values()];
}

function runClause(clause: Clause, table: ORow[], graph: OGraph): ORow[] {
  const scope = (row: ORow): Scope => ({ graph, row });
  count(table.length);
  switch (clause.kind) {
    case 'Match':
      return table.flatMap((row) => {
        const found = matchPart(clause.patterns, clause.where, scope(row));
        return found.length > 0 || !clause.optional ? found : [new Map([...namesOf(clause.patterns).map((name): [string, OValue] => [name, null]), ...row])];
      });
    case 'Unwind':
      return table.flatMap((row) => {
        const list = evaluate(clause.list, scope(row));
        return (list === null ? [] : Array.isArray(list) ? list : [list]).map((item) => new Map([...row, [clause.variable, item]]));
      });
    case 'With': {
      const { rows, sorted } = project(clause.projection, table, graph);
      return (clause.where === undefined ? rows : rows.filter((row, i) => evaluate(clause.where!, scope(new Map([...sorted[i]!, ...row]))) === true));
    }
    case 'Return': return project(clause.projection, table, graph).rows;
    case 'Create': return table.map((row) => create(clause.patterns, row, graph));
    case 'Merge':
      return table.flatMap((row) => {
        const found = matchPart([clause.pattern], undefined, scope(row));
        const rows = found.length > 0 ? found : [create([clause.pattern], row, graph)];
        for (const each of rows) for (const item of found.length > 0 ? clause.onMatch : clause.onCreate) set(item, scope(each));
        return rows;
      });
    case 'Set':
      for (const row of table) for (const item of clause.items) set(item, scope(row));
      return table;
    case 'Remove':
      for (const row of table) {
        for (const item of clause.items) {
          if (item.kind === 'labels') for (const label of item.labels) (row.get(item.variable) as ONode | null)?.labels.delete(label as string);
          else (evaluate(item.target, scope(row)) as ONode | null)?.properties.delete(item.key as string);
        }
      }
      return table;
    case 'Delete':
      for (const row of table) for (const item of clause.items) remove(evaluate(item, scope(row)), graph);
      return table;
    case 'Foreach':
      for (const row of table) {
        for (const item of (evaluate(clause.list, scope(row)) as OValue[] | null) ?? []) {
          clause.clauses.reduce<ORow[]>((inner, each) => runClause(each, inner, graph), [new Map([...row, [clause.variable, item]])]);
        }
      }
      return table;
    case 'CallSubquery':
      return table.flatMap((row) => {
        const imported = clause.imports === 'all' ? row : new Map((clause.imports ?? []).map((name) => [name, row.get(name)!]));
        return runParts(clause.query, graph, [imported]).map((inner) => new Map([...row, ...inner]));
      });
    default: throw new Error(`the oracle does not know ${clause.kind}`);
  }
}

// ---------------------------------------------------------------- patterns

function namesOf(parts: readonly PatternPart[]): string[] {
  return parts.flatMap((part) => [part.variable, ...[...allElements(part.elements)].map(({ variable }) => variable)]).filter((name) => name !== undefined);
}

interface Place {
  readonly row: ORow;
  readonly used: readonly ORelationship[];
  readonly checks: readonly ((row: ORow) => boolean)[];
}

/** Every way to lay the pattern over the graph; a relationship is used at most once. */
export function matchPart(parts: readonly PatternPart[], where: Expression | undefined, { graph, row }: Scope): ORow[] {
  let places: Place[] = [{ row, used: [], checks: [] }];
  for (const part of parts) {
    places = places.flatMap((place) => {
      const path: Walk[] = nodePlaces(part.elements[0] as NodePattern, place, graph, undefined).map(([next, node]) => ({ place: next, nodes: [node], relationships: [] }));
      let walks = path;
      for (let i = 1; i < part.elements.length; i += 2) {
        walks = walks.flatMap((walk) => stepsOf(part.elements[i] as RelationshipPattern, part.elements[i + 1] as NodePattern, walk, graph));
      }
      return walks.map((walk) => (part.variable === undefined ? walk.place : bind(walk.place, part.variable, { kind: 'path', nodes: walk.nodes, relationships: walk.relationships } as OPath)));
    });
  }
  return places.filter((place) => place.checks.every((check) => check(place.row)))
    .map((place) => place.row).filter((found) => where === undefined || evaluate(where, { graph, row: found }) === true);
}

interface Walk {
  readonly place: Place;
  readonly nodes: readonly ONode[];
  readonly relationships: readonly ORelationship[];
}

function bind(place: Place, name: string | undefined, value: OValue): Place {
  return name === undefined ? place : { ...place, row: new Map([...place.row, [name, value]]) };
}

/** Properties and inline predicates may name what is bound later: they are checked once all is. */
function check(place: Place, entity: ONode | ORelationship, pattern: NodePattern | RelationshipPattern, graph: OGraph): Place {
  const entries = pattern.properties?.kind === 'Map' ? pattern.properties.entries : [];
  const labels = pattern.kind === 'Node' ? pattern.labels : pattern.types;
  const dynamic = isDynamic(labels) ? labels : undefined;
  if (entries.length === 0 && pattern.where === undefined && dynamic === undefined) return place;
  return {
    ...place,
    checks: [...place.checks, (row) => (
      entries.every(({ key, value }) => equal(entity.properties.get(key) ?? null, evaluate(value, { graph, row })) === true)
      && (pattern.where === undefined || evaluate(pattern.where, { graph, row }) === true)
      && (dynamic === undefined || hasLabels(dynamic, entity, { graph, row })))],
  };
}

/** Labels that are values may depend on what is bound later, as properties may. */
function fits(labels: LabelExpression | undefined, entity: ONode | ORelationship, row: ORow, graph: OGraph): boolean {
  return labels === undefined || isDynamic(labels) || hasLabels(labels, entity, { graph, row });
}

function nodePlaces(pattern: NodePattern, place: Place, graph: OGraph, only: ONode | undefined): [Place, ONode][] {
  const bound = pattern.variable === undefined ? undefined : place.row.get(pattern.variable);
  count(1);
  const candidates = bound === undefined ? [...graph.nodes.values()] : bound === null ? [] : [bound as ONode];
  return candidates.filter((node) => (only === undefined || node === only) && fits(pattern.labels, node, place.row, graph))
    .map((node) => [check(bind(place, pattern.variable, node), node, pattern, graph), node]);
}

/** What is repeated is matched by itself each time, with single variables; outside they are lists. */
function repetitionsOf(pattern: RelationshipPattern, end: NodePattern, walk: Walk, graph: OGraph): Walk[] {
  const { elements, where } = pattern.repeated!;
  const names = [...new Set(elements.flatMap(({ variable }) => variable ?? []))];
  const found: Walk[] = [];
  const extend = (at: Walk, lists: ReadonlyMap<string, OValue[]>, times: number): void => {
    if (times >= (pattern.length!.min ?? 0)) {
      const place = { ...at.place, row: new Map([...at.place.row, ...lists]) };
      for (const [next] of nodePlaces(end, place, graph, at.nodes.at(-1)!)) found.push({ ...at, place: next });
    }
    if (times === (pattern.length!.max ?? Infinity)) return;
    const start: Place = { row: walk.place.row, used: at.place.used, checks: [] };
    let inner: Walk[] = nodePlaces(elements[0] as NodePattern, start, graph, at.nodes.at(-1)!).map(([place, node]) => ({ place, nodes: [node], relationships: [] }));
    for (let i = 1; i < elements.length; i += 2) inner = inner.flatMap((each) => stepsOf(elements[i] as RelationshipPattern, elements[i + 1] as NodePattern, each, graph));
    for (const { place, nodes, relationships } of inner) {
      if (!place.checks.every((passes) => passes(place.row)) || (where !== undefined && evaluate(where, { graph, row: place.row }) !== true)) continue;
      const more = new Map(names.map((name) => [name, [...lists.get(name)!, place.row.get(name)!]]));
      extend({ place: { ...at.place, used: place.used }, nodes: [...at.nodes, ...nodes.slice(1)], relationships: [...at.relationships, ...relationships] }, more, times + 1);
    }
  };
  extend(walk, new Map(names.map((name) => [name, []])), 0);
  return found;
}

function stepsOf(pattern: RelationshipPattern, end: NodePattern, walk: Walk, graph: OGraph): Walk[] {
  if (pattern.repeated !== undefined) return repetitionsOf(pattern, end, walk, graph);
  const { length } = pattern;
  if (length === undefined) {
    return oneStep(pattern, walk, graph).flatMap(([relationship, node]) => {
      const bound = pattern.variable === undefined ? undefined : walk.place.row.get(pattern.variable);
      if (bound !== undefined && bound !== relationship) return [];
      const place = check(bind({ ...walk.place, used: [...walk.place.used, relationship] }, pattern.variable, relationship), relationship, pattern, graph);
      return nodePlaces(end, place, graph, node).map(([next]) => ({ place: next, nodes: [...walk.nodes, node], relationships: [...walk.relationships, relationship] }));
    });
  }
  const [min, max] = [length.min ?? 1, length.max ?? Infinity];
  const found: Walk[] = [];
  const extend = (at: Walk, list: readonly ORelationship[]): void => {
    if (list.length >= min) {
      const place = bind(at.place, pattern.variable, [...list]);
      for (const [next] of nodePlaces(end, place, graph, at.nodes.at(-1)!)) found.push({ ...at, place: next });
    }
    if (list.length === max) return;
    for (const [relationship, node] of oneStep(pattern, at, graph)) {
      const place = check({ ...at.place, used: [...at.place.used, relationship] }, relationship, pattern, graph);
      extend({ place, nodes: [...at.nodes, node], relationships: [...at.relationships, relationship] }, [...list, relationship]);
    }
  };
  extend(walk, []);
  return found;
}

function oneStep(pattern: RelationshipPattern, walk: Walk, graph: OGraph): [ORelationship, ONode][] {
  const from = walk.nodes.at(-1)!;
  count(1);
  const found: [ORelationship, ONode][] = [];
  for (const relationship of graph.relationships.values()) {
    if (walk.place.used.includes(relationship) || !fits(pattern.types, relationship, walk.place.row, graph)) continue;
    if (pattern.direction !== 'in' && relationship.start === from) found.push([relationship, relationship.end]);
    else if (pattern.direction !== 'out' && relationship.end === from) found.push([relationship, relationship.start]);
  }
  return found;
}

// ---------------------------------------------------------------- updates

function create(parts: readonly PatternPart[], row: ORow, graph: OGraph): ORow {
  const made = new Map(row);
  for (const part of parts) {
    let previous: ONode | undefined;
    let pending: RelationshipPattern | undefined;
    for (const element of part.elements) {
      if (element.kind === 'Relationship') {
        pending = element;
        continue;
      }
      const known = element.variable === undefined ? undefined : made.get(element.variable);
      const node = known === undefined ? graph.addNode(labelsOf(element), propertiesOf(element, { graph, row: made })) : known as ONode;
      if (element.variable !== undefined) made.set(element.variable, node);
      if (pending !== undefined) {
        const [start, end] = pending.direction === 'in' ? [node, previous!] : [previous!, node];
        const relationship = graph.addRelationship(labelsOf(pending)[0]!, start, end, propertiesOf(pending, { graph, row: made }));
        if (pending.variable !== undefined) made.set(pending.variable, relationship);
      }
      previous = node;
    }
  }
  return made;
}

function labelsOf(element: NodePattern | RelationshipPattern): string[] {
  const labels = element.kind === 'Node' ? element.labels : element.types;
  if (labels === undefined) return [];
  const items = labels.kind === 'And' ? labels.items : [labels];
  return items.map((item) => (item as { name: string }).name);
}

function propertiesOf(element: NodePattern | RelationshipPattern, scope: Scope): [string, OValue][] {
  return element.properties?.kind === 'Map' ? element.properties.entries.map(({ key, value }) => [key, evaluate(value, scope)]) : [];
}

function set(item: SetItem, scope: Scope): void {
  const put = (entity: ONode | ORelationship | null, key: string, value: OValue): void => {
    if (value === null) entity?.properties.delete(key);
    else entity?.properties.set(key, value);
  };
  if (item.kind === 'property') put(evaluate(item.target, scope) as ONode | null, item.key as string, evaluate(item.value, scope));
  else if (item.kind === 'labels') for (const label of item.labels) (scope.row.get(item.variable) as ONode | null)?.labels.add(label as string);
  else {
    const entity = scope.row.get(item.variable) as ONode | null;
    if (item.kind === 'replace') entity?.properties.clear();
    for (const [key, value] of evaluate(item.value, scope) as Map<string, OValue>) put(entity, key, value);
  }
}

function remove(value: OValue, graph: OGraph): void {
  if (value === null) return;
  const entity = value as ONode | ORelationship;
  if (entity.kind === 'relationship') {
    graph.relationships.delete(entity.id);
    return;
  }
  for (const relationship of [...graph.relationships.values()]) if (relationship.start === entity || relationship.end === entity) graph.relationships.delete(relationship.id);
  graph.nodes.delete(entity.id);
}

// ---------------------------------------------------------------- projections

const AGGREGATES = new Set(['count', 'sum', 'min', 'max', 'avg', 'collect']);

function aggregates(e: Expression): boolean {
  if (e.kind === 'CountStar' || (e.kind === 'Call' && AGGREGATES.has(e.name.toLowerCase()))) return true;
  if (e.kind === 'Binary') return aggregates(e.left) || aggregates(e.right);
  return e.kind === 'Call' && e.args.some(aggregates);
}

/** `sorted`: for each row what ORDER BY and WHERE may also see. */
function project(projection: Projection, table: readonly ORow[], graph: OGraph): { rows: ORow[]; sorted: ORow[] } {
  const star: ProjectionItem[] = !projection.star ? [] : [...(table[0]?.keys() ?? [])].map((name) => (
    { expression: { kind: 'Variable', name, start: 0, end: 0 }, alias: undefined, name, start: 0, end: 0 }));
  const items = [...star, ...projection.items];
  let pairs: { row: ORow; before: ORow }[];
  if (items.some(({ expression }) => aggregates(expression))) pairs = grouped(items, table, graph).map((row) => ({ row, before: new Map() }));
  else pairs = table.map((before) => ({ row: new Map(items.map(({ name, expression }) => [name, evaluate(expression, { graph, row: before })])), before }));
  if (projection.distinct) pairs = distinct(pairs.map(({ row }) => row)).map((row) => ({ row, before: new Map() }));
  if (projection.orderBy.length > 0) {
    const keyed = pairs.map((pair) => ({ pair, keys: projection.orderBy.map(({ expression }) => evaluate(expression, { graph, row: new Map([...pair.before, ...pair.row]) })) }));
    keyed.sort((a, b) => {
      for (const [i, { descending }] of projection.orderBy.entries()) {
        const each = order(a.keys[i]!, b.keys[i]!);
        if (each !== 0) return descending ? -each : each;
      }
      return 0;
    });
    pairs = keyed.map(({ pair }) => pair);
  }
  const numberOf = (e: Expression | undefined): number | undefined => (e === undefined ? undefined : Number(evaluate(e, { graph, row: new Map() })));
  const from = numberOf(projection.skip) ?? 0;
  const limit = numberOf(projection.limit);
  pairs = pairs.slice(from, limit === undefined ? undefined : from + limit);
  return { rows: pairs.map(({ row }) => row), sorted: pairs.map(({ before }) => before) };
}

function grouped(items: readonly ProjectionItem[], table: readonly ORow[], graph: OGraph): ORow[] {
  const keys = items.filter(({ expression }) => !aggregates(expression));
  const groups = new Map<string, ORow[]>();
  if (keys.length === 0) groups.set('', []);
  for (const row of table) {
    const key = keys.map(({ expression }) => groupText(evaluate(expression, { graph, row }))).join('|');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((rows) => new Map(items.map(({ name, expression }) => [
    name, aggregates(expression) ? aggregated(expression, rows, graph) : evaluate(expression, { graph, row: rows[0]! }),
  ])));
}

function aggregated(e: Expression, rows: readonly ORow[], graph: OGraph): OValue {
  if (e.kind === 'CountStar') return BigInt(rows.length);
  if (e.kind === 'Binary') {
    const [a, b] = [e.left, e.right].map((side) => (aggregates(side) ? aggregated(side, rows, graph) : evaluate(side, { graph, row: rows[0] ?? new Map() })));
    if (a === null || b === null) return null;
    if (e.op !== '+') throw new Error('the oracle only adds aggregates');
    return isNumber(a!) && isNumber(b!) ? (typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b)) : null;
  }
  if (e.kind !== 'Call') throw new Error('not an aggregate');
  const name = e.name.toLowerCase();
  if (!AGGREGATES.has(name)) {
    // size(collect(x))
    return BigInt((aggregated(e.args[0]!, rows, graph) as OValue[]).length);
  }
  let values = rows.map((row) => evaluate(e.args[0]!, { graph, row })).filter((value) => value !== null);
  if (e.distinct) values = [...new Map([...values].reverse().map((value) => [groupText(value), value])).values()].reverse();
  switch (name) {
    case 'count': return BigInt(values.length);
    case 'collect': return values;
    case 'sum': return values.reduce<bigint | number>((sum, value) => (typeof sum === 'bigint' && typeof value === 'bigint' ? sum + value : Number(sum) + Number(value)), 0n);
    case 'avg': return values.length === 0 ? null : values.reduce<number>((sum, value) => sum + Number(value), 0) / values.length;
    default: {
      const sorted = [...values].sort(order);
      return (name === 'min' ? sorted[0] : sorted.at(-1)) ?? null;
    }
  }
}
