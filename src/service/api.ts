/**
 * What the protocols and the executing threads say to each other: requests, answers, and how rows are encoded.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import type { Notification, PlanDescription, QueryStats } from '../cypher/engine.ts';
import type { CypherMap, Value } from '../value/value.ts';
import type { Origin } from './origin.ts';

/**
 * Turns rows into a protocol's bytes, in the thread that made them. Protocols bring theirs; the composition root
 * registers them by name in every executing thread.
 */
export interface RowEncoder {
  readonly name: string;
  /** Appends one row of values whose nodes, relationships and paths carry their labels, types and properties. */
  encode(row: readonly Value[], writer: ByteWriter): void;
  /** Elements of declared labels come as TuGraph shows them: all fields, null where unset, edges numbered among their parallels. */
  readonly declaredForm?: boolean;
  /** A protocol's number for what a column holds, where it announces that; a column has the highest of its values. */
  kind?(value: Value): number;
}

/** Who asks. */
export interface Principal {
  readonly user: string;
  readonly isAdmin: boolean;
  /** When the token that says so was issued, or the password given. */
  readonly tokenIssuedMs?: number | undefined;
  /** The user's token generation then: another one now means that it was revoked. */
  readonly generation?: number | undefined;
  readonly origin?: Origin | undefined;
}

/** One statement for an executing thread. Plain data. */
export interface RunRequest {
  readonly graph: string;
  readonly text: string;
  /** See parameters.ts. */
  readonly parameters: Uint8Array;
  readonly encoding: string;
  /** Rows to answer with at once; the rest is pulled. */
  readonly firstRows: number;
  readonly user: string;
  /** When the user's token was issued; undefined where a password was given. */
  readonly tokenIssuedMs?: number | undefined;
  /** Milliseconds the statement may run, from when it starts. */
  readonly timeoutMs: number;
  /** Slot in the shared kill flags. */
  readonly killSlot: number;
  /** Serve only from a state at least this new. */
  readonly minVersion: number;
  /** Run inside this open transaction. */
  readonly transaction?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** What procedures about the group answer with; fetched beforehand for statements that may ask. */
  readonly group?: GroupFacts | undefined;
  /** TuGraph's form of an update's result over REST: one `<SUMMARY>` row. */
  readonly summaryRow: boolean;
}

/** A request in the thread that it came to: its parameters as they are. */
export type LocalRequest = Omit<RunRequest, 'parameters'> & { readonly parameters: CypherMap };

/** The group as `dbms.listServers()` and its kin show it. */
export interface GroupFacts {
  readonly status: GroupStatus;
  readonly tasks: readonly TaskInfo[];
  readonly config: readonly (readonly [string, string | number | boolean])[];
  readonly upSeconds: number;
  readonly serverVersion: string;
}

export interface TaskInfo {
  readonly taskId: string;
  readonly description: string;
  readonly user: string;
  readonly graph: string;
  readonly elapsedMs: number;
}

/** Encoded rows: `bytes` of `count` rows, one after the other. */
export interface RowsPart {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** What the columns of this part hold, where the encoding says so. */
  readonly kinds?: readonly number[] | undefined;
  /** Set with the last part. */
  readonly summary: QuerySummary | undefined;
}

export interface RunReply extends RowsPart {
  readonly columns: readonly string[];
  /** The version the statement read, or (for a write) made. Exact once the summary is there. */
  readonly version: number;
  /** For pulling the rest; 0 when there is none. */
  readonly execution: number;
  readonly type: 'r' | 'w' | 'rw' | 's';
}

export interface QuerySummary {
  readonly version: number;
  readonly stats: QueryStats;
  readonly plan: PlanDescription | undefined;
  readonly mode: 'run' | 'explain' | 'profile';
  readonly notifications: readonly Notification[];
  readonly elapsedMs: number;
  /** The request had been done before; this is what it was answered with. */
  readonly repeated: boolean;
}

export interface PullRequest {
  readonly execution: number;
  readonly rows: number;
}

export interface BeginRequest {
  readonly user: string;
  readonly timeoutMs: number;
  readonly minVersion: number;
  readonly killSlot: number;
  /** Asks first whether a transaction was committed under this key. */
  readonly idempotencyKey?: string | undefined;
  /** `requestDigest`, where all of the request is known: under one key there is one. */
  readonly digest?: string | undefined;
  /** Of a read transaction: the number it is to have, so that statements may follow without waiting for the answer. */
  readonly transaction?: number | undefined;
}

export interface BeginReply {
  readonly transaction: number;
  readonly version: number;
  /** There is no transaction: it was committed before, with this answer. */
  readonly repeated?: Uint8Array | undefined;
}

export interface CommitRequest {
  readonly transaction: number;
  readonly user: string;
  readonly idempotencyKey?: string | undefined;
  readonly digest?: string | undefined;
  /** What a repetition under the key is answered with. */
  readonly answer?: Uint8Array | undefined;
}

/** Bytes of one part at most (the last row may exceed it): what one message between threads carries. */
export const PART_BYTES_MAX = 512 * 1024;
