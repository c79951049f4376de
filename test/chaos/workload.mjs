/**
 * What clients of a chaos run do, what they were told, and what must therefore be true.
 *
 *   creates     an acknowledged one exists exactly once, whatever nobody was told about exists at most once
 *   counter     a linearizable read is at least what was acknowledged before it began, at most what was begun before it ended
 *   lists       appends; every read is a prefix of the end state, holds what was acknowledged before a linearizable read began
 *   transfers   the sum over the accounts is the same in every read
 *   registers   writes, compare-and-sets and linearizable reads have an order that explains every answer (history.mjs)
 *   versions    no client ever sees its data version fall, and with it no list that it reads by version shrinks
 *   schema      acknowledged labels, indexes and users are there at the end, on every server
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { History } from './history.mjs';

export const ACCOUNTS = 8;
export const BALANCE = 1000;
const LISTS = 4;

/** Surely not done: the error says so, or nothing was even sent. */
const SURELY_NOT = new Set(['NotLeader', 'NoLeader', 'Busy', 'ShuttingDown', 'Unauthorized', 'Conflict', 'ReadOnlyDisk', 'VersionNotReached', 'TokenExpired']);
const isSurelyNot = (error) => SURELY_NOT.has(error.code) || ['ECONNREFUSED', 'EHOSTUNREACH'].includes(error.cause?.code);

export class Truth {
  constructor(onProblem) {
    this.problem = onProblem;
    this.created = new Set();
    this.maybeCreated = new Set();
    this.counter = { acked: 0, begun: 0, settledNot: 0 };
    this.lists = Array.from({ length: LISTS }, () => ({ acked: new Set(), begun: new Set(), longest: [] }));
    this.registers = new History();
    this.schema = { labels: new Set(), indexes: new Set(), users: new Set() };
    this.totals = { acknowledged: 0, inDoubt: 0, refused: 0, reads: 0, linearizableReads: 0, redirected: 0 };
    this.lastSuccessMs = performance.now();
  }
}

export class Client {
  constructor({ number, rest, hosts, truth, random }) {
    this.number = number;
    this.rest = rest;
    this.hosts = hosts;
    this.truth = truth;
    this.random = random;
    this.n = 0;
    this.withKeys = number % 2 === 0;
    this.listSeen = Array.from({ length: LISTS }, () => ({ version: 0, length: 0 }));
  }

  address() {
    return this.hosts[Math.floor(this.random() * this.hosts.length)].rest;
  }

  async call(script, options) {
    const before = this.rest.version;
    const answer = await this.rest.cypher(this.address(), script, { timeoutMs: 12_000, ...options });
    if (answer.version < before) this.truth.problem(`client ${this.number} saw version ${answer.version} after ${before}`);
    return answer;
  }

  /** 'done', 'maybe' or 'not'. A client with keys goes on until it knows, for a while. */
  async write(script, parameters) {
    const { totals } = this.truth;
    const key = this.withKeys ? `c${this.number}-${++this.n}-${process.pid}` : undefined;
    const deadline = performance.now() + 60_000;
    let inDoubt = false;
    for (;;) {
      try {
        this.lastAnswer = await this.call(script, { parameters, idempotencyKey: key });
        totals.acknowledged++;
        this.truth.lastSuccessMs = performance.now();
        return 'done';
      } catch (error) {
        if (!isSurelyNot(error)) {
          inDoubt = true;
          if (!['OutcomeUnknown', 'Timeout'].includes(error.code) && error.name === 'RestError') this.truth.problem(`client ${this.number}: ${error.code}: ${error.message}`);
        }
        await sleep(30 + this.random() * 50);
        if (key !== undefined && performance.now() < deadline) continue;
        totals[inDoubt ? 'inDoubt' : 'refused']++;
        return inDoubt ? 'maybe' : 'not';
      }
    }
  }

  async run(isRunning) {
    const kinds = [() => this.create(), () => this.increment(), () => this.transfer(), () => this.append(), () => this.readCounter(), () => this.readList(true), () => this.readList(false), () => this.readSum(), () => this.register(), () => this.register()];
    while (isRunning()) {
      await kinds[Math.floor(this.random() * kinds.length)]();
      await sleep(this.random() * 20);
    }
  }

