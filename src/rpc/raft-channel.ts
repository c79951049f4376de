/** How connections between servers are made: one place for credentials, sizes and keep-alive, as the configuration has them. */
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Certificates } from '../base/certificates.ts';
import type { LaneSettings } from './peer-lane.ts';
import { peerService } from './raft-proto.ts';
import type { PeerClient } from './raft-proto.ts';

/** Both ends of TLS, or of none. */
export interface PeerCredentials {
  readonly server: ServerCredentials;
  readonly channel: ChannelCredentials;
  /** What lanes show and ask for, read anew for each connection; undefined: no TLS. */
  readonly certificates?: Certificates | undefined;
}

export const insecure: PeerCredentials = { server: ServerCredentials.createInsecure(), channel: credentials.createInsecure() };

export interface ChannelSettings {
  readonly credentials: PeerCredentials;
  /** Largest frame, in bytes. */
  readonly messageBytesMax: number;
  readonly electionTimeoutMs: number;
  /** Frames of entries from so many bytes on are compressed, where that pays; 0: none. */
  readonly compressBytesMin: number;
}

/**
 * `tight`: a connection that only raft messages depend on, which repeat themselves: given up as soon as it may be dead, because TCP
 * alone would notice the end of a partition only as long after as the partition was. `patient`: one whose loss a client would notice.
 */
export type KeepAlive = 'tight' | 'patient';

const TIGHT_MS_MIN = 1000;
const PATIENT_MS = 5000;

export function laneSettings(kind: KeepAlive, { electionTimeoutMs, messageBytesMax }: ChannelSettings): LaneSettings {
  return kind === 'tight'
    ? { messageBytesMax, pingMs: Math.max(100, electionTimeoutMs / 2), pongMs: Math.max(TIGHT_MS_MIN, electionTimeoutMs * 2) }
    : { messageBytesMax, pingMs: 2000, pongMs: PATIENT_MS };
}

export function keepAliveOptions(kind: KeepAlive, settings: ChannelSettings): Record<string, number> {
  const { pingMs, pongMs } = laneSettings(kind, settings);
  return { 'grpc.keepalive_time_ms': pingMs, 'grpc.keepalive_timeout_ms': pongMs, 'grpc.keepalive_permit_without_calls': 1 };
}

export function sizeOptions(messageBytesMax: number): Record<string, number> {
  return { 'grpc.max_receive_message_length': messageBytesMax, 'grpc.max_send_message_length': messageBytesMax };
}

/** A connection of its own: nothing is shared with other clients to the same address. */
export function newClient(address: string, settings: ChannelSettings, keepAlive: KeepAlive): PeerClient {
  return new (peerService())(address, settings.credentials.channel, {
    // A host name may get another address: gRPC would look it up again after 30 s only.
    'grpc.dns_min_time_between_resolutions_ms': 500,
    'grpc.use_local_subchannel_pool': 1, 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000,
    ...sizeOptions(settings.messageBytesMax), ...keepAliveOptions(keepAlive, settings),
  }) as unknown as PeerClient;
}
