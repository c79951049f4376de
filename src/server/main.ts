/** `lgraph_server`: configuration, mode, banner, signals. Exit codes as TuGraph's: 255 configuration, 254 start, 252 runs already. */
import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../base/clock.ts';
import { asDbError } from '../base/errors.ts';
import { addressesOf } from './addresses.ts';
import { checkTogether, helpText, loadConfig, printedConfig } from './config.ts';
import type { LoadedConfig } from './config.ts';
import { startDetached, stopDetached } from './daemon.ts';
import { takeDirectory } from './directory.ts';
import { openLog } from './log.ts';
import type { Log } from './log.ts';
import { OPTIONS } from './options.ts';
import { PACKAGE_VERSION } from './package-version.ts';
import type { LgraphServer } from './server.ts';
import { RejoinPauses } from './rejoin-pauses.ts';
import { opensWithBytes, untilSpace } from './disk-space.ts';
import { realFolder, replaceStore } from './store-switch.ts';
import { isWitness, memoryOf } from './memory-plan.ts';
import { watchMemory } from './memory-watch.ts';
import { ThreadStarter } from './thread-starter.ts';

const READERS_END_MS = 10_000;
/**
 * Code is compiled for speed after fewer calls than V8 waits for. What only a leader runs begins cold on each new one, and a server has more code to warm
 * than a page: of one client's writes, the 500th to the 2,000th take some 40 % less processor time, later ones no more than before.
 * Set when the start is over, which runs most of its code once.
 */
const COMPILE_EARLY = ['--interrupt-budget=8000', '--interrupt-budget-factor-for-feedback-allocation=2'];
/** A terminal and what runs in it (npm, say) may both pass on one Ctrl-C. */
const ONE_KEY_MS = 300;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function complain(error: unknown, code: number): never {
  const { message, hint } = asDbError(error);
  process.stderr.write(`lgraph_server: ${message}${hint === undefined ? '' : `\n  ${hint}`}\n`);
  process.exit(code);
}

function configuration(argv: readonly string[]): LoadedConfig {
  try {
    const loaded = loadConfig(argv, process.env);
    if (!loaded.help && !loaded.version && !loaded.printConfig) checkTogether(loaded.config);
    return loaded;
  } catch (error) {
    return complain(error, 255);
  }
}

/** argv without the mode, for the process in the background. */
function withoutMode(argv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    if (['-d', '--mode', '-mode'].includes(argv[i]!)) i++;
    else if (!/^--?(mode|d)=/.test(argv[i]!)) kept.push(argv[i]!);
  }
  return kept;
}

async function main(argv: readonly string[]): Promise<void> {
  const loaded = configuration(argv);
  if (loaded.help) return say(helpText());
  if (loaded.version) return say(`lgraph ${PACKAGE_VERSION}`);
  if (loaded.printConfig) return say(printedConfig(loaded));
  if (loaded.check) {
    say('[+] configuration');
    const { checkServer } = await import('./check.ts');
    const lines = await checkServer(loaded.config);
    for (const { name, ok, text } of lines) say(`[${ok === undefined ? ' ' : ok ? '+' : '-'}] ${name}: ${text}`);
    // The engines of store and log leave nothing open, but their timers need not be waited for.
    process.exit(lines.some(({ ok }) => ok === false) ? 255 : 0);
  }
  if (loaded.mode === 'stop') return void (process.exitCode = await stopDetached(loaded, say));
  if (loaded.mode === 'restart') {
    const code = await stopDetached(loaded, say);
    if (code !== 0) return void (process.exitCode = code);
  }
  if (loaded.mode !== 'run') {
    process.exit(await startDetached(loaded, withoutMode(argv), say));
  }
  await run(loaded);
}

function banner(loaded: LoadedConfig, log: Log): void {
  const { config } = loaded;
  log.info(`lgraph ${PACKAGE_VERSION} on Node ${process.version}, data in ${config.directory}`);
  const changed = OPTIONS.filter((option) => loaded.origins.get(option.name) !== 'default');
  if (changed.length > 0) {
    const list = changed.map((option) => `${option.name}=${'secret' in option ? '***' : String(config[option.name])}`);
    log.info(`options: ${list.join(' ')}`);
  }
  for (const warning of loaded.warnings) log.warn(warning);
  if (config.enable_ha) log.info('Server starting in HA mode.');
  if (!config.durable) log.warn('durable is off: a power cut may lose acknowledged writes');
  if (config.disable_auth) log.warn('disable_auth is on: everybody who reaches this server is its admin');
  if (config.enable_ha && config.ha_secret === '' && !(config.ssl_auth && config.ha_tls)) log.warn('ha_secret is not set: whoever reaches the RPC port can speak as a server of the group');
}

