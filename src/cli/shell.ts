/**
 * `lgraph_cli`: statements from the command line, a file, a pipe or an interactive prompt, over Bolt with routing, so it follows
 * the leader through a failover.
 *
 *   lgraph_cli [--uri neo4j://127.0.0.1:7687] [-u admin] [-p …] [--graph default] [--format table|csv|json] [-e STATEMENT] [-f FILE] [--ca FILE]
 *
 * Servers with ssl_auth: neo4j+s:// where a well-known authority signed their certificates; else --ca with its PEM file.
 *
 * Exit codes: 0 all statements succeeded, 1 one failed (the rest is not run), 255 wrong usage.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import neo4j from 'neo4j-driver';
import type { Config } from 'neo4j-driver';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_PASSWORD, DEFAULT_USER } from '../auth/first-start.ts';
import { loadHistory, saveHistory } from './shell-history.ts';
import { print } from './shell-output.ts';
import type { OutputForm } from './shell-output.ts';
import { splitStatements } from './statements.ts';

const HELP = `Statements end with a semicolon. Commands:
  :help                 this text
  :use GRAPH            the graph the next statements run on
  :param NAME VALUE     a parameter, as JSON
  :params               the parameters
  :format table|csv|json
  :timing on|off        time behind each result
  :source FILE          runs the statements of a file
  :cluster              the servers of the group
  :exit                 leave (also Ctrl-D)`;

class Shell {
  readonly #driver: ReturnType<typeof neo4j.driver>;
  #graph: string;
  #form: OutputForm;
  #timing: boolean;
  #session: ReturnType<ReturnType<typeof neo4j.driver>['session']>;
  readonly #parameters: Record<string, unknown> = {};

  constructor(options: { uri: string; user: string; password: string; graph: string; form: OutputForm; timing: boolean; ca: string | undefined }) {
    const { ca } = options;
    const tls: Config = ca === undefined ? {} : { encrypted: 'ENCRYPTION_ON', trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES', trustedCertificates: [ca] };
    this.#driver = neo4j.driver(options.uri, neo4j.auth.basic(options.user, options.password), { useBigInt: true, maxTransactionRetryTime: 15_000, ...tls });
    this.#graph = options.graph;
    this.#form = options.form;
    this.#timing = options.timing;
    this.#session = this.#driver.session({ database: this.#graph });
  }

  get prompt(): string {
    return `${this.#graph}> `;
  }

  async connect(): Promise<void> {
    await this.#driver.getServerInfo({ database: this.#graph });
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#driver.close();
  }

  /** One statement or command. Returns false when the shell is to end. */
  async run(text: string): Promise<boolean> {
    const trimmed = text.trim();
    if (trimmed === '') return true;
    if (trimmed.startsWith(':')) return this.#command(trimmed);
    const started = performance.now();
    const result = await this.#session.run(trimmed, this.#parameters);
    print(result, this.#form, this.#timing ? performance.now() - started : undefined);
    return true;
  }

  async #command(line: string): Promise<boolean> {
    const [name, ...rest] = line.split(/\s+/) as [string, ...string[]];
    switch (name) {
      case ':help':
        process.stdout.write(`${HELP}\n`);
        return true;
      case ':use':
        await this.#session.close();
        this.#graph = rest[0] ?? 'default';
        this.#session = this.#driver.session({ database: this.#graph });
        return true;
      case ':param':
        this.#parameters[rest[0] ?? ''] = parameter(rest.slice(1).join(' '));
        return true;
      case ':params':
        process.stdout.write(`${JSON.stringify(this.#parameters, (_, value) => (typeof value === 'bigint' ? Number(value) : value))}\n`);
        return true;
      case ':format':
        if (rest[0] !== 'table' && rest[0] !== 'csv' && rest[0] !== 'json') throw new Error(':format is table, csv or json');
        this.#form = rest[0];
        return true;
      case ':timing':
        this.#timing = rest[0] !== 'off';
        return true;
      case ':source':
        for (const statement of splitStatements(readFileSync(rest.join(' '), 'utf8')).complete) await this.run(statement);
        return true;
      case ':cluster':
        return this.run('CALL dbms.listServers()');
      case ':exit': case ':quit':
        return false;
      default:
        throw new Error(`unknown command ${name}; :help lists them`);
    }
  }
}

