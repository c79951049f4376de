/**
 * Plays a scenario script against real cores and an instant (or hand-driven) disk, and writes down what happens.
 *
 *   cluster nodes=3 [learners=1] [witnesses=1] [disk=manual] [window=2] [batch=64]
 *   campaign n1 | tick n1 20 | stall n1 100 | propose n1 x y | read n2 | transfer n1 n2
 *   deliver [n1 n2]            messages until all is quiet (or only between these)
 *   pass 40                    so many ticks of all servers, and after each all messages
 *   step                       only the messages that are on the way now
 *   drop                       what is on the way is lost
 *   hold | release             what is on the way is held up somewhere; it arrives now (again on its way, behind what has left since)
 *   repeat                     what is on the way is there twice
 *   isolate n2 | cut n1 n2 | heal
 *   narrow n1 n2               entries from n1 to n2 are lost, and small messages are not
 *   broken n1 n2               n1 lost a connection to n2
 *   add n1 n4 | promote n1 n4 | remove n1 n3 | update n1 n4 where
 *   persist n1 [count]         with disk=manual: one write (or so many) finishes
 *   cluster nodes=3 leases=1   a tick is then 10 ms of that server's clock, and leaders answer reads by leases of 80 ms
 *   cluster nodes=3 notice=25  while writes follow each other within 25 ms, what is committed is told with the next one
 *   empty n1 n2 2 1@1 commit=3  an append without entries, as n1 leading term 2 would send it
 *   put-back n3 2              with n3 down: the last two entries of its log are gone, as in an older copy of its directory
 *   copy n3 | put-back n3      its files as they are now; with n3 down, they take the place of those that it has then
 *   forget n3                  with n3 down: term and vote are those of before the first election
 *   remind n1 n3               n1, as it leads, tells n3 what it acknowledged (said when a connection begins)
 *   remind-answer n1 n3        n1 tells n3 in which term that last voted for it or followed it (said likewise)
 *   install n3 n1 [5]          n3 has got a snapshot of n1's state: its newest one, or an older
 *   compact n1 5 | compact n1   drops the log up to there, or as far as it may be
 *   crash n1 | restart n1 | status | log n1
 */
import { encodeConfig, makeConfig } from '../../src/raft/config.ts';
import type { ConfigChange } from '../../src/raft/config.ts';
import { leaseMsFor } from '../../src/raft/lease.ts';
import type { Message } from '../../src/raft/messages.ts';
import { RaftNode } from '../../src/raft/node.ts';
import { EMPTY, entryBytes } from '../../src/raft/types.ts';
import type { Config, ConfigAt, Entry, HardState, Persist, Recovered, TermRun } from '../../src/raft/types.ts';
import { decodeConfig } from '../../src/raft/config.ts';

interface Store {
  hard: HardState;
  start: { index: number; term: number; config: Config };
  entries: Entry[];
}

interface Server {
  readonly id: string;
  node: RaftNode;
  readonly store: Store;
  writes: Persist[];
  role: string;
  commit: number;
  isUp: boolean;
  /** Its own clock. */
  nowMs: number;
}

interface OnTheWay {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

const ELECTION_TICKS = 10;
const TICK_MS = 10;

export class Script {
  readonly #servers = new Map<string, Server>();
  #network: OnTheWay[] = [];
  #held: OnTheWay[] = [];
  readonly #cut = new Set<string>();
  readonly #narrow = new Set<string>();
  #manualDisk = false;
  #window = 4;
  #batch = 1 << 20;
  #leases = false;
  #noticeMs = 0;
  readonly #mutants: ReadonlySet<string>;

  #out: string[] = [];
  #nextRead = 1;
  readonly #copies = new Map<string, Pick<Server['store'], 'entries' | 'hard'>>();
  #boots = 0;

  /** `mutants`: deliberate bugs of the cores. */
  constructor(mutants: ReadonlySet<string> = new Set()) {
    this.#mutants = mutants;
  }

  run(line: string): string[] {
    this.#out = [];
    const [command, ...args] = line.trim().split(/\s+/) as [string, ...string[]];
    const action = this.#actions()[command];
    if (action === undefined) throw new Error(`no command ${command}`);
    action(args);
    this.#settle();
    return this.#out;
  }

