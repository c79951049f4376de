/**
 * Import into a running group, package by package over REST: pieces of the files as they stand, which the leader reads.
 *
 * Every package is one transaction under a key of its own, made of the run's name and the package's number: whatever breaks in between,
 * sending it again does it once. A few are under way at a time, each sent when the one before has left. How far a run has come, that is the
 * first package that is not answered, is kept in a file beside the configuration; a run that is started again with the same files goes on
 * from there under the same name, into the same group and graph only: others would be left without what was imported before.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DbError } from '../base/errors.ts';
import { rejectedText } from '../data/file-import.ts';
import type { ImportEvents, ImportResult } from '../data/file-import.ts';
import { DESTINATION, SOURCE } from '../data/import-config.ts';
import type { FileSpec, ImportConfig, IndexSpec } from '../data/import-config.ts';
import { isFieldText, schemaJson } from '../data/config-json.ts';
import { addVectorStatements, createConstraintStatement, createIndexStatement, createTextStatement, createVectorStatement } from '../data/statement-text.ts';
import { rowPieces } from '../data/row-pieces.ts';
import { filesOf, rowParser } from '../data/row-source.ts';
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
  /** Packages under way at a time. */
  readonly packagesAtOnce: number;
  /** The first packages, which are left out. */
  readonly skipPackages: number;
  /** Where the run's progress is kept. */
  readonly stateFile: string;
  /** Go on with a run that was interrupted. */
  readonly goesOn: boolean;
}

interface RunState {
  readonly run: string;
  /** The id of the group that it goes to. Files of earlier versions lack it. */
  readonly group?: string;
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
  readonly number: number;
  readonly text: string;
  /** The file's line that its first one is. */
  readonly line: number;
}

