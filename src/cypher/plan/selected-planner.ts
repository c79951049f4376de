/**
 * Plans path patterns with a selector: from which end the search starts, and where it tests each predicate.
 *
 * Predicates between the ends belong to the paths among which is chosen; those of the MATCH's WHERE are tested on the chosen ones,
 * except on the ends, where it makes no difference. Between two bound ends the usual pattern, one repeated relationship, is searched from both.
 */
import type { Expression } from '../ast.ts';
import { listOf, NODE, PATH, RELATIONSHIP } from '../semantics/types.ts';
import { mentionedVariables } from '../semantics/walk.ts';
import { bestAccess } from './access.ts';
import type { Env } from './env.ts';
import type { MatchPlanner } from './match-planner.ts';
import { variable, type Predicate } from './pattern-graph.ts';
import type { PathSearch, Scoped, SearchedSegment } from './plan.ts';
import { OPPOSITE } from './routes.ts';
import { same, type PathSegment, type SelectedPaths } from './selected-paths.ts';

/** So many ends are looked up, and searched for one by one from both sides. */
const FEW_ENDS = 2;

/** Ends that are found by searching rather than looked up first: of each pattern the one with more candidates, where nothing else tells what it is. */
export function endsLeftToSearch(planner: MatchPlanner): ReadonlySet<string> {
  const { graph, solved, pending, context } = planner;
  const left = new Set<string>();
  const ends = [...graph.relationships, ...graph.shortest.map(({ relationship }) => relationship), ...graph.selected].flatMap(({ from, to }) => (from === to ? [from] : [from, to]));
  const isFree = (name: string): boolean => !solved.has(name) && ends.filter((end) => end === name).length === 1;
  const rows = (name: string): number => {
    const node = graph.nodes.get(name)!;
    const access = bestAccess(node, pending, (other) => planner.isKnown(other, solved), context.stats);
    return access.rows * planner.passing(node, solved, access.uses);
  };
  for (const { from, to } of graph.selected) {
    if (from === to) continue;
    const free = [from, to].filter(isFree).map((name) => ({ name, rows: rows(name) }));
    const last = free.length === 2 && free[0]!.rows > free[1]!.rows ? free[0] : free.at(-1);
    if (last !== undefined && last.rows > FEW_ENDS) left.add(last.name);
  }
  return left;
}

export function planSelectedPaths(planner: MatchPlanner, selected: SelectedPaths): void {
  const { env, solved } = planner;
  const reversed = !solved.has(selected.from);
  const [fromName, toName] = reversed ? [selected.to, selected.from] : [selected.from, selected.to];
  const into = solved.has(toName);
  const from = env.slot(fromName)!;
  const to = into ? env.slot(toName)! : env.declare(toName, NODE);
  // What is asked of the end itself; what else has waited for it is tested on the paths that were chosen.
  solved.add(toName);
  const filters = into ? [] : planner.takeReady();
  const labels = into ? [] : planner.labelsOf(toName);
  const inner = env.inner();
  const search: PathSearch = {
    op: 'PathSearch', input: planner.plan, from, fromName, to, toName, into, reversed, labels, filters, groups: selected.selector.groups,
    count: { expression: selected.selector.count, env }, typesIn: env, ...searched(planner, selected, reversed, into ? undefined : toName, inner),
    start: selected.start, end: selected.end, rows: Math.max(1, planner.plan.rows * (into ? 1 : planner.context.stats.nodes() / 4)),
  };
  planner.plan = shortestBetween(planner, selected, search) ?? search;
}

type Searched = Pick<PathSearch, 'segments' | 'joints' | 'tests' | 'variables' | 'path'>;

