/** How often what goes wrong in a run of the simulator: drawn from its seed. */
import type { Random } from '../../src/base/random.ts';

export interface Rates {
  readonly servers: number;
  readonly witnesses: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly delayMs: number;
  readonly crash: number;
  readonly crashInWrite: number;
  readonly partition: number;
  readonly oneWay: boolean;
  readonly pause: number;
  readonly slowDisk: number;
  readonly members: number;
  readonly transfer: number;
  readonly compact: number;
  readonly clients: number;
  readonly leases: boolean;
  readonly syncError: number;
  readonly diskFull: number;
  readonly wipe: number;
  readonly rot: number;
  readonly slowNode: number;
  readonly clockJump: number;
}

/** Drawn apart from the rest, so that seeds which draw none of these play the histories that they always did. */
export interface LinkRates {
  readonly kindDrop: number;
  readonly clog: number;
  readonly capacity: number;
  readonly pairCut: number;
  readonly diskStall: number;
  readonly endsWithQuorum: boolean;
  readonly endsQuietly: boolean;
}

export function drawRates(random: Random): Rates {
  const r = () => random.next();
  const some = (probability: number, max: number) => (r() < probability ? r() * max : 0);
  const servers = r() < 0.1 ? 1 : r() < 0.6 ? 3 : [2, 4, 5, 5, 6, 7][Math.floor(r() * 6)]!;
  return {
    servers, witnesses: r() < 0.35 ? Math.floor((servers - 1) / 2 * (0.5 + r() / 2)) : 0,
    loss: some(0.5, 0.3), duplicate: some(0.4, 0.5), delayMs: r() < 0.7 ? 1 + r() * 5 : 5 + r() * 40,
    crash: some(0.6, 0.3), crashInWrite: some(0.6, 0.03), partition: some(0.6, 0.3), oneWay: r() < 0.4, pause: some(0.4, 0.2),
    slowDisk: some(0.4, 0.2), members: r() < 0.2 ? 0.5 + r() / 2 : some(0.5, 0.5), transfer: some(0.4, 0.3), compact: some(0.6, 0.8), clients: 1 + Math.floor(r() * 4),
    leases: r() < 0.5, syncError: some(0.3, 0.1), diskFull: some(0.3, 0.1), wipe: some(0.3, 0.1), rot: some(0.3, 0.1), slowNode: some(0.3, 0.1), clockJump: some(0.3, 0.1),
  };
}

export function drawLinkRates(random: Random): LinkRates {
  const r = () => random.next();
  const some = (probability: number, max: number) => (r() < probability ? r() * max : 0);
  return {
    kindDrop: some(0.25, 0.3), clog: some(0.25, 0.4), capacity: r() < 0.15 ? 2 + Math.floor(r() * 19) : Infinity, pairCut: some(0.25, 0.4), diskStall: some(0.25, 0.3),
    endsWithQuorum: r() < 0.3, endsQuietly: r() < 0.3,
  };
}

/** Nothing goes wrong but what a test does. */
export const CALM: Rates = {
  servers: 3, witnesses: 0, loss: 0, duplicate: 0, delayMs: 2, crash: 0, crashInWrite: 0, partition: 0, oneWay: false, pause: 0, slowDisk: 0, members: 0, transfer: 0, compact: 0.5,
  clients: 1, leases: false, syncError: 0, diskFull: 0, wipe: 0, rot: 0, slowNode: 0, clockJump: 0,
};
export const CALM_LINKS: LinkRates = { kindDrop: 0, clog: 0, capacity: Infinity, pairCut: 0, diskStall: 0, endsWithQuorum: false, endsQuietly: false };
