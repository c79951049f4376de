/** The full-text indexes of a graph that is written or repaired as a whole: postings are gathered from all elements, and built in the end. */
import { join } from 'node:path';
import type { CountersBlock, Properties } from '../graph/blocks.ts';
import type { GraphCatalog, TextIndexDef } from '../graph/catalog.ts';
import { eachPosting } from '../graph/text/postings.ts';
import { IndexBuild } from './index-build.ts';

export class TextBuilds {
  readonly all: readonly { readonly index: TextIndexDef; readonly build: IndexBuild; readonly sums: number[] }[];
  readonly #catalog: GraphCatalog;

  /** `scratch`: a folder for what does not fit into memory. */
  constructor(catalog: GraphCatalog, scratch: string) {
    this.#catalog = catalog;
    this.all = catalog.texts.map((index) => ({ index, build: new IndexBuild(join(scratch, `index-${index.id}`)), sums: index.keyIds.flatMap(() => [0, 0]) }));
  }

  /** A vertex with its labels, or an edge with its type. `isIn`: those of the indexes that it is in, where some are being built. */
  add(kind: TextIndexDef['kind'], labelIds: readonly number[], id: number, block: Properties, isIn = (indexes: readonly TextIndexDef[]) => indexes): void {
    if (this.all.length === 0) return;
    const holding = isIn(this.#catalog.textsOf(kind, labelIds));
    for (const { index, build, sums } of this.all) {
      if (holding.includes(index)) eachPosting(index, id, block, sums, (key, posting) => build.add(key, posting));
    }
  }

  /** The sums of all texts, as ranking needs them. */
  noteSums(counters: CountersBlock): void {
    for (const { index, sums } of this.all) counters.texts.set(index.id, sums);
  }

  close(): void {
    for (const { build } of this.all) build.close();
  }
}
