/**
 * `lgraph_export`: graphs as files, all at one version (data/export-graph.ts; docs/import.md).
 *
 *   lgraph_export -d ./lgraph_db -e ./exportdir [-g default]                    from a data directory that no server uses
 *   lgraph_export --online true --url http://host:7070 -u admin -p … -e DIR     from a running server
 *
 * Exit codes: 0 exported, 1 not exported, 255 wrong usage.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_GRAPH, DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { DbError } from '../base/errors.ts';
import { delimiterOf } from '../data/csv.ts';
import { EXPORT_FORMATS } from '../data/export-graph.ts';
import { exportParts, unframed } from '../data/export-stream.ts';
import { withStore } from '../data/open-store.ts';
import { EXPORTING, putBack, syncFolder, takePlace } from '../data/staging.ts';
import { addressesOf, GroupClient } from './group-client.ts';
import { PROGRESS_FORMS, progressLine } from './progress.ts';
import type { ProgressForm } from './progress.ts';
import { failed, longFlags, usageFailure } from './usage.ts';

const argv = yargs(longFlags(hideBin(process.argv))).scriptName('lgraph_export')
  .option('db_dir', { alias: 'd', type: 'string', default: './lgraph_db', describe: 'offline: the data directory' })
  .option('export_dir', { alias: 'e', type: 'string', default: './exportdir', describe: 'the folder to make' })
  .option('graph', { alias: 'g', type: 'string', default: DEFAULT_GRAPH, describe: 'the graph' })
  .option('all', { type: 'boolean', default: false, describe: 'every graph, each in a folder of its own' })
  .option('format', { alias: 'f', choices: EXPORT_FORMATS, default: 'csv' as const, describe: 'form of the files' })
  .option('separator', { alias: 's', type: 'string', default: ',', describe: 'between the fields of CSV' })
  .option('overwrite', { type: 'boolean', default: false, describe: 'replace what the folder holds' })
  .option('online', { type: 'boolean', default: false, describe: 'from a running server' })
  .option('url', { alias: 'r', type: 'string', describe: 'online: http://host:port of a server, or of several with commas' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', describe: "online: the user's password; LGRAPH_PASSWORD, or the factory password" })
  .option('quiet', { type: 'boolean', default: false })
  .option('progress', { choices: PROGRESS_FORMS, default: 'auto' as ProgressForm, describe: 'bar on a terminal, JSON lines, or none' })
  .strict().fail(usageFailure('lgraph_export')).parseSync();

interface Part {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly elements: number;
}

/** Files that grow part by part, one folder above another; on disk when it ends. */
class ExportFiles {
  readonly #folder: string;
  readonly #files = new Map<string, number>();
  readonly #folders = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#mkdir(folder);
  }

  #mkdir(path: string): void {
    mkdirSync(path, { recursive: true });
    this.#folders.add(path);
  }

  write(path: string, bytes: Uint8Array): void {
    let file = this.#files.get(path);
    if (file === undefined) {
      const whole = join(this.#folder, path);
      this.#mkdir(dirname(whole));
      this.#files.set(path, file = openSync(whole, 'ax'));
    }
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  }

  finish(): void {
    for (const file of this.#files.values()) fsyncSync(file);
    this.close();
    for (const folder of this.#folders) syncFolder(folder);
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }
}

/** Takes parts as files below a folder that is renamed at the end; returns the number of elements and the version. */
async function save(parts: AsyncGenerator<Part, number>): Promise<{ elements: number; version: number }> {
  const target = resolve(argv.export_dir);
  putBack(target);
  if (existsSync(target) && readdirSync(target).length > 0 && !argv.overwrite) throw new DbError('InvalidRequest', `${target} is not empty`, { hint: '--overwrite true replaces it' });
  const staging = `${target}${EXPORTING}`;
  rmSync(staging, { recursive: true, force: true });
  const files = new ExportFiles(staging);
  const line = progressLine(argv.quiet ? 'none' : argv.progress);
  let elements = 0;
  try {
    for (;;) {
      const { done, value } = await parts.next();
      if (done === true) {
        files.finish();
        takePlace(target, staging);
        return { elements, version: value };
      }
      ({ elements } = value);
      files.write(argv.all ? value.path : value.path.slice(value.path.indexOf('/') + 1), value.bytes);
      line.show({ phase: 'export', done: elements, total: 0, elements });
    }
  } finally {
    line.end();
    files.close();
    rmSync(staging, { recursive: true, force: true });
  }
}

async function run(delimiter: string): Promise<{ elements: number; version: number }> {
  if (!argv.online) {
    return withStore(argv.db_dir, async (_, reader) => {
      const point = reader.acquire();
      const graphs = argv.all ? point.system.graphs.map(({ name }) => name) : [argv.graph];
      try {
        return await save((async function* (): AsyncGenerator<Part, number> {
          for await (const { path, text, elements } of exportParts(point, graphs, { format: argv.format, delimiter })) yield { path, bytes: Buffer.from(text), elements };
          return point.version;
        })());
      } finally {
        reader.release(point);
      }
    });
  }
  const addresses = addressesOf(argv.url ?? '');
  if (addresses.length === 0) throw new DbError('InvalidRequest', 'the server is missing: give it with --url http://host:port');
  const client = new GroupClient({ addresses, user: argv.user, password: argv.password ?? process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD, retryMs: 10_000 });
  const body = { format: argv.format, delimiter: argv.separator, ...(argv.all ? {} : { graphs: [argv.graph] }) };
  const stream = await client.repeat((one, address) => one.stream(address, '/export', body));
  return save(unframed(stream));
}

try {
  const from = performance.now();
  const delimiter = delimiterOf(argv.separator);
  if (delimiter === undefined) throw new DbError('InvalidRequest', 'the separator must not be empty, a quote or a line break');
  const { elements, version } = await run(delimiter);
  if (!argv.quiet) process.stdout.write(`exported ${elements} vertices and edges at version ${version}\nExport successful in ${((performance.now() - from) / 1000).toFixed(2)} seconds.\n`);
} catch (error) {
  failed('An error occurred during export:', error);
}
