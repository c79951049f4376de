/**
 * Backups in storage that speaks the S3 protocol: `s3://bucket/prefix`, requests signed with AWS Signature Version 4 (aws4fetch).
 *
 * An object is there whole or not at all, and the SHA-256 of each request travels in its signature, so the storage refuses what a bad wire
 * changed. A part of a backup is one object, and a broken backup goes on at its last whole one; objects above `partBytes` go by multipart
 * upload (s3-upload.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { DbError } from '../../base/errors.ts';
import { textsIn, uploadInParts, uploadsIn } from './s3-upload.ts';
import type { S3Answer, UploadOptions } from './s3-upload.ts';
import { sha256 } from './storage.ts';
import type { BackupStorage } from './storage.ts';

export interface S3Options {
  readonly bucket: string;
  /** Without slashes around it; may be empty. */
  readonly prefix: string;
  /** `https://host[:port]`; the bucket goes into the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly upload: UploadOptions;
}

/** The names AWS's own tools use. */
type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Given extends Partial<UploadOptions> {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

export const S3_PART_MB = 16;
export const S3_PARALLEL = 4;
const RETRIES = 5;
const RETRY_MS = 50;
const TIMEOUT_MS = 300_000;
/** A storage that takes every question and answers none is given up then, and not after the time of all attempts. */
const GIVE_UP_MS = 400_000;
/** Refusals that S3 itself says to ask again for, under statuses that are otherwise final. */
const PASSING = new Set(['RequestTimeout', 'OperationAborted']);
/** Uploads that were begun before that belong to nobody who lives. */
const UPLOAD_STALE_MS = 24 * 3_600_000;

/** `s3://bucket/prefix` with what the environment says of the storage. Throws InvalidRequest. */
export function s3Options(url: string, environment: Environment, given: S3Given = {}): S3Options {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(url) ?? [];
  if (bucket === undefined) throw new DbError('InvalidRequest', `${url} is not s3://bucket or s3://bucket/prefix`);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new DbError('InvalidRequest', `${url} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`);
  }
  const region = given.region || (environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1');
  const endpoint = given.endpoint || (environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`);
  return {
    bucket, prefix: prefix.replace(/^\/+|\/+$/g, ''), endpoint: endpoint.replace(/\/+$/, ''), region, accessKeyId, secretAccessKey, sessionToken,
    upload: { partBytes: given.partBytes ?? S3_PART_MB << 20, parallel: given.parallel ?? S3_PARALLEL },
  };
}

export class S3Storage implements BackupStorage {
  readonly place: string;
  readonly #options: S3Options;
  readonly #client: AwsClient;

  constructor(options: S3Options) {
    const { bucket, prefix, accessKeyId, secretAccessKey, sessionToken, region } = options;
    this.#options = options;
    this.place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    this.#client = new AwsClient({ accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }), region, service: 's3', retries: RETRIES });
  }

  #url(key: string, query = ''): string {
    const { endpoint, bucket } = this.#options;
    return `${endpoint}/${[bucket, ...key.split('/')].map(encodeURIComponent).join('/')}${query}`;
  }

  #key(name: string): string {
    const { prefix } = this.#options;
    return prefix === '' ? name : `${prefix}/${name}`;
  }

  /** A good answer, or 404. What the wire loses is asked again, as what the storage calls its own fault is (aws4fetch): every request may be repeated. */
  async #ask(method: string, url: string, body?: Uint8Array): Promise<S3Answer> {
    const answer = await this.#answered(method, url, body);
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 404) return answer;
    const text = answer.bytes.toString();
    const code = textsIn(text, 'Code')[0] ?? String(answer.status);
    // Its own fault for so long: it may pass, and what is there is kept.
    if (answer.status === 429 || (answer.status >= 500 && answer.status !== 507) || PASSING.has(code)) {
      throw new DbError('StorageUnavailable', `${this.place} at ${this.#options.endpoint} fails: ${code}`);
    }
    throw new DbError(answer.status === 507 ? 'ReadOnlyDisk' : 'InvalidRequest', `${this.place} refuses ${method}: ${code} ${textsIn(text, 'Message')[0] ?? ''}`.trim(), { hint: code === 'RequestTimeTooSkewed' ? 'set the clock of this machine' : 'look at bucket, endpoint, region and keys' });
  }

  /** What breaks off in the middle of its body is no answer. */
  async #answered(method: string, url: string, body?: Uint8Array): Promise<S3Answer> {
    const giveUpMs = performance.now() + GIVE_UP_MS;
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt === RETRIES || performance.now() > giveUpMs;
      try {
        const response = await this.#client.fetch(url, {
          method, signal: AbortSignal.timeout(TIMEOUT_MS),
          ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer>, headers: { 'x-amz-content-sha256': sha256(body), 'content-type': 'application/octet-stream' } }),
        });
        const answer = { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
        if (isLast || !(answer.status >= 400 && PASSING.has(textsIn(answer.bytes.toString(), 'Code')[0] ?? ''))) return answer;
      } catch (error) {
        if (isLast) throw new DbError('StorageUnavailable', `${this.place} at ${this.#options.endpoint} does not answer: ${causeOf(error)}`, { cause: error });
      }
      await sleep(RETRY_MS * 2 ** attempt);
    }
  }

  async list(folder?: string): Promise<string[]> {
    const names: string[] = [];
    const below = this.#key(folder === undefined ? '' : `${folder}/`);
    for (let token = ''; ;) {
      const answer = await this.#ask('GET', this.#url('', `?list-type=2&prefix=${encodeURIComponent(below)}${token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`}`));
      if (answer.status === 404) throw new DbError('InvalidRequest', `${this.place}: there is no such bucket`);
      const text = answer.bytes.toString();
      // Backups that are not in a list are taken for ones that do not exist: half a list, or a page of something else, must not pass for one.
      if (!text.includes('<ListBucketResult')) throw new DbError('InvalidRequest', `${this.#options.endpoint} answers with no list of objects: it does not speak S3`, { hint: 'the endpoint is that of the S3 interface, not of a web console or proxy' });
      const cut = this.#key('').length;
      names.push(...textsIn(text, 'Key').map((key) => key.slice(cut)));
      const [next] = textsIn(text, 'NextContinuationToken');
      if (next === undefined && textsIn(text, 'IsTruncated')[0] === 'true') throw new DbError('InvalidRequest', `${this.#options.endpoint} does not say how its list goes on: it does not know ListObjectsV2`);
      if (next === undefined) return names.sort();
      token = next;
    }
  }

  async read(name: string): Promise<Buffer | undefined> {
    const answer = await this.#ask('GET', this.#url(this.#key(name)));
    return answer.status === 404 ? undefined : answer.bytes;
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const { upload } = this.#options;
    if (bytes.length > upload.partBytes) {
      await uploadInParts((method, query, body) => this.#ask(method, this.#url(this.#key(name), query), body), bytes, upload);
      return;
    }
    const answer = await this.#ask('PUT', this.#url(this.#key(name)), bytes);
    if (answer.status === 404) throw new DbError('InvalidRequest', `${this.place}: there is no such bucket`);
  }

  async remove(name: string): Promise<void> {
    await this.#ask('DELETE', this.#url(this.#key(name)));
  }

  /** S3 has no locks that every storage knows: whoever schedules backups sees to it that only one runs. What killed ones left half sent goes. */
  async lock(): Promise<() => void> {
    try {
      await this.#abortLeft();
    } catch {
      // Not every storage can say what was begun; backups do not need it.
    }
    return () => undefined;
  }

  async #abortLeft(): Promise<void> {
    const answer = await this.#ask('GET', this.#url('', `?uploads=&prefix=${encodeURIComponent(this.#key(''))}`));
    for (const { key, id, begunMs } of uploadsIn(answer.bytes.toString())) {
      if (!(Date.now() - begunMs > UPLOAD_STALE_MS)) continue;
      await this.#ask('DELETE', this.#url(key, `?uploadId=${encodeURIComponent(id)}`));
    }
  }
}

/** fetch says only that it failed; why stands behind it. */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message;
}
