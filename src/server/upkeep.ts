/** Carries what changes in the replicated options to the parts of this server that do not look at them themselves. */
import { lookup } from 'node:dns/promises';
import { normalAddress } from '../service/allowed-hosts.ts';
import { LOG_LEVELS } from './log.ts';
import type { Log } from './log.ts';

const INTERVAL_MS = 1000;

export interface UpkeepParts {
  readonly log: Log;
  readonly verbose: () => number;
  /** Users who still have the factory password. */
  readonly factoryPasswords: () => readonly string[];
  /** Undefined: every address may speak to the RPC port; else these, and those of the members. */
  readonly allowedHosts: () => readonly string[] | undefined;
  /** Addresses `host:port` of the servers of the group. */
  readonly members: () => Promise<readonly string[]>;
  readonly allowOnRpc: (addresses: readonly string[] | undefined) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #timer: NodeJS.Timeout;
  #told: string | undefined;
  #hasWarned = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    // A failed look changes nothing, and the next one is a second away.
    this.#timer = setInterval(() => {
      this.look().catch((error: Error) => parts.log.debug(`the replicated options were not looked at: ${error.message}`));
    }, INTERVAL_MS).unref();
  }

  async look(): Promise<void> {
    const { log, verbose } = this.#parts;
    const level = LOG_LEVELS[verbose()] ?? 'info';
    if (log.level !== level) {
      log.info(`the level of this log is ${level} from now on (verbose)`);
      log.level = level;
    }
    const users = this.#hasWarned ? [] : this.#parts.factoryPasswords();
    if (users.length > 0) log.warn(`the factory password, which everybody knows, still opens this server to ${users.join(', ')}: change it (dbms.security.changePassword), or set force_password_change`);
    this.#hasWarned ||= users.length > 0;
    await this.#lookAtHosts();
  }

  async #lookAtHosts(): Promise<void> {
    const hosts = this.#parts.allowedHosts();
    let addresses: string[] | undefined;
    if (hosts !== undefined) {
      const members = await Promise.all((await this.#parts.members()).map(addressOf));
      addresses = [...new Set([...hosts, ...members.flat()].map(normalAddress))].sort();
    }
    const told = JSON.stringify(addresses);
    if (told === this.#told) return;
    this.#told = told;
    this.#parts.allowOnRpc(addresses);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** A name may have several. One that has none at the moment cannot connect from it either. */
async function addressOf(member: string): Promise<string[]> {
  const host = member.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return lookup(host, { all: true }).then((found) => found.map(({ address }) => address), () => []);
}
