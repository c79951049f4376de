/**
 * Import into a data directory that no server uses: the whole state is built in `<directory>.importing` and renamed when it is
 * complete, so whatever interrupts it, there is never half a directory, and a repetition begins anew.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createFirstState, DEFAULT_GRAPH, isNewGroup } from '../auth/first-start.ts';
import { DbError } from '../base/errors.ts';
import { CATALOG, COUNTERS, CountersBlock } from '../graph/blocks.ts';
import { catalogOf, checkName } from '../graph/catalog.ts';
import { StateWriter } from '../graph/state-writer.ts';
import { Transaction } from '../graph/transaction.ts';
import type { GraphTransaction } from '../graph/transaction.ts';
import { encodeVersion, readVersion, VERSION_KEY } from '../graph/version-record.ts';
import { VersionClocks } from '../storage/clocks.ts';
import type { Engine } from '../storage/engine.ts';
import { openLevelEngine } from '../storage/level-engine.ts';
import { MemoryEngine } from '../storage/memory-engine.ts';
import { BulkGraph } from './bulk-graph.ts';
import { bytesOf, importFiles, inputFiles } from './file-import.ts';
import type { ImportEvents, ImportResult } from './file-import.ts';
import type { ImportConfig } from './import-config.ts';
import { ImportHelper } from './import-helper.ts';
import { IMPORTING, OWNER_FILES, putBack, takePlace } from './staging.ts';

export interface OfflineOptions extends ImportEvents {
  readonly config: ImportConfig;
  /** Folder that relative paths of files begin at. */
  readonly base: string;
  readonly directory: string;
  readonly graph: string;
  readonly delimiter: string;
  readonly continueOnError: boolean;
  /** Reads and checks everything, and writes nothing. */
  readonly dryRun: boolean;
  /** Replaces the graph in a directory that was imported and has not run yet. */
  readonly overwrite: boolean;
  /** Replaces the directory, whatever it holds. */
  readonly deleteIfExists: boolean;
  /** First password of `admin` in a new directory; the factory's if undefined. */
  readonly password: string | undefined;
}

const WRITE_BUFFER_BYTES = 64 * 1024 * 1024;
const CACHE_BYTES = 32 * 1024 * 1024;

