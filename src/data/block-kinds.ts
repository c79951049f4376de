/** Every kind of block that a store holds. */
import { BITMAP, SUMMARY } from '../graph/bitmaps.ts';
import { CATALOG, ADJACENCY, CHUNK, COUNTERS, DEGREE, EDGE, VERTEX } from '../graph/blocks.ts';
import type { Block, BlockKind } from '../graph/blocks.ts';
import { INDEX } from '../graph/btree.ts';
import { OUTCOME, SYSTEM } from '../graph/system.ts';
import { VECTOR } from '../graph/vectors/vector-page.ts';

const BY_TAG: (BlockKind<Block> | undefined)[] = [];
for (const kind of [VERTEX, EDGE, ADJACENCY, CHUNK, DEGREE, BITMAP, SUMMARY, INDEX, COUNTERS, CATALOG, SYSTEM, OUTCOME, VECTOR] as unknown as BlockKind<Block>[]) BY_TAG[kind.tag] = kind;

/** What kind of block is stored under a key that begins with 'g'; undefined: one that this version does not know. */
export function kindOfKey(key: Uint8Array): BlockKind<Block> | undefined {
  return BY_TAG[key[5]!];
}
