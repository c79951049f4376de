/**
 * A path pattern as a finite automaton over relationships: a state is a place of the pattern that a path has come to, a move a relationship
 * that goes on from there (after the product-graph searches of regular path queries; Mendelzon and Wood, 1995).
 *
 * The repetitions of a bounded quantifier are states of their own, but for the only one of a pattern: its number follows from the length.
 */
import { DbError } from '../../base/errors.ts';
import type { PathSearch, SearchedSegment } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { DIRECTIONS, OPPOSITE } from './directions.ts';
import type { Row, Runtime } from './runtime.ts';
import { compileTests } from './row-tests.ts';
import { typeFilter, type TypeFilter } from './type-filter.ts';

type Test = (row: Row, rt: Runtime) => boolean;

/** What is asked of a node, whose slot the tests read. */
export interface NodeTest {
  readonly slot: number;
  readonly tests: readonly Test[];
}

export interface Move {
  readonly from: number;
  readonly to: number;
  /** Of the node it leaves: what it enters by leaving. */
  readonly entering: readonly NodeTest[];
  readonly types: TypeFilter;
  readonly directions: (typeof DIRECTIONS)['both'];
  readonly back: (typeof DIRECTIONS)['both'];
  /** Slots of the relationship and its nodes, for `tests`. */
  readonly slots: readonly [before: number, relationship: number, after: number];
  readonly tests: readonly Test[];
  /** Of the node it leads to. */
  readonly arriving: NodeTest | undefined;
}

export interface Automaton {
  /** By state; the first one is where paths begin. */
  readonly moves: readonly (readonly Move[])[];
  readonly incoming: readonly (readonly Move[])[];
  /** What is asked of a node where a path may end in that state; undefined: it may not. */
  readonly finals: readonly (readonly NodeTest[] | undefined)[];
  /** The segment and the place in its repetition that a path has come to. */
  readonly places: readonly { readonly segment: number; readonly place: number }[];
  readonly lengthMax: number;
}

const STATES_MAX = 10_000;

export function buildAutomaton(node: PathSearch, cc: CompileContext): Automaton {
  return new Builder(node, cc).build();
}

class Builder {
  readonly #node: PathSearch;
  readonly #cc: CompileContext;
  readonly #moves: Move[][] = [];
  readonly #finals: (NodeTest[] | undefined)[] = [];
  readonly #places: { segment: number; place: number }[] = [];
  readonly #states = new Map<string, number>();
  /** States whose moves are not made yet. */
  readonly #fresh: { readonly state: number; readonly segment: number; readonly repetition: number; readonly place: number }[] = [];
  readonly #joints: readonly (NodeTest | undefined)[];
  readonly #types: readonly (readonly TypeFilter[])[];
  readonly #tests: readonly (readonly (readonly Test[])[])[];
  readonly #nodes: readonly (readonly (NodeTest | undefined)[])[];
  /** The only segment that is repeated. */
  readonly #single: SearchedSegment | undefined;

  constructor(node: PathSearch, cc: CompileContext) {
    this.#node = node;
    this.#cc = cc;
    this.#joints = node.joints.map((joint) => this.#nodeTest(joint));
    this.#types = node.segments.map(({ steps }) => steps.map(({ types }) => typeFilter(types, node.typesIn, cc)));
    this.#tests = node.segments.map(({ steps }) => steps.map(({ tests }) => compileTests(tests, cc)));
    this.#nodes = node.segments.map(({ nodes }) => nodes.map((each) => this.#nodeTest(each)));
    const repeated = node.segments.filter(({ plain }) => !plain);
    this.#single = repeated.length === 1 ? repeated[0] : undefined;
  }

  build(): Automaton {
    this.#add(-1, 0);
    this.#leaveJoint(0, 0, []);
    for (let next = this.#fresh.pop(); next !== undefined; next = this.#fresh.pop()) this.#leave(next.state, next.segment, next.repetition, next.place);
    const incoming: Move[][] = this.#moves.map(() => []);
    for (const moves of this.#moves) for (const move of moves) incoming[move.to]!.push(move);
    let lengthMax = 0;
    for (const { steps, max } of this.#node.segments) lengthMax += steps.length * (max ?? Infinity);
    return { moves: this.#moves, incoming, finals: this.#finals, places: this.#places, lengthMax };
  }

  #nodeTest({ slot, tests }: PathSearch['joints'][number]): NodeTest | undefined {
    return tests.length === 0 ? undefined : { slot, tests: compileTests(tests, this.#cc) };
  }

  #add(segment: number, place: number): number {
    if (this.#places.length >= STATES_MAX) {
      throw new DbError('SemanticError', `the path pattern has more than ${STATES_MAX} places, counting repetitions`, { hint: 'repeat without an upper bound, or fewer times' });
    }
    this.#places.push({ segment, place });
    this.#moves.push([]);
    this.#finals.push(undefined);
    return this.#places.length - 1;
  }

  /** The state after the relationship in that place (from 1) of that repetition. */
  #state(segment: number, repetition: number, place: number): number {
    const key = `${segment} ${repetition} ${place}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#add(segment, place);
    this.#states.set(key, state);
    this.#fresh.push({ state, segment, repetition, place });
    return state;
  }

  #leave(state: number, at: number, repetition: number, place: number): void {
    const segment = this.#node.segments[at]!;
    if (place < segment.steps.length) {
      this.#move(state, at, repetition, place, []);
      return;
    }
    const { min, max, plain } = segment;
    const isEndless = max === undefined || segment === this.#single;
    const distinct = isEndless ? Math.max(min, 1) : max;
    const first = this.#nodes[at]![0];
    if (!plain && (isEndless || repetition < distinct)) this.#move(state, at, Math.min(repetition + 1, distinct), 0, first === undefined ? [] : [first]);
    if (repetition >= min) this.#leaveJoint(state, at + 1, plain ? [] : this.#jointTests(at + 1));
  }

  #jointTests(joint: number): readonly NodeTest[] {
    const test = this.#joints[joint];
    return test === undefined ? [] : [test];
  }

  /** Goes on from the node between two segments: with the next one's relationship, or past it. */
  #leaveJoint(state: number, joint: number, tests: readonly NodeTest[]): void {
    const segment = this.#node.segments[joint];
    if (segment === undefined) {
      this.#finals[state] = [...tests];
      return;
    }
    const first = this.#nodes[joint]![0];
    if (segment.max !== 0) this.#move(state, joint, 1, 0, first === undefined ? tests : [...tests, first]);
    if (segment.min === 0) this.#leaveJoint(state, joint + 1, [...tests, ...this.#jointTests(joint + 1)]);
  }

  #move(from: number, at: number, repetition: number, place: number, entering: readonly NodeTest[]): void {
    const { steps, nodes, plain } = this.#node.segments[at]!;
    const step = steps[place]!;
    this.#moves[from]!.push({
      from, to: this.#state(at, repetition, place + 1), entering, types: this.#types[at]![place]!,
      directions: DIRECTIONS[step.direction], back: DIRECTIONS[OPPOSITE[step.direction]],
      slots: [nodes[place]!.slot, step.slot, nodes[place + 1]!.slot], tests: this.#tests[at]![place]!,
      arriving: plain ? this.#joints[at + 1] : this.#nodes[at]![place + 1],
    });
  }
}