  async register() {
    const { registers } = this.truth;
    const key = registers.key(this.random);
    const what = this.random();
    const called = performance.now();
    if (what < 0.4) {
      const answer = await this.read('MATCH (r:Register {id: $key}) RETURN r.value', { linearizable: true, parameters: { key } });
      if (answer === undefined) return;
      const value = answer.rows[0]?.[0] ?? null;
      registers.record(this.number, called, performance.now(), { kind: 'read', key }, value);
      this.lastRead = { key, value };
      return;
    }
    const value = registers.value();
    const isCas = what > 0.75 && this.lastRead?.key === key && this.lastRead.value !== null;
    const input = isCas ? { kind: 'cas', key, from: this.lastRead.value, to: value } : { kind: 'write', key, value };
    const outcome = isCas
      ? await this.write('MATCH (r:Register {id: $key}) WHERE r.value = $from SET r.value = $to RETURN count(r)', { key, from: input.from, to: value })
      : await this.write('MERGE (r:Register {id: $key}) SET r.value = $value', { key, value });
    if (outcome === 'not') return;
    const output = outcome === 'done' && isCas ? this.lastAnswer.rows[0][0] === 1 : undefined;
    registers.record(this.number, called, outcome === 'done' ? performance.now() : undefined, input, output);
  }

  async create() {
    const id = `c${this.number}-${++this.n}`;
    const outcome = await this.write('CREATE (:Item {id: $id})', { id });
    if (outcome === 'done') this.truth.created.add(id);
    if (outcome === 'maybe') this.truth.maybeCreated.add(id);
  }

  async increment() {
    const { counter } = this.truth;
    counter.begun++;
    const outcome = await this.write('MATCH (c:Counter {id: 0}) SET c.value = c.value + 1', {});
    if (outcome === 'done') counter.acked++;
    if (outcome === 'not') counter.settledNot++;
  }

  async transfer() {
    const from = Math.floor(this.random() * ACCOUNTS);
    const to = (from + 1 + Math.floor(this.random() * (ACCOUNTS - 1))) % ACCOUNTS;
    await this.write('MATCH (a:Account {id: $from}), (b:Account {id: $to}) SET a.balance = a.balance - 7, b.balance = b.balance + 7', { from, to });
  }

  async append() {
    const at = Math.floor(this.random() * LISTS);
    const list = this.truth.lists[at];
    const value = `${this.number}:${++this.n}`;
    list.begun.add(value);
    const outcome = await this.write('MATCH (l:List {id: $at}) SET l.items = l.items + $value', { at, value });
    if (outcome === 'done') list.acked.add(value);
    if (outcome === 'not') list.begun.delete(value);
  }

  async read(script, options) {
    try {
      const answer = await this.call(script, options);
      this.truth.totals.reads++;
      if (options.linearizable === true) this.truth.totals.linearizableReads++;
      return answer;
    } catch (error) {
      if (error.name === 'RestError' && !isSurelyNot(error) && !['OutcomeUnknown', 'Timeout', '307', 'TooManyLogins'].includes(error.code)) this.truth.problem(`client ${this.number} reading: ${error.code}: ${error.message}`);
      if (error.status === 307) this.truth.totals.redirected++;
      await sleep(20);
      return undefined;
    }
  }

  async readCounter() {
    const { counter } = this.truth;
    const atLeast = counter.acked;
    const answer = await this.read('MATCH (c:Counter {id: 0}) RETURN c.value', { linearizable: true });
    if (answer === undefined) return;
    const value = answer.rows[0]?.[0];
    const atMost = counter.begun;
    if (!(value >= atLeast && value <= atMost)) this.truth.problem(`linearizable read of the counter gave ${value}: ${atLeast} were acknowledged before it, ${atMost} begun before its end`);
  }

  async readList(linearizable) {
    const at = Math.floor(this.random() * LISTS);
    const list = this.truth.lists[at];
    const before = linearizable ? [...list.acked] : [];
    const answer = await this.read('MATCH (l:List {id: $at}) RETURN l.items', { linearizable, parameters: { at } });
    if (answer === undefined) return;
    const items = listOf(answer.rows[0]?.[0]);
    checkList(this.truth, list, items);
    const held = new Set(items);
    for (const value of before) if (!held.has(value)) this.truth.problem(`linearizable read of list ${at} lacks ${value}, acknowledged before it began`);
    const seen = this.listSeen[at];
    if (items.length < seen.length) this.truth.problem(`client ${this.number} saw list ${at} shrink from ${seen.length} (version ${seen.version}) to ${items.length} (version ${answer.version})`);
    this.listSeen[at] = { version: answer.version, length: items.length };
  }

  async readSum() {
    const answer = await this.read('MATCH (a:Account) RETURN sum(a.balance), count(a)', {});
    if (answer === undefined) return;
    const [sum, count] = answer.rows[0];
    if (sum !== ACCOUNTS * BALANCE || count !== ACCOUNTS) this.truth.problem(`a read saw ${count} accounts with ${sum}, not ${ACCOUNTS} with ${ACCOUNTS * BALANCE}`);
  }
}

/** Lists come as JSON text in TuGraph's form of answers. */
function listOf(value) {
  return JSON.parse(value ?? '[]');
}

