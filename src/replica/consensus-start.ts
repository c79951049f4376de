/**
 * How one server becomes a member of a group, and what it durably is until then and afterwards.
 *
 *   EMPTY ──form──▶ MEMBER      (formation.ts; a group of one forms by itself)
 *   EMPTY ──join──▶ MEMBER      as a learner, then a voter
 *   MEMBER ────────▶ normal start: a majority of the configuration in the log suffices
 *   REMOVED ─join──▶ MEMBER     under a new identity, with the data that it has
 */
import type { NewId } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import { pause } from '../base/timers.ts';
import { encodeConfig } from '../raft/config.ts';
import type { Mutants } from '../raft/state.ts';
import { ENTRY_CONFIG } from '../raft/types.ts';
import type { Transport } from './consensus-transport.ts';
import { formAlone, Formation, newName } from './formation.ts';
import type { FormationOutcome, JoinStart } from './formation.ts';
import { DiskFullError } from './log-store-disk.ts';
import type { Disk } from './log-store-disk.ts';
import { newIdentity, writeIdentity } from './log-store-identity.ts';
import type { Identity } from './log-store-identity.ts';
import type { LogStore } from './log-store.ts';
import type { ConsensusOptions } from './protocol.ts';
import { bootOf, checkBootstrap, missingLog, recoveredTerm, StartRefused } from './start-checks.ts';

const FULL_DISK_MS = 500;

