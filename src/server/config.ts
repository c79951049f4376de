/**
 * Reads the configuration: flag > environment > file > default, each value with its origin.
 *
 *   flags        --key value, -key value, --key=value (TuGraph's spelling); -c/--config FILE, -d/--mode MODE
 *   environment  LGRAPH_<KEY>, and LGRAPH_<KEY>_FILE for a value that stands in a file
 *   file         JSON, keys as the flags
 *
 * Anything unknown or out of range is an error that names it, where it stands, and what was probably meant.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import yargs from 'yargs';
import { DbError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import { findAnalyzer } from '../graph/text/analyzer.ts';
import { withShares } from './memory-plan.ts';
import { IGNORED_OPTIONS, OPTIONS, REFUSED_OPTIONS } from './options.ts';
import type { Config, OptionDef, OptionName, OptionValue } from './options.ts';

export type Mode = 'run' | 'start' | 'stop' | 'restart';
const MODES: readonly string[] = ['run', 'start', 'stop', 'restart'];

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value comes from: `flag`, `environment LGRAPH_PORT`, `file /etc/lgraph.json`, `default`. */
  readonly origins: ReadonlyMap<OptionName, string>;
  readonly mode: Mode;
  readonly configFile: string | undefined;
  readonly printConfig: boolean;
  readonly check: boolean;
  readonly help: boolean;
  readonly version: boolean;
  readonly warnings: readonly string[];
}

const byName = new Map<string, OptionDef>(OPTIONS.map((option) => [option.name, option]));

function invalid(message: string, hint?: string): DbError {
  return new DbError('InvalidConfig', message, { hint });
}

/** TuGraph takes `-port 7070` for `--port 7070`, and `-v 2` for `--verbose 2`. */
function normalized(argv: readonly string[]): string[] {
  return argv.map((word) => {
    if (/^-[a-z_]{2,}/i.test(word)) return `-${word}`;
    return word;
  });
}

export function loadConfig(argv: readonly string[], environment: NodeJS.ProcessEnv, readFile = (path: string) => readFileSync(path, 'utf8')): LoadedConfig {
  const parsed = yargs(normalized(argv)).help(false).version(false).exitProcess(false)
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false, 'parse-numbers': false, 'boolean-negation': false, 'duplicate-arguments-array': false })
    .options(Object.fromEntries(OPTIONS.map((option) => [option.name, { type: 'string' as const, requiresArg: true }])))
    .options({ config: { alias: 'c', type: 'string', requiresArg: true }, mode: { alias: 'd', type: 'string', requiresArg: true } })
    .options({ help: { alias: 'h', type: 'boolean' }, version: { type: 'boolean' }, 'print-config': { type: 'boolean' }, check: { type: 'boolean' } })
    .alias('verbose', 'v').fail((message) => {
      throw invalid(message);
    }).parseSync() as Record<string, unknown>;
  const warnings: string[] = [];
  const { flags, extra } = splitFlags(parsed, warnings);
  const values = new Map<OptionName, OptionValue>();
  const origins = new Map<OptionName, string>();
  const set = (name: string, value: unknown, origin: string) => {
    const option = byName.get(name)!;
    values.set(option.name as OptionName, checked(option, value, origin));
    origins.set(option.name as OptionName, origin);
  };
  for (const option of OPTIONS) set(option.name, option.default, 'default');
  const configFile = extra.config ?? environment.LGRAPH_CONFIG;
  if (configFile !== undefined) readConfigFile(configFile, readFile, set, warnings);
  readEnvironment(environment, readFile, set);
  for (const [name, value] of flags) set(name, value, 'flag');
  const mode = extra.mode ?? 'run';
  if (!MODES.includes(mode)) throw invalid(`--mode is one of ${MODES.join(', ')}, not "${mode}"`);
  const config = Object.fromEntries(values) as unknown as Config;
  return {
    config: withShares(absolute(config)), origins, mode: mode as Mode, configFile, warnings,
    printConfig: parsed['print-config'] === true, check: parsed.check === true, help: parsed.help === true, version: parsed.version === true,
  };
}

const SPECIAL = ['config', 'c', 'mode', 'd', 'help', 'h', 'version', 'print-config', 'check', 'v', '$0', '_'];

function splitFlags(parsed: Record<string, unknown>, warnings: string[]): { flags: [string, unknown][]; extra: { config?: string; mode?: string } } {
  const flags: [string, unknown][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (SPECIAL.includes(name) || value === undefined) continue;
    if (isForeign(name, value, 'flag', warnings)) continue;
    if (!byName.has(name)) throw unknownOption(`flag --${name}`, name);
    flags.push([name, value]);
  }
  const words = parsed._ as unknown[];
  if (words.length > 0) throw invalid(`unexpected argument "${String(words[0])}"`, 'options are written --name value');
  const extra: { config?: string; mode?: string } = {};
  if (typeof parsed.config === 'string') extra.config = parsed.config;
  if (typeof parsed.mode === 'string') extra.mode = parsed.mode;
  return { flags, extra };
}

