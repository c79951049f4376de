/**
 * What the main and reader threads do with whole states in a server: write the state to a file, and put one that arrived in the place of
 * the one in use. Each step takes a while, in which the power may go.
 */
import type { ConsensusToMain, MainToConsensus } from '../../../src/replica/protocol.ts';
import { DiskFullError } from '../../../src/replica/log-store-disk.ts';
import type { SimProcess } from './process.ts';
import { decodeState, encodeState, sha256Of } from './store.ts';

type Of<K extends ConsensusToMain['kind']> = Extract<ConsensusToMain, { kind: K }>;

const INSTALL_AGAIN_MS = 200;
const WRITE_BYTES = 700;

export async function exportState(process: SimProcess, { exportId, path }: Of<'exportState'>): Promise<MainToConsensus> {
  const { host, bulk } = process;
  const { world } = host;
  world.counts.exports += 1;
  const { state } = host;
  const bytes = encodeState(state, Math.floor(world.stateRandom.next() * world.stateRates.stateBytesMax));
  const fails = world.faults && world.stateRandom.next() < world.stateRates.exportFails;
  try {
    const file = await bulk.append(path);
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) await file.append(bytes.subarray(at, at + WRITE_BYTES));
    await file.sync();
    if (fails) throw new DiskFullError('no thread could do it');
    return { kind: 'stateExported', exportId, state: { index: state.index, bytes: bytes.length, sha256: sha256Of(bytes) } };
  } catch (error) {
    if (!(error instanceof DiskFullError)) throw error;
    world.counts.exportsFailed += 1;
    return { kind: 'stateExported', exportId, state: undefined, error: error.message };
  }
}

export async function installState(process: SimProcess, { path, index, sha256 }: Of<'installState'>): Promise<void> {
  if (process.isInstalling) return;
  process.isInstalling = true;
  const { host } = process;
  const { world } = host;
  const aWhile = () => process.wait(world.stateRandom.next() * (10 + world.stateRates.ioMs * 5));
  for (;;) {
    await aWhile();
    const bytes = process.guarded(() => {
      const file = process.files.open(path, false);
      return file.read(0, file.size);
    });
    const state = decodeState(bytes, sha256);
    if (state === undefined || state.index !== index) {
      world.counts.statesRefused += 1;
      process.isInstalling = false;
      process.tell({ kind: 'stateRefused', index });
      return;
    }
    if (world.faults && world.stateRandom.next() < world.stateRates.cutsInInstall) {
      world.counts.cutsInInstall += 1;
      host.store.disk.cutPowerAfter(Math.floor(world.stateRandom.next() * 4));
    }
    try {
      process.guarded(() => host.store.fill(state));
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      await process.wait(INSTALL_AGAIN_MS);
      continue;
    }
    host.store.disk.cutPowerAfter(-1);
    await aWhile();
    host.switchTo(process);
    return;
  }
}
