/**
 * Binary heaps in plain arrays, and merging by one (Knuth, The Art of Computer Programming 3, 5.2.3 and 5.4.1). `isAbove(a, b)`: a must not
 * stand below b.
 */
export type IsAbove<T> = (a: T, b: T) => boolean;

/** After an item was pushed. */
export function siftUp<T>(heap: T[], isAbove: IsAbove<T>): void {
  for (let at = heap.length - 1; at > 0;) {
    const parent = (at - 1) >> 1;
    if (!isAbove(heap[at]!, heap[parent]!)) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

/** After the item on top was replaced. */
export function siftDown<T>(heap: T[], isAbove: IsAbove<T>): void {
  for (let at = 0; ;) {
    let top = at;
    for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++) {
      if (isAbove(heap[child]!, heap[top]!)) top = child;
    }
    if (top === at) return;
    [heap[at], heap[top]] = [heap[top]!, heap[at]!];
    at = top;
  }
}

/** What several sorted sources give, in order. `isBefore` must be a total order, so that it does not matter which source is which. */
export function* mergeSorted<T>(sources: Iterable<Iterator<T>>, isBefore: IsAbove<T>): Generator<T> {
  const heap: { item: T; readonly source: Iterator<T> }[] = [];
  const isAbove = (a: { item: T }, b: { item: T }): boolean => isBefore(a.item, b.item);
  for (const source of sources) {
    const first = source.next();
    if (first.done === true) continue;
    heap.push({ item: first.value, source });
    siftUp(heap, isAbove);
  }
  while (heap.length > 0) {
    const [top] = heap;
    yield top!.item;
    const next = top!.source.next();
    if (next.done !== true) top!.item = next.value;
    else {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    siftDown(heap, isAbove);
  }
}
