/** Seconds that a chart shows at least. */
export const SPAN_S = 60;

/**
 * What part of the time a chart shows, of what uPlot would: all there is, but at least a minute, up to the last sample. Of one sample
 * uPlot by itself makes years. Who has chosen a part sees that.
 */
export function shownSpan(moments: ArrayLike<number>, low: number, high: number): [number, number] {
  const last = moments[moments.length - 1] ?? high;
  const end = Math.min(high, last);
  return [low <= (moments[0] ?? low) ? Math.min(low, end - SPAN_S) : low, end];
}
