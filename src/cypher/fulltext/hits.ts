/** Lists of found documents: ids ascending, with scores, combined by merging. */
import { siftDown, siftUp } from '../../base/heap.ts';

export interface Hits {
  readonly ids: readonly number[];
  readonly scores: readonly number[];
}

export const NO_HITS: Hits = { ids: [], scores: [] };

/** Documents of either; scores add up. */
export function union(a: Hits, b: Hits): Hits {
  if (a.ids.length === 0) return b;
  if (b.ids.length === 0) return a;
  const ids: number[] = [];
  const scores: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.ids.length || j < b.ids.length) {
    const [left, right] = [a.ids[i] ?? Infinity, b.ids[j] ?? Infinity];
    ids.push(Math.min(left, right));
    scores.push((left <= right ? a.scores[i]! : 0) + (right <= left ? b.scores[j]! : 0));
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return { ids, scores };
}

/** Of many lists, by halves, so that no document is moved more than log(n) times. */
export function unionAll(lists: readonly Hits[]): Hits {
  if (lists.length === 0) return NO_HITS;
  if (lists.length === 1) return lists[0]!;
  const middle = lists.length >>> 1;
  return union(unionAll(lists.slice(0, middle)), unionAll(lists.slice(middle)));
}

/** Documents of `a`: those that `b` has too, those that it has not, or all of them; what `b` gives them is added to their scores. */
export function merge(a: Hits, b: Hits, keep: 'common' | 'others' | 'all'): Hits {
  const ids: number[] = [];
  const scores: number[] = [];
  let j = 0;
  for (let i = 0; i < a.ids.length; i++) {
    const id = a.ids[i]!;
    j = seek(b.ids, id, j);
    const isCommon = b.ids[j] === id;
    if (keep === 'common' ? !isCommon : keep === 'others' && isCommon) continue;
    ids.push(id);
    scores.push(a.scores[i]! + (isCommon && keep !== 'others' ? b.scores[j]! : 0));
  }
  return { ids, scores };
}

/** First place from `from` on whose id is not below: by steps that double, then by halving. */
function seek(ids: readonly number[], id: number, from: number): number {
  let step = 1;
  let low = from;
  while (low + step < ids.length && ids[low + step]! < id) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, ids.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function boosted(hits: Hits, boost: number): Hits {
  return boost === 1 ? hits : { ids: hits.ids, scores: hits.scores.map((score) => score * boost) };
}

export interface Hit {
  readonly id: number;
  readonly score: number;
}

/** Higher scores first, then lower ids. */
function isBefore(a: Hit, b: Hit): boolean {
  return a.score > b.score || (a.score === b.score && a.id < b.id);
}

function isBehind(a: Hit, b: Hit): boolean {
  return isBefore(b, a);
}

/** The best `count`, in order, by a heap whose top is the worst of them. */
export function best(hits: Hits, count: number): Hit[] {
  const all = (at: number): Hit => ({ id: hits.ids[at]!, score: hits.scores[at]! });
  const order = (a: Hit, b: Hit): number => (isBefore(a, b) ? -1 : 1);
  if (count >= hits.ids.length) return hits.ids.map((_, at) => all(at)).sort(order);
  const heap: Hit[] = [];
  for (let at = 0; at < hits.ids.length && count > 0; at++) {
    if (heap.length < count) {
      heap.push(all(at));
      siftUp(heap, isBehind);
    } else if (hits.scores[at]! > heap[0]!.score) {
      // Ids ascend: of equal scores the first one stays.
      heap[0] = all(at);
      siftDown(heap, isBehind);
    }
  }
  return heap.sort(order);
}
