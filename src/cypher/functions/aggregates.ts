/**
 * Aggregate functions. Nulls never reach a total; DISTINCT is the caller's work. Sums of INTEGERs are exact and overflow
 * with an error; means and deviations are computed in one pass (Welford), so that they stay precise.
 */
import { mayMakeList } from '../../base/allowance.ts';
import { add, divide, double } from '../../value/arithmetic.ts';
import { orderCompare } from '../../value/compare.ts';
import { typeName } from '../../value/format.ts';
import { valueBytes } from '../../value/size.ts';
import { Duration } from '../../value/temporal.ts';
import { invalidType, outOfRange } from '../../value/value-errors.ts';
import { Float, isNumber } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import type { Accumulator, AggregateFunction } from './function.ts';

const SMALL = 48;

class Count implements Accumulator {
  readonly bytes = SMALL;
  #count = 0;

  add(args: Value[]): void {
    if (args[0] !== null) this.#count++;
  }

  result(): Value {
    return this.#count;
  }

  save(): Value {
    return this.#count;
  }

  load(saved: Value): void {
    this.#count = saved as number;
  }
}

class Sum implements Accumulator {
  readonly bytes = SMALL;
  #sum: Value = 0;
  #started = false;

  add([value]: Value[]): void {
    if (value === null || value === undefined) return;
    if (!isNumber(value) && !(value instanceof Duration)) throw notNumeric('sum', value);
    this.#sum = this.#started || !(value instanceof Duration) ? add(this.#sum, value) : value;
    this.#started = true;
  }

  result(): Value {
    return this.#sum;
  }

