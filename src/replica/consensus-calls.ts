/**
 * Answers calls that come by address: from servers that form or join a group, and from `lgraph_peer`.
 *
 * Whoever gets here knows the group's secret, if it has one. What a tool may change by a call (`admin`) needs one: without a
 * secret anybody who reaches the port could.
 */
import { DbError } from '../base/errors.ts';
import type { NodeId } from '../raft/types.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { ConsensusGroup } from './consensus-group.ts';
import type { Beginning } from './consensus-start.ts';
import { decodeInfo } from './consensus-status.ts';
import type { PeerCall, Transport } from './consensus-transport.ts';
import type { Formed, JoinRequest, Prepare, ProbeAnswer } from './formation.ts';
import type { Compacted } from './log-compaction.ts';
import type { ConsensusOptions, GroupStatus, SnapshotDone } from './protocol.ts';

export interface CallsHost {
  readonly options: ConsensusOptions;
  readonly beginning: Beginning;
  driver(): ConsensusDriver | undefined;
  group(): ConsensusGroup | undefined;
  appliedIndex(): number | undefined;
  readonly transport: Transport;
  compactNow(timeoutMs: number): Promise<Compacted>;
  status(): GroupStatus;
  transferLeader(address: string | undefined, timeoutMs: number): Promise<unknown>;
  onDismissed(): void;
}

/** What `lgraph_peer` asks for with the secret alone. */
export interface AdminCall {
  readonly command: 'status' | 'transfer_leader' | 'add_peer' | 'remove_peer' | 'snapshot';
  readonly peer?: string;
}

const ADMIN_MS = 15_000;
const SNAPSHOT_MS = 60_000;
const MARGIN_MS = 2000;

export class Calls {
  readonly #host: CallsHost;

  constructor(host: CallsHost) {
    this.#host = host;
  }

  async answer(call: PeerCall): Promise<unknown> {
    const { options, beginning } = this.#host;
    switch (call.op) {
      case 'probe':
        return this.#probe();
      case 'prepare':
        return beginning.formation?.onPrepare(call.body as Prepare) ?? { refused: `${options.info.rpcAddress}, which takes part in no formation` };
      case 'commit':
        return beginning.formation?.onCommit(call.body as Formed) ?? {};
      case 'join':
        return this.#group().join(call.body as JoinRequest);
      case 'leave':
        await this.#group().letGo((call.body as { nodeId: NodeId }).nodeId, 3000);
        return {};
      case 'member':
        return this.#group().membership((call.body as { nodeId: NodeId }).nodeId);
      case 'dismiss':
        if ((call.body as { nodeId: NodeId }).nodeId === beginning.identity.nodeId) this.#host.onDismissed();
        return {};
      case 'snapshot':
        return this.snapshot(undefined, (call.body as { timeoutMs: number }).timeoutMs);
      case 'admin':
        return this.#admin(call.body as AdminCall);
      default:
        throw new DbError('InvalidRequest', `call ${call.op} is not known to this version`);
    }
  }

  #group(): ConsensusGroup {
    const group = this.#host.group();
    if (group === undefined) throw new DbError('NoLeader', 'this server belongs to no group yet');
    return group;
  }

  #probe(): ProbeAnswer {
    const { options, beginning } = this.#host;
    const { identity } = beginning;
    const view = this.#host.driver()?.node.view;
    const leader = view?.config.config.members.find(({ id }) => id === view.leader);
    const appliedIndex = this.#host.appliedIndex();
    return {
      identity, info: options.info, addresses: options.initialAddresses, appliedIndex: appliedIndex ?? options.appliedIndex,
      stateChecksum: appliedIndex === undefined ? options.stateChecksum ?? '' : '',
      leaderAddress: leader === undefined ? undefined : decodeInfo(leader).rpcAddress, formed: identity.formed,
      bootstrapRole: options.bootstrapRole ?? 0, lastTerm: view?.lastTerm ?? 0, lastIndex: view?.lastIndex ?? 0, commitIndex: view?.commitIndex ?? 0,
    };
  }

  async #admin({ command, peer }: AdminCall): Promise<unknown> {
    if (this.#host.options.secret === undefined) {
      throw new DbError('Forbidden', 'this group has no ha_secret, so the secret alone proves nothing: log in as an admin');
    }
    if (command === 'status') return this.#host.status();
    if (command === 'snapshot') return this.snapshot(peer, SNAPSHOT_MS);
    const group = this.#group();
    if (command === 'transfer_leader') return this.#host.transferLeader(peer, ADMIN_MS);
    if (peer === undefined) throw new DbError('InvalidRequest', '--peer is missing: the address host:rpc_port of the server');
    if (command === 'add_peer') return group.addByAddress(peer, ADMIN_MS);
    return group.removeNamed(peer, ADMIN_MS);
  }

  /** Syncs the state and compacts the log of the server at `address` (this one if undefined); resolves when that is done. */
  async snapshot(address: string | undefined, timeoutMs: number): Promise<SnapshotDone> {
    const { options, transport, compactNow } = this.#host;
    const { rpcAddress } = options.info;
    if (address === undefined || address === rpcAddress) return { rpcAddress, ...await compactNow(timeoutMs) };
    this.#group().memberAt(address);
    return await transport.call(address, { op: 'snapshot', body: { timeoutMs } }, timeoutMs + MARGIN_MS) as SnapshotDone;
  }
}