  #actions(): Record<string, (args: string[]) => void> {
    return {
      cluster: (args) => this.#cluster(args),
      campaign: ([id]) => this.#server(id).node.campaign(),
      tick: ([id, count]) => {
        for (let i = 0; i < Number(count); i++) this.#tick(this.#server(id), 1, false);
      },
      stall: ([id, count]) => this.#tick(this.#server(id), Number(count), true),
      empty: ([from, to, term, prev, commit]) => {
        const [prevIndex, prevTerm] = prev!.split('@').map(Number) as [number, number];
        this.#hand(from!, to!, { kind: 'append', term: Number(term), prevIndex, prevTerm, commit: Number(commit!.split('=')[1]), entries: [] });
      },
      propose: ([id, ...texts]) => {
        const result = this.#server(id).node.propose(texts.map((text) => Buffer.from(text)));
        if (typeof result === 'string') this.#say(`${id} refuses: ${result}`);
      },
      read: ([id]) => this.#server(id).node.read(this.#nextRead++),
      transfer: ([id, to]) => {
        const refused = this.#server(id).node.transfer(to);
        if (refused !== undefined) this.#say(`${id} refuses: ${refused}`);
      },
      deliver: (among) => this.#deliver(among),
      pass: ([count]) => {
        for (let i = 0; i < Number(count); i++) {
          for (const server of this.#servers.values()) if (server.isUp) this.#tick(server, 1, false);
          this.#deliver([]);
        }
      },
      step: () => {
        for (const { from, to, message } of this.#network.splice(0)) this.#hand(from, to, message);
      },
      drop: () => {
        this.#network = [];
      },
      hold: () => this.#held.push(...this.#network.splice(0)),
      release: () => this.#network.push(...this.#held.splice(0)),
      repeat: () => this.#network.push(...this.#network),
      isolate: ([id]) => {
        for (const other of this.#servers.keys()) {
          this.#cut.add(`${id} ${other}`);
          this.#cut.add(`${other} ${id}`);
        }
      },
      cut: ([from, to]) => this.#cut.add(`${from} ${to}`),
      narrow: ([from, to]) => this.#narrow.add(`${from} ${to}`),
      broken: ([id, other]) => this.#server(id).node.unreachable(other!),
      heal: () => {
        this.#cut.clear();
        this.#narrow.clear();
      },
      add: ([id, other]) => {
        this.#addServer(other!, EMPTY);
        this.#change(id!, { kind: 'addLearner', member: { id: other!, witness: false, info: '' } });
      },
      promote: ([id, other]) => this.#change(id!, { kind: 'promote', id: other! }),
      remove: ([id, other]) => this.#change(id!, { kind: 'remove', id: other! }),
      update: ([id, other, info]) => this.#change(id!, { kind: 'update', id: other!, info: info! }),
      persist: ([id, count]) => {
        for (let i = 0; i < Number(count ?? 1); i++) this.#write(this.#server(id));
      },
      compact: ([id, index]) => {
        const { node } = this.#server(id);
        node.appliedTo(node.view.commitIndex);
        const { commitIndex, dropLimit } = node.view;
        node.compactTo(index === undefined ? Math.min(commitIndex, dropLimit) : Number(index));
      },
      install: ([id, from, at]) => {
        const source = this.#server(from).node;
        const index = at === undefined ? source.view.commitIndex : Number(at);
        const done = this.#server(id).node.installed(index, source.termAt(index)!, source.configAt(index).config);
        this.#say(`${id} ${done ? 'installs' : 'ignores'} a snapshot at ${index}`);
      },
      sent: ([id, to, how]) => this.#server(id).node.snapshotSent(to!, how === 'ok'),
      crash: ([id]) => {
        const server = this.#server(id);
        server.isUp = false;
        server.writes = [];
      },
      copy: ([id]) => {
        const { entries, hard } = this.#server(id).store;
        this.#copies.set(id!, { entries: [...entries], hard });
      },
      'put-back': ([id, count]) => {
        const { store } = this.#server(id);
        if (count === undefined) Object.assign(store, this.#copies.get(id!));
        else store.entries.splice(-Number(count));
      },
      forget: ([id]) => (this.#server(id).store.hard = { term: 1, votedFor: undefined }),
      'remind-answer': ([id, other]) => {
        const answered = this.#server(id).node.answeredBy(other!);
        const isNews = answered !== undefined && this.#server(other).node.remindedOfAnswer(id!, answered);
        this.#say(`${other} answered ${id} ${answered === undefined ? 'never' : `in term ${answered.term}`}${isNews ? ', which it forgot: the vote is put back, and it gives no other for now' : ''}`);
      },
      remind: ([id, other]) => {
        const acknowledged = this.#server(id).node.promisedBy(other!);
        const isNews = acknowledged !== undefined && this.#server(other).node.remindedOf(acknowledged);
        this.#say(`${other} acknowledged ${acknowledged?.index ?? 'nothing'} to ${id}${isNews ? ', more than it has: it does not vote for now' : ''}`);
      },
      restarted: ([id, other]) => this.#server(id).node.peerRestarted(other!),
      restart: ([id]) => this.#restart(this.#server(id)),
      status: () => {
        for (const server of this.#servers.values()) this.#status(server);
      },
      log: ([id]) => this.#say(`${id} ${this.#server(id).store.entries.map((entry) => `${entry.index}@${entry.term}`).join(' ')}`),
    };
  }

  #say(line: string): void {
    this.#out.push(line);
  }

  #server(id: string | undefined): Server {
    const server = this.#servers.get(id ?? '');
    if (server === undefined) throw new Error(`no server ${id}`);
    return server;
  }

  #cluster(args: string[]): void {
    const option = (name: string, otherwise: number) => Number(args.find((arg) => arg.startsWith(`${name}=`))?.split('=')[1] ?? otherwise);
    this.#manualDisk = args.includes('disk=manual');
    this.#window = option('window', 4);
    this.#batch = option('batch', 1 << 20);
    this.#leases = option('leases', 0) > 0;
    this.#noticeMs = option('notice', 0);
    const count = option('nodes', 3);
    const ids = Array.from({ length: count + option('learners', 0) }, (_, i) => `n${i + 1}`);
    const witnesses = option('witnesses', 0);
    const config = makeConfig(ids.map((id, i) => ({ id, voter: i < count, witness: i >= count - witnesses && i < count, info: '' })));
    const first: Entry = { index: 1, term: 1, kind: 2, data: encodeConfig(config) };
    for (const id of ids) {
      this.#addServer(id, {
        hard: { term: 1, votedFor: undefined }, startIndex: 0, startTerm: 0, lastIndex: 1, terms: [{ index: 1, term: 1 }],
        configs: [...EMPTY.configs, { index: 1, config }], suspect: false,
      }, [first]);
    }
  }

