/**
 * S3's multipart upload: a large object in parts, some at once, each asked again by itself when the wire or the storage fails. The object
 * is there, whole, once the upload is completed; one that cannot be is aborted, so that no parts stay behind and cost money.
 */
import { DbError } from '../../base/errors.ts';

export interface UploadOptions {
  /** Bytes of one part. AWS takes no less than 5 MiB, but for the last one. */
  readonly partBytes: number;
  /** Parts on their way at once. */
  readonly parallel: number;
}

/** An answer that came whole. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** Sends a request for the object, with a query; asks again what may pass. Answers that are neither good nor 404 have been thrown. */
export type AskObject = (method: string, query: string, body?: Uint8Array) => Promise<S3Answer>;

/** AWS has a limit of so many parts; the parts get larger where there would be more. */
const PARTS_MAX = 10_000;

export async function uploadInParts(ask: AskObject, bytes: Uint8Array, options: UploadOptions): Promise<void> {
  const partBytes = Math.max(options.partBytes, Math.ceil(bytes.length / PARTS_MAX));
  const begun = await ask('POST', '?uploads=');
  const id = textsIn(begun.bytes.toString(), 'UploadId')[0];
  if (begun.status === 404) throw new DbError('InvalidRequest', 'there is no such bucket');
  if (id === undefined) throw new DbError('StorageUnavailable', 'the storage began no upload');
  const upload = `uploadId=${encodeURIComponent(id)}`;
  try {
    const tags = await partsOf(ask, upload, bytes, partBytes, options.parallel);
    await complete(ask, upload, bytes.length, tags);
  } catch (error) {
    // As good as it can be: where the storage is gone there is nobody to tell.
    await ask('DELETE', `?${upload}`).catch(() => undefined);
    throw error;
  }
}

/** Sends the parts; gives their tags in order. The first failure stops the rest, and is thrown when nothing is on its way any more. */
async function partsOf(ask: AskObject, upload: string, bytes: Uint8Array, partBytes: number, parallel: number): Promise<string[]> {
  const count = Math.ceil(bytes.length / partBytes);
  const tags = Array.from<string>({ length: count });
  let next = 0;
  let failed = false;
  const send = async () => {
    while (next < count && !failed) {
      const part = next++;
      try {
        const answer = await ask('PUT', `?partNumber=${part + 1}&${upload}`, bytes.subarray(part * partBytes, (part + 1) * partBytes));
        const tag = answer.headers.get('etag');
        if (answer.status === 404 || tag === null) throw new DbError('StorageUnavailable', `the storage knows nothing of the upload it began, or did not take part ${part + 1}`);
        tags[part] = tag;
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const senders = await Promise.allSettled(Array.from({ length: Math.min(parallel, count) }, send));
  for (const sender of senders) if (sender.status === 'rejected') throw sender.reason;
  return tags;
}

async function complete(ask: AskObject, upload: string, length: number, tags: readonly string[]): Promise<void> {
  const list = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`).join('');
  const body = Buffer.from(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</CompleteMultipartUpload>`);
  for (let attempt = 1; ; attempt++) {
    const answer = await ask('POST', `?${upload}`, body);
    const text = answer.bytes.toString();
    const [code] = textsIn(text, 'Code');
    if (answer.status !== 404 && code === undefined) return;
    // Completed already, and the answer to that was lost: the object is there.
    if (answer.status === 404) {
      const there = await ask('HEAD', '');
      if (there.status !== 404 && Number(there.headers.get('content-length')) === length) return;
      throw new DbError('StorageUnavailable', 'the storage knows nothing of the upload it began');
    }
    // S3 begins to answer 200 before it knows; an error is in the text then.
    if (attempt === COMPLETES) throw new DbError('StorageUnavailable', `the storage did not put the parts together: ${code} ${textsIn(text, 'Message')[0] ?? ''}`.trim());
  }
}

const COMPLETES = 4;

export interface LeftUpload {
  readonly key: string;
  readonly id: string;
  readonly begunMs: number;
}

/** The uploads in an answer to `?uploads`. */
export function uploadsIn(xml: string): LeftUpload[] {
  const [keys, ids, times] = ['Key', 'UploadId', 'Initiated'].map((name) => textsIn(xml, name)) as [string[], string[], string[]];
  return keys.map((key, i) => ({ key, id: ids[i] ?? '', begunMs: Date.parse(times[i] ?? '') }));
}

/** The texts of all elements of that name. The answers have no nesting of equal names. */
export function textsIn(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => unescaped(match[1]!));
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" };

function unescaped(text: string): string {
  // Storages that are written in Go send quotes by their number.
  return text.replace(/&(?:amp|lt|gt|quot|apos|#(\d{1,5})|#x([\da-fA-F]{1,4}));/g, (entity, decimal?: string, hex?: string) =>
    ENTITIES[entity] ?? String.fromCharCode(decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)));
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (one) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt' }[one]!};`);
}
