/** Sets of ids as pages of bits: which vertices there are, and which have a label. */
import { DbError } from '../base/errors.ts';
import type { Block, BlockKind } from './blocks.ts';

export const PAGE_IDS = 4096;
/** A part of a bitmap has 1,024 bits, which a page of columns covers (columns.ts). */
export const PART_SHIFT = 10;
const PART_WORDS = 1 << (PART_SHIFT - 5);

/** Words of 32 bits each, as signed integers: a plain array of such is no larger than a typed one, and part of the heap. */
export type BitWords = number[];

/**
 * 4,096 bits. On disk as runs (start, length), which for ids given out in order is a few bytes.
 *
 * In parts, which a copy shares until either changes one: every new vertex changes two such blocks, in a copy of their own for its transaction.
 */
export class BitmapBlock implements Block {
  at = 0;
  readonly #parts: BitWords[];
  /** The parts, as bits, that no other block has. */
  #own: number;

  constructor(parts?: BitWords[]) {
    this.#parts = parts ?? [NOTHING, NOTHING, NOTHING, NOTHING];
    this.#own = 0;
  }

  /** One after the other: to be read only. */
  get parts(): readonly BitWords[] {
    return this.#parts;
  }

  has(bit: number): boolean {
    return (this.#parts[bit >>> PART_SHIFT]![(bit >>> 5) & 31]! & (1 << (bit & 31))) !== 0;
  }

  set(bit: number, on: boolean): void {
    const number = bit >>> PART_SHIFT;
    let part = this.#parts[number]!;
    if ((this.#own & (1 << number)) === 0) {
      this.#parts[number] = part = part.slice();
      this.#own |= 1 << number;
    }
    const word = (bit >>> 5) & 31;
    if (on) part[word]! |= 1 << (bit & 31);
    else part[word]! &= ~(1 << (bit & 31));
  }

  copy(): BitmapBlock {
    this.#own = 0;
    return new BitmapBlock(this.#parts.slice());
  }

  get empty(): boolean {
    return this.#parts.every((part) => part.every((word) => word === 0));
  }

  /** The set bits, ascending, each plus `base`. */
  ids(base: number): number[] {
    let count = 0;
    for (const part of this.#parts) for (let w = 0; w < PART_WORDS; w++) count += ones(part[w]!);
    // Of its full length from the start: to grow would take as long as all the rest.
    const ids = new Array<number>(count);
    let at = 0;
    let start = base;
    for (const part of this.#parts) {
      for (let w = 0; w < PART_WORDS; w++, start += 32) {
        let word = part[w]!;
        if (word === -1) {
          for (let id = start; id < start + 32; id++) ids[at++] = id;
          continue;
        }
        for (; word !== 0; word &= word - 1) ids[at++] = start + 31 - Math.clz32(word & -word);
      }
    }
    return ids;
  }

  /** Start and end of each run of set bits, one after the other. Whole words of ones or zeros are one step. */
  runs(): number[] {
    const runs: number[] = [];
    let isOn = false;
    let start = 0;
    for (const part of this.#parts) {
      for (let w = 0; w < PART_WORDS; w++, start += 32) {
        const word = part[w]!;
        if (word === (isOn ? -1 : 0)) continue;
        for (let bit = 0; bit < 32; bit++) {
          const on: boolean = (word & (1 << bit)) !== 0;
          if (on === isOn) continue;
          runs.push(start + bit);
          isOn = on;
        }
      }
    }
    if (isOn) runs.push(PAGE_IDS);
    return runs;
  }
}

/** Pushed one by one, so that the array has no holes for V8 to look for. */
function wordsOf(next: () => number): BitWords {
  const words: BitWords = [];
  for (let w = 0; w < PART_WORDS; w++) words.push(next());
  return words;
}

/** Shared by all blocks that are empty there. */
const NOTHING = wordsOf(() => 0);

/** The number of ones among 32 bits (Hacker's Delight, 5-1). */
function ones(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function bitmapKind(tag: number, name: string): BlockKind<BitmapBlock> {
  return {
    tag, name, logical: false,
    encode(block, writer) {
      const runs = block.runs();
      if (runs.length > PAGE_IDS / 16) {
        writer.varint(0);
        for (const part of block.parts) for (const word of part) writer.u32(word);
        return;
      }
      writer.varint(runs.length / 2 + 1);
      let last = 0;
      for (let i = 0; i < runs.length; i += 2) {
        writer.varint(runs[i]! - last).varint(runs[i + 1]! - runs[i]!);
        last = runs[i + 1]!;
      }
    },
    decode(reader) {
      const form = reader.varint();
      if (form === 0) {
        const part = (): BitWords => wordsOf(() => reader.u32() | 0);
        return new BitmapBlock([part(), part(), part(), part()]);
      }
      const block = new BitmapBlock();
      let last = 0;
      for (let left = form - 1; left > 0; left--) {
        const start = last + reader.varint();
        last = start + reader.varint();
        if (last > PAGE_IDS) throw new DbError('Corrupted', `a run of a ${name} ends at ${last}, a page has ${PAGE_IDS}`);
        for (let id = start; id < last; id++) block.set(id, true);
      }
      return block;
    },
    copy: (block) => block.copy(),
    size: () => 700,
  };
}

export const BITMAP = bitmapKind(6, 'bitmap');
export const SUMMARY = bitmapKind(7, 'summary');

/** Block number of a page of a set. Set 0: all vertices; label + 1: the vertices with that label. */
export function setPage(set: number, page: number): number {
  return set * 2 ** 26 + page;
}
