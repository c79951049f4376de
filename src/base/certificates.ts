/**
 * The certificate, key and authority of a server from their PEM files, read again while it runs.
 *
 * What is read is checked before it is used, so a pair that does not fit (one file of two replaced so far) or a damaged file
 * changes nothing: the certificates in use stay.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { DbError } from './errors.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Authority that signed the certificates of the other servers; '' for none. */
  readonly ca: string;
}

export interface Certificates {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

function readFile(option: string, path: string): Buffer {
  if (path.includes('-----BEGIN')) throw new DbError('InvalidConfig', `${option} is the path of a PEM file, not its text`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new DbError('InvalidConfig', `cannot read ${option}: ${(error as Error).message}`, { hint: `${option} is the path of a PEM file` });
  }
}

/** Reads and checks; throws InvalidConfig. */
export function readCertificates(files: CertificateFiles): Certificates {
  const read = { cert: readFile('server_cert', files.cert), key: readFile('server_key', files.key), ca: files.ca === '' ? undefined : readFile('server_ca', files.ca) };
  try {
    createSecureContext(read);
  } catch (error) {
    throw new DbError('InvalidConfig', `server_cert ${files.cert}, server_key ${files.key}${files.ca === '' ? '' : ` and server_ca ${files.ca}`} do not go together: ${(error as Error).message}`);
  }
  // OpenSSL takes an authority without any certificate in it, and then trusts nobody.
  if (read.ca !== undefined && !read.ca.includes('-----BEGIN CERTIFICATE-----')) throw new DbError('InvalidConfig', `server_ca ${files.ca} holds no certificate`);
  return read;
}

export interface CertificateWatchOptions {
  /** Milliseconds between looks; 0: only when asked. */
  readonly intervalMs: number;
  readonly onChange: (certificates: Certificates) => void;
  readonly onProblem: (message: string) => void;
  /** What others may dislike about the certificates in use, looked for at each look; each is told once. */
  readonly concerns?: (certificates: Certificates) => readonly string[];
  readonly onConcern?: (message: string) => void;
}

export class CertificateWatch {
  readonly #files: CertificateFiles;
  readonly #options: CertificateWatchOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #current: Certificates;
  #problem = '';
  #told: readonly string[] = [];

  constructor(files: CertificateFiles, options: CertificateWatchOptions) {
    this.#files = files;
    this.#options = options;
    this.#current = readCertificates(files);
    this.#lookForConcerns();
    if (options.intervalMs > 0) this.#timer = setInterval(() => this.reload(), options.intervalMs).unref();
  }

  get current(): Certificates {
    return this.#current;
  }

  /** Looks now. A problem is told once, until it is another or gone. */
  reload(): void {
    this.#read();
    this.#lookForConcerns();
  }

  #read(): void {
    let read: Certificates;
    try {
      read = readCertificates(this.#files);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#problem) this.#options.onProblem(`${message}; the certificates in use stay`);
      this.#problem = message;
      return;
    }
    this.#problem = '';
    const { cert, key, ca } = this.#current;
    if (read.cert.equals(cert) && read.key.equals(key) && (read.ca === undefined || ca?.equals(read.ca) === true)) return;
    this.#current = read;
    this.#options.onChange(read);
  }

  /** Also without new files: time alone makes certificates run out. */
  #lookForConcerns(): void {
    const { concerns, onConcern } = this.#options;
    const found = concerns?.(this.#current) ?? [];
    for (const concern of found) if (!this.#told.includes(concern)) onConcern?.(concern);
    this.#told = found;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
