/**
 * Plans one MATCH: where to start, which relationship to follow next, and where each predicate is tested.
 *
 * A connected part of the pattern is tried from each of its nodes, and from each relationship that ids or an index tell: follow the relationship
 * with the fewest expected rows, until all are followed; the cheapest start wins. Ends that are bound by then are checked (expand into) rather than searched, and a node that an
 * index pins to one row is looked up first where that turns an expansion into a check.
 */
import type { Expression, LabelExpression } from '../ast.ts';
import { LIST, listOf, NODE, PATH, RELATIONSHIP } from '../semantics/types.ts';
import { forEachDynamic, mentionedVariables, plainTypes } from '../semantics/walk.ts';
import { bestAccess, bestSeek, countedIn, isExact, isWindow, selectivity, selectivityOn, type Access, type Seek } from './access.ts';
import type { Env } from './env.ts';
import { joinKeys } from './join-keys.ts';
import { lookupOf, scanOf } from './lookups.ts';
import type { GraphNode, GraphRelationship, GraphRepeat, PatternGraph, Predicate } from './pattern-graph.ts';
import type { PlanNode, Repeat, Scoped } from './plan.ts';
import type { PlannerContext } from './planner-context.ts';
import { OPPOSITE, type Component, type Route, type Start, type Step } from './routes.ts';
import { endsLeftToSearch, planSelectedPaths } from './selected-planner.ts';
import { planShortestPath } from './shortest-planner.ts';

/** Hops counted when the cost of an unbounded expansion is estimated. */
const HOPS_COUNTED = 4;

export class MatchPlanner {
  readonly context: PlannerContext;
  readonly env: Env;
  readonly graph: PatternGraph;
  /** Names that have a value. */
  readonly solved: Set<string>;
  pending: Predicate[];
  plan: PlanNode;
  readonly #owned: ReadonlySet<string>;
  readonly #followed: GraphRelationship[] = [];
  /** While a route is looked for that uses nothing of the row. */
  #isAlone = false;

