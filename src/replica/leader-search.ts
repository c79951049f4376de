/**
 * A member that has heard of no leader for a while asks every address it knows who leads, and dials that server where it is now: its own
 * log may lack the entries that say where others have moved to, and whoever could send them looks for it where it was before.
 */
import type { NodeView } from '../raft/node.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport } from './consensus-transport.ts';
import { probeAll } from './formation.ts';
import type { NodeInfo } from './protocol.ts';

export interface LeaderSearchHost {
  readonly transport: Transport;
  readonly afterMs: number;
  readonly clusterId: () => string;
  /** Where members, and those of the configuration file, were last known to be; without this server itself. */
  readonly addresses: () => readonly string[];
  readonly onFound: () => void;
}

export class LeaderSearch {
  readonly #host: LeaderSearchHost;
  #sinceMs = 0;
  /** Members of this group where they answered, while nobody leads. */
  readonly found = new Map<NodeId, NodeInfo>();
  /** Leads the group, answers, and does not reach this server. */
  leaderAddress: string | undefined;

  constructor(host: LeaderSearchHost) {
    this.#host = host;
  }

  onTick(nowMs: number, view: NodeView): void {
    if (view.leader !== undefined) {
      this.#sinceMs = nowMs;
      this.found.clear();
      this.leaderAddress = undefined;
    } else if (nowMs - this.#sinceMs >= this.#host.afterMs) {
      this.#sinceMs = nowMs;
      void this.#search();
    }
  }

  async #search(): Promise<void> {
    const { transport, clusterId, onFound } = this.#host;
    const addresses = this.#host.addresses();
    const answers = await probeAll(transport, addresses);
    const leaders = new Set(answers.map(({ leaderAddress }) => leaderAddress).filter((address) => address !== undefined && !addresses.includes(address)));
    answers.push(...await probeAll(transport, [...leaders] as string[]));
    const members = answers.filter(({ identity }) => identity.membership === 'MEMBER' && identity.clusterId === clusterId());
    for (const { identity, info } of members) this.found.set(identity.nodeId, info);
    this.leaderAddress = members.find(({ info, leaderAddress }) => leaderAddress === info.rpcAddress)?.leaderAddress;
    if (this.found.size > 0) onFound();
  }
}
