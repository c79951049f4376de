/**
 * Import into a running group, package by package over REST.
 *
 * Every package is one transaction under a key of its own, made of the run's name and the package's number: whatever breaks in between,
 * sending it again does it once. How far a run has come is kept in a file beside the configuration; a run that is started again with
 * the same files goes on from there under the same name.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DbError } from '../base/errors.ts';
import { rejectedText } from '../data/file-import.ts';
import type { ImportEvents, ImportResult } from '../data/file-import.ts';
import { DESTINATION, SOURCE } from '../data/import-config.ts';
import type { FileSpec, ImportConfig, IndexSpec } from '../data/import-config.ts';
import { isFieldText, schemaJson } from '../data/config-json.ts';
import { createConstraintStatement, createIndexStatement, createTextStatement } from '../data/statement-text.ts';
import { filesOf, rowParser, textParts } from '../data/row-source.ts';
import type { RawRow } from '../data/row-source.ts';
import type { GroupClient } from './group-client.ts';
import { RestError } from './rest-client.ts';

export interface OnlineOptions extends ImportEvents {
  readonly config: ImportConfig;
  readonly base: string;
  readonly graph: string;
  readonly delimiter: string;
  readonly continueOnError: boolean;
  /** Bytes of rows in one package, about. */
  readonly packageBytes: number;
  /** The first packages, which are left out. */
  readonly skipPackages: number;
  /** Where the run's progress is kept. */
  readonly stateFile: string;
  /** Go on with a run that was interrupted. */
  readonly goesOn: boolean;
}

interface RunState {
  readonly run: string;
  /** Of files, sizes and options: packages have the same numbers only while these are the same. */
  readonly fingerprint: string;
  readonly packages: number;
  readonly imported: { readonly vertices: number; readonly edges: number; readonly rejected: number };
}

interface InputFile {
  readonly spec: FileSpec;
  readonly path: string;
  readonly bytes: number;
}

interface Package {
  readonly file: InputFile;
  /** JSON lines, and the line of the file that each came from. */
  readonly lines: string[];
  readonly places: number[];
  /** Rows that could not even be read. */
  readonly unreadable: { readonly line: number; readonly reason: string }[];
}

interface ImportAnswer {
  readonly log: string;
  readonly imported?: number;
  readonly rejected?: readonly { readonly line: number; readonly reason: string }[];
}

export async function importOnline(client: GroupClient, options: OnlineOptions): Promise<ImportResult> {
  const graphFile = options.config.files.find(({ format }) => format === 'GRAPH');
  if (graphFile !== undefined) throw new DbError('InvalidRequest', `${graphFile.path}: files of the format GRAPH are imported offline only`);
  const files = options.config.files.flatMap((spec) => filesOf(spec, options.base).map((path) => ({ spec, path, bytes: statSync(path).size })));
  const run = new Run(client, options, files);
  await run.prepare();
  await run.send(files);
  return run.finish();
}

class Run {
  readonly #client: GroupClient;
  readonly #options: OnlineOptions;
  #state: RunState;
  #number = 0;

  constructor(client: GroupClient, options: OnlineOptions, files: readonly InputFile[]) {
    this.#client = client;
    this.#options = options;
    const { graph, delimiter, packageBytes, config } = options;
    const fingerprint = createHash('sha256').update(JSON.stringify([graph, delimiter, packageBytes, config, files.map(({ path, bytes }) => [path, bytes, statSync(path).mtimeMs])])).digest('hex');
    const earlier = options.goesOn ? readState(options.stateFile) : undefined;
    this.#state = earlier?.fingerprint === fingerprint
      ? earlier
      : { run: randomUUID(), fingerprint, packages: 0, imported: { vertices: 0, edges: 0, rejected: 0 } };
    this.#save();
  }

