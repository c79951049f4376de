/** Says who was refused and why, once a minute for each: a stranger that keeps trying must not fill the log. */
const SAID_AGAIN_MS = 60_000;
const KNOWN_MAX = 1000;

export class Refusals {
  readonly #nowMs: () => number;
  readonly #log: (line: string, reason: string) => void;
  readonly #known = new Map<string, { saidMs: number; kept: number }>();

  constructor(nowMs: () => number, log: (line: string, reason: string) => void) {
    this.#nowMs = nowMs;
    this.#log = log;
  }

  /** `peer`: host and port; the port changes with every attempt and does not count. */
  note(peer: string, reason: string): void {
    const host = peer.replace(/:\d+$/, '');
    const key = `${host} ${reason}`;
    const known = this.#known.get(key);
    if (known !== undefined && this.#nowMs() - known.saidMs < SAID_AGAIN_MS) {
      known.kept += 1;
      return;
    }
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, { saidMs: this.#nowMs(), kept: 0 });
    const more = known === undefined || known.kept === 0 ? '' : ` (${known.kept} more times since the last line)`;
    this.#log(`refused a connection to the RPC port from ${peer}: ${reason}${more}`, reason);
  }
}
