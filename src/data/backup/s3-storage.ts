/**
 * Backups in storage that speaks the S3 protocol: `s3://bucket/prefix`, requests signed with AWS Signature Version 4 (aws4fetch).
 *
 * An object is there whole or not at all, and its SHA-256 travels in the signature, so the storage refuses what a bad wire changed.
 * A part is one request: parts take the place of S3's multipart upload, and a broken backup goes on at its last whole part.
 */
import { AwsClient } from 'aws4fetch';
import { DbError } from '../../base/errors.ts';
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
}

/** The names AWS's own tools use. */
type Environment = Readonly<Record<string, string | undefined>>;

const RETRIES = 5;
const TIMEOUT_MS = 300_000;

/** `s3://bucket/prefix` with what the environment says of the storage. Throws InvalidRequest. */
export function s3Options(url: string, environment: Environment, given: { readonly endpoint?: string | undefined; readonly region?: string | undefined } = {}): S3Options {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(url) ?? [];
  if (bucket === undefined) throw new DbError('InvalidRequest', `${url} is not s3://bucket or s3://bucket/prefix`);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new DbError('InvalidRequest', `${url} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`);
  }
  const region = given.region || (environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1');
  const endpoint = given.endpoint || (environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`);
  return { bucket, prefix: prefix.replace(/^\/+|\/+$/g, ''), endpoint: endpoint.replace(/\/+$/, ''), region, accessKeyId, secretAccessKey, sessionToken };
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

  async #ask(method: string, url: string, body?: Uint8Array): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.#client.fetch(url, {
        method, signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer>, headers: { 'x-amz-content-sha256': sha256(body), 'content-type': 'application/octet-stream' } }),
      });
    } catch (error) {
      throw new DbError('Busy', `${this.place} at ${this.#options.endpoint} does not answer: ${(error as Error).message}`, { cause: error });
    }
    if (answer.ok || answer.status === 404) return answer;
    const text = await answer.text();
    const code = tagged(text, 'Code')[0] ?? String(answer.status);
    throw new DbError(answer.status === 507 ? 'ReadOnlyDisk' : 'InvalidRequest', `${this.place} refuses ${method}: ${code} ${tagged(text, 'Message')[0] ?? ''}`.trim(), { hint: 'look at bucket, endpoint, region and keys' });
  }

  async list(folder?: string): Promise<string[]> {
    const names: string[] = [];
    const below = this.#key(folder === undefined ? '' : `${folder}/`);
    for (let token = ''; ;) {
      const answer = await this.#ask('GET', this.#url('', `?list-type=2&prefix=${encodeURIComponent(below)}${token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`}`));
      const text = await answer.text();
      if (answer.status === 404) throw new DbError('InvalidRequest', `${this.place}: there is no such bucket`);
      const cut = this.#key('').length;
      names.push(...tagged(text, 'Key').map((key) => key.slice(cut)));
      const [next] = tagged(text, 'NextContinuationToken');
      if (next === undefined) return names.sort();
      token = next;
    }
  }

  async read(name: string): Promise<Buffer | undefined> {
    const answer = await this.#ask('GET', this.#url(this.#key(name)));
    if (answer.status === 404) {
      await answer.body?.cancel();
      return undefined;
    }
    return Buffer.from(await answer.arrayBuffer());
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const answer = await this.#ask('PUT', this.#url(this.#key(name)), bytes);
    if (answer.status === 404) throw new DbError('InvalidRequest', `${this.place}: there is no such bucket`);
    await answer.body?.cancel();
  }

  async remove(name: string): Promise<void> {
    await (await this.#ask('DELETE', this.#url(this.#key(name)))).body?.cancel();
  }

  /** S3 has no locks that every storage knows: whoever schedules backups sees to it that only one runs. */
  lock(): Promise<() => void> {
    return Promise.resolve(() => undefined);
  }
}

/** The texts of all elements of that name. The answers have no nesting of equal names. */
function tagged(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => unescaped(match[1]!));
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => ENTITIES[entity]!);
}