async function run(loaded: LoadedConfig): Promise<void> {
  const { config } = loaded;
  let giveBack;
  try {
    giveBack = takeDirectory(config.directory, `${config.ssl_auth ? 'https://' : ''}${addressesOf(config).local}`);
  } catch (error) {
    complain(error, 254);
  }
  // With TLS, gRPC names servers by their address, which Node remarks upon.
  if (config.ssl_auth) process.noDeprecation = true;
  let log: Log;
  try {
    log = openLog(config);
  } catch (error) {
    giveBack();
    complain(error, 254);
  }
  banner(loaded, log);
  const memory = memoryOf(config);
  watchMemory(config, memory, log);
  const threads = new ThreadStarter(config, memory);
  threads.prepare();
  const { LgraphServer: Server } = await import('./server.ts');
  let ending = false;
  let askedMs = 0;
  const end = (code: number) => {
    giveBack();
    process.exit(code);
  };
  let isLost = false;
  const fatal = (message: string, isRefusal = false) => {
    if (isLost) return;
    isLost = true;
    log.fatal(`${message}; this server stops`);
    process.stderr.write(`lgraph_server: ${message}\n`);
    const leave = (): void => end(isRefusal ? 254 : 1);
    // Readers that the end of the process finds at work may turn its exit code into a signal.
    setTimeout(leave, READERS_END_MS);
    server.endReaders().then(leave, leave);
  };
  const rejoins = new RejoinPauses(systemClock);
  const make = (): LgraphServer => new Server(config, log, threads, {
    fatal, newState: () => void restart('with the new state', () => replaceStore(realFolder(config.directory))), rejoin: () => void rejoin(), diskFull: (message) => void goOnWithSpace(message),
  });
  let server = make();
  const restart = async (why: string, between: () => void): Promise<void> => {
    if (ending || isLost) return;
    try {
      await server.stop(false);
      between();
      server = make();
      await server.start();
      log.info(`Server started again ${why}.`);
    } catch (error) {
      fatal(`this server could not be started again ${why}: ${asDbError(error).message}`);
    }
  };
  const rejoin = async (): Promise<void> => {
    const pauseMs = rejoins.next();
    log.info(`joining the group again in ${pauseMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await restart('to join the group again', () => undefined);
  };
  const goOnWithSpace = async (message: string): Promise<void> => {
    log.error(`${message}: this server serves reads only until ${opensWithBytes(config) >> 20} MB are free there`);
    await untilSpace(config);
    await restart('after its disk was full', () => undefined);
  };
  // A start again that waits for something which never comes would look like an end that somebody wanted.
  process.on('beforeExit', () => fatal('nothing keeps this process alive any more, which is a mistake of ours: please report it with the log'));
  const stop = (signal: string) => {
    if (ending) {
      // A supervisor may send its signal to the process and to its group, and `shutdown_timeout_s` bounds the wait: only a person is in a hurry.
      if (signal !== 'SIGINT' || performance.now() - askedMs < ONE_KEY_MS) return;
      log.warn(`Received signal ${signal} again, leaving at once`);
      end(130);
    }
    ending = true;
    askedMs = performance.now();
    log.info(`Received signal ${signal}, shutdown`);
    const leave = config.enable_ha && (signal === 'SIGINT' || (signal === 'SIGTERM' && config.ha_leave_on_sigterm));
    server.stop(leave).then(() => {
      log.info('Server shutdown.');
      end(0);
    }, (error: unknown) => {
      log.error(`shutdown failed: ${asDbError(error).message}`);
      end(1);
    });
  };
  process.on('SIGHUP', () => {
    log.info('Received signal SIGHUP, looking at the certificate files');
    server.reloadCertificates();
  });
  process.on('SIGQUIT', () => void server.diagnose());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) process.on(signal, () => stop(signal));
  try {
    await server.start();
    await server.begun;
  } catch (error) {
    // What is fatal has been told.
    if (isLost) return;
    log.error(asDbError(error).message);
    await server.endReaders();
    giveBack();
    complain(error, 254);
  }
  if (!isWitness(config)) for (const flag of COMPILE_EARLY) setFlagsFromString(flag);
  const { rest, bolt } = addressesOf(config);
  const s = config.ssl_auth ? 's' : '';
  log.info(`Server started. REST http${s}://${rest}${bolt === '' ? '' : `, Bolt bolt${s === '' || config.bolt_tls === 'off' ? '' : '+s'}://${bolt}`}`);
}

await main(process.argv.slice(2));
