/**
 * `lgraph_validate`: whether the data directory of a stopped server is whole (data/validate.ts; docs/import.md).
 *
 *   lgraph_validate -d ./lgraph_db [--repair true [--ha_log_dir /fast/lgraph_log]]
 *
 * Exit codes: 0 whole (or repaired), 1 not whole, 255 wrong usage.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { withStore } from '../data/open-store.ts';
import { checkRepairable, repairIndexes } from '../data/repair-indexes.ts';
import { REPAIRING, syncFolder } from '../data/staging.ts';
import { validateStore } from '../data/validate.ts';
import { ValidateHelper } from '../data/validate/helper.ts';
import { ADDRESS_FILE } from '../server/directory.ts';
import { PROGRESS_FORMS, progressLine } from './progress.ts';
import type { ProgressForm } from './progress.ts';
import { failed, longFlags, usageFailure } from './usage.ts';

const argv = yargs(longFlags(hideBin(process.argv))).scriptName('lgraph_validate')
  .option('directory', { alias: ['d', 'db_dir'], type: 'string', default: './lgraph_db', describe: 'the data directory; its server must not run' })
  .option('repair', { type: 'boolean', default: false, describe: 'make indexes anew if they are wrong' })
  .option('ha_log_dir', { type: 'string', describe: 'repair: its ha_log_dir, if that is not <directory>/ha' })
  .option('problems', { type: 'number', default: 100, describe: 'how many problems to print' })
  .option('quiet', { type: 'boolean', default: false, describe: 'print problems only' })
  .option('progress', { choices: PROGRESS_FORMS, default: 'auto' as ProgressForm, describe: 'bar on a terminal, JSON lines, or none' })
  .strict().fail(usageFailure('lgraph_validate')).parseSync();

/** How many problems there are, and whether a repair may help. */
interface Findings {
  count: number;
  areRepairable: boolean;
}

async function check(): Promise<Findings> {
  const findings: Findings = { count: 0, areRepairable: false };
  if (existsSync(join(argv.directory, REPAIRING))) {
    process.stdout.write('store: index: a repair was cut off: run it again, with --repair true\n');
    Object.assign(findings, { count: 1, areRepairable: true });
  }
  const line = progressLine(argv.quiet ? 'none' : argv.progress);
  await withStore(argv.directory, async (engine, reader) => {
    const point = reader.acquire();
    const helpers = ValidateHelper.start(argv.directory, await engine.sizeBytes());
    try {
      await validateStore(engine, point, {
        onProgress: ({ done, total, blocks }) => line.show({ phase: 'validate', done, total, elements: blocks }),
        onProblem: (problem) => {
          line.end();
          findings.count++;
          if (problem.what === 'index' || problem.what === 'block') findings.areRepairable = true;
          if (findings.count <= argv.problems) process.stdout.write(`${problem.graph === '' ? 'store' : `graph ${problem.graph}`}: ${problem.what}: ${problem.text}\n`);
        },
      }, helpers);
    } finally {
      await Promise.all(helpers.map((helper) => helper.close()));
      reader.release(point);
    }
  }, { repairs: true });
  line.end();
  return findings;
}

async function repair(): Promise<void> {
  checkRepairable(argv.directory, argv.ha_log_dir ?? join(argv.directory, 'ha'), existsSync(join(argv.directory, ADDRESS_FILE)));
  const scratch = join(argv.directory, REPAIRING);
  // Until the indexes are whole the folder stays, whatever happens: no server starts beside it, which would find nothing in them.
  mkdirSync(scratch, { recursive: true });
  for (const name of readdirSync(scratch)) rmSync(join(scratch, name), { recursive: true });
  syncFolder(argv.directory);
  const indexes = await withStore(argv.directory, async (engine, reader) => {
    const point = reader.acquire();
    const count = await repairIndexes(engine, point, scratch);
    reader.release(point);
    return count;
  }, { repairs: true });
  rmSync(scratch, { recursive: true, force: true });
  process.stdout.write(`made ${indexes} indexes anew\n`);
}

try {
  let findings = await check();
  if (argv.repair && findings.areRepairable) {
    await repair();
    findings = await check();
  }
  const { count } = findings;
  if (count > 0) process.exitCode = 1;
  if (!argv.quiet || count > 0) process.stdout.write(count === 0 ? 'Validation finished: no problems.\n' : `Validation finished: ${count} problems.\n`);
} catch (error) {
  failed('An error occurred during validation:', error);
}
