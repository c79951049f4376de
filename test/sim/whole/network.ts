/**
 * The network between simulated machines: addresses, streams that are dialled and greeted like the real ones, and calls.
 *
 * A stream keeps the order of what it carries, leads to one process (not to whoever has its address later), and breaks some time
 * after the path under it was cut. What is said crosses it as bytes or JSON, like on the wire.
 */
import type { Random } from '../../../src/base/random.ts';
import { FrameEncoder, decodeFrame } from '../../../src/raft/codec.ts';
import { isBulk } from '../../../src/raft/messages.ts';
import type { Message } from '../../../src/raft/messages.ts';
import type { NodeId } from '../../../src/raft/types.ts';
import type { Hello, PeerCall, StateOutcome, Transport, TransportHandlers } from '../../../src/replica/consensus-transport.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimProcess } from './process.ts';

export interface NetworkRates {
  readonly delayMs: number;
  /** Of single messages within a stream: a full buffer drops them. */
  readonly loss: number;
}

const BREAK_MS = 400;
const PAUSE_MS_MAX = 250;
const GREETING_MS = 1000;

type Kind = 'control' | 'bulk';

export class Network {
  readonly time: Scheduler;
  readonly random: Random;
  readonly rates: NetworkRates;
  readonly counts = { refusedStreams: 0, refusedIdentity: 0, refusedGroup: 0, refusedOldBoot: 0, refusedTwin: 0, supersededFrames: 0, droppedMessages: 0, brokenStreams: 0, lostCalls: 0 };
  readonly #at = new Map<string, SimTransport>();
  readonly #cut = new Set<string>();
  isFaulty = true;

  constructor(time: Scheduler, random: Random, rates: NetworkRates) {
    this.time = time;
    this.random = random;
    this.rates = rates;
  }

