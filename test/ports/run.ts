/** A real server, and damaged conversations with its ports, a batch at a time; after each it must live, answer, hold no more than it did and have told strangers nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { seededRandom } from '../../src/base/random.ts';
import type * as Groups from '../../src/cli/local-group.ts';
import type { LocalGroup } from '../../src/cli/local-group.ts';
import type * as Clients from '../../src/cli/rest-client.ts';
import type { RestClient } from '../../src/cli/rest-client.ts';
import { Dice } from '../dice.ts';
import { boltDialogue } from './bolt-inputs.ts';
import { play, type Dialogue } from './dialogue.ts';
import { httpDialogue } from './http-inputs.ts';
import { rpcDialogue } from './rpc-inputs.ts';

/** As built: it starts the built server, from the folder that npm and vitest run in. */
const built = async <T>(module: string): Promise<T> => await import(pathToFileURL(resolve(`dist/cli/${module}.js`)).href) as T;
const group = await built<typeof Groups>('local-group');
const client = await built<typeof Clients>('rest-client');

export const PORTS = ['bolt', 'rest', 'rpc'] as const;
export type PortName = (typeof PORTS)[number];

const PER_CONNECTION = 60;
const AT_ONCE = 48;
const CONNECTIONS_PER_BATCH = 192;
const MEMORY_MB_MAX = 2500;
const ANSWER_MS_MAX = 10_000;
const SETTLE_MS = 15_000;

export interface Totals {
  inputs: number;
  answered: number;
  connections: number;
  batches: number;
  seconds: number;
  rssMbMax: number;
  slowestMs: number;
}

export interface RunOptions {
  readonly port: PortName;
  readonly inputs: number;
  readonly seed: number;
  /** See rpc-inputs.ts. */
  readonly brokenFrames: boolean;
  /** The first batch; a failure names its own. */
  readonly from: number;
  readonly basePort: number;
  /** Of one batch; what a seed makes depends on it. */
  readonly connections?: number;
  readonly onBatch: (totals: Totals) => void;
}

