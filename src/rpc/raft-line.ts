/**
 * One stream to one peer that comes back: opened, greeted, opened again with a growing pause when it breaks.
 *
 * A SYN that was lost in a partition is repeated by TCP only after as long again. So an attempt to connect ends after half an
 * election timeout, the next follows within another half, and at once when the peer reaches us.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { callFailure } from '../base/call-failure.ts';
import type { Random } from '../base/random.ts';
import { NOT_A_LANE } from './peer-lane.ts';
import type { LaneUser } from './peer-lane.ts';
import type { ChannelSettings } from './raft-channel.ts';
import type { Frame, Welcome } from './raft-proto.ts';
import { dialLane, openGrpc } from './raft-wire.ts';
import type { Wire, WireKind } from './raft-wire.ts';

export interface LinkHost {
  readonly settings: ChannelSettings;
  readonly random: Random;
  /** The greeting for this peer, as bytes. */
  hello(): Buffer;
  onLost(): void;
  log(level: 'debug' | 'info', message: string): void;
}

const PAUSE_MS = 20;
const KNOCK_MS_MIN = 250;
/** From an open port to the answer to our greeting: slow where the machine is busy. */
const GREETING_MS = 5000;
const REASONS_MAX = 20;

export class Line {
  readonly #name: string;
  readonly #address: string;
  readonly #host: LinkHost;
  readonly #kind: WireKind;
  readonly #onFrame: (payload: Buffer) => void;
  readonly #onBroken: (reason: string) => void;
  /** New with each attempt; what an earlier one still has to say does not count. */
  #attempt = {};
  #socket: Socket | undefined;
  /** The port answered; what follows has its own time limit. */
  #isOpen = false;
  #wire: Wire | undefined;
  #welcome: Welcome | undefined;
  #isClosed = false;
  /** The peer is from before there were lanes, or may be. */
  #usesGrpc = false;
  #pauseMs = PAUSE_MS;
  /** Of the pause, or of the attempt. */
  #timer: NodeJS.Timeout | undefined;
  /** Why it failed since it last was well: each is said once. */
  readonly #reported = new Set<string>();

  constructor(parts: { address: string; host: LinkHost; kind: WireKind; onFrame?: (payload: Buffer) => void; onBroken: (reason: string) => void }) {
    this.#name = `${parts.kind.name} stream to ${parts.address}`;
    this.#address = parts.address;
    this.#host = parts.host;
    this.#kind = parts.kind;
    this.#onFrame = parts.onFrame ?? (() => undefined);
    this.#onBroken = parts.onBroken;
    this.#connect();
  }

  get isReady(): boolean {
    return this.#welcome !== undefined;
  }

  get inflates(): boolean {
    return this.#welcome?.inflates === true;
  }

  get #halfElectionMs(): number {
    return Math.max(KNOCK_MS_MIN, this.#host.settings.electionTimeoutMs / 2);
  }

  #connect(): void {
    const attempt = (this.#attempt = {});
    const isCurrent = () => this.#attempt === attempt;
    const host = this.#address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(/\d+$/.exec(this.#address)![0]), noDelay: true });
    this.#socket = socket;
    this.#isOpen = false;
    this.#limit(this.#halfElectionMs, () => isCurrent() && !this.#isOpen, 'cannot be reached');
    socket.on('error', (error) => {
      if (isCurrent() && !this.#isOpen) this.#retry(error.message);
    });
    socket.once('connect', () => {
      if (!isCurrent()) return;
      this.#isOpen = true;
      clearTimeout(this.#timer);
      this.#limit(GREETING_MS, () => isCurrent() && !this.isReady, 'no answer');
      this.#open(socket, host, isCurrent);
    });
  }

  /** What waits in the sockets comes first: the timer may be late because we were away. */
  #limit(ms: number, isLate: () => boolean, reason: string): void {
    this.#timer = setTimeout(() => setImmediate(() => {
      if (isLate()) this.#retry(reason);
    }), ms);
  }

  #open(socket: Socket, host: string, isCurrent: () => boolean): void {
    const { settings } = this.#host;
    const usesGrpc = this.#usesGrpc;
    this.#usesGrpc = false;
    const user: LaneUser = {
      onFrame: (frame) => {
        if (!isCurrent()) return;
        if (this.isReady) this.#onFrame(frame.payload);
        else this.#onWelcome(frame, usesGrpc);
      },
      onEnd: (reason, isRefusal) => {
        if (!isCurrent()) return;
        // A server from before takes a lane's first words for bad HTTP/2, or bad TLS.
        this.#usesGrpc = !usesGrpc && !isRefusal && (reason === NOT_A_LANE || reason.startsWith('TLS: '));
        // Refused by what it is told, or by a certificate, not by the network: somebody should look at it.
        this.#retry(reason, isRefusal || isCertificate(reason) ? 'info' : 'debug');
      },
    };
    const greet = (wire: Wire) => {
      if (!isCurrent()) return wire.close();
      this.#wire = wire;
      wire.write({ payload: this.#host.hello() });
    };
    if (!usesGrpc) {
      dialLane(socket, this.#kind, host, settings, user, greet);
      return;
    }
    socket.destroy();
    greet(openGrpc(this.#address, this.#kind, settings, user));
  }

  #onWelcome({ payload }: Frame, usesGrpc: boolean): void {
    const welcome = JSON.parse(payload.toString()) as Welcome;
    clearTimeout(this.#timer);
    this.#pauseMs = PAUSE_MS;
    this.#reported.clear();
    if (usesGrpc && welcome.lanes === true) this.#retry('it knows lanes after all');
    else this.#welcome = welcome;
  }

  #retry(reason: string, level: 'debug' | 'info' = 'debug'): void {
    const wasReady = this.isReady;
    this.#hangUp();
    if (this.#isClosed) return;
    this.#report(reason, level);
    if (wasReady) this.#onBroken(reason);
    this.#timer = setTimeout(() => this.#connect(), this.#pauseMs * (0.5 + this.#host.random.next() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#halfElectionMs);
  }

  #report(reason: string, level: 'debug' | 'info'): void {
    const { text } = callFailure(reason);
    if (this.#reported.has(text)) return;
    if (this.#reported.size >= REASONS_MAX) this.#reported.clear();
    this.#reported.add(text);
    this.#host.log(level, `${this.#name}: ${text}`);
  }

  #hangUp(): void {
    clearTimeout(this.#timer);
    this.#attempt = {};
    this.#isOpen = false;
    this.#welcome = undefined;
    this.#wire?.close();
    this.#wire = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** The peer can be reached: no pause now, and no waiting for a connection that nobody heard of. */
  hurry(): void {
    if (this.#isClosed || this.#isOpen) return;
    this.#hangUp();
    this.#pauseMs = PAUSE_MS;
    this.#connect();
  }

  /** False: not connected, or too much waits already. */
  write(frame: Frame): boolean {
    if (!this.isReady || this.#wire!.isFull) return false;
    this.#wire!.write(frame);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#hangUp();
  }
}

/** What nobody changes by trying again. */
const isCertificate = (reason: string) => reason.startsWith('TLS: ') && /certificate|altnames/.test(reason);
