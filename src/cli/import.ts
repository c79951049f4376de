/**
 * `lgraph_import`: data from files by a configuration (data/import-config.ts; docs/import.md).
 *
 *   lgraph_import -c import.json -d ./lgraph_db [-g default]                         offline, into a new data directory
 *   lgraph_import --online true --url http://host:7070 -u admin -p … -c import.json  into a running group
 *   lgraph_import --schema_from_data people.csv,knows.csv > import.json              a configuration to begin with
 *
 * Exit codes: 0 imported (rows may be left out with --continue_on_error true), 1 not imported, 255 wrong usage.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_GRAPH, DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { DbError } from '../base/errors.ts';
import { delimiterOf } from '../data/csv.ts';
import { rejectedText } from '../data/file-import.ts';
import type { ImportEvents, ImportResult, Rejected } from '../data/file-import.ts';
import { parseImportConfig } from '../data/import-config.ts';
import type { ImportConfig } from '../data/import-config.ts';
import { importOffline } from '../data/offline-import.ts';
import { proposeConfig } from '../data/propose-config.ts';
import { addressesOf, GroupClient } from './group-client.ts';
import { importOnline } from './online-import.ts';
import { failed, longFlags, usageFailure } from './usage.ts';
import { PROGRESS_FORMS, progressLine } from './progress.ts';
import type { ProgressForm } from './progress.ts';

/** Messages about rows of one file that are printed; the file of rejected rows has all. */
const MESSAGES_MAX = 100;

