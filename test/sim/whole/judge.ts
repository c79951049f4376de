/**
 * What must hold over whole servers. Numbers are those of the project's list of invariants; F: formation.
 *
 *   F1  one formation has one outcome: the same members, the same beginning, on everybody who took part
 *   F2  servers whose lists overlap never form two groups
 */
import type { NodeView } from '../../../src/raft/node.ts';
import type { Identity } from '../../../src/replica/log-store-identity.ts';
import { Violation } from '../checker.ts';
import type { Host } from './host.ts';
import type { SimProcess } from './process.ts';
import type { State } from './store.ts';

export interface Group {
  readonly log: { readonly term: number; readonly data: string }[];
  /** Index of the first entry that anybody applied. */
  first: number;
  readonly hashes: Map<number, string>;
  readonly leaders: Map<number, SimProcess>;
  readonly at: Map<string, number>;
  /** Acknowledged or read by somebody. */
  known: number;
  acknowledged: number;
}

/** The rest of this run proves nothing: it did what no server can notice, and came to harm by it. */
export class Unprotected extends Error {
  override readonly name = 'Unprotected';
}

export class Judge {
  readonly groups = new Map<string, Group>();
  readonly refused = new Set<string>();
  readonly #formed = new Map<string, string>();
  readonly #checked = new WeakSet<Identity>();
  readonly #families = new Map<string, string>();
  readonly #terms = new Map<SimProcess, number>();
  readonly #commits = new Map<SimProcess, number>();
  /** A directory was put back in a way that nobody can notice. */
  isUnprotected = false;

  must(claim: boolean, message: () => string): void {
    if (claim) return;
    if (this.isUnprotected) throw new Unprotected(message());
    throw new Violation(message());
  }

  group(clusterId: string): Group {
    let group = this.groups.get(clusterId);
    if (group === undefined) {
      group = { log: [], first: 1, hashes: new Map(), leaders: new Map(), at: new Map(), known: 0, acknowledged: 0 };
      this.groups.set(clusterId, group);
    }
    return group;
  }

  formedIn(family: string): boolean {
    return this.#families.has(family);
  }

  /** After anything happened in a process. */
  check(process: SimProcess): void {
    const seen = process.consensus?.seen;
    if (seen === undefined) return;
    this.#checkIdentity(process.host, seen.identity);
    if (seen.view !== undefined) this.#checkView(process, seen.identity, seen.view);
  }

  #checkIdentity(host: Host, identity: Identity): void {
    if (this.#checked.has(identity)) return;
    this.#checked.add(identity);
    const { membership, formed, clusterId } = identity;
    if (membership !== 'MEMBER' || formed === undefined) return;
    const outcome = JSON.stringify([formed.clusterId, formed.baseIndex, formed.config]);
    const other = this.#formed.get(formed.formId);
    if (other === outcome) return;
    this.must(other === undefined, () => `F1: ${host.name} took formation ${formed.formId} to end as ${outcome}, others as ${other}`);
    this.#formed.set(formed.formId, outcome);
    const before = this.#families.get(host.family);
    this.must(before === undefined || before === clusterId, () => `F2: ${host.name} formed the group ${clusterId} beside ${before}`);
    this.#families.set(host.family, clusterId);
  }

  #checkView(process: SimProcess, { clusterId }: Identity, view: NodeView): void {
    const { name } = process.host;
    this.must(view.term >= (this.#terms.get(process) ?? 0), () => `6: ${name} went back to term ${view.term}`);
    this.#terms.set(process, view.term);
    this.must(view.commitIndex >= (this.#commits.get(process) ?? 0), () => `7: ${name} takes back its commit index`);
    this.#commits.set(process, view.commitIndex);
    if (view.role !== 'leader') return;
    const { leaders } = this.group(clusterId);
    const other = leaders.get(view.term);
    this.must(other === undefined || other === process, () => `1: ${other?.host.name} and ${name} both lead term ${view.term} of ${clusterId}`);
    if (other === undefined) process.host.world.counts.leaderships += 1;
    leaders.set(view.term, process);
  }

  onApply(host: Host, clusterId: string, entry: { readonly index: number; readonly term: number; readonly data: string }, hash: string): void {
    const group = this.group(clusterId);
    const known = group.log[entry.index];
    if (known === undefined) {
      group.log[entry.index] = { term: entry.term, data: entry.data };
      if (entry.data !== '') {
        this.must(!group.at.has(entry.data), () => `22: ${entry.data} is committed twice`);
        this.must(!this.refused.has(entry.data), () => `22: ${entry.data} was refused for good, yet committed at ${entry.index}`);
        group.at.set(entry.data, entry.index);
      }
    } else {
      this.must(known.term === entry.term && known.data === entry.data,
        () => `5: ${host.name} applies "${entry.data}"@${entry.term} at ${entry.index} of ${clusterId}, others "${known.data}"@${known.term}`);
    }
    const other = group.hashes.get(entry.index);
    this.must(other === undefined || other === hash, () => `5: the state of ${host.name} at ${entry.index} of ${clusterId} differs`);
    group.hashes.set(entry.index, hash);
  }

  /** A state that was brought is the one that applying the log makes. */
  onInstalled(host: Host, clusterId: string, { index, hash }: State): void {
    const known = this.group(clusterId).hashes.get(index);
    this.must(known === undefined || known === hash, () => `15: ${host.name} was given a state at ${index} of ${clusterId} that is not the group's`);
  }

  onAcknowledged(clusterId: string, data: string, index: number, floor: number): void {
    const group = this.group(clusterId);
    this.must(group.at.get(data) === index, () => `22: ${data} acknowledged at ${index}, committed at ${group.at.get(data)}`);
    this.must(index > floor, () => `19: ${data} is entry ${index}, before ${floor} which was known when it began`);
    group.known = Math.max(group.known, index);
    group.acknowledged += 1;
  }

  onRead(clusterId: string, version: number, floor: number): void {
    this.must(version >= floor, () => `19: a read saw version ${version}, older than ${floor} which was known before it began`);
    const group = this.group(clusterId);
    group.known = Math.max(group.known, version);
  }
}