  constructor(context: PlannerContext, env: Env, graph: PatternGraph, input: PlanNode) {
    this.context = context;
    this.env = env;
    this.graph = graph;
    this.plan = input;
    this.solved = new Set(env.allNames);
    this.pending = graph.predicates;
    this.#owned = new Set([
      ...graph.nodes.keys(), ...graph.relationships.flatMap(({ name, repeated }) => [name, ...repeated?.variables.map((each) => each.name) ?? []]), ...graph.paths.map(({ name }) => name),
      ...graph.selected.flatMap(({ path, variables }) => [...path === undefined ? [] : [path], ...variables.map(({ name }) => name)]),
      ...graph.shortest.flatMap(({ path, relationship }) => (path === undefined ? [relationship.name] : [path, relationship.name])),
    ]);
  }

  run(): PlanNode {
    const given = new Set([...this.#owned].filter((name) => this.solved.has(name)));
    for (const node of this.graph.nodes.values()) if (given.has(node.name)) this.#checkGiven(node);
    this.#filterReady();
    const rest = new Set(this.graph.relationships);
    for (const relationship of this.graph.relationships) {
      if (!given.has(relationship.name)) continue;
      rest.delete(relationship);
      this.#planEndpoints(relationship);
    }
    const deferred = endsLeftToSearch(this);
    // A part's best route stays what it is until something a predicate of it mentions has got a value.
    const known = new Map<string, Route>();
    for (;;) {
      const components = this.#components(rest).filter(({ nodes: [first] }) => !deferred.has(first!.name));
      if (components.length === 0) break;
      const routes = components.map((component) => {
        const key = component.nodes[0]!.name;
        const route = known.get(key) ?? this.#bestRoute(component.nodes, component.relationships);
        known.set(key, route);
        return route;
      });
      let cheapest = 0;
      for (const [i, route] of routes.entries()) if (route.rows < routes[cheapest]!.rows) cheapest = i;
      this.#emitComponent(routes[cheapest]!, components[cheapest]!);
      const solved = components[cheapest]!.nodes.map(({ name }) => name);
      for (const { nodes: [first], nodes } of components) {
        const touched = this.graph.predicates.some(({ mentions }) => solved.some((name) => mentions.has(name)) && nodes.some(({ name }) => mentions.has(name)));
        if (touched) known.delete(first!.name);
      }
      for (const relationship of components[cheapest]!.relationships) rest.delete(relationship);
    }
    for (const shortest of this.graph.shortest) planShortestPath(this, shortest);
    for (const selected of this.graph.selected) {
      planSelectedPaths(this, selected);
      this.#filterReady();
    }
    for (const path of this.graph.paths) {
      if (!this.context.isUsed(path.name)) continue;
      const slot = this.env.declare(path.name, PATH);
      this.solved.add(path.name);
      const parts = path.parts.map(({ name, list }) => ({ slot: this.env.slot(name)!, list }));
      this.plan = { op: 'BuildPath', input: this.plan, slot, name: path.name, parts, rows: this.plan.rows };
      this.#filterReady();
    }
    return this.plan;
  }

  // ---- the search

  /** What is still to be found: nodes without a value and relationships not followed, by connection. */
  #components(rest: ReadonlySet<GraphRelationship>): Component[] {
    const components: Component[] = [];
    const seen = new Set<string>();
    for (const node of this.graph.nodes.values()) {
      if (seen.has(node.name)) continue;
      const names = new Set([node.name]);
      const relationships = new Set<GraphRelationship>();
      for (const name of names) {
        for (const each of rest) {
          if (each.from !== name && each.to !== name) continue;
          relationships.add(each);
          names.add(each.from).add(each.to);
        }
      }
      for (const name of names) seen.add(name);
      if (relationships.size === 0 && this.solved.has(node.name)) continue;
      components.push({ nodes: [...names].map((name) => this.graph.nodes.get(name)!), relationships: [...relationships] });
    }
    return components;
  }

  /** The best of those that use nothing of the row. */
  #routeAlone(nodes: readonly GraphNode[], relationships: readonly GraphRelationship[]): Route {
    this.#isAlone = true;
    try {
      return this.#bestRoute(nodes, relationships);
    } finally {
      this.#isAlone = false;
    }
  }

  #bestRoute(nodes: readonly GraphNode[], relationships: readonly GraphRelationship[]): Route {
    const { startHints, stats } = this.context;
    const known = (name: string): boolean => this.isKnown(name, this.solved);
    const isHinted = [...nodes, ...relationships].some(({ name }) => startHints.has(name));
    const mayBegin = ({ name }: { readonly name: string }): boolean => !isHinted || startHints.has(name);
    const startAt = (node: GraphNode): Start => ({ kind: 'start', node, access: bestAccess(node, this.pending, known, stats) });
    const isBegun = nodes.some((node) => this.solved.has(node.name));
    const starts: (Start | undefined)[] = isBegun ? [undefined] : nodes.filter(mayBegin).map(startAt);
    for (const relationship of relationships.filter(mayBegin)) {
      const access = bestSeek(relationship, this.pending, known, stats);
      if (access !== undefined) starts.push({ kind: 'seek', relationship, access });
    }
    // A hint that cannot be followed is none.
    if (starts.length === 0) starts.push(...nodes.map(startAt));
    let best: Route | undefined;
    for (const start of starts) {
      const route = this.#route(start, nodes, relationships);
      if (best === undefined || route.cost < best.cost) best = route;
    }
    return best!;
  }

  /** Whether the name has a value by then, or is none of the pattern's. */
  isKnown(name: string, solved: ReadonlySet<string>): boolean {
    if (this.#isAlone && this.env.has(name)) return false;
    return solved.has(name) || !this.#owned.has(name);
  }

  #route(start: Start | undefined, nodes: readonly GraphNode[], relationships: readonly GraphRelationship[]): Route {
    const solved = new Set(this.solved);
    const steps: Step[] = [];
    const rest = new Set(relationships);
    let rows = 1;
    let cost = 0;
    const begin = (step: Start): void => {
      steps.push(step);
      const found = step.kind === 'start' ? [step.node] : [step.relationship.from, step.relationship.to].filter((name) => !solved.has(name)).map((name) => this.graph.nodes.get(name)!);
      rows *= Math.max(step.access.rows, 0.01);
      cost += rows;
      if (step.kind === 'seek') {
        rest.delete(step.relationship);
        solved.add(step.relationship.name);
        if (step.relationship.direction === 'both') rows *= 2;
      }
      for (const { name } of found) solved.add(name);
      for (const node of found) rows *= this.passing(node, solved, countedIn(step.access));
    };
    if (start !== undefined) begin(start);
    while (rest.size > 0) {
      let best: { relationship: GraphRelationship; reversed: boolean; steps: number; kept: number } | undefined;
      for (const relationship of rest) {
        for (const reversed of [false, true]) {
          const [from, to] = reversed ? [relationship.to, relationship.from] : [relationship.from, relationship.to];
          if (!solved.has(from)) continue;
          const into = solved.has(to);
          const produced = this.#fanOut(relationship, reversed, into);
          const kept = into ? produced : produced * this.passing(this.graph.nodes.get(to)!, solved, []) * this.#labelShare(relationship, reversed);
          // Checking a single relationship costs next to nothing; of variable length, all trails are walked to find the bound end.
          const steps = !into ? Math.max(produced, 0.1) : relationship.length === undefined ? 1 : this.#fanOut(relationship, reversed, false);
          const rank = into && relationship.length === undefined ? -1 : kept;
          const bestRank = best === undefined ? Infinity : solved.has(best.reversed ? best.relationship.from : best.relationship.to)
            && best.relationship.length === undefined ? -1 : best.kept;
          if (best === undefined || rank < bestRank) best = { relationship, reversed, steps, kept };
        }
      }
      if (best === undefined) {
        // Cannot happen in a connected part with a start; then the rest is planned as a part of its own.
        break;
      }
      const target = this.graph.nodes.get(best.reversed ? best.relationship.from : best.relationship.to)!;
      if (best.steps > 2 && best.relationship.length === undefined && !solved.has(target.name)) {
        const access = bestAccess(target, this.pending, (name) => this.isKnown(name, solved), this.context.stats);
        if (access.rows <= 1 && (access.kind === 'seek' || access.kind === 'id')) {
          begin({ kind: 'start', node: target, access });
          continue;
        }
      }
      rest.delete(best.relationship);
      steps.push({ kind: 'follow', relationship: best.relationship, reversed: best.reversed });
      solved.add(best.relationship.name);
      cost += rows * best.steps;
      rows *= best.kept;
      if (!solved.has(target.name)) {
        solved.add(target.name);
      }
    }
    for (const node of nodes) {
      if (solved.has(node.name)) continue;
      begin({ kind: 'start', node, access: bestAccess(node, this.pending, (name) => this.isKnown(name, solved), this.context.stats) });
    }
    return { steps, cost, rows };
  }

  labelsOf(name: string): string[] {
    const node = this.graph.nodes.get(name);
    return node === undefined ? [] : [...node.labels];
  }

  /** Rows that following the relationship makes of one. */
  #fanOut(relationship: GraphRelationship, reversed: boolean, into: boolean): number {
    const { stats } = this.context;
    const types = plainTypes(relationship.types) ?? [];
    const direction = relationship.direction === 'both' ? 'both' : reversed === (relationship.direction === 'out') ? 'in' : 'out';
    const from = reversed ? relationship.to : relationship.from;
    const degree = relationship.repeated === undefined ? stats.degree(this.labelsOf(from), types, direction) : this.#repeatedFanOut(relationship.repeated, reversed);
    let produced = degree;
    if (relationship.length !== undefined) {
      produced = 0;
      const { min, max } = relationship.length;
      for (let hop = min; hop <= Math.min(max, min + HOPS_COUNTED); hop++) produced += degree ** hop;
      // Each end once: no more than there are nodes.
      if (this.context.distinctEnds && min <= 1) produced = Math.min(produced, stats.nodes());
    }
    return into ? Math.min(1, produced / Math.max(1, stats.nodes() ** 0.5)) : produced;
  }

  /** Rows that one repetition makes of one. */
  #repeatedFanOut({ steps }: GraphRepeat, reversed: boolean): number {
    return steps.reduce((product, { types, direction }) => (
      product * this.context.stats.degree([], plainTypes(types) ?? [], reversed ? OPPOSITE[direction] : direction)), 1);
  }

  #labelShare(relationship: GraphRelationship, reversed: boolean): number {
    const direction = relationship.direction === 'both' ? 'both' : reversed === (relationship.direction === 'out') ? 'in' : 'out';
    const to = reversed ? relationship.from : relationship.to;
    return this.context.stats.endSelectivity(this.labelsOf(to), plainTypes(relationship.types) ?? [], direction);
  }

  /** Share of rows that the predicates on a node let pass once it has a value. */
  passing(node: GraphNode, solved: ReadonlySet<string>, used: readonly Predicate[]): number {
    let share = 1;
    for (const predicate of this.pending) {
      if (used.includes(predicate) || !predicate.mentions.has(node.name)) continue;
      if (![...predicate.mentions].every((name) => name === node.name || this.isKnown(name, solved))) continue;
      share *= this.#isUniqueKey(node, predicate) ? 1 / Math.max(1, this.#smallestCount(node)) : selectivityOn(node.labels, node.name, predicate, this.context.stats);
    }
    return share;
  }

  #share(node: GraphNode, expression: Expression): number {
    return selectivityOn(node.labels, node.name, { expression, mentions: new Set() }, this.context.stats);
  }

  #smallestCount(node: GraphNode): number {
    return Math.min(...[...node.labels].map((label) => this.context.stats.nodes(label)), this.context.stats.nodes());
  }

  #isUniqueKey(node: GraphNode, predicate: Predicate): boolean {
    const e = predicate.expression;
    if (e.kind !== 'Binary' || e.op !== '=') return false;
    const side = [e.left, e.right].find((each) => each.kind === 'Property' && each.target.kind === 'Variable' && each.target.name === node.name);
    if (side?.kind !== 'Property') return false;
    const { catalog } = this.context.stats;
    return [...node.labels].some((label) => {
      const id = catalog.findLabel(label);
      return id !== undefined && catalog.labelIndexes(id).some((index) => (
        index.unique && index.keyIds.length === 1 && catalog.keyName(index.keyIds[0]!) === side.key));
    });
  }

  // ---- making the plan

  #emitComponent(route: Route, { nodes, relationships }: Component): void {
    const first = route.steps[0];
    const begun = [...this.#owned].some((name) => this.solved.has(name)) || this.plan.rows > 1;
    // A part that depends on nothing before it, and costs more than it yields, is run once and kept.
    const begins = first !== undefined && first.kind !== 'follow';
    if (begins && begun && route.cost > route.rows * 1.5 && this.#isIndependent(nodes, route)) {
      this.#emitProduct(route);
      return;
    }
    if (begins && begun && first.access.rows > 8 && joinKeys(nodes, this.pending, this.solved).length > 0) {
      // What is looked up for each row anew may be less than all there is, and many times that all the same: `a.name = b.name AND a.id < b.id`, with an index of ids.
      const once = this.#isIndependent(nodes, route) ? route : this.#routeAlone(nodes, relationships);
      if (once === route || (!isWindow(first.access) && this.#isIndependent(nodes, once) && this.plan.rows * route.cost > 2 * (this.plan.rows + once.cost))) {
        this.#emitProduct(once);
        return;
      }
    }
    for (const step of route.steps) this.#emit(step);
  }

  #namesOf(route: Route): Set<string> {
    const names = new Set<string>();
    for (const step of route.steps) {
      if (step.kind === 'start') names.add(step.node.name);
      else names.add(step.relationship.name).add(step.relationship.from).add(step.relationship.to);
    }
    return names;
  }

  #isIndependent(nodes: readonly GraphNode[], route: Route): boolean {
    if (nodes.some((node) => this.solved.has(node.name))) return false;
    const own = this.#namesOf(route);
    for (const step of route.steps) {
      if (step.kind !== 'follow') {
        // A range does not use up its bounds: they are tested again, and depend on the row all the same.
        for (const { mentions } of [...step.access.uses, ...countedIn(step.access)]) for (const name of mentions) if (!own.has(name) && this.env.has(name)) return false;
      }
      if (step.kind === 'start') continue;
      if (this.#mustDiffer(step.relationship).length > 0) return false;
      else if (step.relationship.repeated?.predicates.some(({ mentions }) => [...mentions].some((name) => this.env.has(name))) === true) return false;
      else if ([step.relationship, ...step.relationship.repeated?.steps ?? []].some(({ types }) => this.#dependsOnRow(types))) return false;
      else for (const { value } of step.relationship.properties) if (value.kind !== 'Literal' && value.kind !== 'Parameter') return false;
    }
    return true;
  }

  /** Whether types are values of variables that have one. */
  #dependsOnRow(types: LabelExpression | undefined): boolean {
    let depends = false;
    forEachDynamic(types, (e) => {
      depends ||= [...mentionedVariables(e)].some((name) => this.env.has(name));
    });
    return depends;
  }

  #emitProduct(route: Route): void {
    const left = this.plan;
    const begins = route.steps.flatMap((step) => (step.kind === 'start' ? [step.node.name] : step.kind === 'seek' ? [step.relationship.from, step.relationship.to] : []));
    const nodes = begins.map((name) => this.graph.nodes.get(name)!);
    const keys = joinKeys(nodes, this.pending, this.solved);
    const before = new Set(this.solved);
    const slotsBefore = this.env.layout.width;
    this.plan = { op: 'Argument', env: this.env, pass: true, rows: 1 };
    // Predicates on both sides wait until the sides meet.
    const all = this.pending;
    const own = this.#namesOf(route);
    const within = (predicate: Predicate): boolean => [...predicate.mentions].every((name) => own.has(name) || !this.env.has(name) && !this.#owned.has(name));
    this.pending = all.filter(within);
    for (const step of route.steps) this.#emit(step);
    const right = this.plan;
    const used = new Set(keys.map(({ predicate }) => predicate));
    this.pending = [...this.pending, ...all.filter((predicate) => !within(predicate) && !used.has(predicate))];
    const slots: number[] = [];
    for (let slot = slotsBefore; slot < this.env.layout.width; slot++) slots.push(slot);
    const scoped = (expression: Expression): Scoped => ({ expression, env: this.env });
    const rows = left.rows * right.rows * (keys.length > 0 ? 0.1 : 1);
    this.plan = {
      op: 'Product', input: left, right, slots, rows,
      keys: keys.map((key) => ({ left: scoped(key.left), right: scoped(key.right) })),
    };
    for (const name of before) this.solved.add(name);
    this.#filterReady();
  }

  #emit(step: Step): void {
    if (step.kind === 'start') this.#emitStart(step.node, step.access);
    else if (step.kind === 'seek') this.#emitSeek(step.relationship, step.access);
    else this.#emitFollow(step.relationship, step.reversed);
  }

  #emitStart(node: GraphNode, access: Access): void {
    const { env } = this;
    const slot = env.declare(node.name, NODE);
    this.solved.add(node.name);
    this.#useUp(access);
    const filters = this.takeReady();
    const counted = countedIn(access);
    const share = filters.reduce((product, { expression }) => (
      counted.some((each) => each.expression === expression) ? product : product * this.#share(node, expression)), 1);
    const found = { input: this.plan, slot, name: node.name, filters, rows: Math.max(0.01, this.plan.rows * access.rows * share) };
    this.plan = scanOf(access, found, [...node.labels], env, this.context.stats.catalog);
  }

  #emitSeek(relationship: GraphRelationship, access: Seek): void {
    const { env } = this;
    const { name } = relationship;
    const by = lookupOf(access, env, this.context.stats.catalog);
    const slot = env.declare(name, RELATIONSHIP);
    this.solved.add(name);
    this.#useUp(access);
    this.plan = { op: 'RelationshipSeek', input: this.plan, slot, name, by, rows: Math.max(0.01, this.plan.rows * access.rows) };
    this.#planEndpoints(relationship);
  }

  #useUp(access: Access): void {
    if (isExact(access)) this.pending = this.pending.filter((predicate) => !access.uses.includes(predicate));
  }

  #emitFollow(relationship: GraphRelationship, reversed: boolean): void {
    const { env } = this;
    const [fromName, toName] = reversed ? [relationship.to, relationship.from] : [relationship.from, relationship.to];
    const into = this.solved.has(toName);
    const from = env.slot(fromName)!;
    const to = into ? env.slot(toName)! : env.declare(toName, NODE);
    const list = relationship.length !== undefined;
    const used = this.context.isUsed(relationship.name) || this.#isInPath(relationship.name)
      || this.graph.predicates.some(({ mentions }) => mentions.has(relationship.name));
    const needed = used || this.graph.relationships.some((other) => other !== relationship && mayCoincide(other, relationship));
    const slot = needed ? env.declare(relationship.name, list ? listOf(RELATIONSHIP) : used ? RELATIONSHIP : LIST) : undefined;
    const distinctFrom = this.#mustDiffer(relationship);
    this.#followed.push(relationship);
    this.solved.add(relationship.name);
    this.solved.add(toName);
    const repeat = relationship.repeated && this.#planRepeat(relationship.repeated, reversed);
    const filters = this.takeReady();
    const fan = this.#fanOut(relationship, reversed, into);
    const share = into ? 1 : this.#labelShare(relationship, reversed);
    const end = this.graph.nodes.get(toName)!;
    const rows = Math.max(0.01, this.plan.rows * fan * share * filters.reduce((product, { expression }) => product * this.#share(end, expression), 1));
    const direction = relationship.direction === 'both' ? 'both' : reversed === (relationship.direction === 'out') ? 'in' : 'out';
    const step = {
      input: this.plan, from, fromName, to, toName, into, relationship: slot, relationshipName: relationship.name, idOnly: !used,
      types: relationship.types, typesIn: env, direction, labels: into ? [] : this.labelsOf(toName), distinctFrom, filters, rows,
    } as const;
    if (relationship.length === undefined) {
      this.plan = { op: 'Expand', ...step };
      return;
    }
    const distinctEnds = this.context.distinctEnds && slot === undefined && distinctFrom.length === 0;
    if (repeat !== undefined) {
      const { input, into: toIsBound, labels } = step;
      this.plan = {
        op: 'Repeat', input, from, fromName, to, toName, into: toIsBound, ...relationship.length, ...repeat, typesIn: env, chain: slot, reversed, labels, distinctFrom, filters, rows,
        distinctEnds: distinctEnds && repeat.lists.length === 0,
      };
      return;
    }
    const properties = relationship.properties.map(({ key, value }) => ({ key, value: { expression: value, env } }));
    this.plan = {
      op: 'VarExpand', ...step, idOnly: false, min: relationship.length.min, max: relationship.length.max, properties,
      distinctEnds, reversed,
    };
  }

  /** What is repeated has a scope of its own; its variables become lists in that of the pattern. */
  #planRepeat(repeated: GraphRepeat, reversed: boolean): Pick<Repeat, 'nodes' | 'steps' | 'tests' | 'lists' | 'start' | 'end'> {
    const env = this.env.inner();
    const inOrder = <T>(items: readonly T[]): T[] => (reversed ? items.toReversed() : [...items]);
    const own = new Set([...repeated.nodes, ...repeated.steps.map(({ name }) => name)]);
    for (const name of own) env.declare(name, repeated.nodes.includes(name) ? NODE : RELATIONSHIP);
    const nodes = inOrder(repeated.nodes);
    const steps = inOrder(repeated.steps);
    let pending = repeated.predicates.map(({ expression, mentions }) => ({ expression, waits: new Set([...mentions].filter((name) => own.has(name))) }));
    const tests = nodes.map((node, i) => {
      for (const { waits } of pending) {
        waits.delete(node);
        if (i > 0) waits.delete(steps[i - 1]!.name);
      }
      const ready = pending.filter(({ waits }) => waits.size === 0);
      pending = pending.filter(({ waits }) => waits.size > 0);
      return ready.map(({ expression }): Scoped => ({ expression, env }));
    });
    const lists: Repeat['lists'][number][] = [];
    for (const { name, kind, place } of repeated.variables) {
      if (this.context.isUsed(name)) lists.push({ slot: this.env.declare(name, listOf(kind === 'node' ? NODE : RELATIONSHIP)), name, kind, place });
      this.solved.add(name);
    }
    return {
      nodes: nodes.map((name) => env.slot(name)!), tests, lists, start: repeated.start, end: repeated.end,
      steps: steps.map(({ name, types, direction }) => ({ relationship: env.slot(name)!, types, direction: reversed ? OPPOSITE[direction] : direction })),
    };
  }

  /** The relationship (or list) has a value: its ends follow from it. */
  #planEndpoints(relationship: GraphRelationship): void {
    const { env } = this;
    const fromBound = this.solved.has(relationship.from);
    const from = fromBound ? env.slot(relationship.from)! : env.declare(relationship.from, NODE);
    this.solved.add(relationship.from);
    const toBound = this.solved.has(relationship.to);
    const to = toBound ? env.slot(relationship.to)! : env.declare(relationship.to, NODE);
    this.solved.add(relationship.to);
    const labels: { slot: number; label: string }[] = [];
    if (!fromBound) for (const label of this.labelsOf(relationship.from)) labels.push({ slot: from, label });
    if (!toBound) for (const label of this.labelsOf(relationship.to)) labels.push({ slot: to, label });
    const distinctFrom = this.#mustDiffer(relationship);
    this.#followed.push(relationship);
    const filters = this.takeReady();
    this.plan = {
      op: 'Endpoints', input: this.plan, relationship: env.slot(relationship.name)!, relationshipName: relationship.name, from, fromBound, to, toBound,
      direction: relationship.direction, types: relationship.types, typesIn: env, length: relationship.length, labels, distinctFrom, filters,
      rows: this.plan.rows,
    };
  }

  #mustDiffer(relationship: GraphRelationship): number[] {
    const slots: number[] = [];
    if (this.graph.isRepeatable === true) return slots;
    for (const other of this.#followed) {
      const slot = this.env.slot(other.name);
      if (slot !== undefined && mayCoincide(other, relationship)) slots.push(slot);
    }
    return slots;
  }

  #isInPath(name: string): boolean {
    return this.graph.paths.some((path) => this.context.isUsed(path.name) && path.parts.some((part) => part.name === name));
  }

  #checkGiven(node: GraphNode): void {
    this.#checkLabels(node);
    const ends = [...this.graph.relationships, ...this.graph.shortest.map(({ relationship }) => relationship), ...this.graph.selected];
    if (node.labels.size > 0 || ends.some(({ from, to }) => from === node.name || to === node.name)) return;
    // The null of an OPTIONAL MATCH matches no node, and nothing else of the pattern would notice it.
    const operand: Expression = { kind: 'Variable', name: node.name, start: 0, end: 0 };
    this.pending.push({ mentions: new Set([node.name]), expression: { kind: 'IsNull', operand, negated: true, start: 0, end: 0 } });
  }

  #checkLabels(node: GraphNode): void {
    for (const label of node.labels) {
      const operand: Expression = { kind: 'Variable', name: node.name, start: 0, end: 0 };
      this.pending.push({
        mentions: new Set([node.name]),
        expression: { kind: 'HasLabels', operand, labels: { kind: 'Label', name: label, start: 0 }, start: 0, end: 0 },
      });
    }
  }

  /** Predicates all of whose names have a value, cheap ones first; they are pending no longer. */
  takeReady(): Scoped[] {
    const ready = this.pending.filter(({ mentions }) => [...mentions].every((name) => this.isKnown(name, this.solved)));
    if (ready.length === 0) return [];
    this.pending = this.pending.filter((predicate) => !ready.includes(predicate));
    return ready
      .map(({ expression }) => ({ expression, weight: weightOf(expression) }))
      .sort((a, b) => a.weight - b.weight)
      .map(({ expression }) => ({ expression, env: this.env }));
  }

  #filterReady(): void {
    const predicates = this.takeReady();
    if (predicates.length === 0) return;
    const share = predicates.reduce((product, { expression }) => product * selectivity(expression), 1);
    this.plan = { op: 'Filter', input: this.plan, predicates, rows: this.plan.rows * share };
  }
}

function mayCoincide(a: GraphRelationship, b: GraphRelationship): boolean {
  const left = plainTypes(a.types);
  const right = plainTypes(b.types);
  if (left === undefined || right === undefined || left.length === 0 || right.length === 0) return true;
  return left.some((type) => right.includes(type));
}

/** Patterns and subqueries are tested after everything that costs a comparison. */
function weightOf(e: Expression): number {
  switch (e.kind) {
    case 'PatternPredicate': case 'Subquery': case 'PatternComprehension': case 'ShortestPath': return 100;
    case 'Unary': return weightOf(e.operand);
    case 'Binary': return Math.max(weightOf(e.left), weightOf(e.right)) + (e.op === '=~' ? 3 : 0);
    case 'Call': case 'Quantifier': case 'ListComprehension': case 'Reduce': return 2 + e.kind.length / 100;
    default: return 1;
  }
}
