/** The files of a configuration into a new graph: row by row, what is wrong reported with its place. */
import { basename } from 'node:path';
import { statSync } from 'node:fs';
import { DbError } from '../base/errors.ts';
import type { BulkGraph } from './bulk-graph.ts';
import { GraphLines } from './graph-lines.ts';
import type { FileSpec, ImportConfig } from './import-config.ts';
import type { KeyTable } from './key-table.ts';
import { RowPlan, RowProblem } from './row-plan.ts';
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
  readonly base: string;
  readonly delimiter: string;
  readonly continueOnError: boolean;
}

export async function importFiles(graph: BulkGraph, config: ImportConfig, options: Options): Promise<ImportResult> {
  const files = config.files.flatMap((spec) => filesOf(spec, options.base).map((path) => ({ spec, path, bytes: statSync(path).size })));
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const lines = new GraphLines(graph);
  let done = 0;
  let rejected = 0;
  let isAtEdges = false;
  for (const { spec, path, bytes } of files) {
    if (spec.kind === 'edge' && !isAtEdges) {
      graph.endVertices();
      isAtEdges = true;
    }
    const takeRow = spec.format === 'GRAPH' ? lines.taker(spec.kind) : rowTaker(graph, spec, config);
    const visit = (row: RawRow): void => {
      const problem = problemOf(row, takeRow);
      if (problem === undefined) return;
      rejected++;
      const one = rejectedRow(row, problem, path, spec);
      if (!options.continueOnError) throw new DbError('ConstraintValidation', rejectedText(one), { hint: 'If you wish to ignore the errors, use --continue_on_error true' });
      options.onRejected(one);
    };
    const parser = rowParser(spec.format, options.delimiter, spec.header);
    for await (const part of textParts(path)) {
      parser.push(part.text, visit);
      await graph.drain();
      options.onProgress({ phase: isAtEdges ? 'edges' : 'vertices', done: done + Math.min(part.bytes, bytes), total, elements: graph.vertices + graph.edges });
    }
    parser.end(visit);
    await graph.drain();
    done += bytes;
  }
  if (!isAtEdges) graph.endVertices();
  return { vertices: graph.vertices, edges: graph.edges, rejected, keyBytes: graph.keyBytes };
}

function problemOf(row: RawRow, take: (cells: readonly RawCell[]) => void): RowProblem | undefined {
  if (row.cells === undefined) return new RowProblem(row.error);
  try {
    take(row.cells);
    return undefined;
  } catch (error) {
    if (error instanceof RowProblem) return error;
    if (error instanceof DbError && error.code === 'ConstraintValidation') return new RowProblem(error.message);
    throw error;
  }
}

function rejectedRow(row: RawRow, problem: RowProblem, file: string, { label }: FileSpec): Rejected {
  return {
    file, label, line: row.line, reason: problem.message,
    ...(problem.column === undefined ? {} : { column: problem.column }), ...(problem.columnName === undefined ? {} : { field: problem.columnName }),
    ...(problem.value === undefined ? {} : { value: problem.value }), ...(row.cells === undefined ? {} : { row: row.cells }),
  };
}

function rowTaker(graph: BulkGraph, spec: FileSpec, config: ImportConfig): (cells: readonly RawCell[]) => void {
  const plan = new RowPlan(spec, config.schemas, graph.catalog);
  if (spec.kind === 'vertex') {
    const labels = [graph.catalog.findLabel(spec.label)!];
    return (cells) => {
      plan.read(cells);
      graph.createVertex(labels, plan.keys, plan.values);
    };
  }
  const typeId = graph.catalog.findType(spec.label)!;
  const sources = primaryKeys(graph, spec.source!);
  const destinations = primaryKeys(graph, spec.destination!);
  return (cells) => {
    plan.read(cells);
    const start = sources.find(plan.source);
    if (start < 0) throw new RowProblem(`no vid for source node primary field: ${String(plan.source)}`, { value: String(plan.source) });
    const end = destinations.find(plan.destination);
    if (end < 0) throw new RowProblem(`no vid for destination node primary field: ${String(plan.destination)}`, { value: String(plan.destination) });
    graph.createEdge(typeId, start, end, plan.keys, plan.values);
  };
}

function primaryKeys(graph: BulkGraph, label: string): KeyTable {
  return graph.primaryKeys(graph.catalog.findLabel(label)!)!;
}