  listen(transport: SimTransport): void {
    const { address } = transport;
    if (this.#at.has(address)) throw new Error(`cannot listen on ${address}: in use`);
    this.#at.set(address, transport);
  }

  unlisten(transport: SimTransport): void {
    if (this.#at.get(transport.address) === transport) this.#at.delete(transport.address);
  }

  find(address: string): SimTransport | undefined {
    return this.#at.get(address);
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`);
  }

  healAll(): void {
    this.#cut.clear();
  }

  heal(address: string): void {
    for (const path of this.#cut) if (path.split(' ').includes(address)) this.#cut.delete(path);
  }

  isCut(from: string, to: string): boolean {
    return this.isFaulty && this.#cut.has(`${from} ${to}`);
  }

  delay(): number {
    const scale = this.isFaulty ? this.rates.delayMs : 1;
    return 0.1 + scale * (this.random.next() < 0.02 ? 30 * this.random.next() : -Math.log(1 - this.random.next() * 0.999));
  }
}

/** One greeted stream, from the dialler to the process that welcomed it. */
class Stream {
  readonly kind: Kind;
  readonly from: SimTransport;
  readonly to: SimTransport;
  readonly hello: Hello;
  isOpen = true;
  #arrivesAt = 0;
  #isDying = false;
  readonly #onBroken: () => void;

  constructor(kind: Kind, from: SimTransport, to: SimTransport, hello: Hello, onBroken: () => void) {
    this.kind = kind;
    this.from = from;
    this.to = to;
    this.hello = hello;
    this.#onBroken = onBroken;
  }

  send(messages: readonly Message[]): void {
    const { network } = this.from;
    this.#arrivesAt = Math.max(this.#arrivesAt, network.time.now + network.delay());
    network.time.after(this.#arrivesAt - network.time.now, () => this.#arrive(messages));
  }

  #arrive(messages: readonly Message[]): void {
    const { network } = this.from;
    if (!this.isOpen || !this.to.process.isAlive) return;
    if (network.isCut(this.from.address, this.to.address) || this.#isDying) {
      network.counts.droppedMessages += messages.length;
      this.#die();
      return;
    }
    if (network.isFaulty && network.random.next() < network.rates.loss) {
      network.counts.droppedMessages += messages.length;
      return;
    }
    this.to.process.run(() => {
      if (this.isOpen) this.to.receive(this, messages);
    });
  }

  /** What was on the cut path is lost; both ends notice later. */
  #die(): void {
    if (this.#isDying) return;
    this.#isDying = true;
    this.from.network.time.after(BREAK_MS * this.from.network.random.next(), () => this.close());
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.from.network.counts.brokenStreams += 1;
    if (this.from.process.isAlive) this.from.process.run(() => this.#onBroken());
    if (this.to.process.isAlive) this.to.process.run(() => this.to.onClosed(this));
  }
}

/** One stream that comes back: dialled again with a growing pause. */
class Line {
  readonly #kind: Kind;
  readonly #from: SimTransport;
  readonly #id: NodeId;
  readonly #address: string;
  #stream: Stream | undefined;
  #pauseMs = 20;
  #isClosed = false;
  #attempt = 0;
  /** For the end of the pause before the next attempt. */
  #isWaiting = false;

  constructor(kind: Kind, from: SimTransport, id: NodeId, address: string) {
    this.#kind = kind;
    this.#from = from;
    this.#id = id;
    this.#address = address;
    this.#dial();
  }

  #dial(): void {
    const { network, process } = this.#from;
    const attempt = ++this.#attempt;
    const isCurrent = () => !this.#isClosed && attempt === this.#attempt && process.isAlive;
    // Whoever was dialled may die before it answers.
    network.time.after(GREETING_MS, () => {
      if (isCurrent() && this.#stream === undefined && !this.#isWaiting) this.#later();
    });
    network.time.after(network.delay(), () => {
      if (!isCurrent()) return;
      const target = network.find(this.#address);
      if (target === undefined || network.isCut(this.#from.address, this.#address) || network.isCut(this.#address, this.#from.address)) {
        this.#later();
        return;
      }
      // Greeted by the dialler when the path is there, answered when the other side gets to it.
      process.run(() => {
        if (!isCurrent()) return;
        const hello = JSON.parse(JSON.stringify(this.#from.handlers.hello(this.#id))) as Hello;
        target.process.run(() => this.#greet(target, hello, isCurrent));
      });
    });
  }

  #greet(target: SimTransport, hello: Hello, isCurrent: () => boolean): void {
    const { network, process } = this.#from;
    const refused = target.handlers.refuse(hello);
    if (refused !== undefined) {
      this.#from.network.counts.refusedStreams += 1;
      this.#from.onRefused(refused);
      if (isCurrent()) this.#later();
      return;
    }
    const stream = new Stream(this.#kind, this.#from, target, hello, () => this.#onBroken(stream));
    target.welcome(stream);
    network.time.after(network.delay(), () => {
      if (!isCurrent()) {
        stream.close();
        return;
      }
      process.run(() => {
        if (!isCurrent()) stream.close();
        else if (stream.isOpen) {
          this.#stream = stream;
          this.#pauseMs = 20;
        }
      });
      if (!stream.isOpen) this.#later();
    });
  }

  #later(): void {
    const { network } = this.#from;
    const attempt = this.#attempt;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    network.time.after(this.#pauseMs * (0.5 + network.random.next() / 2), () => {
      this.#isWaiting = false;
      if (attempt === this.#attempt && !this.#isClosed && this.#from.process.isAlive) this.#dial();
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
  }

  #onBroken(stream: Stream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#from.handlers.onPeerLost(this.#id);
    if (!this.#isClosed) this.#dial();
  }

  send(messages: readonly Message[]): void {
    this.#stream?.send(messages);
  }

  close(): void {
    this.#isClosed = true;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.close();
  }
}

export class SimTransport implements Transport {
  readonly network: Network;
  readonly process: SimProcess;
  readonly address: string;
  handlers!: TransportHandlers;
  readonly #links = new Map<NodeId, { readonly address: string; readonly control: Line; readonly bulk: Line }>();
  readonly #incoming = new Set<Stream>();
  readonly #controlOf = new Map<NodeId, Stream>();
  readonly #encoder = new FrameEncoder();
  #isListening = false;

  constructor(network: Network, process: SimProcess, address: string) {
    this.network = network;
    this.process = process;
    this.address = address;
  }

  start(handlers: TransportHandlers): Promise<void> {
    this.handlers = handlers;
    this.network.listen(this);
    this.#isListening = true;
    return Promise.resolve();
  }

  setPeers(peers: readonly { readonly id: NodeId; readonly address: string }[]): void {
    const wanted = new Map(peers.map(({ id, address }) => [id, address]));
    for (const [id, link] of this.#links) {
      if (wanted.get(id) === link.address) continue;
      link.control.close();
      link.bulk.close();
      this.#links.delete(id);
    }
    for (const [id, address] of wanted) {
      if (this.#links.has(id)) continue;
      this.#links.set(id, { address, control: new Line('control', this, id, address), bulk: new Line('bulk', this, id, address) });
    }
  }

  send(to: NodeId, messages: readonly Message[]): void {
    const link = this.#links.get(to);
    if (link === undefined) return;
    const sent = this.network.random.next() < 0.1 ? decodeFrame(this.#encoder.encode(messages)) : messages;
    const bulk = sent.filter(isBulk);
    const control = sent.filter((message) => !isBulk(message));
    if (control.length > 0) link.control.send(control);
    if (bulk.length > 0) link.bulk.send(bulk);
  }

  onRefused(reason: string): void {
    const { counts } = this.network;
    if (/^this is a member of the group/.test(reason)) counts.refusedGroup += 1;
    else if (/^this is /.test(reason)) counts.refusedIdentity += 1;
    else if (/later start/.test(reason)) {
      counts.refusedOldBoot += 1;
      this.process.host.refusedBecause = reason;
    }
    else if (/two servers have the identity/.test(reason)) counts.refusedTwin += 1;
    this.process.host.world.log(() => `${this.process.host.name} is refused: ${reason}`);
    this.process.onRefused(reason);
  }

  welcome(stream: Stream): void {
    this.#incoming.add(stream);
    if (stream.kind !== 'control') return;
    const { fromId } = stream.hello;
    this.#controlOf.get(fromId)?.close();
    this.#controlOf.set(fromId, stream);
    this.handlers.onPeerUp(stream.hello);
  }

  receive(stream: Stream, messages: readonly Message[]): void {
    const { world } = this.process.host;
    for (const message of messages) world.log(() => `${stream.from.process.host.name} → ${this.process.host.name} ${JSON.stringify(message)}`);
    this.handlers.onMessages(stream.hello, messages);
  }

  onClosed(stream: Stream): void {
    this.#incoming.delete(stream);
    const { fromId } = stream.hello;
    if (stream.kind !== 'control' || this.#controlOf.get(fromId) !== stream) return;
    this.#controlOf.delete(fromId);
    this.handlers.onPeerDown(fromId);
  }

  request(): Promise<Uint8Array> {
    return Promise.reject(new Error('not simulated'));
  }

  sendState(): Promise<StateOutcome> {
    return Promise.reject(new Error('not simulated'));
  }

  call(address: string, call: PeerCall, timeoutMs: number): Promise<unknown> {
    const { network, process } = this;
    const { time } = network;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (work: () => void) => process.run(() => {
        if (isOver) return;
        isOver = true;
        work();
      });
      time.after(timeoutMs, () => end(() => reject(new Error('no answer in time'))));
      const lost = () => (network.counts.lostCalls += 1);
      time.after(network.delay(), () => {
        if (network.isCut(this.address, address)) return lost();
        const target = network.find(address);
        if (target === undefined) return end(() => reject(new Error('connection refused')));
        const reply = (work: () => void) => time.after(network.delay(), () => {
          if (network.isCut(address, this.address)) lost();
          else end(work);
        });
        return target.process.run(() => {
          target.process.host.world.log(() => `${process.host.name} calls ${target.process.host.name}: ${JSON.stringify(call)}`);
          target.handlers.onCall(JSON.parse(JSON.stringify(call)) as PeerCall).then(
            (ok) => reply(() => resolve(ok === undefined ? undefined : JSON.parse(JSON.stringify(ok)))),
            (error: unknown) => reply(() => reject(new Error(error instanceof Error ? error.message : String(error)))),
          );
        });
      });
    });
  }

  stop(): Promise<void> {
    this.hangUp();
    return Promise.resolve();
  }

  /** The process is gone: its sockets are closed by whoever held them. */
  hangUp(): void {
    if (this.#isListening) this.network.unlisten(this);
    this.#isListening = false;
    for (const link of this.#links.values()) {
      link.control.close();
      link.bulk.close();
    }
    this.#links.clear();
    for (const stream of [...this.#incoming]) stream.close();
  }
}
