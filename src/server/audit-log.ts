/**
 * The audit log of this server: one JSON object a line, for every statement, login, refusal and administrative request.
 *
 *   {"time","server","protocol","address","user","graph","kind","content","outcome","code","error","ms","trace_id"}
 *
 *   kind      read, write, schema, procedure, statement (not understood), login, logout, refresh, refused, request
 *   outcome   success or failure; `code` and `error` say why
 *
 * A line is handed to the operating system before the client has its last row. Secrets are taken out before anything is written;
 * values of parameters are written for administrative calls without any only (base/redact.ts). Files `audit_YYYYMMDD_HHMMSS.log` rotate by size and go after `audit_log_expire` hours.
 */
import { chmodSync, closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { asDbError } from '../base/errors.ts';
import type { DbError } from '../base/errors.ts';
import { traceIdOf } from '../service/origin.ts';
import { mayHoldSecrets, withoutSecrets } from '../base/redact.ts';
import type { SecurityEvent } from '../service/security-events.ts';
import type { WatchedStatement } from '../service/statement-watch.ts';

export interface AuditEntry {
  readonly time: string;
  readonly server: string;
  readonly protocol: string;
  readonly address: string;
  readonly user: string;
  readonly graph: string;
  readonly kind: string;
  readonly content: string;
  readonly outcome: 'success' | 'failure';
  readonly code?: string;
  readonly error?: string;
  readonly ms?: number;
  readonly trace_id?: string;
}

export interface AuditQuery {
  readonly fromMs: number;
  readonly toMs: number;
  /** Fields that must be equal. */
  readonly equal: Readonly<Partial<Record<'protocol' | 'address' | 'user' | 'graph' | 'kind' | 'outcome' | 'code' | 'trace_id', string>>>;
  /** Part of the content, in any case. */
  readonly text: string;
  /** Newest first, so many. */
  readonly limit: number;
}

export interface AuditLogOptions {
  readonly directory: string;
  readonly fileBytesMax: number;
  /** This server's name in the group. */
  readonly server: string;
  readonly isOn: () => boolean;
  /** 0: kept for ever. */
  readonly expireHours: () => number;
  readonly nowMs: () => number;
  readonly onProblem: (message: string) => void;
}

const FILE = /^audit_(\d{8})_(\d{6})(?:_\d+)?\.log$/;
const CONTENT_MAX = 4096;
const HOUR_MS = 3_600_000;
const CLEAN_MS = 60_000;
const LOOK_MS = 1000;

export class AuditLog {
  readonly #options: AuditLogOptions;
  #file = -1;
  #bytes = 0;
  #name = '';
  #hasFailed = false;
  #lookedMs = 0;
  #keeps = '';
  readonly #cleaner: NodeJS.Timeout;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#cleaner = setInterval(() => this.clean(), CLEAN_MS).unref();
  }

  statement(statement: WatchedStatement, tookMs: number, error: DbError | undefined): void {
    if (!this.#options.isOn()) return;
    const { text, parameters, origin, user, graph, kind, traceparent } = statement;
    // A message may quote the statement it is about.
    const told = error === undefined || !mayHoldSecrets(text) ? error?.message : undefined;
    this.#write({ ...origin, user, graph, kind: kind ?? 'statement', content: withoutSecrets(text, parameters), code: error?.code, error: told, ms: tookMs, traceparent });
  }

  event({ kind, user, origin, content, error }: SecurityEvent): void {
    if (!this.#options.isOn()) return;
    this.#write({ ...origin, user, graph: '', kind, content, code: error?.code, error: error?.message, ms: undefined });
  }

  #write(facts: {
    protocol: string; address: string; user: string; graph: string; kind: string; content: string;
    code: string | undefined; error: string | undefined; ms: number | undefined; traceparent?: string | undefined;
  }): void {
    const { protocol, address, user, graph, kind, content, code, error, ms } = facts;
    const entry: AuditEntry = {
      time: new Date(this.#options.nowMs()).toISOString(), server: this.#options.server, protocol, address, user: user.slice(0, CONTENT_MAX), graph, kind,
      content: content.length > CONTENT_MAX ? `${content.slice(0, CONTENT_MAX)}…` : content, outcome: code === undefined ? 'success' : 'failure',
      ...(code === undefined ? {} : { code }), ...(error === undefined ? {} : { error }), ...(ms === undefined ? {} : { ms: Math.round(ms * 1000) / 1000 }),
      ...(facts.traceparent === undefined ? {} : { trace_id: traceIdOf(facts.traceparent)! }),
    };
    try {
      this.#append(`${JSON.stringify(entry)}\n`);
      this.#hasFailed = false;
    } catch (failure) {
      // The statement is done: to fail it now would be a lie. It is told once, until a line is written again.
      if (!this.#hasFailed) this.#options.onProblem(`the audit log cannot be written: ${asDbError(failure).message}`);
      this.#hasFailed = true;
    }
  }

  #append(line: string): void {
    if (this.#file < 0 || this.#bytes >= this.#options.fileBytesMax || this.#isGone()) this.#openNext();
    const bytes = Buffer.from(line);
    const done = writeSync(this.#file, bytes);
    this.#bytes += done;
    // Half a line would spoil the next one too.
    if (done < bytes.length) {
      this.#close();
      throw new Error('only a part of a line could be written');
    }
  }

  /** Whether somebody removed the file: it takes lines as well as any, and nobody ever reads them. */
  #isGone(): boolean {
    const nowMs = this.#options.nowMs();
    if (Math.abs(nowMs - this.#lookedMs) < LOOK_MS) return false;
    this.#lookedMs = nowMs;
    return fstatSync(this.#file).nlink === 0;
  }

  #openNext(): void {
    this.#close();
    const { directory } = this.#options;
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stamp = new Date(this.#options.nowMs()).toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
    let name = `audit_${stamp}.log`;
    for (let n = 1; existsSync(join(directory, name)); n++) name = `audit_${stamp}_${n}.log`;
    this.#file = openSync(join(directory, name), 'a', 0o600);
    chmodSync(join(directory, name), 0o600);
    this.#name = name;
    this.#bytes = 0;
    this.clean();
  }

  /** Removes files whose last line is older than allowed. What cannot be removed is told once, and keeps nobody from writing. */
  clean(): void {
    try {
      this.#removeOld();
      this.#keeps = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#keeps) this.#options.onProblem(`old files of the audit log cannot be removed: ${message}`);
      this.#keeps = message;
    }
  }

  #removeOld(): void {
    const hours = this.#options.expireHours();
    if (hours === 0) return;
    const before = this.#options.nowMs() - hours * HOUR_MS;
    for (const name of this.#files()) {
      const path = join(this.#options.directory, name);
      if (name !== this.#name && (mtimeOf(path) ?? before) < before) unlinkSync(path);
    }
  }

  /** Oldest first. */
  #files(): string[] {
    const { directory } = this.#options;
    if (!existsSync(directory)) return [];
    const age = (name: string) => [name.slice(0, 21), Number(/_(\d+)\.log$/.exec(name.slice(21))?.[1] ?? 0)] as const;
    return readdirSync(directory).filter((name) => FILE.test(name)).sort((a, b) => {
      const [[stampA, nA], [stampB, nB]] = [age(a), age(b)];
      return stampA === stampB ? nA - nB : stampA < stampB ? -1 : 1;
    });
  }

  async search(query: AuditQuery): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    for (const name of this.#files().reverse()) {
      const path = join(this.#options.directory, name);
      // Nothing in a file is younger than its last line.
      const mtimeMs = mtimeOf(path);
      if (mtimeMs === undefined) continue;
      if (mtimeMs < query.fromMs) break;
      const inFile = await matching(path, query);
      for (let i = inFile.length - 1; i >= 0 && found.length < query.limit; i--) found.push(inFile[i]!);
      if (found.length >= query.limit) break;
    }
    return found;
  }

  #close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  close(): void {
    clearInterval(this.#cleaner);
    this.#close();
  }
}

/** Undefined: somebody has removed it meanwhile. */
function mtimeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** The newest matches of a file, oldest first; no more are held than are wanted. */
async function matching(path: string, query: AuditQuery): Promise<AuditEntry[]> {
  const file = await open(path);
  const found: AuditEntry[] = [];
  try {
    for await (const line of file.readLines()) {
      const entry = parsed(line);
      if (entry === undefined || !matches(entry, query)) continue;
      found.push(entry);
      if (found.length >= 2 * query.limit) found.splice(0, found.length - query.limit);
    }
  } finally {
    await file.close().catch(() => undefined);
  }
  return found;
}

function parsed(line: string): AuditEntry | undefined {
  try {
    return JSON.parse(line) as AuditEntry;
  } catch {
    return undefined; // Torn by a crash.
  }
}

function matches(entry: AuditEntry, { fromMs, toMs, equal, text }: AuditQuery): boolean {
  const at = Date.parse(entry.time);
  if (at < fromMs || at > toMs) return false;
  for (const [field, value] of Object.entries(equal)) if (entry[field as keyof AuditEntry] !== value) return false;
  return text === '' || entry.content.toLowerCase().includes(text.toLowerCase());
}
