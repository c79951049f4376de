/**
 * Who this data directory is: node.json and the lock.
 *
 * A node id belongs to a directory, not to an address. A wiped disk is a new server that has promised nothing, so it can
 * never vote for what its predecessor had acknowledged (rethinkdb issue 5289). `bootSeq` grows with every start: an older one on
 * the wire is a copied or rolled-back directory.
 */
import { readFileSync } from 'node:fs';
import { systemIds } from '../base/random.ts';
import type { NewId } from '../base/random.ts';
import type { Formed } from './formation.ts';
import { DiskFullError } from './log-store-disk.ts';
import type { Disk } from './log-store-disk.ts';

/** How far the directory has come. */
export type Membership =
  /** Fresh: has promised nothing. */
  | 'EMPTY'
  /** Promised to take part in one formation. */
  | 'ACCEPTED'
  | 'MEMBER'
  /** Left or removed: comes back only as a new server. */
  | 'REMOVED';

export interface Identity {
  readonly format: number;
  readonly nodeId: string;
  readonly clusterId: string;
  readonly bootSeq: number;
  readonly membership: Membership;
  readonly isWitness: boolean;
  /** The formation that this server accepted; `isOwn`: it proposed it itself, and nobody else can have decided it. */
  readonly formation: { readonly formId: string; readonly clusterId: string; readonly isOwn?: boolean } | undefined;
  /** How the group began, for a server that accepted and missed the end. */
  readonly formed: Formed | undefined;
  /** A group of one that was never meant to be more: a server without `enable_ha`. */
  readonly isStandalone: boolean;
  /** Of a server that was removed: the term of the entry that its data ends with, where that is at `index`. */
  readonly stateTerm: { readonly index: number; readonly term: number } | undefined;
}

const FILE = 'node.json';
const LOCK = 'LOCK';
const FORMAT = 1;

export function newIdentity(isWitness: boolean, newId: NewId = systemIds): Identity {
  return { format: FORMAT, nodeId: newId(8), clusterId: '', bootSeq: 0, membership: 'EMPTY', isWitness, formation: undefined, formed: undefined, isStandalone: false, stateTerm: undefined };
}

export function readIdentity(disk: Disk): Identity | undefined {
  if (!disk.list().includes(FILE)) return undefined;
  const file = disk.open(FILE, false);
  const text = file.read(0, file.size).toString();
  file.close();
  let parsed: Partial<Identity>;
  try {
    parsed = JSON.parse(text) as Partial<Identity>;
  } catch (cause) {
    throw new Error(`${FILE} is not valid JSON: restore it or wipe the directory and let the server join again`, { cause });
  }
  if ((parsed.format ?? 0) > FORMAT) throw new Error(`${FILE} has format ${parsed.format}; this version knows ${FORMAT}`);
  return {
    format: FORMAT, nodeId: parsed.nodeId ?? '', clusterId: parsed.clusterId ?? '', bootSeq: parsed.bootSeq ?? 0,
    membership: parsed.membership ?? 'EMPTY', isWitness: parsed.isWitness ?? false, formation: parsed.formation, formed: parsed.formed,
    isStandalone: parsed.isStandalone ?? false, stateTerm: parsed.stateTerm,
  };
}

/** The new contents are whole on disk before the name points to them, and the name is on disk before this returns (P10). */
export function writeIdentity(disk: Disk, identity: Identity): void {
  const file = disk.open(`${FILE}.new`, true);
  file.write(0, Buffer.from(`${JSON.stringify(identity, undefined, 2)}\n`));
  file.sync();
  file.close();
  disk.rename(`${FILE}.new`, FILE);
  disk.syncDirectory();
}

const heldHere = new Set<string>();

/**
 * One process for a directory. The lock names a process by id *and* start time, so that a lock left behind by a killed
 * server never blocks the next one, even when its id was given to somebody else.
 */
export function lockDirectory(disk: Disk, directory: string): () => void {
  if (heldHere.has(directory)) throw new Error(`${directory} is in use by this process already`);
  if (disk.list().includes(LOCK)) {
    const file = disk.open(LOCK, false);
    const holder = file.read(0, file.size).toString().trim();
    file.close();
    const pid = Number(holder.split(' ')[0]);
    if (pid > 0 && pid !== process.pid && processMark(pid) === holder) {
      throw new Error(`${directory} is in use by process ${pid}`);
    }
  }
  const file = disk.open(LOCK, true);
  file.write(0, Buffer.from(processMark(process.pid) ?? `${process.pid}`));
  file.close();
  heldHere.add(directory);
  return () => {
    heldHere.delete(directory);
    disk.remove(LOCK);
  };
}

/** Undefined: the disk is full. It is to be locked before anything is written. */
export function lockIfSpace(disk: Disk, directory: string): (() => void) | undefined {
  try {
    return lockDirectory(disk, directory);
  } catch (error) {
    if (error instanceof DiskFullError) return undefined;
    throw error;
  }
}

function processMark(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may contain anything: fields are counted behind its closing bracket; the 22nd is the start time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${pid} ${fields[19]}`;
  } catch {
    // No /proc (not Linux), or no such process: ask the kernel with a signal that does nothing.
    try {
      process.kill(pid, 0);
      return `${pid}`;
    } catch {
      return undefined;
    }
  }
}
