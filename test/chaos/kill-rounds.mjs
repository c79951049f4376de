#!/usr/bin/env node
/**
 * Rounds of: clients write through all servers while the leader is killed with SIGKILL and started again; then everything
 * is checked: no acknowledged write missing, none applied twice, counter and total exact, all replicas with the same
 * checksum at the same version, and no client ever saw its version fall.
 *
 *   npm run build && node test/chaos/kill-rounds.mjs --rounds 200 [--servers 3] [--clients 9] [--seconds 2] [--keep]
 *
 * Half of the clients retry with an Idempotency-Key until they succeed; the others count an unknown outcome as "maybe".
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalGroup } from '../../dist/cli/local-group.js';
import { eventually, RestClient } from '../../dist/cli/rest-client.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' }, servers: { type: 'string', default: '3' }, clients: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' }, port: { type: 'string', default: '21000' }, keep: { type: 'boolean' }, quiet: { type: 'boolean' },
  },
});
const ROUNDS = Number(values.rounds);
const ACCOUNTS = 8;
const START_BALANCE = 1000;
const problems = [];
const problem = (text) => {
  problems.push(text);
  console.error(`  PROBLEM: ${text}`);
};

const directory = mkdtempSync(join(tmpdir(), 'lgraph-rounds-'));
const group = await LocalGroup.create({ size: Number(values.servers), directory, basePort: Number(values.port) });
const totals = { acked: 0, maybe: 0, refused: 0, creates: 0, increments: 0, transfers: 0 };
/** What is known for certain and what may be, over all rounds. */
const known = { created: new Set(), maybeCreated: new Set(), incremented: 0, maybeIncremented: 0 };

/** An error after which nothing is known about the write. */
const isUnknown = (error) => !['NotLeader', 'NoLeader', 'Busy', 'ShuttingDown', 'Unauthorized', 'Conflict'].includes(error.code);
/** Nothing was even sent: the server is down. */
const isNotSent = (error) => error.cause?.code === 'ECONNREFUSED';

class Client {
  constructor(number, token) {
    this.number = number;
    this.rest = token;
    this.withKeys = number % 2 === 0;
    this.n = 0;
  }

  address() {
    return group.servers[(this.number + this.n) % group.servers.length].restAddress;
  }

  async attempt(script, parameters, key) {
    const before = this.rest.version;
    const answer = await this.rest.cypher(this.address(), script, { parameters, idempotencyKey: key, timeoutMs: 20_000 });
    if (answer.version < before) problem(`client ${this.number} saw version ${answer.version} after ${before}`);
    return answer;
  }

  /** 'done' | 'maybe' | 'refused' */
  async write(script, parameters, isRunning) {
    this.n++;
    const key = this.withKeys ? `c${this.number}-${this.n}-${Date.now()}` : undefined;
    let unknown = false;
    for (;;) {
      try {
        await this.attempt(script, parameters, key);
        totals.acked++;
        return 'done';
      } catch (error) {
        this.n++;
        if (isUnknown(error) && !isNotSent(error)) unknown = true;
        if (this.withKeys) {
          // The key makes the retry safe; after the round there is time to find out.
          await sleep(20);
          if (!isRunning() && !unknown) return 'refused';
          continue;
        }
        if (unknown) {
          totals.maybe++;
          return 'maybe';
        }
        totals.refused++;
        await sleep(20);
        if (!isRunning()) return 'refused';
      }
    }
  }

  async run(round, isRunning) {
    for (let i = 0; isRunning(); i++) {
      const kind = (this.number + i) % 3;
      if (kind === 0) {
        const id = `r${round}-c${this.number}-${i}`;
        const outcome = await this.write('CREATE (:Item {id: $id})', { id }, isRunning);
        totals.creates++;
        if (outcome === 'done') known.created.add(id);
        if (outcome === 'maybe') known.maybeCreated.add(id);
      } else if (kind === 1) {
        const outcome = await this.write('MATCH (c:Counter {id: 0}) SET c.value = c.value + 1', {}, isRunning);
        totals.increments++;
        if (outcome === 'done') known.incremented++;
        if (outcome === 'maybe') known.maybeIncremented++;
      } else {
        const from = Math.floor(Math.random() * ACCOUNTS);
        const to = (from + 1 + Math.floor(Math.random() * (ACCOUNTS - 1))) % ACCOUNTS;
        await this.write('MATCH (a:Account {id: $from}), (b:Account {id: $to}) SET a.balance = a.balance - 7, b.balance = b.balance + 7', { from, to }, isRunning);
        totals.transfers++;
      }
    }
  }
}

