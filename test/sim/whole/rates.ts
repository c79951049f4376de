/** What a seed draws: most runs are mostly about one thing. */
import type { Random } from '../../../src/base/random.ts';
import type { StateFaults } from './state-stream.ts';

export interface WholeRates {
  readonly servers: number;
  readonly witnesses: number;
  readonly oneBegins: boolean;
  readonly listsDiffer: boolean;
  readonly formOnMajority: boolean;
  readonly hasStrangers: boolean;
  readonly offlineMs: number | undefined;
  readonly startWithinMs: number;
  readonly leases: boolean;
  readonly delayMs: number;
  readonly loss: number;
  readonly crash: number;
  readonly cut: number;
  readonly cutAtStart: number;
  readonly partition: number;
  readonly oneWay: boolean;
  readonly pause: number;
  readonly slow: number;
  readonly clockJump: number;
  readonly syncError: number;
  readonly diskFull: number;
  readonly wipe: number;
  readonly copy: number;
  readonly putBack: number;
  /** Copies are put back even where nobody can notice. */
  readonly isReckless: boolean;
  readonly twin: number;
  readonly move: number;
  readonly swap: number;
  readonly remove: number;
  readonly leave: number;
  readonly transfer: number;
}

export function drawRates(random: Random): WholeRates {
  const r = () => random.next();
  const some = (probability: number, max: number) => (r() < probability ? r() * max : 0);
  const servers = r() < 0.65 ? 3 : [2, 4, 5, 5][Math.floor(r() * 4)]!;
  const putBack = some(0.4, 0.5);
  return {
    servers, witnesses: r() < 0.2 && servers >= 3 ? 1 : 0, oneBegins: r() < 0.2, listsDiffer: r() < 0.15, formOnMajority: r() < 0.3, hasStrangers: r() < 0.3,
    offlineMs: r() < 0.25 ? 800 + r() * 1500 : undefined, startWithinMs: r() < 0.5 ? 500 : 4000, leases: r() < 0.5,
    delayMs: r() < 0.7 ? 1 + r() * 4 : 5 + r() * 30, loss: some(0.3, 0.05), crash: some(0.6, 0.15), cut: some(0.5, 0.15), cutAtStart: some(0.5, 0.5), partition: some(0.6, 0.25), oneWay: r() < 0.4,
    pause: some(0.4, 0.15), slow: some(0.3, 0.1), clockJump: some(0.3, 0.1), syncError: some(0.3, 0.05), diskFull: some(0.3, 0.05), wipe: some(0.4, 0.15),
    copy: putBack > 0 ? 0.3 : 0, putBack, isReckless: r() < 0.15, twin: some(0.15, 0.05), move: some(0.3, 0.2), swap: some(0.4, 0.4), remove: some(0.3, 0.12), leave: some(0.3, 0.12),
    transfer: some(0.3, 0.1),
  };
}

/** What happens to logs that are dropped and to whole states. */
export interface StateRates {
  readonly keepsEntries: number;
  readonly intervalSeconds: number;
  readonly compact: number;
  readonly longOutage: number;
  /** A call to a file of a state takes up to so long. */
  readonly ioMs: number;
  readonly stateBytesMax: number;
  readonly exportFails: number;
  readonly cutsInInstall: number;
  readonly cutsInSwitch: number;
  readonly faults: StateFaults;
}

export function drawStateRates(random: Random): StateRates {
  const r = () => random.next();
  const some = (probability: number, max: number) => (r() < probability ? r() * max : 0);
  const drops = r() < 0.75;
  return {
    keepsEntries: r() < 0.5 ? 1 : Math.floor(r() * 12), intervalSeconds: drops && r() < 0.5 ? 1 + r() * 3 : 0, compact: drops ? 0.2 + r() * 0.6 : 0,
    longOutage: drops ? some(0.7, 0.15) : 0, ioMs: r() < 0.7 ? 2 : 30, stateBytesMax: r() < 0.35 ? 1000 : 12_000, exportFails: some(0.3, 0.2), cutsInInstall: some(0.5, 0.3),
    cutsInSwitch: some(0.5, 0.5), faults: { breaks: some(0.5, 0.08), damages: some(0.4, 0.04), crashes: some(0.6, 0.06) },
  };
}
