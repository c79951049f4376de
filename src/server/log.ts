/**
 * The server's log through pino: readable on a terminal, JSON otherwise; into files with rotation by size where `log_dir`
 * is set. Secrets never get here: what is logged are names, numbers and our own messages.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import pretty from 'pino-pretty';
import type { Config } from './options.ts';

export type Log = pino.Logger;

/** By `verbose`. */
export const LOG_LEVELS = ['error', 'info', 'debug'] as const;

export function openLog(config: Pick<Config, 'log_dir' | 'log_file_size' | 'max_n_log_files' | 'verbose'>): Log {
  const options = { level: LOG_LEVELS[config.verbose] ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (config.log_dir !== '') {
    return pino(options, new RotatingFile(config.log_dir, config.log_file_size * 1024 * 1024, config.max_n_log_files));
  }
  if (process.stdout.isTTY) return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', sync: true }));
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

/** `lgraph_YYYYMMDD_HHMMSS.log`, and a new one whenever it has grown to its size; the oldest go. */
class RotatingFile {
  readonly #directory: string;
  readonly #bytesMax: number;
  readonly #filesMax: number;
  #file = -1;
  #bytes = 0;

  constructor(directory: string, bytesMax: number, filesMax: number) {
    this.#directory = directory;
    this.#bytesMax = bytesMax;
    this.#filesMax = filesMax;
    mkdirSync(directory, { recursive: true });
    this.#open();
  }

  #open(): void {
    if (this.#file >= 0) closeSync(this.#file);
    const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
    let path = join(this.#directory, `lgraph_${stamp}.log`);
    for (let n = 1; existsSync(path) && statSync(path).size >= this.#bytesMax; n++) path = join(this.#directory, `lgraph_${stamp}_${n}.log`);
    this.#file = openSync(path, 'a');
    this.#bytes = statSync(path).size;
    const files = readdirSync(this.#directory).filter((name) => /^lgraph_\d{8}_\d{6}(_\d+)?\.log$/.test(name)).sort();
    for (const name of files.slice(0, Math.max(0, files.length - this.#filesMax))) unlinkSync(join(this.#directory, name));
  }

  write(line: string): void {
    if (this.#bytes >= this.#bytesMax) this.#open();
    this.#bytes += writeSync(this.#file, line);
  }
}
