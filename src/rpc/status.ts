/** How our errors look over gRPC: a status that generic clients understand, and our stable code beside it. */
import { status } from '@grpc/grpc-js';
import { asDbError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { CallStatus } from './client-call.ts';

const BY_HTTP: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT, 401: status.UNAUTHENTICATED, 403: status.PERMISSION_DENIED, 404: status.NOT_FOUND, 409: status.ABORTED,
  413: status.RESOURCE_EXHAUSTED, 429: status.RESOURCE_EXHAUSTED, 500: status.INTERNAL, 503: status.UNAVAILABLE, 504: status.DEADLINE_EXCEEDED,
  507: status.RESOURCE_EXHAUSTED,
};

const BY_CODE: Partial<Record<ErrorCode, status>> = {
  LabelNotFound: status.NOT_FOUND, FieldNotFound: status.NOT_FOUND, IndexNotFound: status.NOT_FOUND, GraphNotFound: status.NOT_FOUND,
  EntityNotFound: status.NOT_FOUND, UserNotFound: status.NOT_FOUND, ProcedureNotFound: status.NOT_FOUND, TransactionNotFound: status.NOT_FOUND,
  LabelExists: status.ALREADY_EXISTS, FieldExists: status.ALREADY_EXISTS, IndexExists: status.ALREADY_EXISTS, GraphExists: status.ALREADY_EXISTS,
  UserExists: status.ALREADY_EXISTS, ConstraintValidation: status.FAILED_PRECONDITION, ConstraintVerificationFailed: status.FAILED_PRECONDITION,
  KeyReused: status.INVALID_ARGUMENT, AccessMode: status.FAILED_PRECONDITION, TransactionTerminated: status.ABORTED, NotSupported: status.UNIMPLEMENTED, Killed: status.CANCELLED,
  // A client that repeats UNAVAILABLE by itself must not repeat what may have been done.
  OutcomeUnknown: status.UNKNOWN, Corrupted: status.DATA_LOSS,
};

/** Trailers share one HTTP/2 header block of limited size with each other. */
const TEXT_CHARACTERS_MAX = 2000;

export const OK: CallStatus = { code: status.OK, details: '', metadata: {} };

/** Metadata are printable ASCII: anything else is percent-encoded, as `grpc-message` is. */
export function metadataText(text: string): string {
  return text.slice(0, TEXT_CHARACTERS_MAX).toWellFormed().replace(/[^ !"#$&-~]/gu, encodeURIComponent);
}

/** `leader`: where to go instead, for errors that another server would not have given. */
export function statusOf(thrown: unknown, leader: () => string | undefined = () => undefined): CallStatus {
  const error = asDbError(thrown);
  const { code, kind, hint, position } = error;
  const elsewhere = code === 'NotLeader' || (code === 'VersionNotReached' && error.facts.location !== undefined) || code === 'ShuttingDown' || code === 'ReadOnlyDisk' ? leader() : undefined;
  return {
    code: BY_CODE[code] ?? BY_HTTP[kind.http] ?? status.UNKNOWN, details: error.message.slice(0, TEXT_CHARACTERS_MAX),
    metadata: {
      'lgraph-code': code, 'lgraph-retryable': String(kind.retry),
      ...(hint === undefined ? {} : { 'lgraph-hint': metadataText(hint) }),
      ...(position === undefined ? {} : { 'lgraph-line': String(position.line), 'lgraph-column': String(position.column) }),
      ...(elsewhere === undefined || elsewhere === '' ? {} : { 'lgraph-leader-rpc': elsewhere }),
    },
  };
}