function searched(planner: MatchPlanner, selected: SelectedPaths, reversed: boolean, end: string | undefined, inner: Env): Searched {
  const { env, context, solved } = planner;
  let pending = [...selected.predicates];
  /** A name that has a value outside has another one here, and must be equal to it. */
  const declared = (name: string, scope: Env, kind: 'node' | 'relationship'): { name: string; slot: number } => {
    if (!solved.has(name)) return { name, slot: scope.declare(name, kind === 'node' ? NODE : RELATIONSHIP) };
    const other = context.fresh('joint');
    pending.push({ expression: same(variable(other), name), mentions: new Set([other, name]) });
    return { name: other, slot: scope.declare(other, kind === 'node' ? NODE : RELATIONSHIP) };
  };
  const ends = inOrder(selected.joints, reversed);
  const joints = ends.map((name, i) => (i === 0 || i === ends.length - 1 ? { name, slot: env.slot(name)! } : declared(name, env, 'node')));
  const lists: { name: string; slot: number }[] = [];
  const path = selected.path === undefined ? undefined : env.declare(selected.path, PATH);
  for (const { name, kind, list } of selected.variables) {
    if (list) lists.push({ name, slot: env.declare(name, listOf(kind === 'node' ? NODE : RELATIONSHIP)) });
  }
  // Single relationships live in the scope of the pattern, those that are repeated in one of their own.
  const plainSteps = new Map<string, { name: string; slot: number }>();
  for (const { plain, steps: [step] } of selected.segments) if (plain) plainSteps.set(step!.name, declared(step!.name, env, 'relationship'));
  /** What gets its value only from the search. */
  const found = new Set([...joints.slice(1, -1), ...plainSteps.values(), ...lists].map(({ name }) => name));
  for (const name of [selected.path, end]) if (name !== undefined) found.add(name);
  const take = (...names: string[]): Predicate[] => {
    const taken = pending.filter(({ mentions }) => [...mentions].every((name) => !found.has(name) || names.includes(name)));
    pending = pending.filter((predicate) => !taken.includes(predicate));
    return taken;
  };
  const scoped = (predicates: readonly Predicate[], scope: Env): Scoped[] => predicates.map(({ expression }) => ({ expression, env: scope }));
  const jointTests = joints.map(({ name }, i) => (i === 0 || i === joints.length - 1 ? [] : take(name)));
  const segments = inOrder(selected.segments, reversed).map((segment, i): SearchedSegment => {
    if (!segment.plain) return repeatedSegment(segment, reversed, inner);
    const [step] = segment.steps;
    const own = plainSteps.get(step!.name)!;
    const tests = take(joints[i]!.name, own.name, joints[i + 1]!.name);
    return {
      plain: true, min: 1, max: 1, tests: [], nodes: [{ slot: joints[i]!.slot, tests: [] }, { slot: joints[i + 1]!.slot, tests: [] }],
      steps: [{ slot: own.slot, types: step!.types, direction: turned(step!.direction, reversed), tests: scoped(tests, env) }],
    };
  });
  for (const { name } of selected.variables) solved.add(name);
  if (selected.path !== undefined) solved.add(selected.path);
  const count = selected.segments.length;
  const variables = selected.variables.map(({ name, kind, list, segment, place }) => {
    const slot = list ? lists.find((each) => each.name === name)!.slot : env.slot(name)!;
    if (!reversed) return { slot, name, kind, list, segment, place };
    if (!list && kind === 'node') return { slot, name, kind, list, segment: count - segment, place };
    const { length } = selected.segments[segment]!.steps;
    return { slot, name, kind, list, segment: count - 1 - segment, place: (kind === 'node' ? length : length - 1) - place };
  }).filter(({ name }) => context.isUsed(name) || pending.some(({ mentions }) => mentions.has(name)));
  return {
    segments, joints: joints.map(({ slot }, i) => ({ slot, tests: scoped(jointTests[i]!, env) })), tests: scoped(pending, env), variables,
    path: selected.path !== undefined && (context.isUsed(selected.path) || pending.some(({ mentions }) => mentions.has(selected.path!))) ? path : undefined,
  };
}

/** As they are followed. */
function inOrder<T>(items: readonly T[], reversed: boolean): readonly T[] {
  return reversed ? items.toReversed() : items;
}

function turned(direction: 'out' | 'in' | 'both', reversed: boolean): 'out' | 'in' | 'both' {
  return reversed ? OPPOSITE[direction] : direction;
}

function repeatedSegment(segment: PathSegment, reversed: boolean, outer: Env): SearchedSegment {
  const env = outer.inner();
  const own = new Set([...segment.nodes, ...segment.steps.map(({ name }) => name)]);
  for (const name of segment.nodes) env.declare(name, NODE);
  for (const { name } of segment.steps) env.declare(name, RELATIONSHIP);
  let pending = [...segment.predicates];
  const take = (...names: string[]): Scoped[] => {
    const taken = pending.filter(({ mentions }) => [...mentions].every((name) => !own.has(name) || names.includes(name)));
    pending = pending.filter((predicate) => !taken.includes(predicate));
    return taken.map(({ expression }) => ({ expression, env }));
  };
  const names = inOrder(segment.nodes, reversed);
  const nodes = names.map((name) => ({ slot: env.slot(name)!, tests: take(name) }));
  const steps = inOrder(segment.steps, reversed).map(({ name, types, direction }, i) => (
    { slot: env.slot(name)!, types, direction: turned(direction, reversed), tests: take(names[i]!, name, names[i + 1]!) }));
  const tests = pending.map(({ expression }) => ({ expression, env }));
  return { plain: false, min: segment.min, max: segment.max, nodes, steps, tests };
}

/** One repeated relationship between two bound ends: the search from both sides. */
function shortestBetween(planner: MatchPlanner, selected: SelectedPaths, search: PathSearch): MatchPlanner['plan'] | undefined {
  const [segment] = search.segments;
  const { count } = selected.selector;
  if (!search.into || search.reversed || search.segments.length > 1 || segment!.steps.length > 1 || segment!.min > 1 || search.tests.length > 0 || segment!.tests.length > 0) return undefined;
  if (count.kind !== 'Literal' || count.value !== 1 || segment!.nodes.some(({ tests }) => tests.length > 0)) return undefined;
  const lists = search.variables.filter(({ list }) => list);
  const [relationships] = lists;
  if (lists.length > 1 || (relationships !== undefined && relationships.kind !== 'relationship')) return undefined;
  const [step] = segment!.steps;
  // The test of a step may ask for its nodes, which the search from both sides does not tell.
  const nodeSlots = new Set(segment!.nodes.map(({ slot }) => slot));
  const asksNodes = step!.tests.some(({ expression, env }) => mentionsSlot(expression, env, nodeSlots));
  if (asksNodes || segment!.plain) return undefined;
  const { input, from, to, groups: all, path, rows, fromName, toName } = search;
  return {
    op: 'ShortestPath', input, from, to, types: step!.types, typesIn: planner.env, direction: step!.direction, min: segment!.min, max: segment!.max ?? Infinity, all, path,
    relationships: relationships?.slot, properties: [], filters: [], everyNode: [], around: { ...search, input: { op: 'Argument', env: planner.env, pass: true, rows: 1 } },
    everyRelationship: step!.tests.map((predicate) => ({ slot: step!.slot, predicate })), details: `${fromName} to ${toName}`, rows,
  };
}

function mentionsSlot(expression: Expression, env: Env, slots: ReadonlySet<number>): boolean {
  return [...mentionedVariables(expression)].some((name) => slots.has(env.slot(name) ?? -1));
}
