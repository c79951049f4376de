/**
 * `lgraph_cli`: statements from the command line, a file, a pipe or an interactive prompt, over Bolt with routing, so it follows
 * the leader through a failover.
 *
 *   lgraph_cli [--uri neo4j://127.0.0.1:7687] [-u admin] [-p …] [--graph default] [--format table|csv|json|plain] [-e STATEMENT] [-f FILE] [--ca FILE]
 *
 * Servers with ssl_auth: neo4j+s:// where a well-known authority signed their certificates; else --ca with its PEM file.
 *
 * Exit codes: 0 all statements succeeded; 1 one failed (the rest is not run, unless --keep_going); 2 wrong usage; 3 no server could
 * be reached, or it did not let us in.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { ShellConnection, isConnectionFailure } from './shell-connection.ts';
import { interactive } from './shell-editor.ts';
import { OUTPUT_FORMS, StreamSink } from './shell-output.ts';
import { Shell } from './shell-runner.ts';
import { StatementReader, unitsOf } from './statements.ts';
import type { Unit } from './statements.ts';

const EXIT = { ok: 0, statement: 1, usage: 2, connection: 3 } as const;

function usage(message: string): never {
  process.stderr.write(`lgraph_cli: ${message}\nlgraph_cli --help shows the usage\n`);
  process.exit(EXIT.usage);
}

const argv = yargs(hideBin(process.argv)).scriptName('lgraph_cli')
  .option('uri', { alias: 'a', type: 'string', default: 'neo4j://127.0.0.1:7687', describe: 'any server of the group, or several: neo4j://a:7687,b:7687; bolt:// stays on that one' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', default: process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD, defaultDescription: 'LGRAPH_PASSWORD, or the factory password' })
  .option('graph', { alias: 'g', type: 'string', default: 'default' })
  .option('format', { choices: OUTPUT_FORMS, default: 'table' as const })
  .option('execute', { alias: 'e', type: 'string', array: true, describe: 'run these statements or :commands and leave' })
  .option('file', { alias: 'f', type: 'string', describe: 'run the statements of a file and leave' })
  .option('param', { alias: 'P', type: 'string', array: true, describe: 'a parameter: name=value, as JSON or an expression' })
  .option('keep_going', { type: 'boolean', default: false, describe: 'run what comes after a statement that failed; the exit code is 1 all the same' })
  .option('wait_s', { type: 'number', default: 30, describe: 'how long a statement waits for a server that takes it, seconds' })
  .option('ca', { type: 'string', describe: 'servers with ssl_auth: PEM file of the authority that signed their certificates' })
  .option('color', { choices: ['auto', 'always', 'never'] as const, default: 'auto' as const, describe: 'auto: on a terminal, unless NO_COLOR is set' })
  .option('history', { type: 'string', default: process.env.LGRAPH_HISTORY ?? join(homedir(), '.lgraph_history'), defaultDescription: 'LGRAPH_HISTORY, or ~/.lgraph_history' })
  .option('timing', { type: 'boolean', default: true, describe: 'the time behind each table' })
  .conflicts('execute', 'file')
  .epilogue('Exit codes: 0 all statements succeeded, 1 one failed, 2 wrong usage, 3 no server could be reached or it did not let us in.')
  .strict().fail((message, error) => usage(message ?? error?.message ?? '')).parseSync();

if (argv._.length > 0) usage(`unexpected ${String(argv._[0])}: statements come behind -e`);

/** What the commands say of themselves goes through here, in order, until one fails. */
async function batch(shell: Shell, units: AsyncIterable<Unit> | Iterable<Unit>, source: string | undefined): Promise<number> {
  let code: number = EXIT.ok;
  for await (const unit of units) {
    try {
      if (!await shell.run(unit.text)) return code;
    } catch (error) {
      await shell.complain(error, source === undefined ? undefined : `${source}, line ${unit.line}`);
      code = isConnectionFailure(error) ? EXIT.connection : EXIT.statement;
      if (!argv.keep_going || code === EXIT.connection) return code;
    }
  }
  return code;
}

/** Statements of a pipe, as they come in. */
async function* piped(): AsyncGenerator<Unit> {
  const reader = new StatementReader();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) yield* reader.push(line);
  yield* reader.end();
}

function given(): { units: Iterable<Unit> | AsyncIterable<Unit>; source: string | undefined } | undefined {
  if (argv.execute !== undefined) return { units: argv.execute.flatMap(unitsOf), source: undefined };
  if (argv.file !== undefined) {
    try {
      return { units: unitsOf(readFileSync(argv.file, 'utf8')), source: argv.file };
    } catch (error) {
      return usage(`-f: ${(error as Error).message}`);
    }
  }
  return process.stdin.isTTY ? undefined : { units: piped(), source: 'standard input' };
}

function connection(): ShellConnection {
  let saidWaiting = false;
  try {
    return new ShellConnection({
      uri: argv.uri, user: argv.user, password: argv.password, graph: argv.graph, ca: argv.ca, waitMs: argv.wait_s * 1000,
      onWait: (reason) => {
        if (!saidWaiting) process.stderr.write(`waiting for a server that takes it: ${reason.split('\n')[0]!}\n`);
        saidWaiting = true;
      },
    });
  } catch (error) {
    return usage(`--uri ${argv.uri}: ${(error as Error).message}`);
  }
}

const colours = argv.color === 'always' || (argv.color === 'auto' && process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb');
const shell = new Shell(connection(), new StreamSink(process.stdout), new StreamSink(process.stderr), {
  form: argv.format, timing: argv.timing, isTerminal: process.stdout.isTTY, colours,
});
try {
  const script = given();
  await shell.connection.connect();
  for (const assignment of argv.param ?? []) await shell.run(`:param ${assignment.replace('=', ' ')}`);
  process.exitCode = script === undefined ? await interactive(shell, argv.history) : await batch(shell, script.units, script.source);
} catch (error) {
  await shell.complain(error);
  process.exitCode = isConnectionFailure(error) ? EXIT.connection : EXIT.statement;
} finally {
  await shell.connection.close();
}
