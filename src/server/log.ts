/**
 * The server's log through pino: readable on a terminal, JSON otherwise; into files with rotation by size where `log_dir`
 * is set. Secrets never get here: what is logged are names, numbers and our own messages.
 */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import pino from 'pino';
import { DbError } from '../base/errors.ts';
import type { Config } from './options.ts';
import type pretty from 'pino-pretty';

export type Log = pino.Logger;

/** Lines that standard output does not take are kept up to this size. */
const KEPT_BYTES = 1 << 20;

const FILE = /^lgraph_(\d{8}_\d{6})(?:_(\d+))?\.log$/;

/** By `verbose`. */
export const LOG_LEVELS = ['error', 'info', 'debug'] as const;

export function openLog(config: Pick<Config, 'log_dir' | 'log_file_size' | 'max_n_log_files' | 'verbose'>): Log {
  const options = { level: LOG_LEVELS[config.verbose] ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (config.log_dir !== '') {
    return pino(options, new RotatingFile(config.log_dir, config.log_file_size * 1024 * 1024, config.max_n_log_files));
  }
  if (process.stdout.isTTY) {
    // Loaded where somebody looks only.
    const prettyLines = createRequire(import.meta.url)('pino-pretty') as typeof pretty;
    return pino(options, prettyLines({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', sync: true }));
  }
  const output = pino.destination({ dest: 1, sync: true, maxLength: KEPT_BYTES });
  // As below: without a listener the failed write would be thrown to whoever had something to say. What is kept goes out with the next line that can.
  output.on('error', () => undefined);
  return pino(options, output);
}

/**
 * `lgraph_YYYYMMDD_HHMMSS.log`, and a new one whenever it has grown to its size; the oldest go.
 *
 * Once it is open it takes every line without an error: a full disk must not make a statement fail that has something to log. Lines that
 * could not be written are counted, and told by the next one that could.
 */
class RotatingFile {
  readonly #directory: string;
  readonly #bytesMax: number;
  readonly #filesMax: number;
  #file = -1;
  #bytes = 0;
  #lost = 0;
  /** A line was written in part. */
  #torn = false;

  constructor(directory: string, bytesMax: number, filesMax: number) {
    this.#directory = directory;
    this.#bytesMax = bytesMax;
    this.#filesMax = filesMax;
    try {
      this.#open();
    } catch (error) {
      throw new DbError('InvalidConfig', `log_dir: ${directory} cannot be used: ${(error as Error).message}`, { cause: error, hint: 'name a folder that the server may write to, or leave it empty' });
    }
  }

  #open(): void {
    this.#close();
    mkdirSync(this.#directory, { recursive: true });
    const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
    let path = join(this.#directory, `lgraph_${stamp}.log`);
    for (let n = 1; existsSync(path) && statSync(path).size >= this.#bytesMax; n++) path = join(this.#directory, `lgraph_${stamp}_${n}.log`);
    this.#file = openSync(path, 'a');
    this.#bytes = statSync(path).size;
    this.#removeOldest(basename(path));
  }

  /** By their names; the one that is written to stays, whatever a clock that was set back calls it. */
  #removeOldest(current: string): void {
    const order = (name: string): string => {
      const [, stamp, n = '0'] = FILE.exec(name)!;
      return stamp! + n.padStart(9, '0');
    };
    try {
      const files = readdirSync(this.#directory).filter((name) => name !== current && FILE.test(name)).sort((a, b) => (order(a) < order(b) ? -1 : 1));
      for (const name of files.slice(0, Math.max(0, files.length + 1 - this.#filesMax))) rmSync(join(this.#directory, name), { force: true });
    } catch {
      // What cannot be removed now is tried again with the next file; lines can be written.
    }
  }

  /** A file that somebody removed takes lines as well as any, and nobody ever reads them. */
  get #isGone(): boolean {
    return fstatSync(this.#file).nlink === 0;
  }

  #close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  write(line: string): void {
    try {
      if (this.#file < 0 || this.#bytes >= this.#bytesMax || this.#isGone) this.#open();
      if (this.#torn) this.#append('\n');
      this.#torn = false;
      if (this.#lost > 0) this.#append(`${JSON.stringify({ level: 40, time: new Date().toISOString(), msg: `${this.#lost} lines of this log could not be written` })}\n`);
      this.#lost = 0;
      this.#append(line);
    } catch {
      this.#lost++;
    }
  }

  #append(line: string): void {
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length;) {
      const count = writeSync(this.#file, bytes, at);
      at += count;
      this.#bytes += count;
      this.#torn = at < bytes.length;
    }
  }
}
