/** The same as partial-groups.ts for aggregations without keys that only count rows, and the nodes in one slot of them. */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Aggregate } from '../plan/plan.ts';
import type { Holding } from './holding.ts';
import type { CountRows, PushIds } from './ids.ts';
import { checkRoom, type BeginPartial, type Partial } from './partial-groups.ts';
import { nullRow, type Row, type Runtime } from './runtime.ts';
import { Visited } from './visited.ts';

/** Of a node that was counted. */
const SEEN_BYTES = 24;

/** `isRows`: of each aggregate, whether it counts rows, or else the nodes, each once. */
export function countPartials(node: Aggregate, isRows: readonly boolean[], push: PushIds, countRows: CountRows): BeginPartial {
  const rowOf = (rows: number, nodes: number): Row => {
    const row = nullRow(node.env.layout.width);
    for (const [i, { slot }] of node.aggregates.entries()) row[slot] = isRows[i] === true ? rows : nodes;
    return row;
  };
  const nodes = isRows.includes(false);
  return (_rt, holding) => new PartialCounts(push, countRows, rowOf, nodes ? Visited.take() : undefined, holding);
}

class PartialCounts implements Partial {
  readonly #push: PushIds;
  readonly #countRows: CountRows;
  readonly #rowOf: (rows: number, nodes: number) => Row;
  /** It goes back where the rows are taken from this; otherwise it is collected with it. */
  readonly #seen: Visited | undefined;
  readonly #holding: Holding;
  readonly #nodes: number[] = [];
  #rows = 0;

  constructor(push: PushIds, countRows: CountRows, rowOf: (rows: number, nodes: number) => Row, seen: Visited | undefined, holding: Holding) {
    this.#push = push;
    this.#countRows = countRows;
    this.#rowOf = rowOf;
    this.#seen = seen;
    this.#holding = holding;
  }

  take(rt: Runtime, source: Iterable<Row[]>): void {
    if (this.#seen === undefined) this.#rows += this.#countRows(rt, source);
    else this.#push(rt, source, (ids, from, to) => {
      this.#rows += to - from;
      this.#see(ids, from, to);
    });
  }

  #see(ids: ArrayLike<number>, from: number, to: number): void {
    const before = this.#nodes.length;
    this.#seen!.claim(ids, from, to, 0, this.#nodes);
    if (this.#nodes.length === before) return;
    this.#holding.add((this.#nodes.length - before) * SEEN_BYTES);
    checkRoom(this.#holding);
  }

  save(w: ByteWriter): void {
    w.varint(this.#rows).varint(this.#nodes.length);
    for (const id of this.#nodes) w.varint(id);
    this.#seen?.release();
  }

  merge(r: ByteReader): void {
    this.#rows += r.varint();
    const ids: number[] = [];
    for (let left = r.varint(); left > 0; left--) ids.push(r.varint());
    if (this.#seen !== undefined) this.#see(ids, 0, ids.length);
  }

  rows(rt: Runtime): Iterable<Row[]> {
    rt.checkpoint(1);
    this.#seen?.release();
    return [[this.#rowOf(this.#rows, this.#nodes.length)]];
  }
}
