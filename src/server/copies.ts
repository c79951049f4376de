/**
 * The thread for copies (copy-thread.ts) as the rest of the server sees it: backups and exports, which would hold up requests on the main
 * thread. It is started by the first of them; most servers never need it.
 */
import { pulledBytes } from '../base/byte-streams.ts';
import { Channel } from '../base/channel.ts';
import type { PortLike } from '../base/channel.ts';
import { DbError } from '../base/errors.ts';
import type { BackupPoint } from '../replica/backup-point.ts';
import type { Copies } from '../service/backup-points.ts';
import type { GroupLink } from '../service/group-link.ts';
import type { Round, RoundOptions } from './backup-round.ts';

export interface CopiesOptions {
  readonly group: GroupLink;
  readonly isWitness: boolean;
  /** Starts the thread; gives the port to it. */
  readonly start: () => PortLike;
  readonly onNote: (line: string) => void;
}

export class ThreadCopies implements Copies {
  readonly #options: CopiesOptions;
  #started: Channel | undefined;
  #isStopped = false;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  get #channel(): Channel {
    const { group, isWitness, start, onNote } = this.#options;
    if (isWitness) throw new DbError('NotSupported', 'this server is a witness: it has no data to copy', { hint: 'ask another server of the group' });
    if (this.#isStopped) throw new DbError('ShuttingDown', 'this server is stopping');
    this.#started ??= new Channel(start(), {
      status: () => group.status(),
      logEntries: ([from, to, bytesMax]: [number, number, number]) => group.logEntries(from, to, bytesMax),
      note: (line: string) => onNote(line),
    });
    return this.#started;
  }

  async newest(): Promise<BackupPoint> {
    return this.#channel.call('newest', undefined);
  }

  async begin(): Promise<BackupPoint & { readonly name: string }> {
    return this.#channel.call('begin', undefined);
  }

  async state(name: string, after: string, bytesMax: number): Promise<AsyncIterable<Uint8Array>> {
    const channel = this.#channel;
    return pulledBytes(channel, await channel.call('state', { name, after, bytesMax }));
  }

  async log(from: number, to: number, bytesMax: number): Promise<AsyncIterable<Uint8Array>> {
    const channel = this.#channel;
    return pulledBytes(channel, await channel.call('log', { from, to, bytesMax }));
  }

  async end(name: string): Promise<void> {
    await this.#channel.call('end', name);
  }

  async export(graphs: readonly string[] | undefined, options: { readonly format: string; readonly delimiter: string }): Promise<{ version: number; bytes: AsyncIterable<Uint8Array> }> {
    const channel = this.#channel;
    const { version, stream } = await channel.call<{ version: number; stream: number }>('export', { graphs, options });
    return { version, bytes: pulledBytes(channel, stream) };
  }

  /** Makes a backup to `place` if one is due. */
  async round(place: string, options: RoundOptions): Promise<Round> {
    return this.#channel.call('round', { place, options });
  }

  /** To be called before the store is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#started?.call('stop', undefined);
    this.#started?.close();
  }
}
