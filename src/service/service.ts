/**
 * The one door that all protocols use: who are you, may you, where does it run, at which version.
 *
 *   read   here: inline while it is short, else in a reader thread; first waits until this server has the version asked for
 *   write  in the writer thread if this server leads, else forwarded to the leader; while the group elects, it waits
 */
import { asDbError, DbError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { PasswordVerifier } from '../auth/passwords.ts';
import { issueToken, TokenVerifier } from '../auth/tokens.ts';
import type { ProcedureHost } from '../cypher/engine.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { SystemState } from '../graph/system.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import { isAdmin } from './access.ts';
import type { GroupFacts, Principal } from './api.ts';
import type { Executor, LoadedExecutor } from './executors.ts';
import { EagerTexts } from './deferred-transaction.ts';
import type { GroupLink } from './group-link.ts';
import type { InlineExecutor } from './inline-executor.ts';
import { ReadIndexes } from './read-index.ts';
import { NO_ORIGIN } from './origin.ts';
import type { Origin } from './origin.ts';
import { Session } from './session.ts';
import { StatementWatch } from './statement-watch.ts';
import type { TaskRegistry } from './tasks.ts';

export interface ServiceLimits {
  /** How long a read waits for its version, where the client does not say. */
  readonly versionWaitMs: number;
  /** How long a write waits for a leader. */
  readonly leaderWaitMs: number;
  /** How old a bounded read may be, where the client does not say. */
  readonly boundedStalenessMs: number;
  /** Statement timeout where the client sets none; 0: none. */
  readonly statementTimeoutMs: number;
  readonly tokenLifeSeconds: number;
  /** Tokens may be refreshed for this long after the first login. */
  readonly tokenRefreshSeconds: number;
  readonly loginFailuresMax: number;
  readonly loginLockMs: number;
}

export interface ServiceOptions {
  readonly reader: StateReader;
  readonly inline: InlineExecutor;
  readonly readers: readonly LoadedExecutor[];
  readonly writer: Executor;
  /** The leader's executor, reached through the group. */
  readonly leader: Executor;
  readonly group: GroupLink;
  /** The leader's own status, over the peer connection. */
  readonly leaderStatus: () => Promise<GroupStatus>;
  readonly tasks: TaskRegistry;
  readonly procedures: ProcedureHost;
  readonly limits: ServiceLimits;
  readonly clock: Clock;
  readonly redirectWrites: boolean;
  readonly disableAuth: boolean;
  /** Votes and keeps log, but has no data to answer from. */
  readonly isWitness: boolean;
  readonly serverVersion: string;
  readonly config: GroupFacts['config'];
}

export interface LoginResult {
  readonly token: string;
  readonly isAdmin: boolean;
  readonly defaultPassword: boolean;
  readonly user: string;
}

interface Failures {
  count: number;
  untilMs: number;
}

export class Service {
  readonly options: ServiceOptions;
  readonly eagerTexts = new EagerTexts();
  readonly readIndexes: ReadIndexes;
  readonly watch = new StatementWatch();
  readonly #passwords: PasswordVerifier;
  readonly #tokens = new TokenVerifier();
  readonly #failures = new Map<string, Failures>();
  readonly #startedMs: number;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.readIndexes = new ReadIndexes(options.group, options.clock, { waitMs: options.limits.leaderWaitMs, boundedMs: options.limits.boundedStalenessMs });
    this.#passwords = new PasswordVerifier(() => options.clock.monotonicMs());
  }

  /** The data version of this server. */
  get version(): number {
    return this.options.reader.publishedVersion;
  }

  get upSeconds(): number {
    return (this.options.clock.monotonicMs() - this.#startedMs) / 1000;
  }

  /** Looks at the newest version. */
  read<T>(look: (point: ReadPoint) => T): T {
    const { reader } = this.options;
    const point = reader.acquire();
    try {
      return look(point);
    } finally {
      reader.release(point);
    }
  }

  /** No state came to this server yet, so not even a user: it waits for its group. */
  get isBlank(): boolean {
    return !this.options.isWitness && this.read((point) => Object.keys(point.system.users).length === 0);
  }

  get #system(): SystemState {
    if (this.options.isWitness) {
      const { leader } = this.options.group;
      throw new DbError('NotLeader', `this server is a witness: it votes, but holds no data; the leader is ${leader?.restAddress ?? 'not known at the moment'}`, {
        facts: { location: leader?.restAddress ?? '', bolt_location: leader?.boltAddress ?? '', redirect: 1 },
      });
    }
    return this.read((point) => point.system);
  }

  // -------------------------------------------------------------- who

  async login(user: string, password: string, origin: Origin): Promise<LoginResult> {
    const principal = await this.checkPassword(user, password, origin);
    const { clock, limits } = this.options;
    const system = this.#system;
    const token = await issueToken(system, user, { nowMs: clock.wallMs(), lifeSeconds: limits.tokenLifeSeconds });
    return { token, isAdmin: principal.isAdmin, defaultPassword: system.users[user]?.defaultPassword === true, user };
  }

  /** Checks a password; after repeated failures the user is locked out from that address for a while. */
  async checkPassword(user: string, password: string, origin: Origin): Promise<Principal> {
    const system = this.#system;
    if (this.options.disableAuth) return { user: system.users[user] === undefined ? 'admin' : user, isAdmin: true, origin };
    if (Object.keys(system.users).length === 0) {
      throw new DbError('NoLeader', 'this server has no state yet: it waits for its group', { hint: 'see GET /readyz' });
    }
    const { address } = origin;
    this.#checkLock(user, address);
    const record = system.users[user];
    // An unknown user costs as much time as a wrong password.
    const stored = record?.passwordHash ?? Object.values(system.users)[0]!.passwordHash;
    const right = await this.#passwords.verify(password, stored);
    if (record === undefined || !right || record.disabled) {
      this.#noteFailure(user, address);
      throw new DbError('Unauthorized', 'Bad user/password.');
    }
    this.#failures.delete(`${user}@${address}`);
    return { user, isAdmin: isAdmin(system, user), origin };
  }

  #checkLock(user: string, address: string): void {
    const failures = this.#failures.get(`${user}@${address}`);
    if (failures === undefined) return;
    const now = this.options.clock.monotonicMs();
    if (failures.untilMs < now) this.#failures.delete(`${user}@${address}`);
    else if (failures.count >= this.options.limits.loginFailuresMax) {
      throw new DbError('TooManyLogins', 'Too many login failures, please try again in a minute', { hint: `locked for ${Math.ceil((failures.untilMs - now) / 1000)} s` });
    }
  }

  #noteFailure(user: string, address: string): void {
    const key = `${user}@${address}`;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    if (this.#failures.size > 10_000) this.#failures.clear();
    this.#failures.set(key, { count, untilMs: this.options.clock.monotonicMs() + this.options.limits.loginLockMs });
  }

  /** The bearer of a token. */
  async authenticate(token: string, origin: Origin = NO_ORIGIN): Promise<Principal> {
    const system = this.#system;
    if (this.options.disableAuth) return { user: 'admin', isAdmin: true, origin };
    const { user, issuedMs } = await this.#tokens.verify(system, token, this.options.clock.wallMs());
    return { user, isAdmin: isAdmin(system, user), tokenIssuedMs: issuedMs, origin };
  }

  /** A new token for an old one that is still valid. */
  async refresh(token: string): Promise<LoginResult> {
    const { clock, limits } = this.options;
    const system = this.#system;
    const claims = await this.#tokens.verify(system, token, clock.wallMs());
    if (clock.wallMs() - claims.firstLoginMs > limits.tokenRefreshSeconds * 1000) {
      throw new DbError('InvalidRequest', '[InputError] token has timeout.', { hint: 'log in again' });
    }
    const fresh = await issueToken(system, claims.user, { nowMs: clock.wallMs(), lifeSeconds: limits.tokenLifeSeconds, firstLoginMs: claims.firstLoginMs });
    return { token: fresh, isAdmin: isAdmin(system, claims.user), defaultPassword: system.users[claims.user]?.defaultPassword === true, user: claims.user };
  }

  session(principal: Principal): Session {
    return new Session(this, principal);
  }

  // -------------------------------------------------------------- the group

  /** The group as this server sees it by itself. */
  status(): Promise<GroupStatus> {
    return this.options.group.status();
  }

  /** The group as its leader sees it, who alone knows how far the others are; by this server's own lights while that fails. */
  async groupStatus(): Promise<GroupStatus> {
    const own = await this.status();
    const { group, leaderStatus } = this.options;
    if (own.role === 'leader' || group.leader === undefined) return own;
    try {
      const seen = await leaderStatus();
      return { ...own, commitIndex: Math.max(own.commitIndex, seen.commitIndex), peers: seen.peers.map((peer) => ({ ...peer, isSelf: peer.nodeId === own.nodeId })) };
    } catch (error) {
      asDbError(error); // No answer from the leader: an election may be on, and our own view says so.
      return own;
    }
  }

  async groupFacts(): Promise<GroupFacts> {
    const { tasks, serverVersion, config } = this.options;
    return { status: await this.groupStatus(), tasks: tasks.list(), config, upSeconds: this.upSeconds, serverVersion };
  }

  /** Waits until this server has the version; else says where it is and who leads. */
  async waitForVersion(version: number, waitMs: number | undefined): Promise<void> {
    const { reader, limits } = this.options;
    if (reader.publishedVersion >= version) return;
    if (await reader.reached(version, waitMs ?? limits.versionWaitMs)) return;
    throw this.versionNotReached(version);
  }

  versionNotReached(version: number): DbError {
    const { reader, group } = this.options;
    return new DbError('VersionNotReached', 'Request need to be served in a server with newer version.', {
      facts: { server_version: reader.publishedVersion, asked_version: version, location: group.leader?.restAddress ?? '', bolt_location: group.leader?.boltAddress ?? '' },
      hint: `this server is at version ${reader.publishedVersion}, ${version} was asked for; the leader is ${group.leader?.restAddress ?? 'unknown'}`,
    });
  }

  /** The least loaded reader thread. */
  chooseReader(): LoadedExecutor | undefined {
    let best: LoadedExecutor | undefined;
    for (const reader of this.options.readers) if (best === undefined || reader.load < best.load) best = reader;
    return best;
  }
}
