/** The files of a configuration into a new graph: row by row, what is wrong reported with its place. */
import { basename } from 'node:path';
import { statSync } from 'node:fs';
import { DbError } from '../base/errors.ts';
import type { BulkGraph } from './bulk-graph.ts';
import { GraphLines } from './graph-lines.ts';
import { LocalParts } from './encoded-parts.ts';
import type { PartStream } from './encoded-parts.ts';
import type { ImportHelper } from './import-helper.ts';
import type { FileSpec, ImportConfig } from './import-config.ts';
import { unpackedCells } from './row-batch.ts';
import type { BatchProblem, RowBatch } from './row-batch.ts';
import { factsOf, problemOf, RowProblem } from './row-plan.ts';
import { filesOf, rowParser, textParts } from './row-source.ts';
import type { RawCell, RawRow } from './row-source.ts';

export interface Progress {
  readonly phase: 'vertices' | 'edges' | 'adjacency';
  /** Bytes of the input files, or ends of edges. */
  readonly done: number;
  readonly total: number;
  readonly elements: number;
}

/** A row that was left out, or that ended the import. */
export interface Rejected {
  readonly file: string;
  readonly label: string;
  readonly line: number;
  readonly column?: number;
  readonly field?: string;
  readonly value?: string;
  readonly reason: string;
  readonly row?: readonly RawCell[];
}

export interface ImportEvents {
  readonly onProgress: (progress: Progress) => void;
  readonly onRejected: (row: Rejected) => void;
}

export interface ImportResult {
  readonly vertices: number;
  readonly edges: number;
  readonly rejected: number;
  /** Bytes of key tables at the end. */
  readonly keyBytes: number;
}

/** The message of a row that ends an import. */
export function rejectedText({ file, label, line, column, field, value, reason }: Rejected): string {
  const place = column === undefined ? '' : `, column ${column} (${field})`;
  return `[file: ${basename(file)}] [label: ${label}] line ${line}${place}: ${reason}${value === undefined || reason.includes(value) ? '' : ` [${value}]`}`;
}

interface Options extends ImportEvents {
  readonly delimiter: string;
  readonly continueOnError: boolean;
}

/** The files of a configuration, in its order. */
export function inputFiles(config: ImportConfig, base: string): InputFile[] {
  return config.files.flatMap((spec) => filesOf(spec, base).map((path): InputFile => ({ spec, path, bytes: statSync(path).size })));
}

/** Vertices first; `helper` reads ahead. */
export function importFiles(graph: BulkGraph, files: readonly InputFile[], options: Options, helper: ImportHelper | undefined): Promise<ImportResult> {
  const task = { files: files.filter(isEncoded).map(({ path, spec }) => ({ path, spec })), schemas: graph.catalog.data.schemas, catalog: graph.catalog.data, delimiter: options.delimiter };
  return new FileImport(graph, options, files, helper?.read(task) ?? new LocalParts(task)).run();
}

export interface InputFile {
  readonly spec: FileSpec;
  readonly path: string;
  readonly bytes: number;
}

function isEncoded({ spec }: InputFile): boolean {
  return spec.format !== 'GRAPH';
}