/** Any two states of a list are one the beginning of the other, and nothing is in it twice. */
function checkList(truth, list, items) {
  const [short, long] = items.length < list.longest.length ? [items, list.longest] : [list.longest, items];
  if (short.some((value, i) => value !== long[i])) truth.problem(`two reads of a list disagree about its beginning: …${short.slice(-3)} against …${long.slice(Math.max(0, short.length - 3), short.length)}`);
  if (new Set(items).size !== items.length) truth.problem('an append is in a list twice');
  for (const value of items.slice(list.longest.length)) if (!list.begun.has(value)) truth.problem(`a list holds ${value}, which nobody was told was appended`);
  list.longest = long;
}

/** Schema, indexes and users are changed by one client, slowly. */
export class Administrator extends Client {
  async run(isRunning) {
    const { schema } = this.truth;
    for (let i = 0; isRunning(); i++) {
      const label = `L${this.number}x${i}`;
      const done = async (script) => (await this.write(script, {})) === 'done';
      if (await done(`CALL db.createVertexLabel('${label}', 'id', 'id', 'INT64', false, 'a', 'STRING', true)`)) {
        schema.labels.add(label);
        await this.write(`CREATE (:${label} {id: ${i}, a: 'x'})`, {});
        if (await done(`CALL db.addIndex('${label}', 'a', false)`)) schema.indexes.add(label);
      }
      if (await done(`CALL dbms.security.createUser('u${this.number}x${i}', 'Secret-${i}')`)) schema.users.add(`u${this.number}x${i}`);
      await sleep(1500);
    }
  }
}

export async function prepare(rest, address) {
  for (const script of [
    "CALL db.createVertexLabel('Item', 'id', 'id', 'STRING', false)", "CALL db.createVertexLabel('Counter', 'id', 'id', 'INT64', false, 'value', 'INT64', false)",
    "CALL db.createVertexLabel('Register', 'id', 'id', 'STRING', false, 'value', 'INT64', true)", "CALL db.createVertexLabel('Account', 'id', 'id', 'INT64', false, 'balance', 'INT64', false)", 'CREATE (:Counter {id: 0, value: 0})',
    `UNWIND range(0, ${ACCOUNTS - 1}) AS id CREATE (:Account {id: id, balance: ${BALANCE}})`, `UNWIND range(0, ${LISTS - 1}) AS id CREATE (:List {id: id, items: []})`,
  ]) await rest.cypher(address, script);
}

/** With all clients at rest: the end state holds what was promised. */
export async function checkEnd(truth, rest, address) {
  const read = async (script, parameters = {}) => (await rest.cypher(address, script, { linearizable: true, parameters, timeoutMs: 60_000 })).rows;
  const items = (await read('MATCH (i:Item) RETURN i.id')).map((row) => row[0]);
  const found = new Set(items);
  if (found.size !== items.length) truth.problem(`${items.length - found.size} items exist twice`);
  for (const id of truth.created) if (!found.has(id)) truth.problem(`acknowledged item ${id} is missing`);
  for (const id of found) if (!truth.created.has(id) && !truth.maybeCreated.has(id)) truth.problem(`item ${id} exists though its creation was refused`);
  const [[value]] = await read('MATCH (c:Counter {id: 0}) RETURN c.value');
  const { acked, begun, settledNot } = truth.counter;
  if (value < acked || value > begun - settledNot) truth.problem(`counter ${value}: ${acked} acknowledged, ${begun - settledNot} possible`);
  const [[sum]] = await read('MATCH (a:Account) RETURN sum(a.balance)');
  if (sum !== ACCOUNTS * BALANCE) truth.problem(`accounts hold ${sum}`);
  for (const [at, list] of truth.lists.entries()) {
    const now = listOf((await read('MATCH (l:List {id: $at}) RETURN l.items', { at }))[0]?.[0]);
    checkList(truth, list, now);
    const held = new Set(now);
    for (const one of list.acked) if (!held.has(one)) truth.problem(`list ${at} lacks the acknowledged ${one}`);
  }
  const verdict = await truth.registers.verdict();
  if (verdict !== undefined) truth.problem(verdict);
  const labels = new Set((await read('CALL db.vertexLabels()')).map((row) => row[0]));
  for (const label of truth.schema.labels) if (!labels.has(label)) truth.problem(`acknowledged label ${label} is missing`);
  const indexed = new Set((await read('CALL db.indexes()')).map((row) => String(row[0])));
  for (const label of truth.schema.indexes) if (!indexed.has(label)) truth.problem(`acknowledged index on ${label} is missing`);
  const users = new Set((await read('CALL dbms.security.listUsers()')).map((row) => row[0]));
  for (const user of truth.schema.users) if (!users.has(user)) truth.problem(`acknowledged user ${user} is missing`);
}
