/**
 * What version a read must see, by its mode.
 *
 *   local          whatever this server has (and what the client has seen, and what this server told anybody when it led)
 *   linearizable   everything acknowledged before the read began: a leader confirms its leadership and names its commit index
 *   bounded        everything acknowledged up to `boundedMs` before the read began: such an index that this server learned in that
 *                  time will do, so a busy server asks the leader once per bound and not once per read
 */
import type { Clock } from '../base/clock.ts';
import type { GroupLink } from './group-link.ts';

export type ReadMode = 'local' | 'linearizable' | { readonly boundedMs: number | undefined };

interface Asked {
  /** Everything acknowledged before this moment is covered by the index. */
  readonly atMs: number;
  readonly index: Promise<number>;
}

export class ReadIndexes {
  readonly #group: Pick<GroupLink, 'readIndex'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #defaults: { readonly waitMs: number; readonly boundedMs: number };
  #last: Asked | undefined;

  constructor(group: Pick<GroupLink, 'readIndex'>, clock: Pick<Clock, 'monotonicMs'>, defaults: { readonly waitMs: number; readonly boundedMs: number }) {
    this.#group = group;
    this.#clock = clock;
    this.#defaults = defaults;
  }

  /** The least version that will do; throws NoLeader when it cannot be found out in time. */
  async versionFor(mode: ReadMode | undefined): Promise<number> {
    if (mode === undefined || mode === 'local') return 0;
    if (mode === 'linearizable') return this.#group.readIndex(this.#defaults.waitMs);
    return this.#bounded(mode.boundedMs ?? this.#defaults.boundedMs);
  }

  #bounded(boundedMs: number): Promise<number> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#last !== undefined && nowMs - this.#last.atMs <= boundedMs) return this.#last.index;
    const asked: Asked = { atMs: nowMs, index: this.#group.readIndex(this.#defaults.waitMs) };
    this.#last = asked;
    // A failure is not an answer for those who come later.
    asked.index.catch(() => {
      if (this.#last === asked) this.#last = undefined;
    });
    return asked.index;
  }
}
