/** Large objects in storage that speaks S3 and fails in the middle: they are there whole or not at all, and nothing half sent stays behind. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { S3Storage, s3Options } from '../../src/data/backup/s3-storage.ts';
import { sha256 } from '../../src/data/backup/storage.ts';
import { seededRandom } from '../../src/base/random.ts';

const PART = 64 * 1024;
const DAY_MS = 86_400_000;

type Fault = 'breaks off' | 'is slow' | 'answers with a page' | 'fails' | 'hangs up' | 'hangs up afterwards' | 'says so in the text' | 'refuses';

/** As much of S3 as backups use. `fault`: what happens to a request; asked for each. */
class FakeS3 {
  readonly objects = new Map<string, Buffer>();
  readonly uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Buffer>; begunMs: number }>();
  readonly bad: string[] = [];
  readonly seen: string[] = [];
  atOnceMax = 0;
  fault: (what: string, nth: number) => Fault | undefined = () => undefined;
  /** Whether it knows how a list goes on. */
  tells = true;
  readonly server: Server;
  #atOnce = 0;
  #next = 1;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      this.atOnceMax = Math.max(this.atOnceMax, ++this.#atOnce);
      response.on('close', () => this.#atOnce--);
      request.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        // A moment, so that those sent at once meet.
        setTimeout(() => this.#faulty(request, response, Buffer.concat(chunks)), 10);
      });
    });
  }

  #faulty(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url!, 'http://s3');
    const what = url.searchParams.has('partNumber') ? 'part' : url.searchParams.has('uploads') ? (request.method === 'POST' ? 'begin' : 'list') : url.searchParams.has('list-type') ? 'list objects' : url.searchParams.has('uploadId') ? (request.method === 'POST' ? 'complete' : 'abort') : request.method!;
    const nth = this.seen.filter((one) => one === what).length;
    this.seen.push(what);
    const fault = this.fault(what, nth);
    if (fault === 'hangs up') response.destroy();
    else if (fault === 'fails') response.writeHead(500).end('<Error><Code>InternalError</Code></Error>');
    else if (fault === 'refuses') response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    else if (fault === 'is slow') response.writeHead(400).end('<Error><Code>RequestTimeout</Code></Error>');
    else if (fault === 'answers with a page') response.end('<!doctype html><title>Console</title>');
    else if (fault === 'says so in the text') response.end('<?xml version="1.0"?><Error><Code>InternalError</Code><Message>try again</Message></Error>');
    else {
      const { status, text, headers } = this.#do(what, request, url, body);
      if (fault === 'hangs up afterwards') response.destroy();
      else if (fault === 'breaks off') {
        response.writeHead(status, { ...headers, 'content-length': (text ?? '').length }).write((text ?? '').slice(0, (text ?? '').length >> 1), () => response.destroy());
      }
      else response.writeHead(status, headers).end(text);
    }
  }

  #do(what: string, request: IncomingMessage, url: URL, body: Buffer): { status: number; text?: string | Buffer; headers?: Record<string, string | number> } {
    if (!/^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/us-east-1\/s3\/aws4_request, SignedHeaders=[^,]*x-amz-content-sha256[^,]*, Signature=[0-9a-f]{64}$/.test(request.headers.authorization ?? '')) this.bad.push(`${request.method} ${request.url}`);
    if (body.length > 0 && request.headers['x-amz-content-sha256'] !== sha256(body)) this.bad.push(`${what}: sha256`);
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\//, ''));
    const id = url.searchParams.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    switch (what) {
      case 'begin': {
        const fresh = `up&${this.#next++}`;
        this.uploads.set(fresh, { key, parts: new Map(), begunMs: Date.now() });
        return { status: 200, text: `<InitiateMultipartUploadResult><UploadId>${fresh.replace('&', '&amp;')}</UploadId></InitiateMultipartUploadResult>` };
      }
      case 'part':
        if (upload === undefined) return { status: 404, text: '<Error><Code>NoSuchUpload</Code></Error>' };
        upload.parts.set(Number(url.searchParams.get('partNumber')), body);
        return { status: 200, headers: { etag: `"${sha256(body).slice(0, 32)}"` } };
      case 'complete': {
        if (upload === undefined) return { status: 404, text: '<Error><Code>NoSuchUpload</Code></Error>' };
        const parts = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)].map(([, number, tag]) => {
          const part = upload.parts.get(Number(number));
          if (part === undefined || tag !== `"${sha256(part).slice(0, 32)}"`) this.bad.push(`part ${number} of ${upload.key}`);
          return part ?? Buffer.alloc(0);
        });
        this.objects.set(upload.key, Buffer.concat(parts));
        this.uploads.delete(id);
        return { status: 200, text: '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>' };
      }
      case 'abort':
        this.uploads.delete(id);
        return { status: 204 };
      case 'DELETE':
        this.objects.delete(key);
        return { status: 204 };
      case 'list objects':
        return { status: 200, text: this.#page(url.searchParams) };
      case 'list':
        return { status: 200, text: `<ListMultipartUploadsResult>${[...this.uploads].map(([one, { key: of, begunMs }]) => `<Upload><Key>${of}</Key><UploadId>${one.replace('&', '&amp;')}</UploadId><Initiated>${new Date(begunMs).toISOString()}</Initiated></Upload>`).join('')}</ListMultipartUploadsResult>` };
      case 'PUT':
        this.objects.set(key, body);
        return { status: 200 };
      default: {
        const object = this.objects.get(key);
        return object === undefined ? { status: 404 } : { status: 200, headers: { 'content-length': object.length }, ...(what === 'GET' ? { text: object } : {}) };
      }
    }
  }

  /** Two at a time, quotes by their number as storages written in Go send them. */
  #page(query: URLSearchParams): string {
    const keys = [...this.objects.keys()].filter((one) => one.startsWith(query.get('prefix')!)).sort();
    const from = Number(query.get('continuation-token') ?? 0);
    const isCut = from + 2 < keys.length;
    const contents = keys.slice(from, from + 2).map((one) => `<Contents><Key>${one.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\'', '&#39;').replaceAll('"', '&#x22;')}</Key></Contents>`).join('');
    return `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${contents}${isCut && this.tells ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : ''}</ListBucketResult>`;
  }
}

