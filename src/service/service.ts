/**
 * The one door that all protocols use: who are you, may you, where does it run, at which version.
 *
 *   read   here: inline while it is short, else in a reader thread; first waits until this server has the version asked for
 *   write  in the writer thread if this server leads, else forwarded to the leader; while the group elects, it waits
 */
import { asDbError, DbError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { PasswordVerifier } from '../auth/passwords.ts';
import { LoginGuard } from '../auth/login-guard.ts';
import { isRevoked, issueToken, TokenVerifier } from '../auth/tokens.ts';
import type { ProcedureHost } from '../cypher/engine.ts';
import type { ReadPoint, StateReader } from '../graph/state-reader.ts';
import type { SystemState } from '../graph/system.ts';
import type { GroupStatus } from '../replica/protocol.ts';
import { isAdmin } from './access.ts';
import type { Copies } from './backup-points.ts';
import type { GroupFacts, Principal } from './api.ts';
import type { Executor, LoadedExecutor } from './executors.ts';
import { EagerTexts } from './deferred-transaction.ts';
import type { GroupLink } from './group-link.ts';
import type { InlineExecutor } from './inline-executor.ts';
import { ReadIndexes } from './read-index.ts';
import { addressCheck, allowedHosts } from './allowed-hosts.ts';
import { liveValues } from './live-config.ts';
import type { LiveValues } from './live-config.ts';
import { SecurityEvents } from './security-events.ts';
import { NO_ORIGIN } from './origin.ts';
import type { Origin } from './origin.ts';
import { Session } from './session.ts';
import { StatementWatch } from './statement-watch.ts';
import type { TaskRegistry } from './tasks.ts';

/** How long to wait for a version. */
export interface VersionWait {
  /** By the client; undefined: `version_wait_ms`. */
  readonly waitMs?: number | undefined;
  /** The longest run of the statement, 0: any; undefined: `statement_timeout_ms`. */
  readonly timeoutMs?: number | undefined;
  readonly killSlot?: number;
}

/** How soon a statement that waits sees that it was killed, or that its client has gone. */
const KILL_LOOK_MS = 100;

export interface ServiceLimits {
  /** How long a read waits for its version, where the client does not say. */
  readonly versionWaitMs: number;
  /** How long a write waits for a leader. */
  readonly leaderWaitMs: number;
  /** How old a bounded read may be, where the client does not say. */
  readonly boundedStalenessMs: number;
  /** Failed logins from one address, of all users, before a pause. */
  readonly loginAddressFailuresMax: number;
  /** Rows of one answer that is made of them whole: REST's lists of nodes, relationships, users and so on. */
  readonly listBytesMax: number;
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
  readonly copies: Copies;
  readonly procedures: ProcedureHost;
  readonly limits: ServiceLimits;
  /** What the options that change while the server runs are configured as. */
  readonly live: LiveValues;
  /** Addresses of this server: they may always connect. */
  readonly ownAddresses: readonly string[];
  /** Whoever has the factory password must change it before anything else. */
  readonly forcePasswordChange: boolean;
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

/** All that somebody may do who must change the password first. Nothing may follow the call. */
const OWN_PASSWORD_COMMAND = /^\s*ALTER\s+CURRENT\s+USER\s+SET\s+PASSWORD\s/i;
const CHANGES_PASSWORD = /^\s*CALL\s+dbms\.security\.(?:changePassword|isDefaultUserPassword|showCurrentUser)\s*\((?:[^()'"`]|'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*")*\)\s*;?\s*$/i;

export function addressRefused(address: string): DbError {
  return new DbError('Forbidden', `the address ${address} may not connect`, { hint: 'an admin allows it with CALL dbms.security.addAllowedHosts, on the machine of a server if need be (enable_ip_check)', facts: { fatal: 1 } });
}

function mustChangePassword(): DbError {
  return new DbError('PasswordChangeRequired', 'the factory password must be changed first', { hint: 'CALL dbms.security.changePassword(old, new), or PUT /user/<name>/password' });
}

export class Service {
  readonly options: ServiceOptions;
  readonly eagerTexts = new EagerTexts();
  readonly readIndexes: ReadIndexes;
  readonly watch = new StatementWatch();
  #readTransactions = 0;
  readonly #passwords: PasswordVerifier;
  readonly #tokens = new TokenVerifier();
  readonly #guard: LoginGuard;
  readonly events = new SecurityEvents();
  #live: LiveValues;
  #liveVersion = -1;
  #liveSettings: SystemState['settings'] | undefined;
  #isAllowed: ((address: string) => boolean) | undefined;
  readonly #startedMs: number;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.readIndexes = new ReadIndexes(options.group, options.clock, { waitMs: options.limits.leaderWaitMs, boundedMs: options.limits.boundedStalenessMs });
    this.#live = options.live;
    this.#guard = new LoginGuard(() => options.clock.monotonicMs(), () => ({
      failuresMax: this.live.login_failures_max, addressFailuresMax: options.limits.loginAddressFailuresMax, lockMs: this.live.login_lock_ms,
    }));
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
    return this.options.reader.at(look);
  }

  /** No state came to this server yet, so not even a user: it waits for its group. */
  get isBlank(): boolean {
    return !this.options.isWitness && Object.keys(this.options.reader.system.users).length === 0;
  }

  get #system(): SystemState {
    if (this.options.isWitness) {
      const { leader } = this.options.group;
      throw new DbError('NotLeader', `this server is a witness: it votes, but holds no data; the leader is ${leader?.restAddress ?? 'not known at the moment'}`, {
        facts: { location: leader?.restAddress ?? '', bolt_location: leader?.boltAddress ?? '', redirect: 1 },
      });
    }
    return this.options.reader.system;
  }

  // -------------------------------------------------------------- who

  async login(user: string, password: string, origin: Origin): Promise<LoginResult> {
    const principal = await this.checkPassword(user, password, origin);
    const system = this.#system;
    const token = await issueToken(system, user, { nowMs: this.options.clock.wallMs(), lifeSeconds: this.live.token_life_s });
    return { token, isAdmin: principal.isAdmin, defaultPassword: system.users[user]?.defaultPassword === true, user };
  }

  /** Checks a password; after repeated failures the user is locked out from that address for a while. */
  async checkPassword(user: string, password: string, origin: Origin): Promise<Principal> {
    const system = this.#system;
    if (this.options.disableAuth) return { user: system.users[user] === undefined ? 'admin' : user, isAdmin: true, origin };
    if (Object.keys(system.users).length === 0) {
      throw new DbError('NoLeader', 'this server has no state yet: it waits for its group', { hint: 'see GET /readyz' });
    }
    try {
      const record = system.users[user];
      // An unknown user costs as much time as a wrong password.
      const stored = record?.passwordHash ?? Object.values(system.users)[0]!.passwordHash;
      const isRight = await this.#guard.attempt(user, origin.address, async () => await this.#passwords.verify(password, stored) && record !== undefined && !record.disabled);
      if (!isRight) throw new DbError('Unauthorized', 'Bad user/password.');
    } catch (error) {
      this.events.note('login', user, origin, '', error);
      throw error;
    }
    this.events.note('login', user, origin, '');
    return { user, isAdmin: isAdmin(system, user), tokenIssuedMs: this.options.clock.wallMs(), generation: system.users[user]?.tokenGeneration ?? 0, origin };
  }

  /**
   * The bearer of a token. `seen`: the version that the client knows of: who is a stranger to this server may have been made a user, or
   * have logged in with a new password, since the version it is at.
   */
  async authenticate(token: string, origin: Origin = NO_ORIGIN, seen?: () => number): Promise<Principal> {
    if (this.options.disableAuth) return { user: 'admin', isAdmin: true, origin };
    try {
      return await this.#bearer(token, origin).catch(async (error: unknown) => {
        const version = asDbError(error).code === 'Unauthorized' ? seen?.() ?? 0 : 0;
        if (version <= this.version) throw error;
        await this.waitForVersion(version);
        return this.#bearer(token, origin);
      });
    } catch (error) {
      this.events.note('refused', '', origin, 'token', error);
      throw error;
    }
  }

  async #bearer(token: string, origin: Origin): Promise<Principal> {
    const system = this.#system;
    const { user, issuedMs, generation } = await this.#tokens.verify(system, token, this.options.clock.wallMs());
    return { user, isAdmin: isAdmin(system, user), tokenIssuedMs: issuedMs, generation, origin };
  }

  /** A new token for an old one that is still valid. */
  async refresh(token: string, origin: Origin): Promise<LoginResult> {
    const { clock } = this.options;
    const system = this.#system;
    const claims = await this.#tokens.verify(system, token, clock.wallMs());
    const { user } = claims;
    try {
      if (clock.wallMs() - claims.firstLoginMs > this.live.token_refresh_s * 1000) throw new DbError('InvalidRequest', '[InputError] token has timeout.', { hint: 'log in again' });
      const fresh = await issueToken(system, user, { nowMs: clock.wallMs(), lifeSeconds: this.live.token_life_s, firstLoginMs: claims.firstLoginMs });
      this.events.note('refresh', user, origin, '');
      return { token: fresh, isAdmin: isAdmin(system, user), defaultPassword: system.users[user]?.defaultPassword === true, user };
    } catch (error) {
      this.events.note('refresh', user, origin, '', error);
      throw error;
    }
  }

  /**
   * Before each statement of a session: its user may be gone, disabled, or logged out everywhere meanwhile; and one that still has
   * the factory password may be made to change it first.
   */
  checkStanding(system: SystemState, principal: Principal, text: string): void {
    this.checkPresence(system, principal);
    if (this.options.disableAuth || principal.tokenIssuedMs === undefined) return;
    if (this.options.forcePasswordChange && system.users[principal.user]!.defaultPassword && !CHANGES_PASSWORD.test(text) && !OWN_PASSWORD_COMMAND.test(text)) throw mustChangePassword();
  }

  /** Whether the user of a session is still let in, at all. */
  checkPresence(system: SystemState, { user, tokenIssuedMs, generation, origin }: Principal): void {
    if (origin !== undefined && origin !== NO_ORIGIN && !this.mayConnect(origin.address)) throw addressRefused(origin.address);
    if (this.options.disableAuth || tokenIssuedMs === undefined || !isRevoked(system.users[user], tokenIssuedMs, generation)) return;
    throw new DbError('Unauthorized', 'Unauthorized: [Unauthorized] Authentication failed.', { hint: 'the user is gone or disabled, was logged out, or its password was changed: log in again', facts: { fatal: 1 } });
  }

  /** For what is not a statement: as `checkStanding`. */
  requireOwnPassword(principal: Principal): void {
    if (this.options.forcePasswordChange && !this.options.disableAuth && !this.options.isWitness && this.#system.users[principal.user]?.defaultPassword === true) throw mustChangePassword();
  }

  /** The options that change while the server runs, as they are now. */
  get live(): LiveValues {
    this.#refreshLive();
    return this.#live;
  }

  /** Whether an address may speak to this server. */
  mayConnect(address: string): boolean {
    this.#refreshLive();
    return this.#isAllowed === undefined || this.#isAllowed(address);
  }

  #refreshLive(): void {
    if (this.options.isWitness || this.version === this.#liveVersion) return;
    this.#liveVersion = this.version;
    const { system } = this.options.reader;
    if (system.settings === this.#liveSettings) return;
    this.#liveSettings = system.settings;
    this.#live = liveValues(system, this.options.live);
    this.#isAllowed = this.#live.enable_ip_check ? addressCheck(system, this.options.ownAddresses) : undefined;
  }

  /** The list of `enable_ip_check` with this server's own addresses; undefined while it is off. */
  get allowedHosts(): readonly string[] | undefined {
    this.#refreshLive();
    return this.#isAllowed === undefined ? undefined : [...this.options.ownAddresses, ...allowedHosts(this.options.reader.system)];
  }

  /** Users who still have the factory password, while passwords are asked for at all. */
  get factoryPasswords(): string[] {
    if (this.options.isWitness || this.options.disableAuth) return [];
    return Object.entries(this.options.reader.system.users).filter(([, record]) => record.defaultPassword && !record.disabled).map(([name]) => name);
  }

  /** What `dbms.config.list()` shows. */
  get configList(): GroupFacts['config'] {
    const live: Readonly<Record<string, number | boolean>> = this.live;
    return this.options.config.map(([name, value]) => [name, live[name] ?? value]);
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
    const { tasks, serverVersion } = this.options;
    return { status: await this.groupStatus(), tasks: tasks.list(), config: this.configList, upSeconds: this.upSeconds, serverVersion };
  }

  /**
   * Waits until this server has the version; else says where it is and who leads. However long the client would wait, a statement does so
   * no longer than it may run, and no longer than anybody wants its answer.
   */
  async waitForVersion(version: number, wait: VersionWait = {}): Promise<void> {
    const { reader, limits, clock, tasks } = this.options;
    if (reader.publishedVersion >= version) return;
    const longestMs = (wait.timeoutMs ?? this.live.statement_timeout_ms) || Infinity;
    const until = clock.monotonicMs() + Math.min(wait.waitMs ?? limits.versionWaitMs, longestMs);
    for (let restMs = until - clock.monotonicMs(); !await reader.reached(version, Math.min(restMs, KILL_LOOK_MS)); restMs = until - clock.monotonicMs()) {
      if (wait.killSlot !== undefined && tasks.isKilled(wait.killSlot)) throw new DbError('Killed', 'Task is killed.');
      if (restMs <= 0) throw this.versionNotReached(version);
    }
  }

  versionNotReached(version: number): DbError {
    const { reader, group } = this.options;
    const facts = { server_version: reader.publishedVersion, asked_version: version };
    const message = 'Request need to be served in a server with newer version.';
    // Sent to itself a client would come back for ever.
    if (group.isLeader) {
      return new DbError('VersionNotReached', message, {
        facts, hint: `this server leads and is at version ${reader.publishedVersion}, ${version} was asked for: no server of this group has that; it is of another group, or was lost with a restored backup`,
      });
    }
    return new DbError('VersionNotReached', message, {
      facts: { ...facts, location: group.leader?.restAddress ?? '', bolt_location: group.leader?.boltAddress ?? '' },
      hint: `this server is at version ${reader.publishedVersion}, ${version} was asked for; the leader is ${group.leader?.restAddress ?? 'unknown'}`,
    });
  }

  /** A number for a read transaction: only this thread begins them. */
  nextReadTransaction(): number {
    return ++this.#readTransactions;
  }

  /** The least loaded reader thread. */
  chooseReader(): LoadedExecutor | undefined {
    let best: LoadedExecutor | undefined;
    for (const reader of this.options.readers) if (best === undefined || reader.load < best.load) best = reader;
    return best;
  }
}