async function check(rest, round) {
  const read = async (script) => (await rest.cypher((await group.leader()).restAddress, script, { linearizable: true })).rows;
  const items = (await read('MATCH (i:Item) RETURN i.id')).map((row) => row[0]);
  const found = new Set(items);
  if (found.size !== items.length) problem(`round ${round}: ${items.length - found.size} items exist twice`);
  for (const id of known.created) if (!found.has(id)) problem(`round ${round}: acknowledged item ${id} is missing`);
  for (const id of found) if (!known.created.has(id) && !known.maybeCreated.has(id)) problem(`round ${round}: item ${id} was never acknowledged nor in doubt`);
  const [[value]] = await read('MATCH (c:Counter {id: 0}) RETURN c.value');
  if (value < known.incremented || value > known.incremented + known.maybeIncremented) {
    problem(`round ${round}: counter ${value}, acknowledged ${known.incremented}, in doubt ${known.maybeIncremented}`);
  }
  // What was in doubt is settled now: later rounds count from here.
  known.incremented = value;
  known.maybeIncremented = 0;
  const [[total]] = await read('MATCH (a:Account) RETURN sum(a.balance)');
  if (total !== ACCOUNTS * START_BALANCE) problem(`round ${round}: accounts hold ${total}, not ${ACCOUNTS * START_BALANCE}`);
  await eventually(`round ${round}: equal checksums`, 20_000, async () => {
    const sums = await Promise.all(group.servers.map(async (server) => (await rest.cypher(server.restAddress, 'CALL dbms.ha.checksum()')).rows[0].join(' ')));
    const versions = new Set(sums.map((sum) => sum.split(' ')[0]));
    if (versions.size === 1 && new Set(sums).size > 1) problem(`round ${round}: checksums differ at one version: ${sums.join(' | ')}`);
    return new Set(sums).size === 1 || versions.size === 1;
  });
}

try {
  group.startAll();
  await group.ready(60_000);
  const leader = await group.leader();
  const setup = await RestClient.login(leader.restAddress, 'admin', '73@TuGraph');
  for (const script of [
    "CALL db.createVertexLabel('Item', 'id', 'id', 'STRING', false)", "CALL db.createVertexLabel('Counter', 'id', 'id', 'INT64', false, 'value', 'INT64', false)",
    "CALL db.createVertexLabel('Account', 'id', 'id', 'INT64', false, 'balance', 'INT64', false)", 'CREATE (:Counter {id: 0, value: 0})',
    `UNWIND range(0, ${ACCOUNTS - 1}) AS id CREATE (:Account {id: id, balance: ${START_BALANCE}})`,
  ]) await setup.cypher(leader.restAddress, script);
  const clients = [];
  for (let i = 0; i < Number(values.clients); i++) clients.push(new Client(i, await RestClient.login(leader.restAddress, 'admin', '73@TuGraph')));
  const failovers = [];
  for (let round = 1; round <= ROUNDS && problems.length === 0; round++) {
    let running = true;
    const work = Promise.all(clients.map((client) => client.run(round, () => running)));
    await sleep(Number(values.seconds) * 1000 * (0.2 + 0.5 * Math.random()));
    const victim = await group.leader();
    await group.stop(victim, 'SIGKILL');
    const killed = performance.now();
    await group.leader();
    failovers.push(performance.now() - killed);
    await sleep(Number(values.seconds) * 1000 * 0.3);
    group.start(victim);
    running = false;
    await work;
    await group.readyOne(victim, 60_000);
    await check(setup, round);
    if (values.quiet !== true && (round % 10 === 0 || round === ROUNDS)) {
      const sorted = failovers.slice().sort((a, b) => a - b);
      console.log(`round ${round}: acknowledged ${totals.acked} (creates ${totals.creates}, increments ${totals.increments}, transfers ${totals.transfers}), in doubt ${totals.maybe}, surely refused ${totals.refused}; kill to writable median ${Math.round(sorted[sorted.length >> 1])} ms, worst ${Math.round(sorted.at(-1))} ms; problems ${problems.length}`);
    }
  }
} catch (error) {
  problem(error.stack ?? String(error));
} finally {
  await group.stopAll('SIGKILL');
}
if (problems.length > 0) {
  console.error(`${problems.length} problems; logs and data in ${directory}`);
  process.exit(1);
}
if (values.keep !== true) rmSync(directory, { recursive: true, force: true });
console.log(`${ROUNDS} rounds, no problem: ${JSON.stringify(totals)}`);