let s3: FakeS3;
let place: S3Storage;

beforeEach(async () => {
  s3 = new FakeS3();
  await new Promise<void>((resolve) => s3.server.listen(0, '127.0.0.1', resolve));
  place = new S3Storage(s3Options('s3://bucket/some/prefix', { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'SECRET' }, { endpoint: `http://127.0.0.1:${(s3.server.address() as AddressInfo).port}`, partBytes: PART, parallel: 3 }));
});
afterEach(() => {
  s3.server.closeAllConnections();
  s3.server.close();
});

function bytes(length: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random.next() * 256)));
}

it('takes objects of any size, in parts above one part, a few at once', async () => {
  for (const length of [0, 1, PART, PART + 1, 10 * PART, 10 * PART + 17]) {
    await place.write(`a/${length}`, bytes(length));
    expect((await place.read(`a/${length}`))!.equals(bytes(length))).toBe(true);
  }
  expect(s3.seen.filter((one) => one === 'part')).toHaveLength(2 + 10 + 11);
  expect(s3.seen.filter((one) => one === 'PUT')).toHaveLength(3);
  expect(s3.atOnceMax).toBe(3);
  expect([...s3.objects.keys()].every((key) => key.startsWith('some/prefix/a/'))).toBe(true);
  expect({ bad: s3.bad, left: s3.uploads.size }).toEqual({ bad: [], left: 0 });
});

it('asks again what fails on the way, each part by itself', async () => {
  const whole = bytes(8 * PART + 5);
  const faults: Readonly<Record<string, (nth: number) => Fault | undefined>> = {
    begin: (nth) => (nth === 0 ? 'fails' : nth === 1 ? 'hangs up' : undefined),
    part: (nth) => (nth % 4 === 1 ? 'fails' : nth % 4 === 2 ? 'hangs up' : nth % 7 === 3 ? 'hangs up afterwards' : undefined),
    complete: (nth) => (nth === 0 ? 'fails' : nth === 1 ? 'says so in the text' : nth === 2 ? 'hangs up afterwards' : undefined),
  };
  s3.fault = (what, nth) => faults[what]?.(nth);
  await place.write('b', whole);
  expect(s3.objects.get('some/prefix/b')!.equals(whole)).toBe(true);
  expect({ bad: s3.bad, left: s3.uploads.size }).toEqual({ bad: [], left: 0 });
}, 30_000);