const argv = yargs(longFlags(hideBin(process.argv))).scriptName('lgraph_import')
  .option('config_file', { alias: 'c', type: 'string', describe: 'the configuration: schema and files' })
  .option('schema_from_data', { type: 'string', describe: 'print a proposed configuration for these CSV files or folders (with commas between)' })
  .option('dir', { alias: 'd', type: 'string', default: './lgraph_db', describe: 'offline: the data directory to make' })
  .option('graph', { alias: 'g', type: 'string', default: DEFAULT_GRAPH, describe: 'the graph to fill' })
  .option('delimiter', { type: 'string', default: ',', describe: 'between the fields of CSV; \\t, \\x01 and the like are read' })
  .option('continue_on_error', { alias: 'i', type: 'boolean', default: false, describe: 'leave out rows that do not fit' })
  .option('rejected_file', { type: 'string', describe: 'where such rows go, as JSON lines; <config_file>.rejected.jsonl' })
  .option('dry_run', { type: 'boolean', default: false, describe: 'offline: read and check everything, write nothing' })
  .option('overwrite', { type: 'boolean', default: false, describe: 'offline: replace the graph in a directory that has not run yet' })
  .option('delete_if_exists', { type: 'boolean', default: false, describe: 'offline: replace the whole directory' })
  .option('online', { type: 'boolean', default: false, describe: 'into a running group' })
  .option('url', { alias: 'r', type: 'string', describe: 'online: http://host:port of a server, or of several with commas' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', describe: "the user's password (online); first password of admin (offline); LGRAPH_PASSWORD, or the factory password" })
  .option('package_bytes', { type: 'number', default: 1024 * 1024, describe: 'online: size of one transaction' })
  .option('packages_at_once', { type: 'number', default: 4, describe: 'online: packages under way at a time' })
  .option('skip_packages', { type: 'number', default: 0, describe: 'online: leave out the first packages' })
  .option('breakpoint_continue', { type: 'boolean', default: true, describe: 'online: go on with a run that was interrupted' })
  .option('retry_s', { type: 'number', default: 60, describe: 'online: how long a package is tried while servers fail' })
  .option('quiet', { type: 'boolean', default: false, describe: 'no progress, no summary' })
  .option('progress', { choices: PROGRESS_FORMS, default: 'auto' as ProgressForm, describe: 'bar on a terminal, JSON lines, or none' })
  .check((given) => {
    // Packages of no bytes would never end.
    for (const [name, least] of [['package_bytes', 1], ['packages_at_once', 1], ['skip_packages', 0], ['retry_s', 0]] as const) {
      if (!(Number.isFinite(given[name]) && given[name] >= least)) throw new Error(`--${name} is a number that is at least ${least}`);
    }
    return true;
  })
  .strict().fail(usageFailure('lgraph_import')).parseSync();

/** Writes rejected rows to their file, which is made when there is one. */
class RejectedRows {
  readonly path: string;
  #file: number | undefined;
  readonly #printed = new Map<string, number>();

  constructor(path: string) {
    this.path = path;
  }

  readonly take = (row: Rejected): void => {
    this.#file ??= openSync(this.path, 'w');
    writeSync(this.#file, `${JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`);
    const printed = (this.#printed.get(row.file) ?? 0) + 1;
    this.#printed.set(row.file, printed);
    if (printed <= MESSAGES_MAX) process.stderr.write(`skipped ${rejectedText(row)}\n`);
    if (printed === MESSAGES_MAX) process.stderr.write(`more rows of ${basename(row.file)} are in ${this.path} only\n`);
  };

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function readConfig(path: string): ImportConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new DbError('InvalidRequest', `the configuration ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseImportConfig(text, path);
}

/** Prints the proposal; paths are as they were given, so it is to be kept where the tool was called. */
async function propose(paths: string): Promise<void> {
  const files = paths.split(',').flatMap((path) => (statSync(path).isDirectory() ? readdirSync(path).filter((name) => /\.csv(\.gz)?$/.test(name)).sort().map((name) => join(path, name)) : [path]));
  process.stdout.write(`${JSON.stringify(await proposeConfig(files, checkedDelimiter(), (text) => process.stderr.write(`${text}\n`)), null, 2)}\n`);
}

function checkedDelimiter(): string {
  const delimiter = delimiterOf(argv.delimiter);
  if (delimiter === undefined) throw new DbError('InvalidRequest', 'the delimiter must not be empty, a quote or a line break');
  return delimiter;
}

async function run(): Promise<ImportResult> {
  if (argv.config_file === undefined) throw new DbError('InvalidRequest', 'the configuration is missing: give it with --config_file');
  const delimiter = checkedDelimiter();
  const config = readConfig(argv.config_file);
  const line = progressLine(argv.quiet ? 'none' : argv.progress);
  const events: ImportEvents = {
    onProgress: (step) => line.show(step),
    onRejected: (row) => {
      line.end();
      rejected.take(row);
    },
  };
  const shared = { config, base: dirname(resolve(argv.config_file)), graph: argv.graph, delimiter, continueOnError: argv.continue_on_error, ...events };
  const rejected = new RejectedRows(argv.rejected_file ?? `${argv.config_file}.rejected.jsonl`);
  try {
    const password = argv.password ?? process.env.LGRAPH_PASSWORD;
    if (!argv.online) return await importOffline({ ...shared, directory: argv.dir, dryRun: argv.dry_run, overwrite: argv.overwrite, deleteIfExists: argv.delete_if_exists, password });
    const addresses = addressesOf(argv.url ?? '');
    if (addresses.length === 0) throw new DbError('InvalidRequest', 'the group is missing: give a server with --url http://host:port');
    const client = new GroupClient({ addresses, user: argv.user, password: password ?? DEFAULT_PASSWORD, retryMs: argv.retry_s * 1000 });
    return await importOnline(client, {
      ...shared, packageBytes: argv.package_bytes, packagesAtOnce: argv.packages_at_once, skipPackages: argv.skip_packages, goesOn: argv.breakpoint_continue, stateFile: `${argv.config_file}.progress`,
    });
  } finally {
    line.end();
    rejected.close();
  }
}

async function importAll(): Promise<void> {
  const from = performance.now();
  const { vertices, edges, rejected } = await run();
  const seconds = (performance.now() - from) / 1000;
  if (!argv.quiet) {
    process.stdout.write(`${argv.dry_run ? 'checked' : 'imported'} ${vertices} vertices and ${edges} edges${rejected > 0 ? `, left out ${rejected} rows` : ''}\n`);
    process.stdout.write(`Import finished in ${seconds.toFixed(2)} seconds.\n`);
  }
}

try {
  if (argv.schema_from_data === undefined) await importAll();
  else await propose(argv.schema_from_data);
} catch (error) {
  failed('An error occurred during import:', error);
}
