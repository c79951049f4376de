/** What happens around statements: logins, refusals, requests. Counted for the metrics, and told to the audit log. */
import { asDbError } from '../base/errors.ts';
import type { DbError } from '../base/errors.ts';
import type { Origin } from './origin.ts';

export type SecurityEventKind = 'login' | 'logout' | 'refresh' | 'refused' | 'request';

export interface SecurityEvent {
  readonly kind: SecurityEventKind;
  /** As it was given; '' where nobody said. */
  readonly user: string;
  readonly origin: Origin;
  /** What was asked for: never a secret. */
  readonly content: string;
  readonly error: DbError | undefined;
}

export type SecurityListener = (event: SecurityEvent) => void;

export class SecurityEvents {
  readonly #listeners: SecurityListener[] = [];
  readonly #counts = new Map<string, number>();

  listen(listener: SecurityListener): void {
    this.#listeners.push(listener);
  }

  note(kind: SecurityEventKind, user: string, origin: Origin, content: string, failure?: unknown): void {
    const error = failure === undefined ? undefined : asDbError(failure);
    const name = kind === 'refused' ? `refused_${error?.code ?? ''}` : error === undefined ? kind : `${kind}_failed`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    for (const listener of this.#listeners) listener({ kind, user, origin, content, error });
  }

  /** Logins, failed ones, refusals: by name. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