export interface BeginningHost {
  readonly options: ConsensusOptions;
  readonly disk: Disk;
  readonly transport: Transport;
  readonly nowMs: () => number;
  readonly timers: Timers;
  readonly newId: NewId;
  readonly mutants?: Mutants | undefined;
  openStore(): LogStore;
  waitFor(what: string): void;
  /** Identity and log are those of a member. */
  onMember(): void;
  onFailed(message: string): void;
  log(level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export class Beginning {
  readonly #host: BeginningHost;
  #identity: Identity;
  #isStopped = false;
  /** Set while the group forms, or is looked for. */
  formation: Formation | undefined;

  constructor(host: BeginningHost) {
    this.#host = host;
    this.#identity = bootOf(host.disk, host.options, host.newId);
  }

  /** Makes durable who this server is from now on; nobody may hear of it before. */
  boot(): Promise<void> {
    return this.withSpace(() => writeIdentity(this.#host.disk, this.#identity));
  }

  get identity(): Identity {
    return this.#identity;
  }

  saveIdentity(identity: Identity): void {
    writeIdentity(this.#host.disk, identity);
    this.#identity = identity;
  }

  stop(): void {
    this.#isStopped = true;
    this.formation?.stop();
  }

  /** Does again what a full disk interrupts: nothing of a beginning counts before all of it is durable. */
  async withSpace<T>(work: () => T | Promise<T>): Promise<T> {
    for (let isTold = false; ; isTold = true) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DiskFullError) || this.#isStopped) throw error;
      }
      const { options, log, waitFor, timers } = this.#host;
      waitFor(`space on the disk of its log, ${options.logDirectory}`);
      if (!isTold) log('warn', 'no space left for the log: this server begins when there is', { directory: options.logDirectory });
      await pause(timers, FULL_DISK_MS);
    }
  }

  /** Throws StartRefused where the options do not fit what is there; a group that is still to be found is found in the background. */
  start(): Promise<void> {
    return this.withSpace(() => this.#start());
  }

  async #start(): Promise<void> {
    const { options, transport } = this.#host;
    const others = options.initialAddresses.filter((address) => address !== options.info.rpcAddress);
    if (this.#identity.membership === 'MEMBER' && this.#identity.isStandalone && options.enabled) await this.#endSolitude(others);
    // An empty server has promised nothing: a log beside it is of somebody that it was before.
    if (this.#identity.membership === 'EMPTY') this.#removeLog();
    if (this.#identity.membership === 'MEMBER') {
      const missing = missingLog(this.#host.disk, this.#identity, options.logDirectory);
      if (missing !== undefined) throw new Error(missing);
      this.#host.onMember();
      return;
    }
    const isNew = this.#identity.membership !== 'REMOVED';
    if (!options.enabled || (isNew && (others.length === 0 || options.bootstrapRole === 1))) {
      if (options.bootstrapRole === 1) await checkBootstrap(transport, others);
      this.#become({ kind: 'formed', formed: formAlone(this.#host.newId, this.#identity.nodeId, options.info, options.appliedIndex) });
      this.#host.onMember();
      return;
    }
    void this.#formGroup();
  }

  /** A server that ran alone is to be one of a group: the first of it, or one of several that hold the same data. */
  async #endSolitude(others: readonly string[]): Promise<void> {
    const { options, transport, openStore } = this.#host;
    if (others.length === 0 || options.bootstrapRole === 1) {
      if (options.bootstrapRole === 1) await checkBootstrap(transport, others);
      this.saveIdentity({ ...this.#identity, clusterId: newName(this.#host.newId), formed: undefined, formation: undefined, isStandalone: false });
      return;
    }
    const store = openStore();
    const { lastIndex } = store.recovered;
    store.close();
    // What is in its log alone would be lost with it.
    if (lastIndex > options.appliedIndex) throw new StartRefused('this server ran alone and was not stopped well: start it once more without enable_ha, and stop it with -d stop');
    this.saveIdentity({ ...newIdentity(this.#identity.isWitness, this.#host.newId), bootSeq: this.#identity.bootSeq });
  }

  async #formGroup(): Promise<void> {
    const { options, transport, nowMs, timers, newId, mutants, waitFor, log, onFailed } = this.#host;
    try {
      const appliedTerm = await this.withSpace(() => this.#termOfState());
      const formation = new Formation({
        transport, info: options.info, addresses: options.initialAddresses, appliedIndex: options.appliedIndex,
        stateChecksum: options.stateChecksum ?? '', appliedTerm,
        formOnMajority: options.formOnMajority, joinGroupMs: options.joinGroupSeconds * 1000, joinOnly: options.bootstrapRole === 2,
        nowMs, timers, newId, mutants, waitFor, log, identity: () => this.#identity, save: (identity) => this.saveIdentity(identity),
      });
      this.formation = formation;
      const outcome = await this.withSpace(() => formation.run());
      if (outcome === undefined || this.#isStopped) return;
      await this.withSpace(() => this.#become(outcome));
      // On its own: a member's log is never made anew.
      await this.withSpace(() => this.#host.onMember());
      if (outcome.kind === 'formed') await formation.announce(outcome.formed);
    } catch (error) {
      onFailed(`the group could not be formed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
  }

  /**
   * A server that comes back says where in the history of its group the data is that it still has. Only its log knows, and to join begins with
   * removing that: what it knows is noted first, for a start after a crash in between.
   */
  #termOfState(): number {
    const { options: { appliedIndex: index }, openStore } = this.#host;
    const { membership, stateTerm } = this.#identity;
    if (membership !== 'REMOVED' || index === 0) return 0;
    if (stateTerm?.index === index) return stateTerm.term;
    const store = openStore();
    const term = recoveredTerm(store.recovered, index);
    store.close();
    if (term > 0) this.saveIdentity({ ...this.#identity, stateTerm: { index, term } });
    return term;
  }

  /** Makes the outcome durable, log first: a member always has the configuration it was formed with. */
  #become(outcome: FormationOutcome): void {
    if (outcome.kind === 'formed') {
      const { config, baseIndex, clusterId, formId } = outcome.formed;
      // Whoever is no member yet has decided nothing: what is in its log is of an attempt that a crash cut off, perhaps with other members.
      this.#removeLog();
      const store = this.#host.openStore();
      store.persist({
        seq: 1, hard: { term: 1, votedFor: undefined }, truncateFrom: undefined,
        start: baseIndex === 0 ? undefined : { index: baseIndex, term: 1, config: { members: [] }, reset: true },
        // The same first entry on every member, so it needs no leader.
        entries: [{ index: baseIndex + 1, term: 1, kind: ENTRY_CONFIG, data: encodeConfig(config) }],
      });
      store.close();
      this.saveIdentity({
        ...this.#identity, membership: 'MEMBER', clusterId, formation: { formId, clusterId }, formed: outcome.formed, isStandalone: !this.#host.options.enabled,
      });
    } else {
      this.#beginLog(outcome.start);
      this.saveIdentity({ ...this.#identity, membership: 'MEMBER', clusterId: outcome.clusterId, formation: undefined, formed: undefined, stateTerm: undefined });
    }
  }

  /** A server that joins begins an empty log, behind the data that it brings from the same group. */
  #beginLog(start: JoinStart | undefined): void {
    this.#removeLog();
    const store = this.#host.openStore();
    if (start !== undefined) {
      store.persist({
        seq: 1, hard: { term: start.term, votedFor: undefined }, truncateFrom: undefined, entries: [], start: { ...start, reset: true },
      });
    }
    store.close();
  }

  #removeLog(): void {
    const { disk } = this.#host;
    // In the order of the log, as the log store does it: what a power cut leaves has no gap.
    for (const name of disk.list().filter((one) => one.startsWith('log-')).sort()) {
      disk.remove(name);
      disk.syncDirectory();
    }
  }
}
