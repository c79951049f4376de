/**
 * `lgraph_backup`: backups of running servers, and what to do with them (data/backup; docs/backup.md).
 *
 *   lgraph_backup --command create  -b DIR|s3://bucket/prefix --url http://host:7070 [--type auto|full|incremental]
 *   lgraph_backup --command list    -b DIR [--format json]
 *   lgraph_backup --command verify  -b DIR [--backup_id ID] [--deep true]
 *   lgraph_backup --command restore -b DIR -d NEW_DATA_DIR [--to_version N | --to_time 2026-01-31T12:00:00Z | --backup_id ID]
 *   lgraph_backup --command prune   -b DIR --keep_full 4 [--keep_days 30] [--dry_run true]
 *
 * Exit codes: 0 done, 1 not done or not whole, 255 wrong usage.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { DbError } from '../base/errors.ts';
import { BACKUP_TYPES, createBackup } from '../data/backup/create.ts';
import { readCatalog } from '../data/backup/manifest.ts';
import type { Manifest } from '../data/backup/manifest.ts';
import { openStorage } from '../data/backup/open-storage.ts';
import { S3_PARALLEL, S3_PART_MB } from '../data/backup/s3-storage.ts';
import { pruneBackups } from '../data/backup/prune.ts';
import { restoreBackup } from '../data/backup/restore.ts';
import type { BackupStorage } from '../data/backup/storage.ts';
import { verifyBackups } from '../data/backup/verify.ts';
import { RestSource } from './backup-source.ts';
import { addressesOf } from './group-client.ts';
import { PROGRESS_FORMS, progressLine } from './progress.ts';
import type { ProgressForm } from './progress.ts';
import { useTls } from './rest-client.ts';
import { failed, longFlags, usageFailure } from './usage.ts';

const MB = 1 << 20;
const COMMANDS = ['create', 'list', 'verify', 'restore', 'prune'] as const;

const argv = yargs(longFlags(hideBin(process.argv))).scriptName('lgraph_backup')
  .option('command', { choices: COMMANDS, demandOption: true, describe: 'what to do' })
  .option('backup_dir', { alias: 'b', type: 'string', default: './lgraph_backup', describe: 'where the backups are: a folder, or s3://bucket/prefix' })
  .option('url', { alias: 'r', type: 'string', describe: 'create: http(s)://host:port of a server, or of several with commas' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', describe: "create: the user's password; LGRAPH_PASSWORD, or the factory password" })
  .option('ca', { type: 'string', describe: 'create: PEM file of the authority of servers with ssl_auth' })
  .option('type', { choices: BACKUP_TYPES, default: 'auto' as const, describe: 'create: auto is incremental where that can be, else full' })
  .option('full_if_needed', { type: 'boolean', default: false, describe: 'create --type incremental: a full one where the log does not reach back' })
  .option('part_mb', { type: 'number', default: 32, describe: 'create: size of one part, held in memory' })
  .option('retry_s', { type: 'number', default: 30, describe: 'create: how long a server that does not answer is asked again' })
  .option('backup_id', { type: 'string', describe: 'verify, restore: this backup' })
  .option('deep', { type: 'boolean', default: false, describe: 'verify: build the states, and compare their checksums' })
  .option('work_dir', { type: 'string', default: tmpdir(), describe: 'verify --deep: where they are built' })
  .option('db_dir', { alias: 'd', type: 'string', describe: 'restore: the data directory to make' })
  .option('to_version', { type: 'number', describe: 'restore: the state at this version' })
  .option('to_time', { type: 'string', describe: 'restore: the state at this moment, ISO 8601 with a time zone' })
  .option('cluster_id', { type: 'string', describe: 'restore, prune: of this group, where several were backed up to one place' })
  .option('keep_full', { type: 'number', describe: 'prune: full backups of each group that stay, with what goes on from them' })
  .option('keep_days', { type: 'number', describe: 'prune: also keep what any moment of so many days needs' })
  .option('dry_run', { type: 'boolean', default: false, describe: 'prune: only say what would go' })
  .option('endpoint', { type: 'string', describe: 'S3: http(s)://host:port; AWS_ENDPOINT_URL' })
  .option('region', { type: 'string', describe: 'S3: AWS_REGION, or us-east-1' })
  .option('s3_part_mb', { type: 'number', default: S3_PART_MB, describe: 'S3: objects above this go in parts of this size (multipart upload); AWS takes no less than 5' })
  .option('s3_parallel', { type: 'number', default: S3_PARALLEL, describe: 'S3: parts of one object sent at once' })
  .option('format', { choices: ['text', 'json'] as const, default: 'text' as const, describe: 'list, create: form of the output' })
  .option('quiet', { type: 'boolean', default: false })
  .option('progress', { choices: PROGRESS_FORMS, default: 'auto' as ProgressForm, describe: 'bar on a terminal, JSON lines, or none' })
  .check(({ part_mb: partMb, s3_part_mb: s3PartMb, s3_parallel: parallel, command, keep_full: keepFull, keep_days: keepDays, to_version: version, to_time: time, backup_id: id }) => {
    if (!(partMb > 0 && partMb <= 256)) throw new Error('--part_mb must be more than 0 and at most 256');
    if (!(s3PartMb >= 5 && s3PartMb <= 5120)) throw new Error('--s3_part_mb must be from 5 to 5120');
    if (!(Number.isSafeInteger(parallel) && parallel >= 1 && parallel <= 64)) throw new Error('--s3_parallel must be from 1 to 64');
    if ([version, time, id].filter((one) => one !== undefined).length > 1) throw new Error('--to_version, --to_time and --backup_id exclude each other');
    if (version !== undefined && !(Number.isSafeInteger(version) && version > 0)) throw new Error('--to_version must be a positive integer');
    if (command === 'prune' && !(Number.isSafeInteger(keepFull) && keepFull! >= 1)) throw new Error('--keep_full is missing: how many full backups stay, at least 1');
    if (keepDays !== undefined && !(keepDays >= 0)) throw new Error('--keep_days must be a number of days');
    return true;
  })
  .strict().fail(usageFailure('lgraph_backup')).parseSync();

const line = progressLine(argv.quiet ? 'none' : argv.progress);
let bytesDone = 0;

function onPart(bytes: number): void {
  bytesDone += bytes;
  line.show({ phase: argv.command, done: bytesDone, total: 0, elements: bytesDone });
}

function print(text: string): void {
  line.end();
  if (!argv.quiet) process.stdout.write(`${text}\n`);
}

const factsOf = ({ id, kind, version, time, bytes, base }: Manifest): string => `${id}  ${kind}  version ${version}  last change ${time}  ${bytes} bytes${base === null ? '' : `  on ${base}`}`;

async function create(storage: BackupStorage): Promise<void> {
  const addresses = addressesOf(argv.url ?? '');
  if (addresses.length === 0) throw new DbError('InvalidRequest', 'the server is missing: give it with --url http://host:port');
  if (argv.ca !== undefined || argv.url!.startsWith('https://')) useTls({ ca: argv.ca === undefined ? undefined : readFileSync(argv.ca) });
  const source = new RestSource({ addresses, user: argv.user, password: argv.password ?? process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD, retryMs: argv.retry_s * 1000 });
  const made = await createBackup(source, storage, {
    type: argv.type, fullIfNeeded: argv.full_if_needed, partBytes: Math.ceil(argv.part_mb * MB), onPart,
    onNote: (text) => {
      line.end();
      process.stderr.write(`${text}\n`);
    },
  });
  if (argv.format === 'json') print(JSON.stringify(made, undefined, 1));
  else print(made.length === 0 ? 'Nothing has changed since the newest backup.' : made.map((manifest) => `made ${factsOf(manifest)}`).join('\n'));
}

async function list(storage: BackupStorage): Promise<void> {
  const { backups, damaged, unfinished } = await readCatalog(storage);
  if (argv.format === 'json') {
    print(JSON.stringify({ backups, damaged: damaged.map(({ id, error }) => ({ id, error: error.message })), unfinished }, undefined, 1));
    return;
  }
  const lines = [...backups.map(factsOf), ...damaged.map(({ id, error }) => `${id}  DAMAGED  ${error.message}`), ...unfinished.map((id) => `${id}  unfinished`)];
  print(lines.length === 0 ? `no backups in ${storage.place}` : lines.join('\n'));
}

async function verify(storage: BackupStorage): Promise<void> {
  let problems = 0;
  const count = await verifyBackups(storage, {
    id: argv.backup_id, deepIn: argv.deep ? argv.work_dir : undefined, onPart,
    onProblem: ({ message }) => {
      problems++;
      line.end();
      process.stderr.write(`${message}\n`);
    },
  });
  if (count === 0) throw new DbError('NotFound', `no backups in ${storage.place}`);
  print(`Verification finished: ${count} backups, ${problems === 0 ? 'no problems' : `${problems} problems`}.`);
  if (problems > 0) process.exitCode = 1;
}

async function restore(storage: BackupStorage): Promise<void> {
  if (argv.db_dir === undefined) throw new DbError('InvalidRequest', '--db_dir is missing: the data directory to make');
  const done = await restoreBackup(storage, { id: argv.backup_id, version: argv.to_version, timeMs: momentOf(argv.to_time), clusterId: argv.cluster_id }, argv.db_dir, { onPart });
  print(`restored version ${done.version}, last change ${new Date(done.timeMs).toISOString()}, checksum ${done.checksum}, from ${done.backups.map(({ id }) => id).join(', ')}\n`
    + `start a server on ${argv.db_dir}, or the first one of a new group with --ha_bootstrap_role 1`);
}

function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  // Without a zone it would be that of whoever happens to restore.
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new DbError('InvalidRequest', `--to_time ${text} is not a moment such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00`);
  }
  return Date.parse(text);
}

async function prune(storage: BackupStorage): Promise<void> {
  const gone = await pruneBackups(storage, { keepFull: argv.keep_full!, keepDays: argv.keep_days, clusterId: argv.cluster_id }, Date.now(), argv.dry_run);
  print(gone.length === 0 ? 'Nothing to remove.' : gone.map((manifest) => `${argv.dry_run ? 'would remove' : 'removed'} ${factsOf(manifest)}`).join('\n'));
}

try {
  await { create, list, verify, restore, prune }[argv.command](openStorage(argv.backup_dir, { endpoint: argv.endpoint, region: argv.region, partBytes: Math.ceil(argv.s3_part_mb * MB), parallel: argv.s3_parallel }));
} catch (error) {
  line.end();
  failed(`lgraph_backup --command ${argv.command}:`, error);
}
