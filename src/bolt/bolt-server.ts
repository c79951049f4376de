/**
 * The Bolt port: plain TCP, or WebSocket for browsers, told apart by the first byte.
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
import { createWebSocketStream, WebSocketServer } from 'ws';
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
  readonly connectionsMax: number;
  readonly log: (message: string) => void;
}

const KEEP_ALIVE_MS = (RECEIVE_TIMEOUT_SECONDS * 1000) / 4;
/** `G` of a WebSocket's `GET`. */
const HTTP_FIRST_BYTE = 0x47;

export class BoltServer {
  readonly #door: Door;
  readonly #options: BoltServerOptions;
  readonly #server: Server;
  readonly #http: HttpServer;
  readonly #webSockets: WebSocketServer;
  readonly #connections = new Set<Connection>();
  /** Sockets that have not shown yet what they speak. */
  readonly #silent = new Set<Socket>();
  #keepAlive: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isDraining = false;

  constructor(door: Door, options: BoltServerOptions) {
    this.#door = door;
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, allowHalfOpen: false }, (socket) => this.#accept(socket));
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
    return this.#connections.size + this.#silent.size;
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
    socket.on('error', () => socket.destroy());
    if (this.#isDraining || this.connectionCount >= this.#options.connectionsMax) {
      if (!this.#isDraining) this.#options.log(`Bolt connection from ${socket.remoteAddress ?? '?'} refused: ${this.connectionCount} are open, no more are allowed (max_connections)`);
      socket.destroy();
      return;
    }
    this.#silent.add(socket);
    socket.setTimeout(this.#options.authTimeoutMs, () => socket.destroy());
    socket.once('close', () => this.#silent.delete(socket));
    socket.once('data', (first: Buffer) => {
      this.#silent.delete(socket);
      socket.setTimeout(0);
      // Whoever takes over gets the first bytes again.
      socket.pause();
      socket.unshift(first);
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
    const { messageBytesMax, authTimeoutMs, log } = this.#options;
    const connection: Connection = new Connection(stream, this.#door, {
      id: `bolt-${this.#nextId++}`, address: plainAddress(address), messageBytesMax, authTimeoutMs, log,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}
