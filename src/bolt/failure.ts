/**
 * Errors as FAILURE messages.
 *
 * Drivers retry a unit of work after codes that contain `TransientError`, and (with routing) after `NotALeader`. So the code
 * decides what is done twice:
 *
 *   surely not done, another leader   NotALeader for a routing client, which then asks for the new leader; transient for one
 *                                     that knows only this server, which forwards to the new leader by itself
 *   outcome unknown                   transient only where doing it again is harmless: nothing was being committed, or
 *                                     the request has an idempotency key. Else `TransactionCommitFailed`, which no driver retries
 *
 * From 5.7 on there is a GQL status beside the code, which then is called `neo4j_code`.
 */
import { asDbError } from '../base/errors.ts';
import type { DbError, ErrorCode } from '../base/errors.ts';
import { atLeast } from './handshake.ts';
import type { Version } from './handshake.ts';
import { mapFrom } from './metadata.ts';
import type { CypherMap } from '../value/value.ts';

export interface FailureContext {
  readonly version: Version;
  /** The client follows NotALeader to another server. */
  readonly routes: boolean;
  /** Doing it again cannot do it twice. */
  readonly repeatable: boolean;
}

export function failureMetadata(error: unknown, context: FailureContext): CypherMap {
  const failure = asDbError(error);
  const code = boltCode(failure, context);
  const message = failureMessage(failure);
  if (!atLeast(context.version, 5, 7)) return mapFrom({ code, message });
  const [status, words] = GQL_STATUS[failure.code] ?? UNKNOWN_STATUS;
  return mapFrom({
    neo4j_code: code, message, gql_status: status, description: `error: ${words}. ${message}`,
    diagnostic_record: mapFrom({ OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/', _classification: classification(code), ...positionOf(failure) }),
  });
}

function boltCode(failure: DbError, { routes, repeatable }: FailureContext): string {
  if (failure.code === 'NotLeader' && !routes && failure.facts.redirect === undefined) return 'Neo.TransientError.Cluster.NotALeader';
  if (failure.code === 'OutcomeUnknown' && !repeatable) return 'Neo.DatabaseError.Transaction.TransactionCommitFailed';
  return failure.kind.bolt;
}

/** `SyntaxError: UndefinedVariable: what — what to do`; the first two where openCypher has names for the mistake. */
export function failureMessage(failure: DbError): string {
  const { detail, hint } = failure;
  const named = detail === undefined || failure.message.includes(detail) ? failure.message : `${failure.code}: ${detail}: ${failure.message}`;
  return hint === undefined ? named : `${named} (${hint})`;
}

function classification(code: string): string {
  if (code.startsWith('Neo.ClientError')) return 'CLIENT_ERROR';
  return code.startsWith('Neo.TransientError') ? 'TRANSIENT_ERROR' : 'DATABASE_ERROR';
}

function positionOf(failure: DbError): Record<string, CypherMap> {
  return failure.position === undefined ? {} : { _position: mapFrom({ ...failure.position }) };
}

const UNKNOWN_STATUS = ['50N42', 'general processing exception - unexpected error'] as const;

const GQL_STATUS: Partial<Record<ErrorCode, readonly [string, string]>> = {
  SyntaxError: ['42001', 'syntax error or access rule violation - invalid syntax'],
  SemanticError: ['42001', 'syntax error or access rule violation - invalid syntax'],
  TypeError: ['22G03', 'data exception - invalid value type'],
  ArithmeticError: ['22003', 'data exception - numeric value out of range'],
  ParameterMissing: ['42N51', 'syntax error or access rule violation - invalid parameter'],
  ProcedureNotFound: ['42N08', 'syntax error or access rule violation - no such procedure'],
  GraphNotFound: ['22N51', 'data exception - database does not exist'],
  ConstraintValidation: ['22N41', 'data exception - constraint violation'],
  Unauthorized: ['42NFF', 'syntax error or access rule violation - permission/access denied'],
  Forbidden: ['42NFF', 'syntax error or access rule violation - permission/access denied'],
  TokenExpired: ['42NFD', 'syntax error or access rule violation - credentials expired'],
  InvalidRequest: ['08N06', 'connection exception - protocol error'],
  NotLeader: ['08N07', 'connection exception - not the leader'],
  NoLeader: ['08N07', 'connection exception - not the leader'],
  AccessMode: ['25N05', 'invalid transaction state - transaction type mismatch'],
  Timeout: ['25N14', 'invalid transaction state - transaction termination client error'],
  Killed: ['25N14', 'invalid transaction state - transaction termination client error'],
  Conflict: ['40N01', 'transaction rollback - conflict with another transaction'],
  OutcomeUnknown: ['40003', 'transaction rollback - statement completion unknown'],
};
