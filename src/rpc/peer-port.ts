/**
 * The port that servers and gRPC clients share. What begins with a lane's magic is a lane; the rest is gRPC's.
 */
import { createServer } from 'node:net';
import type { Server as NetServer, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import type { Server as GrpcServer } from '@grpc/grpc-js';
import type { Certificates } from '../base/certificates.ts';
import { LANE_KINDS, LANE_MAGIC } from './peer-lane.ts';
import type { LaneKind } from './peer-lane.ts';
import type { PeerCredentials } from './raft-channel.ts';

export interface PeerPortUser {
  /** A socket that is secured, where the group has TLS; `peer`: host and port. */
  onLane(socket: Socket, kind: LaneKind, peer: string): void;
  /** It did not get so far. */
  onRefused(peer: string, reason: string): void;
}

/** A connection that has not said what it is by then is nobody's. */
const FIRST_BYTES_MS = 10_000;
const LANE_HEAD_BYTES = LANE_MAGIC.length + 1;

export class PeerPort {
  readonly #user: PeerPortUser;
  readonly #credentials: PeerCredentials;
  readonly #server: NetServer;
  readonly #toGrpc: (socket: Socket) => void;
  /** Handshakes under way, by peer. */
  readonly #securing = new Map<string, (socket: TLSSocket) => void>();
  /** Those that are not gRPC's (yet). */
  readonly #sockets = new Set<Socket>();
  #tls: { readonly server: TlsServer; certificates: Certificates } | undefined;

  constructor(grpc: GrpcServer, credentials: PeerCredentials, user: PeerPortUser) {
    this.#user = user;
    this.#credentials = credentials;
    const injector = grpc.createConnectionInjector(credentials.server);
    this.#toGrpc = (socket) => injector.injectConnection(socket);
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** Rejects where the port is taken, or is not this machine's. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`)));
      this.#server.listen({ host, port }, resolve);
    });
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    const nobody = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
    socket.once('close', () => clearTimeout(nobody));
    let head = Buffer.alloc(0);
    const look = () => {
      const more = socket.read() as Buffer | null;
      if (more === null) return;
      // Kept here meanwhile: what is put back is readable again at once, and would be looked at for ever.
      head = Buffer.concat([head, more]);
      const isLane = head.subarray(0, LANE_MAGIC.length).equals(LANE_MAGIC.subarray(0, head.length));
      if (isLane && head.length < LANE_HEAD_BYTES) return;
      socket.off('readable', look);
      clearTimeout(nobody);
      if (isLane) {
        this.#lane(socket, head);
        return;
      }
      socket.unshift(head);
      this.#sockets.delete(socket);
      this.#toGrpc(socket);
    };
    socket.on('readable', look);
  }

  #lane(socket: Socket, bytes: Buffer): void {
    const peer = peerOf(socket);
    const kind = LANE_KINDS[bytes[LANE_MAGIC.length]!];
    if (kind === undefined) {
      this.#user.onRefused(peer, 'a lane of an unknown kind');
      socket.destroy();
      return;
    }
    if (bytes.length > LANE_HEAD_BYTES) socket.unshift(bytes.subarray(LANE_HEAD_BYTES));
    const greet = (secured: Socket) => {
      secured.write(LANE_MAGIC);
      this.#user.onLane(secured, kind, peer);
    };
    const { certificates } = this.#credentials;
    if (certificates === undefined) greet(socket);
    else this.#secure(socket, peer, certificates, greet);
  }

  /** The handshake is that of a server of Node's which never listens: it is the one that judges the certificate of the other side. */
  #secure(socket: Socket, peer: string, certificates: Certificates, onSecured: (socket: TLSSocket) => void): void {
    this.#tls ??= { certificates, server: this.#tlsServer(certificates) };
    if (this.#tls.certificates !== certificates) {
      this.#tls.server.setSecureContext(certificates);
      this.#tls.certificates = certificates;
    }
    const late = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
    this.#securing.set(peer, (secured) => {
      clearTimeout(late);
      onSecured(secured);
    });
    socket.once('close', () => {
      clearTimeout(late);
      this.#securing.delete(peer);
    });
    this.#tls.server.emit('connection', socket);
  }

  #tlsServer(certificates: Certificates): TlsServer {
    const server = createTlsServer({ ...certificates, requestCert: true, rejectUnauthorized: true });
    server.on('secureConnection', (socket) => {
      const peer = peerOf(socket);
      const onSecured = this.#securing.get(peer);
      this.#securing.delete(peer);
      if (onSecured === undefined) socket.destroy();
      else onSecured(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      this.#user.onRefused(peerOf(socket), `TLS: ${error.message}`);
      socket.destroy();
    });
    return server;
  }

  /** Ends what is not gRPC's too. */
  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const peerOf = (socket: Socket) => `${socket.remoteAddress}:${socket.remotePort}`;