function unknownOption(where: string, name: string): DbError {
  const near = suggest(name, byName.keys());
  return invalid(`unknown ${where}`, near === undefined ? 'lgraph_server --help lists every option' : `did you mean ${near}?`);
}

function readConfigFile(path: string, readFile: (path: string) => string, set: (name: string, value: unknown, origin: string) => void, warnings: string[]): void {
  let text;
  try {
    text = readFile(path);
  } catch (error) {
    throw invalid(`cannot read the configuration file ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  let json: unknown;
  try {
    // Editors of Windows begin a file with a byte order mark.
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw invalid(`the configuration file ${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw invalid(`the configuration file ${path} must hold one JSON object`);
  for (const [name, value] of Object.entries(json)) {
    if (name.startsWith('//')) continue;
    if (isForeign(name, value, path, warnings)) continue;
    if (!byName.has(name)) throw unknownOption(`key "${name}" in ${path}`, name);
    else set(name, value, `file ${path}`);
  }
}

/** TuGraph's options that are not ours: without effect, or refused when they are switched on. */
function isForeign(name: string, value: unknown, origin: string, warnings: string[]): boolean {
  const refused = REFUSED_OPTIONS[name];
  if (refused !== undefined) {
    if (!['false', '0', ''].includes(String(value).toLowerCase())) throw invalid(`${name} (${origin}) cannot be switched on: ${refused}`);
    return true;
  }
  const ignored = IGNORED_OPTIONS[name];
  if (ignored !== undefined) warnings.push(`the option ${name} (${origin}) has no effect: ${ignored}`);
  return ignored !== undefined;
}

function readEnvironment(environment: NodeJS.ProcessEnv, readFile: (path: string) => string, set: (name: string, value: unknown, origin: string) => void): void {
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('LGRAPH_') || value === undefined || OTHER_VARIABLES.includes(variable)) continue;
    const name = variable.slice('LGRAPH_'.length).toLowerCase();
    if (byName.has(name)) set(name, value, `environment ${variable}`);
    else if (name.endsWith('_file') && byName.has(name.slice(0, -'_file'.length))) {
      let text;
      try {
        text = readFile(value);
      } catch (error) {
        throw invalid(`cannot read ${value}, named by ${variable}: ${error instanceof Error ? error.message : String(error)}`);
      }
      set(name.slice(0, -'_file'.length), text.trimEnd(), `environment ${variable}`);
    } else throw unknownOption(`environment variable ${variable}`, name);
  }
}

/** Variables of ours that are not options. */
const OTHER_VARIABLES = ['LGRAPH_CONFIG', 'LGRAPH_SHARED'];

function checked(option: OptionDef, value: unknown, origin: string): OptionValue {
  const where = `${option.name} (${origin})`;
  switch (option.type) {
    case 'string':
      if (typeof value !== 'string') throw invalid(`${where} must be a text, found ${JSON.stringify(value)}`);
      if (option.choices !== undefined && !option.choices.includes(value)) throw invalid(`${where} is one of ${option.choices.join(', ')}, found "${value}"`);
      return value;
    case 'boolean': {
      if (typeof value === 'boolean') return value;
      const word = String(value).toLowerCase();
      if (word === 'true' || word === 'false') return word === 'true';
      // TuGraph: an integer is false only when it is 0.
      if (/^-?\d+$/.test(word)) return Number(word) !== 0;
      throw invalid(`${where} is true or false, found ${JSON.stringify(value)}`);
    }
    case 'integer': {
      const number = typeof value === 'number' ? value : /^-?\d+$/.test(String(value)) ? Number(value) : NaN;
      if (!Number.isSafeInteger(number)) throw invalid(`${where} must be an integer, found ${JSON.stringify(value)}`);
      if (option.min !== undefined && number < option.min) throw invalid(`${where} is at least ${option.min}, found ${number}`);
      if (option.least !== undefined && number !== 0 && number < option.least) throw invalid(`${where} is 0 or at least ${option.least}, found ${number}`);
      if (option.max !== undefined && number > option.max) throw invalid(`${where} is at most ${option.max}, found ${number}`);
      return number;
    }
  }
}

/** Folders are relative to where the server was started; addresses as sockets take them. */
function absolute(config: Config): Config {
  const directory = resolve(config.directory);
  return {
    ...config, directory, host: withoutBrackets(config.host), advertised_host: withoutBrackets(config.advertised_host),
    ha_log_dir: config.ha_log_dir === '' ? resolve(directory, 'ha') : resolve(config.ha_log_dir),
    log_dir: config.log_dir === '' ? '' : resolve(config.log_dir),
    audit_log_dir: resolve(config.audit_log_dir === '' ? join(directory, '_audit_log_') : config.audit_log_dir),
    server_cert: pathOf(config.server_cert), server_key: pathOf(config.server_key), server_ca: pathOf(config.server_ca),
  };
}

/** Whoever copies an IPv6 address from a list such as ha_conf brings its brackets along. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*:.*)\]$/, '$1');
}

function pathOf(path: string): string {
  // Text instead of a path is told so where the file is read, without repeating what may be a key.
  return path === '' || path.includes('-----BEGIN') ? path : resolve(path);
}

/** What several options say together; throws for a combination that cannot work. */
export function checkTogether(config: Config): void {
  if (config.single_node && config.enable_ha) throw invalid('single_node and enable_ha exclude each other');
  if (config.ssl_auth && config.enable_ha && config.ha_tls && config.server_ca === '') {
    throw invalid('ssl_auth between the servers of a group needs server_ca', 'name the PEM file of the authority that signed their certificates, or set ha_tls to false where they have a network of their own');
  }
  checkPorts(config);
  try {
    findAnalyzer(config.fulltext_analyzer);
  } catch (error) {
    throw invalid(`fulltext_analyzer: ${error instanceof Error ? error.message : String(error)}`, error instanceof DbError ? error.hint : undefined);
  }
  if (!config.enable_ha) return;
  if (['0.0.0.0', '::', ''].includes(config.host)) {
    throw invalid(`TuGraph can't be started from IP_ANY (${config.host}) in HA mode.`, 'the other servers need a concrete address to reach this one: --host 192.168.1.10, or --host 127.0.0.1 for a group on one machine');
  }
  if (config.ha_conf === '') throw invalid('enable_ha needs ha_conf: the addresses of the group', '--ha_conf host1:9090,host2:9090,host3:9090');
  for (const address of config.ha_conf.split(',')) {
    if (!/^(\[[0-9a-f:]+\]|[^:\s]+):\d{1,5}$/i.test(address.trim())) throw invalid(`ha_conf: "${address}" is not host:port`, 'write host1:9090,host2:9090,host3:9090');
  }
  if (config.ha_raft_heartbeat_ms * 3 > config.ha_election_timeout_ms) {
    throw invalid(`ha_raft_heartbeat_ms (${config.ha_raft_heartbeat_ms}) is at most a third of ha_election_timeout_ms (${config.ha_election_timeout_ms})`);
  }
  const needed = config.max_entry_bytes + config.ha_max_inflight_bytes + (2 << 20);
  if (config.ha_max_message_bytes < needed) {
    throw invalid(`ha_max_message_bytes (${config.ha_max_message_bytes}) is at least ${needed}: max_entry_bytes, ha_max_inflight_bytes and 2 MiB`);
  }
  if (config.ha_first_snapshot_start_time !== '' && !/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/.test(config.ha_first_snapshot_start_time)) {
    throw invalid(`ha_first_snapshot_start_time must be a regular time between 00:00:00-23:59:59, however it is ${config.ha_first_snapshot_start_time}`);
  }
}

/** One port twice would be told as taken by somebody else, when half of the server runs. */
function checkPorts(config: Config): void {
  const options = ['port', 'bolt_port', ...(config.enable_ha || config.enable_rpc ? ['rpc_port' as const] : [])] as const;
  for (const [i, option] of options.entries()) {
    const same = options.slice(i + 1).find((other) => config[other] === config[option] && config[option] !== 0);
    if (same !== undefined) throw invalid(`${option} and ${same} are both ${config[option]}`);
  }
}

export function printedConfig(loaded: LoadedConfig): string {
  const width = Math.max(...OPTIONS.map((option) => option.name.length));
  return OPTIONS.map((option) => {
    const value = loaded.config[option.name];
    const secret = 'secret' in option && value !== '';
    return `${option.name.padEnd(width)} = ${secret ? '***' : JSON.stringify(value)}   (${loaded.origins.get(option.name)})`;
  }).join('\n');
}

export function helpText(): string {
  const lines = ['lgraph_server [-c lgraph.json] [-d run|start|stop|restart] [--option value ...]', ''];
  let group = '';
  for (const option of OPTIONS) {
    if (option.group !== group) lines.push('', `${group = option.group}:`);
    lines.push(`  --${option.name.padEnd(30)} ${option.help} [${option.default === '' ? '""' : option.default}]`);
  }
  lines.push('', 'Others: --print-config (values and where they come from), --check, --help, --version', 'Environment: LGRAPH_<OPTION>, LGRAPH_<OPTION>_FILE');
  return lines.join('\n');
}

/** lgraph.json.example: every option with its default, its meaning in a key that starts with //. */
export function exampleFile(): string {
  const lines = OPTIONS.map((option) => `  ${JSON.stringify(`// ${option.name}`)}: ${JSON.stringify(option.help)},\n  ${JSON.stringify(option.name)}: ${JSON.stringify(option.default)}`);
  return `{\n${lines.join(',\n\n')}\n}\n`;
}