it('leaves the object before as it was, and no parts, when it gives up', async () => {
  const before = bytes(3 * PART, 7);
  await place.write('c', before);
  for (const [what, code] of [['part', /AccessDenied/], ['complete', /AccessDenied/]] as const) {
    s3.fault = (one, nth) => (one === what && nth > 4 ? 'refuses' : undefined);
    const sent = s3.seen.length;
    // A few good ones first.
    if (what === 'complete') s3.fault = (one) => (one === what ? 'refuses' : undefined);
    await expect(place.write('c', bytes(12 * PART))).rejects.toThrow(code);
    expect(s3.seen.length - sent).toBeLessThan(20);
    expect(s3.seen.at(-1)).toBe('abort');
    expect(s3.objects.get('some/prefix/c')!.equals(before)).toBe(true);
    expect(s3.uploads.size).toBe(0);
  }
  s3.fault = () => undefined;
  await place.write('c', bytes(12 * PART));
  expect((await place.read('c'))!.equals(bytes(12 * PART))).toBe(true);
});

it('says that a storage which goes on failing does so', async () => {
  s3.fault = (what) => (what === 'part' ? 'fails' : undefined);
  await expect(place.write('d', bytes(2 * PART))).rejects.toMatchObject({ code: 'StorageUnavailable' });
  expect({ objects: s3.objects.size, left: s3.uploads.size }).toEqual({ objects: 0, left: 0 });
}, 30_000);

it('removes what killed ones left half sent, a day later', async () => {
  for (const [id, age] of [['old', 2 * DAY_MS], ['new', 1000]] as const) s3.uploads.set(id, { key: 'some/prefix/x', parts: new Map(), begunMs: Date.now() - age });
  (await place.lock())();
  expect([...s3.uploads.keys()]).toEqual(['new']);
  s3.fault = () => 'refuses';
  (await place.lock())();
});

it('asks again for what breaks off in the middle, lists and objects', async () => {
  for (const [i, name] of ['x/1', 'x/2', 'x/3', 'y/1', 'y/2'].entries()) await place.write(name, bytes(1000, i));
  s3.fault = (what, nth) => (what === 'list objects' || what === 'GET' ? ([undefined, 'breaks off', 'is slow', 'fails', 'hangs up'] as const)[nth % 5] : undefined);
  expect(await place.list()).toEqual(['x/1', 'x/2', 'x/3', 'y/1', 'y/2']);
  for (let i = 0; i < 3; i++) expect((await place.read('x/2'))!.equals(bytes(1000, 1))).toBe(true);
  s3.fault = (what) => (what === 'GET' ? 'breaks off' : undefined);
  await expect(place.read('x/2')).rejects.toMatchObject({ code: 'StorageUnavailable' });
}, 30_000);

it('takes half a list, or what is none, for no list', async () => {
  for (const name of ['x/1', 'x/2', 'x/3']) await place.write(name, bytes(10));
  s3.tells = false;
  await expect(place.list()).rejects.toThrow(/does not know ListObjectsV2/);
  s3.fault = () => 'answers with a page';
  await expect(place.list()).rejects.toThrow(/does not speak S3/);
});

it('knows names with every character again', async () => {
  const prefix = `o'brien "a" & <b>`;
  const there = new S3Storage(s3Options(`s3://bucket/${prefix}`, { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'SECRET' }, { endpoint: `http://127.0.0.1:${(s3.server.address() as AddressInfo).port}` }));
  await there.write('id/part', bytes(10));
  s3.objects.set(`${prefix}/id/it's`, bytes(1));
  expect((await there.list()).sort()).toEqual(["id/it's", 'id/part']);
});
