/**
 * What the process takes of the memory it may take. The operating system ends whoever takes too much, without a word: first in a
 * container with a limit, then on a small machine, where it chooses the largest. Each thread asks for itself; all see the same numbers.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const KB = 1024;
const MB = 2 ** 20;

/** With less than this left, rubbish is collected early; with a part of it, caches let go and statements that hold much end. */
const TIGHT = { share: 1 / 3, least: 176 * MB, most: 512 * MB };
/** What four threads may make between two looks, and V8 needs to move what it keeps. */
const SHORT = { share: 1 / 6, least: 128 * MB, most: 192 * MB };

/** What readings of the operating system are taken from; tests have their own. */
export interface MemoryFiles {
  /** Text of /proc/self/status and of /proc/meminfo; undefined where there is none. */
  status(): string | undefined;
  machine(): string | undefined;
}

const PROC: MemoryFiles = { status: () => read('/proc/self/status'), machine: () => read('/proc/meminfo') };

export class ProcessMemory {
  /** Bytes the process may take. */
  readonly budgetBytes: number;
  /** The budget was set for the process: what others take of the machine is not looked at. */
  readonly isOwn: boolean;
  readonly tightBytes: number;
  readonly shortBytes: number;
  readonly #files: MemoryFiles;

  constructor(budgetBytes: number, isOwn = false, files = PROC) {
    this.budgetBytes = budgetBytes;
    this.isOwn = isOwn;
    this.#files = files;
    this.tightBytes = partOf(budgetBytes, TIGHT);
    this.shortBytes = partOf(budgetBytes, SHORT);
  }

  /** Bytes the process has for itself. Pages of mapped files are not counted: the system takes them back where it needs room. */
  get takenBytes(): number {
    return kilobytes(this.#files.status(), 'RssAnon') ?? process.memoryUsage.rss();
  }

  /** What may still be taken; negative where it is too much already. */
  get leftBytes(): number {
    const left = this.budgetBytes - this.takenBytes;
    if (this.isOwn) return left;
    return Math.min(left, kilobytes(this.#files.machine(), 'MemAvailable') ?? left);
  }
}

function partOf(bytes: number, { share, least, most }: typeof TIGHT): number {
  return Math.max(least, Math.min(bytes * share, most));
}

/** Memory of the machine, or of the container. */
export function machineBytes(): number {
  // 0 or a huge number means that there is no limit.
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

function kilobytes(text: string | undefined, name: string): number | undefined {
  const found = text === undefined ? undefined : new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text);
  return found === null || found === undefined ? undefined : Number(found[1]) * KB;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