  #tick(server: Server, ticks: number, stalled: boolean): void {
    server.nowMs += ticks * TICK_MS;
    server.node.now(server.nowMs);
    server.node.tick(ticks, stalled);
  }

  #addServer(id: string, recovered: Recovered, entries: Entry[] = []): void {
    const store: Store = { hard: recovered.hard, start: { index: 0, term: 0, config: { members: [] } }, entries };
    this.#servers.set(id, { id, store, writes: [], role: '', commit: 0, isUp: true, nowMs: 0, node: this.#newNode(id, store, recovered) });
  }

  #newNode(id: string, store: Store, recovered: Recovered): RaftNode {
    return new RaftNode({
      id, electionTicks: ELECTION_TICKS, heartbeatTicks: 2, batchBytesMax: this.#batch, windowMessages: this.#window, windowBytes: 1 << 20,
      uncommittedBytesMax: 1000, pendingReadsMax: 100, witnessMayLead: true, random: () => 0, readIdBase: this.#mutants.has('reuses-read-ids') ? 0 : 1000 * this.#boots++,
      mutants: this.#mutants, commitNoticeMs: this.#noticeMs, electionMs: this.#leases ? ELECTION_TICKS * TICK_MS : 0, leaseMs: this.#leases ? leaseMsFor(ELECTION_TICKS * TICK_MS, TICK_MS) : 0,
    }, {
      entries: (from, to, bytesMax) => {
        const found = store.entries.filter((entry) => entry.index >= from && entry.index <= to);
        let bytes = 0;
        return found.filter((entry, i) => (bytes += entryBytes(entry)) <= bytesMax || i === 0);
      },
    }, recovered, recovered.startIndex);
  }

  #restart(server: Server): void {
    const { store } = server;
    const terms: TermRun[] = [];
    const configs: ConfigAt[] = [{ index: store.start.index, config: store.start.config }];
    for (const entry of store.entries) {
      if (terms.at(-1)?.term !== entry.term) terms.push({ index: entry.index, term: entry.term });
      if (entry.kind === 2) configs.push({ index: entry.index, config: decodeConfig(entry.data) });
    }
    server.node = this.#newNode(server.id, store, {
      hard: store.hard, startIndex: store.start.index, startTerm: store.start.term,
      lastIndex: store.entries.at(-1)?.index ?? store.start.index, terms, configs, suspect: false,
    });
    server.isUp = true;
    server.role = '';
    server.commit = store.start.index;
  }

  #change(id: string, change: ConfigChange): void {
    const result = this.#server(id).node.changeConfig(change);
    this.#say(typeof result === 'string' ? `${id} refuses: ${result}` : `${id} proposes a configuration as entry ${result}`);
  }

  #deliver(among: string[]): void {
    for (let rounds = 0; rounds < 1000; rounds++) {
      this.#settle();
      const ready = this.#network.filter(({ from, to }) => among.length === 0 || (among.includes(from) && among.includes(to)));
      if (ready.length === 0) return;
      this.#network = this.#network.filter((one) => !ready.includes(one));
      for (const { from, to, message } of ready) this.#hand(from, to, message);
    }
    throw new Error('the cluster does not come to rest');
  }

  #hand(from: string, to: string, message: Message): void {
    const server = this.#servers.get(to);
    if (server?.isUp !== true || this.#cut.has(`${from} ${to}`)) return;
    if (message.kind === 'append' && message.entries.length > 0 && this.#narrow.has(`${from} ${to}`)) return;
    server.node.receive(from, message);
    this.#settle();
  }

  /** Takes effects until nothing changes any more. */
  #settle(): void {
    for (let again = true; again;) {
      again = false;
      for (const server of this.#servers.values()) if (server.isUp && this.#take(server)) again = true;
    }
  }

  #take(server: Server): boolean {
    const effects = server.node.takeEffects();
    this.#sayRole(server);
    for (const { to, message } of effects.send) {
      this.#say(`${server.id} → ${to} ${brief(message)}`);
      this.#network.push({ from: server.id, to, message });
    }
    for (const { id, index } of effects.reads) this.#say(`${server.id} read ${id} may be served at ${index}`);
    for (const id of effects.readsFailed) this.#say(`${server.id} read ${id} failed`);
    for (const peer of effects.snapshotsWanted) this.#say(`${server.id} must send a snapshot to ${peer}`);
    if (effects.transferEnded !== undefined) this.#say(`${server.id} transfer to ${effects.transferEnded.to} ${effects.transferEnded.ok ? 'handed over' : 'given up'}`);
    if (effects.removedAt !== undefined) this.#say(`${server.id} was removed`);
    if (effects.commit > server.commit) {
      server.commit = effects.commit;
      this.#say(`${server.id} commits ${effects.commit}`);
    }
    if (effects.persist === undefined) return effects.send.length > 0;
    server.writes.push(effects.persist);
    if (!this.#manualDisk) this.#write(server);
    else this.#say(`${server.id} begins write ${effects.persist.seq}`);
    return true;
  }

  #write(server: Server): void {
    const write = server.writes.shift();
    if (write === undefined) return;
    const { store } = server;
    if (write.hard !== undefined) store.hard = write.hard;
    if (write.start !== undefined) {
      store.start = write.start;
      store.entries = write.start.reset ? [] : store.entries.filter((entry) => entry.index > write.start!.index);
    }
    if (write.truncateFrom !== undefined) store.entries = store.entries.filter((entry) => entry.index < write.truncateFrom!);
    store.entries.push(...write.entries);
    server.node.persisted(write.seq);
  }

  #sayRole(server: Server): void {
    const { role, term } = server.node.view;
    const text = `${role} of term ${term}`;
    if (server.role !== '' && server.role !== text) this.#say(`${server.id} is ${text}`);
    server.role = text;
  }

  #status(server: Server): void {
    if (!server.isUp) {
      this.#say(`${server.id} is down`);
      return;
    }
    const { view } = server.node;
    const peers = [...view.progress].map(([id, progress]) => `${id}:${progress.state} match=${progress.match} next=${progress.next}`).join(', ');
    const members = view.config.config.members.map((member) => `${member.id}${member.voter ? '' : '?'}${member.witness ? '°' : ''}`).join(' ');
    this.#say(`${server.id} ${view.role} term=${view.term} vote=${view.votedFor ?? '-'} log=${view.firstIndex}..${view.lastIndex}@${view.lastTerm} commit=${view.commitIndex} [${members}]${peers === '' ? '' : ` ${peers}`}`);
  }
}

