import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { PowerCut } from '../disk.ts';
import { SimStore } from './store.ts';

const OLD = { index: 1, hash: 'a' };
const NEW = { index: 2, hash: 'b' };

/** Index of the state that is in use when the power went at `operation` of a switch, and the machine came back. */
function switchedWithCut(seed: number, operation: number, isDone: boolean, isHasty: boolean): number {
  const store = new SimStore(seededRandom(seed));
  store.durable = OLD;
  store.fill(NEW);
  store.disk.cutPowerAfter(operation, isDone);
  let isThrough = false;
  try {
    store.replace(isHasty);
    isThrough = true;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  store.disk.crash();
  store.open();
  const { index } = store.durable;
  return isThrough && index === OLD.index ? 0 : index;
}

function outcomes(isHasty: boolean): Set<number> {
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    for (let operation = 0; operation < 8; operation++) for (const isDone of [false, true]) seen.add(switchedWithCut(seed, operation, isDone, isHasty));
  }
  return seen;
}

describe('a state store that takes the place of another', () => {
  it('leaves the old or the new one, wherever the power goes, and the new one once it is done', () => {
    expect(outcomes(false)).toEqual(new Set([OLD.index, NEW.index]));
  });

  it('would not, if the name of the new one were not synced first', () => {
    expect(() => outcomes(true)).toThrow('no file store');
  });
});
