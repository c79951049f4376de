/**
 * A member that has heard of no leader for a while asks every address it knows who leads, and dials that server where it is now: its own
 * log may lack the entries that say where others have moved to, and whoever could send them looks for it where it was before.
 */
import type { NodeView } from '../raft/node.ts';
import type { Mutants } from '../raft/state.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport } from './consensus-transport.ts';
import type { ProbeAnswer } from './formation.ts';
import type { NodeInfo } from './protocol.ts';

export interface LeaderSearchHost {
  readonly transport: Transport;
  readonly afterMs: number;
  readonly clusterId: () => string;
  /** Where members, and those of the configuration file, were last known to be; without this server itself. */
  readonly addresses: () => readonly string[];
  readonly onFound: () => void;
  readonly mutants: Mutants | undefined;
}

const PROBE_MS = 1000;

export class LeaderSearch {
  readonly #host: LeaderSearchHost;
  #sinceMs = 0;
  /** Members of this group where they answered, while nobody leads. */
  readonly found = new Map<NodeId, NodeInfo>();

  constructor(host: LeaderSearchHost) {
    this.#host = host;
  }

  onTick(nowMs: number, view: NodeView): void {
    if (view.leader !== undefined) {
      this.#sinceMs = nowMs;
      this.found.clear();
    } else if (nowMs - this.#sinceMs >= this.#host.afterMs) {
      this.#sinceMs = nowMs;
      if (this.#host.mutants?.has('searches-nobody') !== true) void this.#search();
    }
  }

  async #search(): Promise<void> {
    const addresses = this.#host.addresses();
    const answers = await Promise.all(addresses.map((address) => this.#probe(address)));
    const leaders = new Set(answers.map((answer) => answer?.leaderAddress).filter((address) => address !== undefined && !addresses.includes(address)));
    answers.push(...await Promise.all([...leaders].map((address) => this.#probe(address!))));
    for (const answer of answers) {
      const isOurs = answer?.identity.membership === 'MEMBER' && answer.identity.clusterId === this.#host.clusterId();
      if (isOurs) this.found.set(answer.identity.nodeId, answer.info);
    }
    if (this.found.size > 0) this.#host.onFound();
  }

  async #probe(address: string): Promise<ProbeAnswer | undefined> {
    try {
      return await this.#host.transport.call(address, { op: 'probe', body: {} }, PROBE_MS) as ProbeAnswer;
    } catch {
      return undefined;
    }
  }
}