  save(): Value {
    return [this.#sum, this.#started];
  }

  load(saved: Value): void {
    [this.#sum, this.#started] = saved as [Value, boolean];
  }
}

class Average implements Accumulator {
  readonly bytes = SMALL;
  #count = 0;
  #sum = 0;
  /** What rounding took off the sum so far (Kahan and Neumaier). */
  #lost = 0;
  /** What a value counts as in the sum. One, until the sum would leave the doubles: the mean is among them even then. */
  #unit = 1;
  #durations: Duration | undefined;

  add([value]: Value[]): void {
    if (value === null || value === undefined) return;
    if (value instanceof Duration) {
      if (this.#count > 0 && this.#durations === undefined) throw invalidType('avg() cannot mix durations and numbers');
      this.#durations = this.#durations === undefined ? value : this.#durations.plus(value);
      this.#count++;
      return;
    }
    if (!isNumber(value)) throw notNumeric('avg', value);
    if (this.#durations !== undefined) throw invalidType('avg() cannot mix durations and numbers');
    let x = double(value) * this.#unit;
    if (Number.isFinite(x) && Number.isFinite(this.#sum) && !Number.isFinite(this.#sum + x)) {
      this.#unit = 2 ** -64;
      this.#sum *= this.#unit;
      this.#lost *= this.#unit;
      x *= this.#unit;
    }
    const sum = this.#sum + x;
    if (Number.isFinite(sum)) this.#lost += Math.abs(this.#sum) >= Math.abs(x) ? this.#sum - sum + x : x - sum + this.#sum;
    this.#sum = sum;
    this.#count++;
  }

  result(): Value {
    if (this.#count === 0) return null;
    if (this.#durations !== undefined) return divide(this.#durations, this.#count);
    return new Float((this.#sum + this.#lost) / this.#count / this.#unit);
  }

  save(): Value {
    return [this.#count, new Float(this.#sum), new Float(this.#lost), new Float(this.#unit), this.#durations ?? null];
  }

  load(saved: Value): void {
    const [count, sum, lost, unit, durations] = saved as [number, Float, Float, Float, Duration | null];
    this.#count = count;
    this.#sum = sum.value;
    this.#lost = lost.value;
    this.#unit = unit.value;
    this.#durations = durations ?? undefined;
  }
}

class Extreme implements Accumulator {
  readonly #wanted: number;
  #best: Value = null;

  constructor(wanted: 1 | -1) {
    this.#wanted = wanted;
  }

  get bytes(): number {
    return SMALL + (typeof this.#best === 'number' ? 0 : valueBytes(this.#best));
  }

  add([value]: Value[]): void {
    if (value === null || value === undefined) return;
    if (this.#best === null || orderCompare(value, this.#best) * this.#wanted > 0) this.#best = value;
  }

  result(): Value {
    return this.#best;
  }

  save(): Value {
    return this.#best;
  }

  load(saved: Value): void {
    this.#best = saved;
  }
}

class Collect implements Accumulator {
  bytes = SMALL;
  readonly #items: Value[] = [];

  add([value]: Value[]): void {
    if (value === null || value === undefined) return;
    if (this.#items.length % 65_536 === 65_535) mayMakeList(this.#items.length * 2);
    this.#items.push(value);
    this.bytes += 8 + valueBytes(value);
  }

  result(): Value {
    return this.#items;
  }

  save(): Value {
    return this.#items;
  }

  load(saved: Value): void {
    for (const item of saved as Value[]) this.add([item]);
  }
}

class Deviation implements Accumulator {
  readonly bytes = SMALL;
  readonly #name: string;
  readonly #finish: (squares: number, count: number) => number;
  #count = 0;
  #mean = 0;
  #squares = 0;

  constructor(name: string, finish: (squares: number, count: number) => number) {
    this.#name = name;
    this.#finish = finish;
  }

  add([value]: Value[]): void {
    if (value === null || value === undefined) return;
    if (!isNumber(value)) throw notNumeric(this.#name, value);
    const x = double(value);
    this.#count++;
    const delta = x - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (x - this.#mean);
  }

  result(): Value {
    return new Float(this.#count < 2 ? 0 : this.#finish(this.#squares, this.#count));
  }

  save(): Value {
    return [this.#count, new Float(this.#mean), new Float(this.#squares)];
  }

  load(saved: Value): void {
    const [count, mean, squares] = saved as [number, Float, Float];
    this.#count = count;
    this.#mean = mean.value;
    this.#squares = squares.value;
  }
}

abstract class Percentile implements Accumulator {
  bytes = SMALL;
  protected readonly values: (number | bigint | Float)[] = [];
  protected fraction = 0;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  add([value, percentile]: Value[]): void {
    if (percentile !== null && percentile !== undefined) {
      if (!isNumber(percentile)) throw notNumeric(this.#name, percentile);
      this.fraction = double(percentile);
      if (!(this.fraction >= 0 && this.fraction <= 1)) throw outOfRange(`${this.#name}(): ${this.fraction} is not between 0 and 1`);
    }
    if (value === null || value === undefined) return;
    if (!isNumber(value)) throw notNumeric(this.#name, value);
    if (percentile === null || percentile === undefined) throw notNumeric(this.#name, null);
    this.#keep(value);
  }

  #keep(value: number | bigint | Float): void {
    this.values.push(value);
    this.bytes += value instanceof Float ? 32 : 8;
  }

  result(): Value {
    if (this.values.length === 0) return null;
    this.values.sort(orderCompare);
    return this.pick();
  }

  save(): Value {
    return [new Float(this.fraction), ...this.values];
  }

  load(saved: Value): void {
    const [fraction, ...values] = saved as [Float, ...(number | bigint | Float)[]];
    for (const value of values) this.#keep(value);
    this.fraction = fraction.value;
  }

  protected abstract pick(): Value;
}

/** The smallest value that at least the fraction of all values does not exceed. */
class PercentileDisc extends Percentile {
  protected override pick(): Value {
    const position = Math.ceil(this.fraction * this.values.length);
    return this.values[Math.max(0, position - 1)]!;
  }
}

/** Interpolates between the two nearest values. */
class PercentileCont extends Percentile {
  protected override pick(): Value {
    const position = this.fraction * (this.values.length - 1);
    const below = Math.floor(position);
    const low = double(this.values[below]!);
    const high = double(this.values[Math.ceil(position)]!);
    return new Float(low === high ? low : low * (1 - (position - below)) + high * (position - below));
  }
}

function notNumeric(name: string, value: Value): Error {
  return invalidType(`${name}() needs numbers, not ${typeName(value)}`);
}

function aggregate(name: string, args: number, create: () => Accumulator): AggregateFunction {
  return { name, minArgs: args, maxArgs: args, create };
}

function deviation(name: string, finish: (squares: number, count: number) => number): AggregateFunction {
  return aggregate(name, 1, () => new Deviation(name, finish));
}

export const AGGREGATES: readonly AggregateFunction[] = [
  aggregate('count', 1, () => new Count()),
  aggregate('sum', 1, () => new Sum()),
  aggregate('avg', 1, () => new Average()),
  aggregate('min', 1, () => new Extreme(-1)),
  aggregate('max', 1, () => new Extreme(1)),
  aggregate('collect', 1, () => new Collect()),
  deviation('stDev', (squares, count) => Math.sqrt(squares / (count - 1))),
  deviation('stDevP', (squares, count) => Math.sqrt(squares / count)),
  deviation('variance', (squares, count) => squares / (count - 1)),
  deviation('varianceP', (squares, count) => squares / count),
  aggregate('percentileDisc', 2, () => new PercentileDisc('percentileDisc')),
  aggregate('percentileCont', 2, () => new PercentileCont('percentileCont')),
];
