import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { NO_PLACE, NumberPlaces, NumberSet } from '../../src/cypher/exec/number-places.ts';

/** Numbers of every kind that statements have: ids, large ones, multiples of powers of two, fractions, both zeros, negative ones. */
function numbers(seed: number, count: number): number[] {
  const generator = seededRandom(seed);
  const random = (): number => generator.next();
  const kinds: readonly (() => number)[] = [
    () => Math.floor(random() * 1000), () => Math.floor(random() * 2 ** 53), () => -Math.floor(random() * 2 ** 40), () => Math.floor(random() * 4096) * 2 ** 20,
    () => Math.floor(random() * 4096) * 2 ** 40, () => random(), () => Math.floor(random() * 64) / 16, () => 0, () => -0, () => Number.POSITIVE_INFINITY, () => 2 ** 31, () => Number.MIN_VALUE,
  ];
  return Array.from({ length: count }, () => kinds[Math.floor(random() * kinds.length)]!());
}

it('knows what a Map knows', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const places = new NumberPlaces(seed % 3 === 0 ? 500 : 0);
    const set = new NumberSet();
    const map = new Map<number, number>();
    for (const [at, number] of numbers(seed, [10, 300, 20_000][seed % 3]!).entries()) {
      expect(places.get(number)).toBe(map.get(number) ?? NO_PLACE);
      expect(set.add(number)).toBe(!map.has(number));
      expect(places.add(number, at)).toBe(map.get(number) ?? NO_PLACE);
      if (!map.has(number)) map.set(number, at);
      else if (at % 5 === 0) {
        places.move(number, at);
        map.set(number, at);
      }
    }
    expect([places.size, set.size]).toEqual([map.size, map.size]);
    const sorted = (list: Iterable<number>): number[] => [...list].map((each) => each + 0).sort((a, b) => a - b);
    expect(sorted(places.numbers())).toEqual(sorted(map.keys()));
    expect(sorted(set.numbers())).toEqual(sorted(map.keys()));
  }
});

it('spreads numbers that lie at even distances', () => {
  // Were they all in one place, this would take minutes.
  for (const step of [1, 2 ** 10, 2 ** 16, 2 ** 20, 2 ** 32, 2 ** 36]) {
    const places = new NumberPlaces();
    for (let i = 0; i < 100_000; i++) places.add(i * step, i);
    expect(places.size).toBe(100_000);
    expect(places.get(99_999 * step)).toBe(99_999);
  }
});