/** Raises with the packages of a file: a run is not gone on with when its packages would be others. */
const PACKAGE_FORM = 2;

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
  /** What answered packages have brought, until those before them are answered too. */
  readonly #answered = new Map<number, { readonly kind: FileSpec['kind']; readonly imported: number; readonly rejected: number }>();
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  /** Something was imported, or may have been: then the next call must go on. */
  #hasSome: boolean;
  #isKnown = false;

  constructor(client: GroupClient, options: OnlineOptions, files: readonly InputFile[]) {
    this.#client = client;
    this.#options = options;
    const { graph, delimiter, packageBytes, config } = options;
    const fingerprint = createHash('sha256').update(JSON.stringify([PACKAGE_FORM, graph, delimiter, packageBytes, config, files.map(({ path, bytes }) => [path, bytes, statSync(path).mtimeMs])])).digest('hex');
    const earlier = options.goesOn ? readState(options.stateFile) : undefined;
    if (earlier !== undefined && earlier.fingerprint !== fingerprint) {
      // Begun anew it would add edges a second time, and end what can be gone on with.
      throw new DbError('InvalidRequest', `${options.stateFile} is of an import that was not finished, of other files or with other options (configuration, graph, delimiter, package_bytes)`, {
        hint: 'what it has imported is there: go on as it began, with --continue_on_error true past rows that do not fit, or begin anew with --breakpoint_continue false',
      });
    }
    this.#state = earlier ?? { run: randomUUID(), fingerprint, packages: 0, imported: { vertices: 0, edges: 0, rejected: 0 } };
    this.#hasSome = earlier !== undefined;
  }

  /** The graph and its labels; what is there already is left. */
  async prepare(): Promise<void> {
    const { graph, config } = this.#options;
    const key = `import-${this.#state.run}`;
    await this.#sameTarget();
    await this.#client.post('/db', { name: graph }, `${key}-graph`).catch((error: unknown) => {
      // Who may not make graphs hears from the next call if there is none.
      if (!(error instanceof RestError) || (error.code !== 'GraphExists' && error.code !== 'Forbidden')) throw error;
    });
    // What a constraint brings is not made before it.
    const indexes = config.indexes.filter((index) => !config.constraints.some((one) => (one.type === 'unique' || one.type === 'node_key') && isSame(one, index)));
    await this.#client.post(`/db/${encodeURIComponent(graph)}/schema/text`, { description: JSON.stringify({ schema: schemaJson({ ...config, indexes: indexes.filter((index) => isFieldIndex(index, config)) }) }) }, `${key}-schema`);
    const run = (script: string, name: string) => this.#client.post('/cypher', { graph, script }, `${key}-${name}`);
    for (const constraint of config.constraints) await run(createConstraintStatement(constraint), `constraint-${constraint.name}`);
    for (const [i, index] of indexes.entries()) {
      if (isFieldIndex(index, config)) continue;
      const statement = createIndexStatement(index);
      if (statement === undefined) throw new DbError('InvalidRequest', `the unique index over ${index.label}(${index.fields.join(', ')}) is made offline only`, { hint: 'make it a constraint, or leave out its name' });
      await run(statement, `index-${i}`).catch(unlessThere);
    }
    for (const [i, statement] of addVectorStatements(config.schemas).entries()) await run(statement, `vector-${i}`).catch(unlessThere);
    for (const text of config.texts.filter((one) => !isFieldText(one))) await run(createTextStatement(text, { ifNotExists: true }), text.name);
    for (const index of config.vectorIndexes) await run(createVectorStatement(index, { ifNotExists: true }), index.name);
  }

  /** That a run which goes on does so where it began. */
  async #sameTarget(): Promise<void> {
    const { graph, stateFile } = this.#options;
    const group = await this.#client.groupId();
    if (this.#hasSome) {
      const elsewhere = (what: string): DbError => new DbError('InvalidRequest', `${stateFile} is of an import that was not finished, ${what}`, {
        hint: 'go on with it where it began, or begin anew here with --breakpoint_continue false',
      });
      const { group: known = group } = this.#state;
      if (known !== group) throw elsewhere(`into the group ${known}; this is the group ${group}`);
      await this.#client.get(`/db/${encodeURIComponent(graph)}`).catch((error: unknown) => {
        if (!(error instanceof RestError)) throw error;
        // Who may not look at it hears from the next call if it is gone.
        if (error.code === 'GraphNotFound') throw elsewhere(`but the graph "${graph}" is gone, with what was imported into it`);
      });
    }
    this.#state = { ...this.#state, group };
  }

  async send(files: readonly InputFile[]): Promise<void> {
    const { packageBytes: chars, delimiter, onProgress } = this.#options;
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const firstEdges = files.find(({ spec }) => spec.kind === 'edge');
    let before = 0;
    try {
      await this.#client.toLeader();
      for (const file of files) {
        // Edges find their ends by what the packages of vertices have brought.
        if (file === firstEdges) await this.#idle(0);
        for await (const { text, line, bytes } of rowPieces({ path: file.path, spec: file.spec, delimiter, chars })) {
          await this.#begin({ file, number: this.#number++, text, line });
          const { vertices, edges } = this.#state.imported;
          onProgress({ phase: file.spec.kind === 'vertex' ? 'vertices' : 'edges', done: before + Math.min(bytes, file.bytes), total, elements: vertices + edges });
        }
        before += file.bytes;
      }
    } finally {
      await this.#idle(0).catch(() => undefined);
      // Then files that were set right may be imported from their beginning.
      if (!this.#hasSome) rmSync(this.#options.stateFile, { force: true });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Until at most so many packages are under way; throws what one of them has met. */
  async #idle(most: number): Promise<void> {
    while (this.#underWay.size > most) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Sends the package; resolves when the next may follow. */
  async #begin(pack: Package): Promise<void> {
    if (pack.number < Math.max(this.#state.packages, this.#options.skipPackages)) return;
    await this.#idle(this.#options.packagesAtOnce - 1);
    // Before the first package only: however the tool ends from now on, this run is known.
    if (!this.#isKnown) this.#save();
    this.#isKnown = true;
    await new Promise<void>((resolve) => {
      const done: Promise<void> = this.#sendOne(pack, resolve).catch((error: unknown) => {
        this.#failure ??= { error };
      }).finally(() => {
        this.#underWay.delete(done);
        resolve();
      });
      this.#underWay.add(done);
    });
  }

  async #sendOne(pack: Package, onSent: () => void): Promise<void> {
    const { graph, delimiter, continueOnError, onRejected } = this.#options;
    const { spec, path } = pack.file;
    const ends = spec.kind === 'edge' ? { [SOURCE]: spec.source, [DESTINATION]: spec.destination } : {};
    const description = JSON.stringify({ files: [{ format: spec.format, label: spec.label, columns: spec.columns, ...ends }] });
    const body = { description, data: pack.text, delimiter, continue_on_error: continueOnError, detail: true };
    let answer: ImportAnswer;
    try {
      answer = await this.#client.post(`/db/${encodeURIComponent(graph)}/import/text`, body, `import-${this.#state.run}-${pack.number}`, onSent) as ImportAnswer;
    } catch (error) {
      // Under its key, a package whose rows are refused was not imported by an earlier try either.
      this.#hasSome ||= !(error instanceof RestError && error.code === 'ConstraintValidation');
      throw error instanceof RestError ? new DbError('ConstraintValidation', refusal(error.message, pack), { hint: 'If you wish to ignore the errors, use --continue_on_error true' }) : error;
    }
    const rejected = answer.rejected ?? [];
    for (const { line, reason } of rejected) onRejected({ file: path, label: spec.label, line: pack.line + line - 1, reason });
    this.#note(pack, answer.imported ?? rowsOf(pack, delimiter), rejected.length);
  }

  #note({ number, file }: Package, imported: number, rejected: number): void {
    this.#hasSome = true;
    this.#answered.set(number, { kind: file.spec.kind, imported, rejected });
    let { packages, imported: sum } = this.#state;
    packages = Math.max(packages, this.#options.skipPackages);
    for (let next = this.#answered.get(packages); next !== undefined; next = this.#answered.get(packages)) {
      this.#answered.delete(packages++);
      const isVertex = next.kind === 'vertex';
      sum = { vertices: sum.vertices + (isVertex ? next.imported : 0), edges: sum.edges + (isVertex ? 0 : next.imported), rejected: sum.rejected + next.rejected };
    }
    if (packages === this.#state.packages) return;
    this.#state = { ...this.#state, packages, imported: sum };
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
function refusal(message: string, { file: { spec, path }, line }: Package): string {
  const match = /^line (\d+): (.*)$/s.exec(message);
  return match === null ? message : rejectedText({ file: path, label: spec.label, line: line + Number(match[1]) - 1, reason: match[2]! });
}

/** Rows of a package that was done before, and whose answer was too large to keep. */
function rowsOf({ file: { spec }, text }: Package, delimiter: string): number {
  let rows = 0;
  const parser = rowParser(spec.format, delimiter, 0);
  const count = (): void => void rows++;
  parser.push(text, count);
  parser.end(count);
  return rows;
}

function unlessThere(error: unknown): void {
  if (!(error instanceof RestError) || error.code !== 'IndexExists') throw error;
}
