/** Choices by a generator: what comes out depends on its seed alone. */
import type { Random } from '../src/base/random.ts';

export class Dice {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }
  below(n: number): number {
    return Math.floor(this.#random.next() * n);
  }
  chance(share: number): boolean {
    return this.#random.next() < share;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
