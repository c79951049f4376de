/**
 * Where variables live: a row is an array of fixed width, and each name has a slot in it.
 *
 * One layout serves everything between two projections, so operators only fill further slots. An expression's own locals
 * (of comprehensions, quantifiers …) are slots too. A subquery inside an expression forks: its rows begin as copies of the outer ones.
 */
import { ANY, type StaticType } from '../semantics/types.ts';

/** Where LOAD CSV notes what file() and linenumber() give. */
export const CSV_PLACES = { file: ' csv file', linenumber: ' csv line' } as const;

export class Layout {
  width = 0;

  allocate(): number {
    return this.width++;
  }
}

export class Env {
  readonly layout: Layout;
  /** Slots taken over from the layout this one was forked from. */
  readonly inherited: number;
  readonly #slots: Map<string, number>;
  readonly #types: Map<string, StaticType>;

  constructor(
    layout: Layout = new Layout(), slots: ReadonlyMap<string, number> = new Map(), types: ReadonlyMap<string, StaticType> = new Map(), inherited = 0,
  ) {
    this.layout = layout;
    this.#slots = new Map(slots);
    this.#types = new Map(types);
    this.inherited = inherited;
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  slot(name: string): number | undefined {
    return this.#slots.get(name);
  }

  type(name: string): StaticType {
    return this.#types.get(name) ?? ANY;
  }

  /** Gives the name a slot, a new one even if it had one. */
  declare(name: string, type: StaticType = ANY): number {
    const slot = this.layout.allocate();
    this.#slots.set(name, slot);
    this.#types.set(name, type);
    return slot;
  }

  refine(name: string, type: StaticType): void {
    if (this.#slots.has(name)) this.#types.set(name, type);
  }

  forget(name: string): void {
    this.#slots.delete(name);
  }

  /** Names in order of declaration, without the planner's own (they begin with a space). */
  get names(): string[] {
    return [...this.#slots.keys()].filter((name) => !name.startsWith(' '));
  }

  get allNames(): string[] {
    return [...this.#slots.keys()];
  }

  /** A copy that shares the layout: for names that hold in a part only. */
  inner(): Env {
    return new Env(this.layout, this.#slots, this.#types, this.inherited);
  }

  /** For a subplan whose rows begin as copies of this layout's rows. `visible`: the names it may see, all if undefined. */
  fork(visible?: ReadonlySet<string>): Env {
    const layout = new Layout();
    layout.width = this.layout.width;
    const slots = visible === undefined ? this.#slots : new Map([...this.#slots].filter(([name]) => visible.has(name)));
    return new Env(layout, slots, this.#types, layout.width);
  }
}
