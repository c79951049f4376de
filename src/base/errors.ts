/**
 * The one error class that crosses folder boundaries, and the table of its codes.
 *
 * Codes are for programs and never change; messages and hints are for people. Each code says once how it looks over
 * HTTP and over Bolt, and whether a client that retries the same request may succeed. docs/errors.md has a line for each.
 */

/** How one code looks from outside. */
export interface Kind {
  /** HTTP status. */
  readonly http: number;
  /** Neo4j status code, as drivers expect it: they retry `TransientError` and `NotALeader` only. */
  readonly bolt: string;
  /** Whether the same request may succeed later without a change. */
  readonly retry: boolean;
}

const client = (http: number, bolt: string): Kind => ({ http, bolt: `Neo.ClientError.${bolt}`, retry: false });
const transient = (http: number, bolt: string): Kind => ({ http, bolt: `Neo.TransientError.${bolt}`, retry: true });
const database = (http: number, bolt: string): Kind => ({ http, bolt: `Neo.DatabaseError.${bolt}`, retry: false });

const KINDS = {
  // Statement: what the text says is wrong.
  SyntaxError: client(400, 'Statement.SyntaxError'),
  SemanticError: client(400, 'Statement.SemanticError'),
  TypeError: client(400, 'Statement.TypeError'),
  ArgumentError: client(400, 'Statement.ArgumentError'),
  ArithmeticError: client(400, 'Statement.ArithmeticError'),
  ParameterMissing: client(400, 'Statement.ParameterMissing'),
  EntityNotFound: client(400, 'Statement.EntityNotFound'),
  ConstraintVerificationFailed: client(400, 'Schema.ConstraintValidationFailed'),
  ProcedureNotFound: client(400, 'Procedure.ProcedureNotFound'),
  ProcedureCallFailed: client(400, 'Procedure.ProcedureCallFailed'),
  NotSupported: client(400, 'Statement.UnsupportedOperationError'),
  // Schema and catalog.
  ConstraintValidation: client(400, 'Schema.ConstraintValidationFailed'),
  LabelNotFound: client(400, 'Schema.LabelNotFound'),
  LabelExists: client(400, 'Schema.EquivalentSchemaRuleAlreadyExists'),
  FieldNotFound: client(400, 'Schema.PropertyNotFound'),
  FieldExists: client(400, 'Schema.EquivalentSchemaRuleAlreadyExists'),
  IndexNotFound: client(400, 'Schema.IndexNotFound'),
  IndexExists: client(400, 'Schema.IndexAlreadyExists'),
  GraphNotFound: client(400, 'Database.DatabaseNotFound'),
  GraphExists: client(400, 'Database.ExistingDatabaseFound'),
  // Backups.
  BackupExpired: client(410, 'Request.Invalid'),
  LogNotKept: client(410, 'Request.Invalid'),
  BackupDamaged: client(422, 'Request.Invalid'),
  StorageUnavailable: transient(503, 'General.DatabaseUnavailable'),
  // Requests and sessions.
  InvalidRequest: client(400, 'Request.Invalid'),
  RequestTooLarge: client(413, 'Request.Invalid'),
  NotFound: client(404, 'Request.Invalid'),
  Unauthorized: client(401, 'Security.Unauthorized'),
  TokenExpired: client(401, 'Security.TokenExpired'),
  TooManyLogins: client(429, 'Security.AuthenticationRateLimit'),
  PasswordChangeRequired: client(403, 'Security.CredentialsExpired'),
  Forbidden: client(403, 'Security.Forbidden'),
  UserNotFound: client(400, 'Security.Forbidden'),
  UserExists: client(400, 'Security.Forbidden'),
  KeyReused: client(422, 'Request.Invalid'),
  InvalidBookmark: client(400, 'Transaction.InvalidBookmark'),
  TransactionNotFound: client(400, 'Transaction.TransactionNotFound'),
  TransactionTerminated: client(400, 'Transaction.Terminated'),
  AccessMode: client(400, 'Statement.AccessMode'),
  Timeout: client(504, 'Transaction.TransactionTimedOut'),
  Killed: client(400, 'Transaction.Terminated'),
  // Not transient as Neo4j has it: the same statement would hold as much again, and drivers would try it for half a minute.
  MemoryLimit: client(507, 'General.TransactionMemoryLimit'),
  // The group.
  NotLeader: { http: 503, bolt: 'Neo.ClientError.Cluster.NotALeader', retry: true },
  NoLeader: transient(503, 'Cluster.NotALeader'),
  VersionNotReached: transient(503, 'Transaction.BookmarkTimeout'),
  OutcomeUnknown: transient(503, 'Transaction.Outdated'),
  Conflict: transient(409, 'Transaction.DeadlockDetected'),
  Busy: transient(503, 'Request.NoThreadsAvailable'),
  ShuttingDown: transient(503, 'General.DatabaseUnavailable'),
  ReadOnlyDisk: transient(507, 'General.DatabaseUnavailable'),
  // The node itself.
  InvalidConfig: client(500, 'General.InvalidArguments'),
  Corrupted: database(500, 'General.IndexCorruptionDetected'),
  Internal: database(500, 'General.UnknownError'),
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof KINDS;

export interface ErrorOptions2 {
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** The openCypher TCK's name for the mistake, such as `UndefinedVariable`. */
  readonly detail?: string | undefined;
  /** Where in the statement, both from 1, `offset` from 0. */
  readonly position?: { readonly line: number; readonly column: number; readonly offset: number } | undefined;
  /** Facts for the protocols: the leader's address, this server's version. */
  readonly facts?: Readonly<Record<string, string | number>> | undefined;
}

/** The only error that crosses a folder boundary. */
export class DbError extends Error {
  override readonly name = 'DbError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
  readonly position: ErrorOptions2['position'];
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions2 = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail;
    this.position = options.position;
    this.facts = options.facts ?? {};
  }

  get kind(): Kind {
    return KINDS[this.code];
  }

  /** Plain data for a message between threads or servers. */
  toWire(): WireError {
    return {
      code: this.code, message: this.message, hint: this.hint, detail: this.detail,
      position: this.position, facts: { ...this.facts },
    };
  }
}

/** A `DbError` as structured-cloneable data. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: string | undefined;
  readonly position?: ErrorOptions2['position'];
  readonly facts?: Readonly<Record<string, string | number>>;
}

export const ERROR_CODES = Object.keys(KINDS) as ErrorCode[];

/** Rebuilds the error another thread or server sent; a code this build does not know becomes `Internal`. */
export function fromWire(wire: WireError): DbError {
  const code = (wire.code in KINDS ? wire.code : 'Internal') as ErrorCode;
  return new DbError(code, wire.message, wire);
}

/** Any thrown thing as a `DbError`: what is not ours is `Internal`, with the original as its cause. */
export function asDbError(error: unknown): DbError {
  if (error instanceof DbError) return error;
  if (error instanceof RangeError && /call stack/i.test(error.message)) {
    return new DbError('SyntaxError', 'the statement is nested too deeply', { hint: 'split it into several parts with WITH' });
  }
  // What V8 says of a text, list or buffer that cannot be so large.
  if (error instanceof RangeError && /Invalid (string|array) length|allocation failed|ERR_OUT_OF_RANGE/i.test(error.message)) {
    return new DbError('MemoryLimit', 'a single value would be larger than is possible', { hint: 'make less at once', cause: error });
  }
  return new DbError('Internal', error instanceof Error ? error.message : String(error), { cause: error });
}
