import { expect, it } from 'vitest';
import { progressLine } from '../../src/cli/progress.ts';

it('goes on with a bar after something else was printed', () => {
  const line = progressLine('bar');
  const step = { phase: 'validate', total: 10, elements: 1 };
  line.show({ ...step, done: 1 });
  line.end();
  expect(() => line.show({ ...step, done: 2 })).not.toThrow();
  line.end();
});