function brief(message: Message): string {
  switch (message.kind) {
    case 'vote':
    case 'preVote':
      return `${message.kind} ${message.term} last=${message.lastIndex}@${message.lastTerm}${message.transfer ? ' transfer' : ''}`;
    case 'voteReply':
    case 'preVoteReply':
      return `${message.kind} ${message.term} ${message.granted ? 'yes' : 'no'}`;
    case 'append':
      return `append ${message.term} prev=${message.prevIndex}@${message.prevTerm} commit=${message.commit} [${message.entries.map((entry) => `${entry.index}@${entry.term}`).join(' ')}]`;
    case 'appendReply':
      return message.ok ? `appended ${message.term} ${message.index}` : `rejected ${message.term} ${message.index} hint=${message.hintIndex}@${message.hintTerm}`;
    case 'heartbeat':
      return `heartbeat ${message.term} commit=${message.commit}${message.round > 0 ? ` round=${message.round}` : ''}`;
    case 'heartbeatReply':
      return `heartbeatReply ${message.term}${message.round > 0 ? ` round=${message.round}` : ''}`;
    case 'commit':
      return `commit ${message.term} ${message.commit}`;
    case 'timeoutNow':
      return `timeoutNow ${message.term}`;
    case 'readRequest':
      return `readRequest ${message.term}`;
    case 'readReply':
      return `readReply ${message.term} ${message.index ?? 'refused'}`;
    default:
      return `${message.kind} ${message.term}`;
  }
}
