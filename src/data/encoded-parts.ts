/** The rows of an import's files as batches, in order, one file after the other. */
import { GraphCatalog } from '../graph/catalog.ts';
import type { CatalogData } from '../graph/catalog.ts';
import type { FileSpec, ImportConfig } from './import-config.ts';
import { packedCells } from './row-batch.ts';
import type { RowBatch } from './row-batch.ts';
import { RowEncoder } from './row-encoder.ts';
import type { RowSource } from './row-encoder.ts';
import { byteParts } from './row-source.ts';

export interface EncodingTask {
  readonly files: readonly { readonly path: string; readonly spec: FileSpec }[];
  readonly schemas: ImportConfig['schemas'];
  readonly catalog: CatalogData;
  readonly delimiter: string;
}

export interface EncodedPart {
  readonly batch: RowBatch;
  /** Bytes of the file read so far. */
  readonly bytes: number;
  /** Whether the file ends with it. */
  readonly isLast: boolean;
}

export interface PartStream {
  next(): Promise<EncodedPart>;
  /** Cells, packed, of rows of the part that `next` gave last. */
  cells(rows: readonly number[]): Promise<Uint8Array[]>;
}

/** The cells of these many parts can be asked for. */
export const PARTS_KEPT = 5;

export class LocalParts implements PartStream {
  readonly #parts: AsyncGenerator<EncodedPart, undefined>;
  readonly #task: EncodingTask;
  readonly #sources: RowSource[] = [];
  /** Number of the first source that is still kept. */
  #first = 0;

  constructor(task: EncodingTask) {
    this.#task = task;
    this.#parts = this.#all();
  }

  async next(): Promise<EncodedPart> {
    const { value } = await this.#parts.next();
    return value!;
  }

  cells(rows: readonly number[]): Promise<Uint8Array[]> {
    return Promise.resolve(this.cellsOf(this.#first + this.#sources.length - 1, rows));
  }

  /** Of the part with this number, from 0. */
  cellsOf(part: number, rows: readonly number[]): Uint8Array[] {
    const source = this.#sources[part - this.#first]!;
    return rows.map((row) => packedCells(source.read(row, this.#task.delimiter)));
  }

  async* #all(): AsyncGenerator<EncodedPart, undefined> {
    const { files, schemas, delimiter } = this.#task;
    const catalog = new GraphCatalog(this.#task.catalog);
    for (const { path, spec } of files) {
      const encoder = new RowEncoder(spec, schemas, catalog, delimiter);
      let read = 0;
      for await (const { part, bytes } of byteParts(path)) {
        read = bytes;
        yield { batch: this.#keep(encoder.push(part)), bytes, isLast: false };
      }
      yield { batch: this.#keep(encoder.end()), bytes: read, isLast: true };
    }
    return undefined;
  }

  #keep({ batch, source }: { batch: RowBatch; source: RowSource }): RowBatch {
    this.#sources.push(source);
    if (this.#sources.length > PARTS_KEPT) {
      this.#sources.shift();
      this.#first++;
    }
    return batch;
  }
}