export async function importOffline(options: OfflineOptions): Promise<ImportResult> {
  checkName('Graph', options.graph);
  const directory = resolve(options.directory);
  putBack(directory);
  const keeps = checkTarget(directory, options);
  const staging = `${directory}${IMPORTING}`;
  const release = takeStaging(staging);
  try {
    const engine = options.dryRun ? new MemoryEngine() : await openStaged(staging, keeps ? join(directory, 'store') : undefined);
    let result: ImportResult;
    try {
      result = await build(engine, staging, options);
    } finally {
      await engine.close();
    }
    if (options.dryRun) return result;
    release();
    rmSync(join(staging, 'scratch'), { recursive: true, force: true });
    takePlace(directory, staging);
    return result;
  } finally {
    release();
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Whether what the directory holds is to be kept beside the new graph. */
function checkTarget(directory: string, { deleteIfExists }: OfflineOptions): boolean {
  if (!existsSync(directory)) return false;
  if (!statSync(directory).isDirectory()) throw new DbError('InvalidConfig', `${directory} is not a folder`);
  const names = readdirSync(directory);
  if (names.includes('lgraph.pid')) {
    const pid = Number(readFileSync(join(directory, 'lgraph.pid'), 'utf8'));
    if (isAlive(pid)) throw new DbError('InvalidConfig', `a server (process ${pid}) runs on ${directory}`, { hint: 'stop it, or import with --online true' });
  }
  if (deleteIfExists || names.length === 0) return false;
  if (names.some((name) => name !== 'store')) {
    throw new DbError('InvalidConfig', `${directory} is not a new directory: it holds ${names.slice(0, 5).join(', ')}`, {
      hint: 'a server that has run gets data with --online true; --delete_if_exists true replaces the directory with all its graphs',
    });
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    return Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** One import at a time; what an interrupted one left is removed. */
function takeStaging(staging: string): () => void {
  const owner = join(staging, OWNER_FILES.importing);
  if (existsSync(owner)) {
    const pid = Number(readFileSync(owner, 'utf8'));
    if (isAlive(pid)) throw new DbError('InvalidConfig', `another import (process ${pid}) works on ${staging}`);
  }
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  writeFileSync(owner, String(process.pid));
  return () => rmSync(owner, { force: true });
}

function openStaged(staging: string, copyOf: string | undefined): Promise<Engine> {
  const location = join(staging, 'store');
  if (copyOf !== undefined) cpSync(copyOf, location, { recursive: true });
  return openLevelEngine({ location, cacheBytes: CACHE_BYTES, writeBufferBytes: WRITE_BUFFER_BYTES });
}

async function build(engine: Engine, staging: string, options: OfflineOptions): Promise<ImportResult> {
  const { config, dryRun } = options;
  const { graphId, version } = await writeSchema(engine, options);
  const head = new StateWriter(engine, new VersionClocks(), CACHE_BYTES).head(graphId);
  const scratch = join(staging, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const record = readVersion(engine);
  const files = inputFiles(config, options.base);
  const graph = new BulkGraph({
    engine: dryRun ? NOWHERE : engine, graph: graphId, catalog: catalogOf(head.get(CATALOG, 0), false), checksum: record.checksum, scratch,
    counters: head.get(COUNTERS, 0) ?? new CountersBlock(), discard: dryRun,
  });
  const helper = ImportHelper.start(bytesOf(files));
  try {
    const result = await importFiles(graph, files, options, helper);
    let ends = 0;
    await graph.finish(helper, (rows) => {
      ends += rows;
      options.onProgress({ phase: 'adjacency', done: ends, total: graph.edges * 2, elements: graph.vertices + graph.edges });
    });
    if (!dryRun) {
      const value = encodeVersion({ version: version + 1, timeMs: record.timeMs, checksum: record.checksum, format: record.format });
      await engine.batch([{ type: 'put', key: VERSION_KEY, value }], { sync: true });
    }
    return result;
  } finally {
    graph.abandon();
    await helper?.close();
  }
}

/** An engine for dry runs. */
const NOWHERE = { beginBatch: () => ({ put: () => undefined, del: () => undefined, write: () => Promise.resolve() }) } as unknown as Engine;

/** Users, the graph and its schema, as one transaction of its own. */
async function writeSchema(engine: Engine, options: OfflineOptions): Promise<{ graphId: number; version: number }> {
  const writer = new StateWriter(engine, new VersionClocks(), CACHE_BYTES);
  const transaction = new Transaction({ base: (graph) => writer.head(graph), baseVersion: writer.version, timeMs: Date.now(), ids: { vertex: (_, floor) => floor, edge: (_, floor) => floor } });
  if (isNewGroup(transaction)) createFirstState(transaction, options.password);
  createGraph(transaction, options);
  const graph = transaction.graph(options.graph);
  declare(graph, options.config);
  transaction.checkCommit();
  const version = writer.version + 1;
  await writer.write([{ index: version, staged: writer.stage(transaction.changes), timeMs: transaction.timeMs }], { sync: true });
  return { graphId: graph.graphId, version };
}

function createGraph(transaction: Transaction, { graph, overwrite }: OfflineOptions): void {
  const exists = transaction.system.graphs.some(({ name }) => name === graph);
  if (exists) {
    const known = transaction.graph(graph);
    const isNew = known.nodeCount() === 0 && known.catalog.data.schemas.length === 0 && known.catalog.data.labels.length === 0;
    if (graph === DEFAULT_GRAPH && isNew) return;
    if (!overwrite) throw new DbError('GraphExists', 'Graph already exists. If you want to overwrite the graph, use --overwrite true.');
    // Under a new number: the old blocks are unreachable, as after CALL dbms.graph.deleteGraph.
    transaction.changeSystem({ kind: 'deleteGraph', name: graph });
  }
  transaction.changeSystem({ kind: 'createGraph', name: graph, description: '', maxSizeGB: 4096, strict: false });
  const admin = transaction.system.roles.admin;
  if (admin !== undefined) transaction.changeSystem({ kind: 'setRole', name: 'admin', role: { ...admin, permissions: { ...admin.permissions, [graph]: 'FULL' } } });
}

/** Vertex labels first: constraints of edges name them. */
export function declare(graph: GraphTransaction, { schemas, indexes, constraints, texts, vectorIndexes, names }: ImportConfig): void {
  for (const label of names.labels) graph.labelId(label);
  for (const type of names.types) graph.typeId(type);
  for (const key of names.keys) graph.keyId(key);
  for (const kind of ['vertex', 'edge'] as const) for (const schema of schemas) if (schema.kind === kind) graph.createLabel(schema);
  for (const constraint of constraints) graph.createConstraint(constraint);
  for (const index of indexes) {
    if (graph.catalog.findIndex(index.kind, index.label, index.fields) !== undefined) continue;
    const { name, ...unnamed } = index;
    // Stores of before could have two of one name.
    graph.createIndex(name === undefined || graph.catalog.hasIndexNamed(name) ? unnamed : index);
  }
  for (const text of texts) graph.createText(text);
  for (const index of vectorIndexes) graph.createVectorIndex(index);
}
