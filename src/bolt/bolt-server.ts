/**
 * The Bolt port: TCP, or WebSocket for browsers, both with or without TLS, told apart by the first byte.
 *
 *   start   listens
 *   drain   takes no new connections; those that are idle end, the others when they become so
 *   stop    cuts off what is left
 */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Certificates } from '../base/certificates.ts';
import { DbError } from '../base/errors.ts';
import { plainAddress } from '../service/origin.ts';
import { Connection } from './connection.ts';
import { RECEIVE_TIMEOUT_SECONDS } from './dialogue.ts';
import type { Door } from './door.ts';

export interface BoltServerOptions {
  readonly host: string;
  readonly port: number;
  readonly messageBytesMax: number;
  readonly authTimeoutMs: number;
  /** A client that takes nothing of its result for so long is gone. */
  readonly writeTimeoutMs: number;
  readonly connectionsMax: number;
  readonly log: (message: string) => void;
  /** Absent: every address may connect. */
  readonly mayConnect?: (address: string) => boolean;
  /** Absent: no TLS. */
  readonly tls?: Pick<Certificates, 'cert' | 'key'> | undefined;
  /** Who does not begin with TLS is cut off. */
  readonly tlsRequired?: boolean;
}

const KEEP_ALIVE_MS = (RECEIVE_TIMEOUT_SECONDS * 1000) / 4;
/** `G` of a WebSocket's `GET`. */
const HTTP_FIRST_BYTE = 0x47;
/** Content type `handshake` of a TLS record (RFC 8446, 5.1). */
const TLS_FIRST_BYTE = 0x16;
const TLS_VERSION_MIN = 'TLSv1.2';

export class BoltServer {
  readonly #door: Door;
  readonly #options: BoltServerOptions;
  readonly #server: Server;
  readonly #http: HttpServer;
  readonly #tls: TlsServer | undefined;
  readonly #webSockets: WebSocketServer;
  readonly #connections = new Set<Connection>();
  /** Sockets that have not shown yet what they speak. */
  readonly #silent = new Set<Socket>();
  /** Those that agree on TLS, by address and port. */
  readonly #handshakes = new Set<string>();
  #keepAlive: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isDraining = false;

  constructor(door: Door, options: BoltServerOptions) {
    this.#door = door;
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, allowHalfOpen: false }, (socket) => this.#accept(socket));
    if (options.tls !== undefined) {
      const { cert, key } = options.tls;
      // It listens nowhere: it is given the connections that begin with TLS.
      this.#tls = createTlsServer({ cert, key, minVersion: TLS_VERSION_MIN, handshakeTimeout: options.authTimeoutMs }, (socket) => {
        this.#handshakes.delete(endOf(socket));
        this.#listenTo(socket, true);
      });
      this.#tls.on('tlsClientError', (error, socket) => {
        options.log(`Bolt connection from ${socket.remoteAddress ?? '?'} refused: ${error.message}`);
        socket.destroy();
      });
    }
    this.#webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: options.messageBytesMax + 64 * 1024 });
    this.#http = createHttpServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' }).end('This is the Bolt port: connect with a Neo4j driver, over TCP or WebSocket.\n');
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
  }

  /** The port it listens on: the system's choice when 0 was asked for. */
  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : this.#options.port;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#silent.size + this.#handshakes.size;
  }

  get loginsUnderWay(): number {
    return [...this.#connections].filter(({ isLoggingIn }) => isLoggingIn).length;
  }

  async start(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(new DbError('InvalidConfig', `cannot listen for Bolt on ${host}:${port}: ${error.message}`)));
      this.#server.listen(port, host, resolve);
    });
    this.#keepAlive = setInterval(() => {
      for (const connection of this.#connections) connection.keepAlive(KEEP_ALIVE_MS);
    }, KEEP_ALIVE_MS / 2);
    this.#keepAlive.unref();
  }

  /** For the connections from now on. */
  useCertificates({ cert, key }: Certificates): void {
    this.#tls?.setSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#server.close();
    for (const socket of this.#silent) socket.destroy();
    for (const connection of this.#connections) connection.drain();
  }

  async stop(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.drain();
    for (const connection of this.#connections) connection.close('the server stops');
    this.#http.close();
    this.#http.closeAllConnections();
  }

  #accept(socket: Socket): void {
    if (this.#isDraining || this.connectionCount >= this.#options.connectionsMax) {
      if (!this.#isDraining) this.#options.log(`Bolt connection from ${socket.remoteAddress ?? '?'} refused: ${this.connectionCount} are open, no more are allowed (max_connections)`);
      socket.destroy();
      return;
    }
    const address = socket.remoteAddress ?? '';
    if (this.#options.mayConnect?.(address) === false) {
      this.#options.log(`Bolt connection from ${address} refused: the address may not connect (enable_ip_check)`);
      socket.destroy();
      return;
    }
    this.#listenTo(socket, false);
  }

  /** Until its first bytes say what a socket is. */
  #listenTo(socket: Socket, isSecure: boolean): void {
    socket.on('error', () => socket.destroy());
    this.#silent.add(socket);
    socket.setTimeout(this.#options.authTimeoutMs, () => socket.destroy());
    socket.once('close', () => this.#silent.delete(socket));
    socket.once('data', (first: Buffer) => {
      this.#silent.delete(socket);
      socket.setTimeout(0);
      const wantsTls = first[0] === TLS_FIRST_BYTE && !isSecure;
      if (this.#tls === undefined ? wantsTls : !isSecure && !wantsTls && this.#options.tlsRequired === true) {
        this.#options.log(`Bolt connection from ${socket.remoteAddress ?? '?'} refused: it speaks ${wantsTls ? 'TLS, which is off (ssl_auth, bolt_tls)' : 'in the clear (bolt_tls)'}`);
        socket.destroy();
        return;
      }
      // Whoever takes over gets the first bytes again.
      socket.pause();
      socket.unshift(first);
      if (wantsTls) {
        const end = endOf(socket);
        this.#handshakes.add(end);
        socket.once('close', () => this.#handshakes.delete(end));
        this.#tls!.emit('connection', socket);
        return;
      }
      if (first[0] === HTTP_FIRST_BYTE) this.#http.emit('connection', socket);
      else this.#connect(socket, socket.remoteAddress ?? '');
      process.nextTick(() => socket.resume());
    });
  }

  /** Takes over an HTTP connection that wants to become a WebSocket; also from another port. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isDraining || this.connectionCount >= this.#options.connectionsMax) {
      socket.destroy();
      return;
    }
    const address = request.socket.remoteAddress ?? '';
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#connect(createWebSocketStream(webSocket, { highWaterMark: 64 * 1024 }), address);
    });
  }

  #connect(stream: Duplex, address: string): void {
    const { messageBytesMax, authTimeoutMs, writeTimeoutMs, log } = this.#options;
    const connection: Connection = new Connection(stream, this.#door, {
      id: `bolt-${this.#nextId++}`, address: plainAddress(address), messageBytesMax, authTimeoutMs, writeTimeoutMs, log,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}

/** A socket and the TLS upon it have it in common. */
function endOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
}
