/**
 * The stream on which a whole state travels, between the two real ends of it (rpc/raft-state.ts): frames in order, like TCP's, until it
 * breaks. Now and then a bit of a frame turns on the way.
 */
import { EventEmitter } from 'node:events';
import type { Hello } from '../../../src/replica/consensus-transport.ts';
import type { Frame, FrameStream } from '../../../src/rpc/raft-proto.ts';
import { receiveState } from '../../../src/rpc/raft-state.ts';
import type { Network, SimTransport } from './network.ts';

export interface StateFaults {
  /** Of one frame: it ends the stream, it arrives with a turned bit, one of the two servers is killed or loses its power with it. */
  readonly breaks: number;
  readonly damages: number;
  readonly crashes: number;
}

export class StateStream {
  readonly #network: Network;
  readonly #from: SimTransport;
  readonly #to: SimTransport;
  readonly #ours = new EventEmitter();
  readonly #theirs = new EventEmitter();
  #isOpen = true;
  #isGreeted = false;
  #arrivesAt = 0;

  constructor(from: SimTransport, to: SimTransport) {
    this.#network = from.network;
    this.#from = from;
    this.#to = to;
    from.states.add(this);
    to.states.add(this);
    // An event of this name without a listener would be thrown.
    this.#ours.on('error', () => undefined);
  }

  /** The sender's end. */
  get stream(): FrameStream {
    const end = {
      write: ({ payload }: Frame) => this.#send(this.#from, this.#to, Buffer.from(payload), (bytes) => this.#arrive(bytes)),
      cancel: () => this.#end(undefined),
      on: (event: string, listener: (what: unknown) => void) => this.#ours.on(event, listener),
    };
    return end as unknown as FrameStream;
  }

  #arrive(payload: Buffer): void {
    if (this.#isGreeted) {
      this.#theirs.emit('data', { payload });
      return;
    }
    const hello = JSON.parse(payload.toString()) as Hello;
    const refused = this.#to.handlers.refuse(hello);
    if (refused !== undefined) {
      this.#end(refused);
      return;
    }
    this.#isGreeted = true;
    const end = {
      writable: true,
      write: (frame: Frame) => this.#send(this.#to, this.#from, Buffer.from(frame.payload), (bytes) => this.#ours.emit('data', { payload: bytes })),
      on: (event: string, listener: (what: unknown) => void) => this.#theirs.on(event, listener),
      emit: (_event: string, error: { readonly details: string }) => this.#end(error.details),
    };
    receiveState(end as never, hello, this.#to.handlers);
    end.write({ payload: Buffer.from('{}') });
  }

  #send(from: SimTransport, to: SimTransport, payload: Buffer, arrive: (payload: Buffer) => void): void {
    const network = this.#network;
    const { world } = from.process.host;
    const { faults } = world.stateRates;
    this.#arrivesAt = Math.max(this.#arrivesAt, network.time.now + network.delay());
    network.time.after(this.#arrivesAt - network.time.now, () => {
      if (!this.#isOpen) return;
      const chance = (probability: number) => world.faults && world.stateRandom.next() < probability;
      if (network.isCut(from.address, to.address) || chance(faults.breaks)) {
        world.counts.statesBroken += 1;
        this.#end('the connection broke');
        return;
      }
      if (chance(faults.crashes)) {
        const { host } = (world.stateRandom.next() < 0.4 ? this.#from : this.#to).process;
        if (world.stateRandom.next() < 0.5) {
          world.counts.cutsInTransfer += 1;
          world.crash(host);
        } else {
          world.counts.killsInTransfer += 1;
          world.kill(host);
        }
        return;
      }
      if (this.#isGreeted && payload.length > 100 && chance(faults.damages)) {
        world.counts.partsDamaged += 1;
        const at = Math.floor(world.stateRandom.next() * payload.length);
        payload[at] = payload[at]! ^ 0x10;
      }
      to.process.run(() => {
        if (this.#isOpen) arrive(payload);
      });
    });
  }

  /** Both sides learn of it. */
  #end(reason: string | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#from.states.delete(this);
    this.#to.states.delete(this);
    if (reason !== undefined && this.#from.process.isAlive) this.#from.process.run(() => this.#ours.emit('error', new Error(reason)));
    if (this.#to.process.isAlive) this.#to.process.run(() => this.#theirs.emit('close'));
  }

  /** One of the processes is gone. */
  hangUp(): void {
    this.#end('the connection was reset');
  }
}
