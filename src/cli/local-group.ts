/** A group of real server processes on this machine: for the demo, tests, benchmarks and chaos runs. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, probe } from './rest-client.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/lgraph_server', import.meta.url));

export interface Ports {
  readonly rest: number;
  readonly rpc: number;
  readonly bolt: number;
}

export interface LocalServer {
  readonly name: string;
  readonly directory: string;
  readonly ports: Ports;
  readonly restAddress: string;
  readonly rpcAddress: string;
  readonly boltUri: string;
  child: ChildProcess | undefined;
}

export interface LocalGroupOptions {
  readonly size: number;
  readonly directory: string;
  readonly host?: string;
  /** First port to try; free ones are looked for from there. */
  readonly basePort?: number;
  /** More flags for every server. */
  readonly flags?: readonly string[];
  /** Flags for node itself, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
  /** Without enable_ha: single servers. */
  readonly standalone?: boolean;
}

export async function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probeServer = createServer().once('error', () => resolve(false));
    probeServer.listen(port, host, () => probeServer.close(() => resolve(true)));
  });
}

async function freePorts(count: number, from: number, host: string): Promise<number[]> {
  const ports: number[] = [];
  for (let port = from; ports.length < count && port < 65_000; port++) if (await isFree(port, host)) ports.push(port);
  return ports;
}

export class LocalGroup {
  readonly servers: readonly LocalServer[];
  readonly #options: LocalGroupOptions;

  private constructor(options: LocalGroupOptions, servers: readonly LocalServer[]) {
    this.#options = options;
    this.servers = servers;
  }

  static async create(options: LocalGroupOptions): Promise<LocalGroup> {
    const host = options.host ?? '127.0.0.1';
    const inUrl = host.includes(':') ? `[${host}]` : host;
    const ports = await freePorts(options.size * 3, options.basePort ?? 17070, host);
    const servers = Array.from({ length: options.size }, (_, i): LocalServer => {
      const [rest, rpc, bolt] = ports.slice(i * 3, i * 3 + 3) as [number, number, number];
      const directory = join(options.directory, `server${i + 1}`);
      mkdirSync(directory, { recursive: true });
      return {
        name: `server${i + 1}`, directory, ports: { rest, rpc, bolt }, restAddress: `${inUrl}:${rest}`, rpcAddress: `${inUrl}:${rpc}`,
        boltUri: `bolt://${inUrl}:${bolt}`, child: undefined,
      };
    });
    return new LocalGroup(options, servers);
  }

  get conf(): string {
    return this.servers.map((server) => server.rpcAddress).join(',');
  }

  /** Flags one server is started with. */
  flags(server: LocalServer): string[] {
    const { rest, rpc, bolt } = server.ports;
    const ha = this.#options.standalone === true ? [] : ['--enable_ha', 'true', '--ha_conf', this.conf];
    return [
      '--directory', join(server.directory, 'data'), '--host', this.#options.host ?? '127.0.0.1', '--port', String(rest), '--rpc_port', String(rpc),
      '--bolt_port', String(bolt), ...ha, ...(this.#options.flags ?? []),
    ];
  }

  /** Starts one server; its output goes to `log` in its folder. */
  start(server: LocalServer, more: readonly string[] = []): ChildProcess {
    const output = openSync(join(server.directory, 'log'), 'a');
    const child = spawn(process.execPath, ['--max-semi-space-size=64', ...(this.#options.nodeFlags ?? []), LAUNCHER, ...this.flags(server), ...more], { stdio: ['ignore', output, output], env: environment() });
    closeSync(output);
    child.once('exit', () => {
      if (server.child === child) server.child = undefined;
    });
    server.child = child;
    return child;
  }

  startAll(): void {
    for (const server of this.servers) this.start(server);
  }

  /** Until every running server says that it is ready. */
  async ready(timeoutMs = 30_000): Promise<void> {
    for (const server of this.servers) if (server.child !== undefined) await this.readyOne(server, timeoutMs);
  }

  async readyOne(server: LocalServer, timeoutMs = 30_000): Promise<void> {
    await eventually(`${server.name} ready (see ${join(server.directory, 'log')})`, timeoutMs, async () => (await probe(server.restAddress, '/readyz'))?.status === 200);
  }

  /** The running server that takes writes. */
  async leader(timeoutMs = 15_000): Promise<LocalServer> {
    return eventually('a leader', timeoutMs, async () => {
      for (const server of this.servers) {
        if (server.child !== undefined && (await probe(server.restAddress, '/writable'))?.status === 200) return server;
      }
      return undefined;
    });
  }

  /** Sends the signal and waits for the end of the process. */
  async stop(server: LocalServer, signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 20_000): Promise<number | null> {
    const { child } = server;
    if (child === undefined) return null;
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => resolve(code));
    });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const code = await ended;
    clearTimeout(timer);
    return code;
  }

  async stopAll(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await Promise.all(this.servers.map((server) => this.stop(server, signal)));
  }
}

/** Without our own variables: a group for a test must not pick up settings of its surroundings. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LGRAPH_')));
}
