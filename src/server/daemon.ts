/** `-d start|stop|restart`: the server in the background, found again by the pid file in its data directory. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf } from './addresses.ts';
import type { LoadedConfig } from './config.ts';
import { isAlive, runningPid } from './directory.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the server detached; resolves with the exit code once it listens (or failed to). */
export async function startDetached(loaded: LoadedConfig, argv: readonly string[], say: (line: string) => void): Promise<number> {
  const { config } = loaded;
  const known = runningPid(config.directory);
  if (known !== undefined) {
    say(`Service lgraph already exists at pid ${known}. You can stop it and start again.`);
    return 252;
  }
  say('Starting lgraph...');
  mkdirSync(config.directory, { recursive: true });
  const output = openSync(join(config.directory, 'lgraph.out'), 'a');
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...argv], { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  let exited = false;
  child.once('exit', () => {
    exited = true;
  });
  for (let waited = 0; waited < 30_000 && !exited; waited += 100) {
    await sleep(100);
    if (await listens(addressesOf(config).local)) {
      child.unref();
      say(`The service process is started at pid ${child.pid}.`);
      return 0;
    }
  }
  say(`lgraph did not start; see ${join(config.directory, 'lgraph.out')}`);
  return 254;
}

async function listens(address: string): Promise<boolean> {
  try {
    await fetch(`http://${address}/livez`, { signal: AbortSignal.timeout(500) });
    return true;
  } catch {
    return false; // Not yet: asked again soon.
  }
}

/** Asks the server to stop and waits until it has; 0 when it is gone. */
export async function stopDetached(loaded: LoadedConfig, say: (line: string) => void): Promise<number> {
  const pid = runningPid(loaded.config.directory);
  if (pid === undefined) {
    say('Service lgraph is already dead.');
    return 0;
  }
  say('Stopping lgraph...');
  process.kill(pid, 'SIGTERM');
  const limitMs = (loaded.config.shutdown_timeout_s + 5) * 1000;
  for (let waited = 0; waited < limitMs; waited += 50) {
    if (!isAlive(pid)) {
      say('Process stopped.');
      return 0;
    }
    await sleep(50);
  }
  say(`process ${pid} did not stop within ${limitMs / 1000} s`);
  return 254;
}
