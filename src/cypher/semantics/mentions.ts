/**
 * How often each name occurs in a statement. A name that occurs once, in the pattern that binds it, need not be kept.
 */
import type { Clause, Expression, PatternPart, Query } from '../ast.ts';
import { allElements, forEachChild, forEachInPart } from './walk.ts';

/** Undefined where `*` takes up every name. */
export function countMentions(query: Query): ReadonlyMap<string, number> | undefined {
  const counter = new MentionCounter();
  counter.query(query);
  return counter.star ? undefined : counter.counts;
}

/** Whether the expression names a variable, in whatever way. */
export function mentions(e: Expression, name: string): boolean {
  const counter = new MentionCounter();
  counter.expression(e);
  return counter.star || counter.counts.has(name);
}

class MentionCounter {
  readonly counts = new Map<string, number>();
  star = false;

  query(query: Query): void {
    for (const part of query.parts) for (const clause of part.clauses) this.#clause(clause);
  }

  #add(name: string | undefined): void {
    if (name !== undefined) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  expression(e: Expression): void {
    switch (e.kind) {
      case 'Variable': this.#add(e.name); return;
      case 'MapProjection':
        for (const item of e.items) if (item.kind === 'variable') this.#add(item.name);
        break;
      case 'PatternComprehension': case 'PatternPredicate': case 'ShortestPath': this.#names(e.pattern); break;
      case 'Subquery': this.query(e.query); return;
      default:
    }
    forEachChild(e, (child) => {
      this.expression(child);
    });
  }

  #names(part: PatternPart): void {
    this.#add(part.variable);
    for (const { variable } of allElements(part.elements)) this.#add(variable);
  }

  #part(part: PatternPart): void {
    this.#names(part);
    forEachInPart(part, (e) => {
      this.expression(e);
    });
  }

  #all(...expressions: (Expression | undefined | string)[]): void {
    for (const e of expressions) if (e !== undefined && typeof e !== 'string') this.expression(e);
  }

  #clause(clause: Clause): void {
    switch (clause.kind) {
      case 'Match':
        for (const part of clause.patterns) this.#part(part);
        this.#all(clause.where);
        return;
      case 'Unwind': this.#all(clause.list); return;
      case 'With': case 'Return': {
        const { projection } = clause;
        this.star ||= projection.star;
        for (const item of projection.items) this.expression(item.expression);
        for (const item of projection.orderBy) this.expression(item.expression);
        this.#all(projection.skip, projection.limit, clause.kind === 'With' ? clause.where : undefined);
        return;
      }
      case 'Create': for (const part of clause.patterns) this.#part(part); return;
      case 'Merge':
        this.#part(clause.pattern);
        for (const item of [...clause.onCreate, ...clause.onMatch]) this.#item(item);
        return;
      case 'Set': for (const item of clause.items) this.#item(item); return;
      case 'Remove': for (const item of clause.items) this.#item(item); return;
      case 'Delete': this.#all(...clause.items); return;
      case 'Foreach':
        this.#all(clause.list);
        for (const inner of clause.clauses) this.#clause(inner);
        return;
      case 'Call':
        this.#all(...(clause.args ?? []), clause.where);
        for (const item of clause.yields ?? []) this.#add(item.variable);
        return;
      case 'CallSubquery':
        if (clause.imports === 'all') this.star = true;
        else for (const name of clause.imports ?? []) this.#add(name);
        this.#add(clause.inTransactions?.status);
        this.query(clause.query);
        return;
      case 'LoadCsv': this.#all(clause.url); return;
      case 'Finish':
    }
  }

  #item(item: { readonly kind: string; readonly variable?: string; readonly target?: Expression; readonly key?: Expression | string; readonly value?: Expression; readonly labels?: readonly (Expression | string)[] }): void {
    this.#add(item.variable);
    this.#all(item.target, item.key, item.value, ...item.labels ?? []);
  }
}
