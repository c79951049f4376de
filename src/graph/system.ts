/**
 * The system state: which graphs there are, users, roles, settings and secrets. It is one block of graph number 0, so it
 * is replicated, versioned and cached like any other data.
 *
 * What a change means is decided on the leader (`auth`, `service`); what travels in the log is its result, one of
 * `SystemChange`, which every replica applies with `applySystemChange`.
 */
import { unreachable } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Block, BlockKind } from './blocks.ts';

export const SYSTEM_GRAPH = 0;

export interface GraphInfo {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly maxSizeGB: number;
  readonly strict: boolean;
}

/** What is kept of a user; the password only as a salted hash (`auth` knows its form). */
export interface UserRecord {
  readonly passwordHash: string;
  readonly description: string;
  readonly disabled: boolean;
  readonly roles: readonly string[];
  readonly memoryLimit: number;
  /** Whether the password is still the factory's. */
  readonly defaultPassword: boolean;
  /** Tokens issued earlier than this (ms) are void. */
  readonly tokensValidFromMs: number;
  /** The token issued at this time stays valid: its bearer changed the password himself. */
  readonly tokenKeptMs?: number;
  /** Tokens and sessions of another generation are void: no clocks are compared. Absent: 0. */
  readonly tokenGeneration?: number;
}

export type AccessLevel = 'NONE' | 'READ' | 'WRITE' | 'FULL';

export interface FieldAccess {
  readonly LABEL_TYPE: 'VERTEX' | 'EDGE';
  readonly LABEL: string;
  readonly FIELD: string;
  readonly FIELD_ACCESS_LEVEL: 'NONE' | 'READ' | 'WRITE';
}

export interface RoleRecord {
  readonly description: string;
  readonly disabled: boolean;
  readonly permissions: Readonly<Record<string, AccessLevel>>;
  readonly fieldPermissions: Readonly<Record<string, readonly FieldAccess[]>>;
}

export interface SystemState {
  readonly graphs: readonly GraphInfo[];
  readonly nextGraph: number;
  readonly users: Readonly<Record<string, UserRecord>>;
  readonly roles: Readonly<Record<string, RoleRecord>>;
  /** Live settings, allowed hosts, the token signing key: small JSON values by name. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A record without `Object.prototype`: names come from users, and `constructor` is a name like any other. */
function named<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  return Object.setPrototypeOf(Object.fromEntries(entries), null) as Record<string, T>;
}

export const EMPTY_SYSTEM: SystemState = { graphs: [], nextGraph: 1, users: named([]), roles: named([]), settings: named([]) };

function namedRole(role: RoleRecord): RoleRecord {
  return { ...role, permissions: named(Object.entries(role.permissions)), fieldPermissions: named(Object.entries(role.fieldPermissions)) };
}

function parseSystem(text: string): SystemState {
  const state = JSON.parse(text) as SystemState;
  return {
    ...state, users: named(Object.entries(state.users)), settings: named(Object.entries(state.settings)),
    roles: named(Object.entries(state.roles).map(([name, role]) => [name, namedRole(role)] as const)),
  };
}

export type SystemChange =
  | { readonly kind: 'createGraph'; readonly name: string; readonly description: string; readonly maxSizeGB: number; readonly strict: boolean }
  | { readonly kind: 'modifyGraph'; readonly name: string; readonly description?: string; readonly maxSizeGB?: number }
  | { readonly kind: 'deleteGraph'; readonly name: string }
  /** Null deletes. */
  | { readonly kind: 'setUser'; readonly name: string; readonly user: UserRecord | null }
  | { readonly kind: 'setRole'; readonly name: string; readonly role: RoleRecord | null }
  | { readonly kind: 'setSetting'; readonly name: string; readonly value: unknown };

export function applySystemChange(state: SystemState, change: SystemChange): SystemState {
  switch (change.kind) {
    case 'createGraph': {
      const { name, description, maxSizeGB, strict } = change;
      return { ...state, graphs: [...state.graphs, { id: state.nextGraph, name, description, maxSizeGB, strict }], nextGraph: state.nextGraph + 1 };
    }
    case 'modifyGraph':
      return {
        ...state,
        graphs: state.graphs.map((graph) => graph.name !== change.name ? graph : {
          ...graph, description: change.description ?? graph.description, maxSizeGB: change.maxSizeGB ?? graph.maxSizeGB,
        }),
      };
    case 'deleteGraph':
      return { ...state, graphs: state.graphs.filter((graph) => graph.name !== change.name) };
    case 'setUser':
      return { ...state, users: withEntry(state.users, change.name, change.user) };
    case 'setRole':
      return { ...state, roles: withEntry(state.roles, change.name, change.role === null ? null : namedRole(change.role)) };
    case 'setSetting':
      return { ...state, settings: withEntry(state.settings, change.name, change.value) };
    default:
      return unreachable(change);
  }
}

function withEntry<T>(record: Readonly<Record<string, T>>, name: string, value: T | null): Readonly<Record<string, T>> {
  const entries = Object.entries(record).filter(([key]) => key !== name);
  if (value !== null) entries.push([name, value]);
  // Sorted, so that the stored text does not depend on the order of changes.
  return named(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export class SystemBlock implements Block {
  at = 0;
  readonly state: SystemState;
  constructor(state: SystemState) {
    this.state = state;
  }
}

export const SYSTEM: BlockKind<SystemBlock> = {
  tag: 11, name: 'system', logical: true,
  encode(block, writer: ByteWriter) {
    writer.string(JSON.stringify(block.state));
  },
  decode: (reader: ByteReader) => new SystemBlock(parseSystem(reader.string())),
  copy: (block) => new SystemBlock(block.state),
  size: () => 20_000,
};

/** The outcome of a write that came with an idempotency key: what a repetition of the request is answered with. */
export interface RememberedOutcome {
  readonly key: string;
  readonly atMs: number;
  /** The encoded answer, empty when it was too large to keep. */
  readonly answer: Uint8Array;
}

/** Outcomes whose keys share a hash. */
export class OutcomeBlock implements Block {
  at = 0;
  readonly outcomes: readonly RememberedOutcome[];
  constructor(outcomes: readonly RememberedOutcome[]) {
    this.outcomes = outcomes;
  }
}

export const OUTCOME: BlockKind<OutcomeBlock> = {
  tag: 12, name: 'outcome', logical: true,
  encode(block, writer) {
    writer.varint(block.outcomes.length);
    for (const one of block.outcomes) writer.string(one.key).varint(one.atMs).bytes(one.answer);
  },
  decode(reader) {
    const outcomes: RememberedOutcome[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      outcomes.push({ key: reader.string(), atMs: reader.varint(), answer: new Uint8Array(reader.bytes()) });
    }
    return new OutcomeBlock(outcomes);
  },
  copy: (block) => new OutcomeBlock(block.outcomes),
  size: (block) => 100 + block.outcomes.reduce((sum, one) => sum + one.key.length * 2 + one.answer.length + 100, 0),
};

/** 48-bit FNV-1a of the key: the number of its outcome block. */
export function outcomeNumber(key: string): number {
  let high = 0x811c;
  let low = 0x9dc5cbf2 | 0;
  for (let i = 0; i < key.length; i++) {
    low = Math.imul(low ^ key.charCodeAt(i), 0x01000193);
    high = (Math.imul(high ^ key.charCodeAt(i), 0x0193) + (low >>> 28)) & 0xffff;
  }
  return high * 2 ** 32 + (low >>> 0);
}