  /** The graph and its labels; what is there already is left. */
  async prepare(): Promise<void> {
    const { graph, config } = this.#options;
    const key = `import-${this.#state.run}`;
    await this.#client.post('/db', { name: graph }, `${key}-graph`).catch((error: unknown) => {
      // Who may not make graphs hears from the next call if there is none.
      if (!(error instanceof RestError) || (error.code !== 'GraphExists' && error.code !== 'Forbidden')) throw error;
    });
    // What a constraint brings is not made before it.
    const indexes = config.indexes.filter((index) => !config.constraints.some((one) => one.type !== 'exists' && isSame(one, index)));
    await this.#client.post(`/db/${encodeURIComponent(graph)}/schema/text`, { description: JSON.stringify({ schema: schemaJson({ ...config, indexes: indexes.filter((index) => isFieldIndex(index, config)) }) }) }, `${key}-schema`);
    const run = (script: string, name: string) => this.#client.post('/cypher', { graph, script }, `${key}-${name}`);
    for (const constraint of config.constraints) await run(createConstraintStatement(constraint), `constraint-${constraint.name}`);
    for (const [i, index] of indexes.entries()) {
      if (isFieldIndex(index, config)) continue;
      const statement = createIndexStatement(index);
      if (statement === undefined) throw new DbError('InvalidRequest', `the unique index over ${index.label}(${index.fields.join(', ')}) is made offline only`, { hint: 'make it a constraint, or leave out its name' });
      await run(statement, `index-${i}`).catch((error: unknown) => {
        if (!(error instanceof RestError) || error.code !== 'IndexExists') throw error;
      });
    }
    for (const text of config.texts.filter((one) => !isFieldText(one))) await run(createTextStatement(text, { ifNotExists: true }), text.name);
  }

  async send(files: readonly InputFile[]): Promise<void> {
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    let before = 0;
    for (const file of files) {
      for await (const { pack, bytes } of packagesOf(file, this.#options)) {
        await this.#sendOne(pack);
        const { vertices, edges } = this.#state.imported;
        this.#options.onProgress({ phase: file.spec.kind === 'vertex' ? 'vertices' : 'edges', done: before + Math.min(bytes, file.bytes), total, elements: vertices + edges });
      }
      before += file.bytes;
    }
  }

  async #sendOne(pack: Package): Promise<void> {
    const number = this.#number++;
    if (number < Math.max(this.#state.packages, this.#options.skipPackages)) return;
    const { spec, path } = pack.file;
    this.#reject(pack, pack.unreadable);
    const ends = spec.kind === 'edge' ? { [SOURCE]: spec.source, [DESTINATION]: spec.destination } : {};
    const description = JSON.stringify({ files: [{ format: 'JSON', label: spec.label, columns: spec.columns, ...ends }] });
    const body = { description, data: pack.lines.join('\n'), continue_on_error: this.#options.continueOnError, detail: true };
    let answer: ImportAnswer;
    try {
      answer = await this.#client.post(`/db/${encodeURIComponent(this.#options.graph)}/import/text`, body, `import-${this.#state.run}-${number}`) as ImportAnswer;
    } catch (error) {
      throw error instanceof RestError ? new DbError('ConstraintValidation', refusal(error.message, pack, path), { hint: 'If you wish to ignore the errors, use --continue_on_error true' }) : error;
    }
    const rejected = (answer.rejected ?? []).map(({ line, reason }) => ({ line: pack.places[line - 1] ?? line, reason }));
    this.#reject(pack, rejected);
    this.#note(pack, answer.imported ?? pack.lines.length - rejected.length, rejected.length + pack.unreadable.length);
  }

  #reject({ file }: Package, rows: readonly { readonly line: number; readonly reason: string }[]): void {
    for (const { line, reason } of rows) {
      const one = { file: file.path, label: file.spec.label, line, reason };
      if (!this.#options.continueOnError) throw new DbError('ConstraintValidation', rejectedText(one), { hint: 'If you wish to ignore the errors, use --continue_on_error true' });
      this.#options.onRejected(one);
    }
  }

  #note(pack: Package, imported: number, rejected: number): void {
    const { imported: sum } = this.#state;
    const isVertex = pack.file.spec.kind === 'vertex';
    this.#state = {
      ...this.#state, packages: this.#number,
      imported: { vertices: sum.vertices + (isVertex ? imported : 0), edges: sum.edges + (isVertex ? 0 : imported), rejected: sum.rejected + rejected },
    };
    this.#save();
  }

  #save(): void {
    const temporary = `${this.#options.stateFile}.new`;
    writeFileSync(temporary, JSON.stringify(this.#state));
    renameSync(temporary, this.#options.stateFile);
  }

  finish(): ImportResult {
    rmSync(this.#options.stateFile, { force: true });
    return { ...this.#state.imported, keyBytes: 0 };
  }
}

interface Indexed {
  readonly kind: 'vertex' | 'edge';
  readonly label: string;
  readonly fields: readonly string[];
}

function isSame(a: Indexed, b: Indexed): boolean {
  return a.kind === b.kind && a.label === b.label && a.fields.join('\n') === b.fields.join('\n');
}

/** Whether the schema says it already, with the field. A name of its own stands beside. */
function isFieldIndex({ kind, label, fields, name }: IndexSpec, { schemas }: ImportConfig): boolean {
  return fields.length === 1 && (name === undefined || name === `${label}_${fields[0]}`) && schemas.some((schema) => schema.kind === kind && schema.name === label);
}

function readState(path: string): RunState | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunState;
  } catch {
    return undefined; // No run was interrupted here.
  }
}

/** The server's message with the line of the file in place of the package's. */
function refusal(message: string, { file: { spec }, places }: Package, file: string): string {
  const match = /^line (\d+): (.*)$/s.exec(message);
  return match === null ? message : rejectedText({ file, label: spec.label, line: places[Number(match[1]) - 1] ?? 0, reason: match[2]! });
}

async function* packagesOf(file: InputFile, options: OnlineOptions): AsyncGenerator<{ pack: Package; bytes: number }> {
  const parser = rowParser(file.spec.format, options.delimiter, file.spec.header);
  const ready: Package[] = [];
  let pack = emptyPackage(file);
  let size = 0;
  const take = (row: RawRow): void => {
    if (row.cells === undefined) {
      pack.unreadable.push({ line: row.line, reason: row.error });
      return;
    }
    const text = JSON.stringify(row.cells, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    pack.lines.push(text);
    pack.places.push(row.line);
    size += text.length;
    if (size < options.packageBytes) return;
    ready.push(pack);
    pack = emptyPackage(file);
    size = 0;
  };
  let bytes = 0;
  for await (const part of textParts(file.path)) {
    parser.push(part.text, take);
    bytes = part.bytes;
    while (ready.length > 0) yield { pack: ready.shift()!, bytes };
  }
  parser.end(take);
  if (pack.lines.length > 0 || pack.unreadable.length > 0) ready.push(pack);
  for (const last of ready) yield { pack: last, bytes: file.bytes };
}

function emptyPackage(file: InputFile): Package {
  return { file, lines: [], places: [], unreadable: [] };
}