function parameter(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return typeof value === 'number' && Number.isSafeInteger(value) && !/[.eE]/.test(text) ? BigInt(value) : value;
}

function complain(error: unknown): void {
  const { code, message } = error as { code?: string; message?: string };
  process.stderr.write(`${code === undefined ? '' : `${code}: `}${message ?? String(error)}\n`);
}

async function batch(shell: Shell, statements: readonly string[]): Promise<number> {
  for (const statement of statements) {
    try {
      if (!await shell.run(statement)) return 0;
    } catch (error) {
      complain(error);
      return 1;
    }
  }
  return 0;
}

async function interactive(shell: Shell): Promise<number> {
  const historyFile = join(homedir(), '.lgraph_history');
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: shell.prompt, history: loadHistory(historyFile), historySize: 1000 });
  let buffer = '';
  lines.prompt();
  lines.on('SIGINT', () => {
    buffer = '';
    lines.setPrompt(shell.prompt);
    process.stdout.write('\n');
    lines.prompt();
  });
  for await (const line of lines) {
    buffer += `${line}\n`;
    const command = buffer.trimStart().startsWith(':') || /^\s*(exit|quit)\s*;?\s*$/i.test(buffer);
    const { complete, rest } = command ? { complete: [buffer.trim().replace(/^(exit|quit);?$/i, ':exit')], rest: '' } : splitStatements(buffer);
    buffer = rest.trim() === '' ? '' : rest;
    for (const statement of complete) {
      saveHistory(historyFile, statement);
      try {
        if (!await shell.run(statement)) return 0;
      } catch (error) {
        complain(error);
      }
    }
    lines.setPrompt(buffer === '' ? shell.prompt : '      -> ');
    lines.prompt();
  }
  process.stdout.write('\n');
  return 0;
}

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
  return text;
}

const argv = yargs(hideBin(process.argv)).scriptName('lgraph_cli')
  .option('uri', { alias: 'a', type: 'string', default: 'neo4j://127.0.0.1:7687', describe: 'any server of the group; bolt:// stays on that one' })
  .option('user', { alias: 'u', type: 'string', default: DEFAULT_USER })
  .option('password', { alias: 'p', type: 'string', default: process.env.LGRAPH_PASSWORD ?? DEFAULT_PASSWORD, defaultDescription: 'LGRAPH_PASSWORD, or the factory password' })
  .option('graph', { alias: 'g', type: 'string', default: 'default' })
  .option('format', { choices: ['table', 'csv', 'json'] as const, default: 'table' as const })
  .option('execute', { alias: 'e', type: 'string', array: true, describe: 'run these statements and leave' })
  .option('file', { alias: 'f', type: 'string', describe: 'run the statements of a file and leave' })
  .option('ca', { type: 'string', describe: 'servers with ssl_auth: PEM file of the authority that signed their certificates' })
  .option('timing', { type: 'boolean', default: true })
  .strict().fail((message, error) => {
    process.stderr.write(`lgraph_cli: ${message ?? error?.message}\nlgraph_cli --help shows the usage\n`);
    process.exit(255);
  }).parseSync();

const shell = new Shell({ uri: argv.uri, user: argv.user, password: argv.password, graph: argv.graph, form: argv.format, timing: argv.timing, ca: argv.ca });
try {
  await shell.connect();
  const given = argv.execute?.join(';\n') ?? (argv.file === undefined ? undefined : readFileSync(argv.file, 'utf8'));
  if (given !== undefined || !process.stdin.isTTY) {
    const { complete, rest } = splitStatements(given ?? await readAll(process.stdin));
    process.exitCode = await batch(shell, [...complete, rest]);
  } else {
    process.exitCode = await interactive(shell);
  }
} catch (error) {
  complain(error);
  process.exitCode = 1;
} finally {
  await shell.close();
}