/** Throws an error that says which batch did it, and what the server last wrote. */
export async function fuzzPort(options: RunOptions): Promise<Totals> {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-ports-'));
  const password = `pw-${options.seed}-of-nobody-else`;
  const secret = `secret-${options.seed}`;
  const started = await group.LocalGroup.create({
    size: 1, directory, basePort: options.basePort,
    flags: ['--ha_secret', secret, '--login_failures_max', '1000000000', '--login_address_failures_max', '1000000000', '--statement_timeout_ms', '2000', '--query_memory_mb', '64', '--bolt_auth_timeout_ms', '3000'],
  });
  try {
    started.startAll();
    await started.ready(90_000);
    return await new Run(options, started, { password, secret }).all();
  } finally {
    await started.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

const CANARY = 'canary-5d1f0c';
const USER = 'fuzzer';

class Run {
  readonly #options: RunOptions;
  readonly #group: LocalGroup;
  readonly #given: { readonly password: string; readonly secret: string };
  readonly #totals: Totals = { inputs: 0, answered: 0, connections: 0, batches: 0, seconds: 0, rssMbMax: 0, slowestMs: 0 };
  #admin: RestClient | undefined;
  #token = '';

  constructor(options: RunOptions, group: LocalGroup, given: { readonly password: string; readonly secret: string }) {
    this.#options = options;
    this.#group = group;
    this.#given = given;
  }

  get #server() {
    return this.#group.servers[0]!;
  }

  async all(): Promise<Totals> {
    const { inputs, from, onBatch } = this.#options;
    await this.#prepare();
    const began = performance.now();
    for (let batch = from; this.#totals.inputs < inputs; batch++) {
      try {
        await this.#batch(batch);
        await this.#check();
      } catch (error) {
        const log = readFileSync(join(this.#server.directory, 'log'), 'utf8').split('\n').slice(-30).join('\n');
        throw new Error(`--port ${this.#options.port} --seed ${this.#options.seed} --from ${batch}: ${(error as Error).message}\n${log}`, { cause: error });
      }
      this.#totals.batches++;
      this.#totals.seconds = (performance.now() - began) / 1000;
      onBatch(this.#totals);
    }
    return this.#totals;
  }

  async #prepare(): Promise<void> {
    const { restAddress } = this.#server;
    this.#admin = await client.RestClient.login(restAddress, 'admin', '73@TuGraph');
    await this.#admin.cypher(restAddress, `CREATE (:Canary {text: '${CANARY}'})`);
    // No admin: a good statement that was damaged must not end the run by what it may.
    await this.#admin.cypher(restAddress, `CALL dbms.security.createUser('${USER}', '${this.#given.password}')`);
    await this.#admin.cypher(restAddress, `CALL dbms.security.modRoleAccessLevel('${USER}', {default: 'WRITE'})`);
    const answer = await fetch(`http://${restAddress}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: USER, password: this.#given.password }) });
    this.#token = ((await answer.json()) as { jwt: string }).jwt;
    // Known by nobody who does not log in: the password that the factory gave is.
    await this.#admin.cypher(restAddress, `CALL dbms.security.changePassword('73@TuGraph', '${this.#given.password}-admin')`);
  }

  #dialogue(dice: Dice): Dialogue {
    const { ports } = this.#server;
    switch (this.#options.port) {
      case 'bolt': return boltDialogue(dice, { port: ports.bolt, user: USER, password: this.#given.password }, PER_CONNECTION);
      case 'rest': return httpDialogue(dice, { port: ports.rest, token: this.#token }, PER_CONNECTION);
      case 'rpc': return rpcDialogue(dice, { port: ports.rpc, token: this.#token, secret: this.#given.secret, brokenFrames: this.#options.brokenFrames }, PER_CONNECTION);
    }
  }

  async #batch(batch: number): Promise<void> {
    const dice = new Dice(seededRandom(this.#options.seed * 1_000_003 + batch));
    const dialogues = Array.from({ length: this.#options.connections ?? CONNECTIONS_PER_BATCH }, () => this.#dialogue(dice));
    const canary = Buffer.from(CANARY);
    let next = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let dialogue = dialogues[next++]; dialogue !== undefined; dialogue = dialogues[next++]) {
        const { inputs, answered, rows, told } = await play(dialogue, canary);
        this.#totals.inputs += inputs;
        this.#totals.answered += answered;
        this.#totals.connections++;
        if (dialogue.isStranger && (told || rows > 0)) throw new Error(`a stranger was told something: ${rows} rows${told ? ', the canary' : ''}`);
      }
    }));
  }

  async #check(): Promise<void> {
    const { child, restAddress } = this.#server;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) throw new Error(`the server has ended: ${child?.exitCode ?? child?.signalCode ?? 'it is gone'}`);
    const asked = performance.now();
    const { rows } = await this.#admin!.cypher(restAddress, 'MATCH (n:Canary) RETURN count(n)');
    this.#totals.slowestMs = Math.max(this.#totals.slowestMs, performance.now() - asked);
    if (performance.now() - asked > ANSWER_MS_MAX) throw new Error(`a query took ${Math.round(performance.now() - asked)} ms`);
    if (JSON.stringify(rows) !== '[[1]]') throw new Error(`the graph is not what it was: ${JSON.stringify(rows)}`);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024;
    this.#totals.rssMbMax = Math.max(this.#totals.rssMbMax, rss);
    if (rss > MEMORY_MB_MAX) throw new Error(`the server holds ${Math.round(rss)} MB`);
    await this.#settled();
    await this.#noneLeft();
  }

  /** Whatever was asked, and however its client left, has ended by its time limit or a little later. */
  async #noneLeft(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const { rows } = await this.#admin!.cypher(this.#server.restAddress, 'CALL dbms.task.listTasks()');
      if (rows.length === 1) return;
      if (performance.now() > deadline) throw new Error(`statements are left: ${JSON.stringify(rows).slice(0, 1000)}`);
      await sleep(50);
    }
  }

  /** Connections that were closed are closed there, too. */
  async #settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const text = await (await fetch(`http://${this.#server.restAddress}/metrics`)).text();
      const open = [...text.matchAll(/^lgraph_connections\{protocol="(\w+)"\} (\d+)/gm)].map(([, protocol, count]) => [protocol, Number(count)] as const);
      // Of HTTP what this tool itself keeps open.
      if (open.every(([protocol, count]) => count <= (protocol === 'rest' ? 6 : 0))) return;
      if (performance.now() > deadline) throw new Error(`connections stay open: ${JSON.stringify(open)}\n${socketsOf(this.#server.ports.rest)}`);
      await sleep(50);
    }
  }
}

/** Both ends of the connections with a port, as the kernel has them, where there is a tool to ask it. */
function socketsOf(port: number): string {
  const { stdout } = spawnSync('ss', ['-tnp', `( sport = :${port} or dport = :${port} )`], { encoding: 'utf8' });
  return stdout ?? '';
}
