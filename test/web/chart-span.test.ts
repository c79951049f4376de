import { expect, it } from 'vitest';
import { shownSpan } from '../../web/src/state/chart-span.ts';

it('shows the last minute while there is less than that, then all, and what was chosen of it', () => {
  // uPlot takes a thousand days for one moment.
  expect(shownSpan([1000], 1000, 1000 + 86_400_000)).toEqual([940, 1000]);
  expect(shownSpan([1000, 1002], 1000, 1002)).toEqual([942, 1002]);
  expect(shownSpan([1000, 1100], 1000, 1100)).toEqual([1000, 1100]);
  expect(shownSpan([1000, 1050, 1100], 1040, 1060)).toEqual([1040, 1060]);
});
