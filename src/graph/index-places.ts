/** Which indexes hold an element: one that is being built (index-builds.ts), only what is placed before where it is. */
import type { BlockSource } from './block-source.ts';
import { COUNTERS } from './blocks.ts';
import type { BuiltIndex } from './catalog.ts';

/** Those of the indexes that hold what is at that place, if it belongs to them. */
export function reachedAt<Index extends Pick<BuiltIndex, 'id' | 'isUnfinished'>>(indexes: readonly Index[], place: number, source: BlockSource): readonly Index[] {
  for (const { isUnfinished } of indexes) {
    if (isUnfinished !== true) continue;
    const built = source.get(COUNTERS, 0)?.built;
    return indexes.filter((index) => index.isUnfinished !== true || place < (built?.get(index.id) ?? 0));
  }
  return indexes;
}

/** An index that is being built. */
export interface Unfinished {
  readonly graph: number;
  readonly index: number;
  /** It may turn out that it cannot be built. */
  readonly isUnique: boolean;
}
