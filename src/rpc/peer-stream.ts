/** What a peer sends us, whatever carries it: a lane, or gRPC from a server from before there were lanes. */
import type { Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { PeerLane } from './peer-lane.ts';
import { laneSettings } from './raft-channel.ts';
import type { ChannelSettings } from './raft-channel.ts';
import type { Frame } from './raft-proto.ts';

export interface PeerStream {
  /** Host and port. */
  readonly peer: string;
  onFrame: (frame: Frame) => void;
  /** Once, however it ends. */
  onClose: () => void;
  write(payload: Buffer): void;
  /** Says why, and hangs up. */
  refuse(reason: string): void;
  close(): void;
}

export function laneStream(socket: Socket, peer: string, settings: ChannelSettings): PeerStream {
  const lane = new PeerLane(socket, laneSettings('patient', settings), false, {
    onFrame: (frame) => stream.onFrame(frame),
    onEnd: () => stream.onClose(),
  });
  const stream: PeerStream = {
    peer, onFrame: () => undefined, onClose: () => undefined,
    write: (payload) => lane.write({ payload }),
    refuse: (reason) => lane.refuse(reason),
    close: () => lane.close(),
  };
  return stream;
}

/** `onFrame` is not for those that listen to the call themselves. */
export function grpcStream(call: ServerDuplexStream<Frame, Frame>): PeerStream {
  const stream: PeerStream = {
    peer: call.getPeer(), onFrame: () => undefined, onClose: () => undefined,
    write: (payload) => {
      if (call.writable) call.write({ payload });
    },
    refuse: (reason) => call.emit('error', { code: status.FAILED_PRECONDITION, details: reason }),
    close: () => call.end(),
  };
  call.on('error', () => undefined);
  call.on('data', (frame: Frame) => stream.onFrame(frame));
  call.once('close', () => stream.onClose());
  call.on('end', () => call.end());
  return stream;
}
