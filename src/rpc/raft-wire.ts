/** How frames travel to a peer: by a lane, or by gRPC to a server from before there were lanes. */
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { LANE_KINDS, LANE_MAGIC, PeerLane } from './peer-lane.ts';
import type { LaneKind, LaneUser } from './peer-lane.ts';
import { laneSettings, newClient } from './raft-channel.ts';
import type { ChannelSettings, KeepAlive } from './raft-channel.ts';
import type { Frame, FrameStream, PeerClient } from './raft-proto.ts';

export interface Wire {
  write(frame: Frame): void;
  /** More would only wait: what is sent now may be dropped. */
  readonly isFull: boolean;
  close(): void;
}

/** What one kind of stream is like. */
export interface WireKind {
  readonly name: LaneKind;
  readonly keepAlive: KeepAlive;
  /** Bytes that may wait in a lane, and frames that may wait in gRPC's, which counts no bytes; the core sends again what matters. */
  readonly waitingBytesMax: number;
  readonly waitingFramesMax: number;
  open(client: PeerClient): FrameStream;
}

export const CONTROL: WireKind = { name: 'control', keepAlive: 'tight', waitingBytesMax: 1 << 20, waitingFramesMax: 1000, open: (client) => client.Control() };
export const BULK: WireKind = { name: 'bulk', keepAlive: 'tight', waitingBytesMax: 64 << 20, waitingFramesMax: 1000, open: (client) => client.Bulk() };
export const REQUESTS: WireKind = { name: 'requests', keepAlive: 'patient', waitingBytesMax: 256 << 20, waitingFramesMax: 10_000, open: (client) => client.Requests() };

/**
 * Speaks a lane's first words on a socket that has just been connected; `onOpen` comes when more may be said, which is after the
 * other side has proved who it is. Nothing is told after `cancel`.
 */
export function dialLane(socket: Socket, kind: WireKind, host: string, settings: ChannelSettings, user: LaneUser, onOpen: (wire: Wire) => void): void {
  socket.write(Buffer.concat([LANE_MAGIC, Buffer.of(LANE_KINDS.indexOf(kind.name))]));
  const open = (secured: Socket) => {
    const lane = new PeerLane(secured, laneSettings(kind.keepAlive, settings), true, user);
    onOpen({
      write: (frame) => lane.write(frame),
      get isFull() {
        return lane.waitingBytes > kind.waitingBytesMax;
      },
      close: () => lane.close(),
    });
  };
  const { certificates } = settings.credentials;
  if (certificates === undefined) {
    open(socket);
    return;
  }
  const secured = connectTls({ socket, host, ...certificates, ...(isIP(host) === 0 ? { servername: host } : {}) });
  const failed = (error?: Error) => {
    socket.destroy();
    user.onEnd(`TLS: ${error?.message ?? NO_HANDSHAKE}`, false);
  };
  const ended = () => failed();
  secured.once('error', failed).once('close', ended).once('secureConnect', () => {
    secured.off('error', failed).off('close', ended);
    open(secured);
  });
}

const NO_HANDSHAKE = 'the connection broke during the handshake';

/** `user` hears nothing before the stream is open, and nothing after `close`. */
export function openGrpc(address: string, kind: WireKind, settings: ChannelSettings, user: LaneUser): Wire {
  const client = newClient(address, settings, kind.keepAlive);
  const stream = kind.open(client);
  let isClosed = false;
  const end = (reason: string, isRefusal = false) => {
    if (isClosed) return;
    isClosed = true;
    user.onEnd(reason, isRefusal);
  };
  stream.on('data', (frame: Frame) => (isClosed ? undefined : user.onFrame(frame)));
  stream.on('error', (error: ServiceError) => end(error.details || error.message, error.code === status.FAILED_PRECONDITION));
  stream.on('end', () => end('the peer closed the stream'));
  return {
    write: (frame) => void stream.write(frame),
    get isFull() {
      return stream.writableLength > kind.waitingFramesMax;
    },
    close: () => {
      isClosed = true;
      stream.cancel();
      client.close();
    },
  };
}