export function bytesOf(files: readonly InputFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

class FileImport {
  readonly #graph: BulkGraph;
  readonly #options: Options;
  readonly #files: readonly InputFile[];
  readonly #parts: PartStream;
  readonly #lines: GraphLines;
  readonly #total: number;
  #done = 0;
  #rejected = 0;
  #isAtEdges = false;

  constructor(graph: BulkGraph, options: Options, files: readonly InputFile[], parts: PartStream) {
    this.#graph = graph;
    this.#options = options;
    this.#files = files;
    this.#parts = parts;
    this.#lines = new GraphLines(graph);
    this.#total = bytesOf(files);
  }

  async run(): Promise<ImportResult> {
    const graph = this.#graph;
    for (const file of this.#files) {
      if (file.spec.kind === 'edge') this.#atEdges();
      if (isEncoded(file)) await this.#takeParts(file);
      else await this.#takeLines(file);
      this.#done += file.bytes;
    }
    this.#atEdges();
    return { vertices: graph.vertices, edges: graph.edges, rejected: this.#rejected, keyBytes: graph.keyBytes };
  }

  #atEdges(): void {
    if (!this.#isAtEdges) this.#graph.endVertices();
    this.#isAtEdges = true;
  }

  async #takeParts(file: InputFile): Promise<void> {
    const take = takerOf(this.#graph, file.spec);
    for (;;) {
      const { batch, bytes, isLast } = await this.#parts.next();
      const refused: BatchProblem[] = [];
      for (let row = 0; row < batch.rows; row++) {
        try {
          take(batch, row);
        } catch (error) {
          refused.push({ ...factsOf(problemOf(error)), at: row, line: batch.lines[row]! });
          if (!this.#options.continueOnError) break;
        }
      }
      await this.#report(file, batch.problems, refused);
      await this.#progress(file, bytes);
      if (isLast) return;
    }
  }

  /** Rows that were no batch's and rows that the graph refused, in the order of the file. */
  async #report(file: InputFile, unread: readonly BatchProblem[], refused: readonly BatchProblem[]): Promise<void> {
    if (unread.length === 0 && refused.length === 0) return;
    const cells = refused.length === 0 ? [] : await this.#parts.cells(refused.map(({ at }) => at));
    const all = [...unread, ...refused.map((problem, i) => ({ ...problem, cells: cells[i]! }))];
    for (const { line, reason, column, columnName, value, cells: row } of all.sort((a, b) => a.line - b.line)) {
      this.#reject({
        file: file.path, label: file.spec.label, line, reason, ...(column === undefined ? {} : { column }), ...(columnName === undefined ? {} : { field: columnName }),
        ...(value === undefined ? {} : { value }), ...(row === undefined ? {} : { row: unpackedCells(row) }),
      });
    }
  }

  async #takeLines(file: InputFile): Promise<void> {
    const take = this.#lines.taker(file.spec.kind);
    const visit = (row: RawRow): void => {
      const problem = row.cells === undefined ? new RowProblem(row.error) : tried(() => take(row.cells));
      if (problem !== undefined) this.#reject({ file: file.path, label: file.spec.label, line: row.line, reason: problem.message, ...(row.cells === undefined ? {} : { row: row.cells }) });
    };
    const parser = rowParser(file.spec.format, this.#options.delimiter, file.spec.header);
    for await (const part of textParts(file.path)) {
      parser.push(part.text, visit);
      await this.#progress(file, part.bytes);
    }
    parser.end(visit);
    await this.#progress(file, file.bytes);
  }

  #reject(one: Rejected): void {
    this.#rejected++;
    if (!this.#options.continueOnError) throw new DbError('ConstraintValidation', rejectedText(one), { hint: 'If you wish to ignore the errors, use --continue_on_error true' });
    this.#options.onRejected(one);
  }

  async #progress({ bytes }: InputFile, read: number): Promise<void> {
    const graph = this.#graph;
    await graph.drain();
    this.#options.onProgress({
      phase: this.#isAtEdges ? 'edges' : 'vertices', done: this.#done + Math.min(read, bytes), total: this.#total, elements: graph.vertices + graph.edges,
    });
  }
}

function tried(take: () => void): RowProblem | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    return problemOf(error);
  }
}

function takerOf(graph: BulkGraph, spec: FileSpec): (batch: RowBatch, row: number) => void {
  const label = (name: string) => graph.catalog.findLabel(name)!;
  return spec.kind === 'vertex' ? graph.vertexTaker(label(spec.label)) : graph.edgeTaker(graph.catalog.findType(spec.label)!, label(spec.source!), label(spec.destination!));
}
