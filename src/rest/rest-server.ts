/** The HTTP port: TuGraph's REST API, health checks, web pages. */
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server as TlsServer } from 'node:tls';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Certificates } from '../base/certificates.ts';
import { DbError } from '../base/errors.ts';
import { plainAddress } from '../service/origin.ts';
import type { Service } from '../service/service.ts';
import { addressRefused } from '../service/service.ts';
import { auditRoute } from './audit-route.ts';
import type { AuditSearch } from './audit-route.ts';
import { corsFor, shapeAnswers } from './answers.ts';
import { adminRoutes } from './admin-routes.ts';
import { backupRoutes } from './backup-routes.ts';
import { cypherRoute } from './cypher-route.ts';
import { exportRoutes } from './export-routes.ts';
import { graphRoutes } from './graph-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { importRoutes } from './import-routes.ts';
import { infoRoutes } from './info-routes.ts';
import { openApiRoutes } from './openapi.ts';
import { pageRoutes } from './page-routes.ts';
import { metricsRoute } from './metrics-route.ts';
import type { MetricsSource } from './metrics-route.ts';
import { nodeRoutes } from './node-routes.ts';
import { relationshipRoutes } from './relationship-routes.ts';
import { closeQueuedAnswers } from './queued-answers.ts';
import { knownOf, originOf, sendError } from './reply.ts';
import { refuseUnreadable, takeBodies } from './request-bodies.ts';
import { sessionRoutes } from './session-routes.ts';
import { userRoutes } from './user-routes.ts';

export interface RestOptions {
  readonly host: string;
  readonly port: number;
  readonly bodyBytesMax: number;
  readonly resultBytesMax: number;
  /** See answers.ts; default: every origin. */
  readonly corsOrigins?: string;
  /** See answers.ts; default: no compression. */
  readonly gzipBytesMin?: number;
  readonly enableHa: boolean;
  /** Folder of web files; '' for the server's own pages. */
  readonly webFolder: string;
  /** Absent: there is no /metrics. */
  readonly metrics?: MetricsSource | undefined;
  /** Connections at once; one more is closed. */
  readonly connectionsMax?: number;
  /** Told every route, for tests that must miss none. */
  readonly onRoute?: (method: string, url: string) => void;
  /** Absent: there is no /audit_log. */
  readonly auditLog?: AuditSearch | undefined;
  /** Milliseconds for a whole request to arrive; 0: no limit. */
  readonly requestTimeoutMs?: number;
  /** Absent: no TLS. */
  readonly tls?: Pick<Certificates, 'cert' | 'key'> | undefined;
}

const TLS_VERSION_MIN = 'TLSv1.2';
/** Characters of a name in a path, as it is meant: names of labels, types and properties take up to 1024 bytes. */
const NAME_CHARS_MAX = 1024;
/** Node's own limit for the head of a request. */
const HEADERS_MS = 60_000;

export class RestServer {
  readonly #app: FastifyInstance;
  readonly #options: RestOptions;
  #draining = false;
  #connections = 0;

  constructor(service: Service, options: RestOptions) {
    this.#options = options;
    this.#app = makeApp(service, options, () => this.#draining);
    const { server } = this.#app;
    if (options.connectionsMax !== undefined) server.maxConnections = options.connectionsMax;
    server.on('connection', (socket) => {
      this.#connections++;
      socket.once('close', () => this.#connections--);
    });
  }

  async start(): Promise<void> {
    await this.#app.listen({ host: this.#options.host, port: this.#options.port });
  }

  /** For the connections from now on. */
  useCertificates({ cert, key }: Certificates): void {
    (this.#app.server as unknown as TlsServer).setSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
  }

  get connectionCount(): number {
    return this.#connections;
  }

  /**
   * `GET /bolt` that wants to become a WebSocket is given away: one port for everything, behind an ingress say. Another address is refused, and so
   * is whoever may not connect.
   */
  giveWebSockets(service: Service, take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void {
    this.#app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const address = request.socket.remoteAddress ?? '';
      socket.on('error', () => socket.destroy());
      if (this.#draining) refuseUpgrade(socket, '503 Service Unavailable');
      else if (!service.mayConnect(address)) {
        service.events.note('refused', '', { protocol: 'bolt', address: plainAddress(address) }, 'connection', addressRefused(address));
        refuseUpgrade(socket, '403 Forbidden');
      } else if (request.url?.split('?')[0] !== '/bolt') refuseUpgrade(socket, '404 Not Found');
      else take(request, socket, head);
    });
  }

  /** From now on every new request is refused; running ones end. */
  async drain(): Promise<void> {
    this.#draining = true;
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }
}

/**
 * A message of which Node does not make an upgrade unless it asks for a WebSocket: with an `upgrade` listener it would hand over any other
 * too, and Java's HttpClient offers h2c with its first request, which must be answered like every other.
 */
class WebSocketMessage extends IncomingMessage {
  /** Not a private field: the class above sets `upgrade` before this one has any. */
  declare asksForUpgrade: boolean;

  get upgrade(): boolean {
    return this.asksForUpgrade && this.headers.upgrade?.toLowerCase() === 'websocket';
  }
  set upgrade(value: boolean) {
    this.asksForUpgrade = value;
  }
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** These tell what they did by themselves. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['/cypher', '/gql', '/login', '/logout', '/refresh']);

/** Requests that change something are events of their own, beside the statements they are made of. */
function auditRequests(app: FastifyInstance, service: Service): void {
  app.addHook('onRoute', (route) => {
    if (route.method === 'GET' || route.method === 'HEAD' || TOLD_ELSEWHERE.has(route.url)) return;
    route.onResponse = (request, reply, done) => {
      const { user, error } = knownOf(request);
      const failure = reply.statusCode < 400 ? undefined : error ?? new DbError('Internal', `status ${reply.statusCode}`);
      service.events.note('request', user ?? '', originOf(request), `${request.method} ${request.url.split('?')[0]}`, failure);
      done();
    };
  });
}

/** Routes say themselves what is wrong with a request; the compilers of schemas, which fastify loads otherwise, are a tenth of a start. */
function noSchemas(): never {
  throw new DbError('Internal', 'no route has a schema');
}

/** The routes without a socket, for tests too. */
export function makeApp(service: Service, options: RestOptions, isDraining: () => boolean = () => false): FastifyInstance {
  const { tls } = options;
  // Its type tells an HTTPS server from an HTTP one; the routes do not care. Only `giveWebSockets` makes upgrades something else than requests.
  const requestTimeout = options.requestTimeoutMs ?? 0;
  // How often Node looks for requests that take too long to arrive.
  const connectionsCheckingInterval = requestTimeout === 0 ? 30_000 : Math.max(250, Math.min(30_000, requestTimeout / 4));
  const times = { connectionsCheckingInterval, requestTimeout, headersTimeout: requestTimeout === 0 ? HEADERS_MS : Math.min(HEADERS_MS, requestTimeout), IncomingMessage: WebSocketMessage };
  const protocol = tls === undefined ? { http: times } : { https: { cert: tls.cert, key: tls.key, minVersion: TLS_VERSION_MIN, ...times } };
  const cors = corsFor(options.corsOrigins ?? '*');
  /** Before anything is done about a request; throws where it is not to be answered. */
  const enter = (request: FastifyRequest, reply: FastifyReply): void => {
    if (!service.mayConnect(request.ip)) {
      const error = addressRefused(request.ip);
      service.events.note('refused', '', originOf(request), request.method, error);
      throw error;
    }
    void reply.headers(cors(request.headers.origin)).header('server_version', String(service.version));
    if (isDraining() && request.url !== '/livez') throw new DbError('ShuttingDown', 'this server is shutting down', { hint: 'use another server of the group' });
  };
  const app: FastifyInstance = fastify({
    ...protocol, logger: false, bodyLimit: options.bodyBytesMax, requestTimeout, forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: NAME_CHARS_MAX }, schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket as Socket),
    // URLs that cannot be routed pass no hook, but are answered like every other mistake.
    frameworkErrors: (error, request, reply) => {
      try {
        enter(request, reply);
        sendError(request, reply, error);
      } catch (refusal) {
        sendError(request, reply, refusal);
      }
    },
  });

  closeQueuedAnswers(app.server);
  takeBodies(app);
  auditRequests(app, service);
  shapeAnswers(app, options.gzipBytesMin ?? 0);
  const { onRoute } = options;
  if (onRoute !== undefined) app.addHook('onRoute', ({ method, url }) => [method].flat().forEach((one) => onRoute(one, url)));
  app.addHook('onRequest', async (request, reply) => enter(request, reply));
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'OPTIONS') return reply.code(200).send();
    return sendError(request, reply, new DbError('NotFound', 'Illegal URI.', { hint: `there is no ${request.method} ${request.url.split('?')[0]}` }));
  });

  sessionRoutes(app, service);
  cypherRoute(app, service, options.resultBytesMax);
  infoRoutes(app, service, options.enableHa);
  healthRoutes(app, service);
  if (options.auditLog !== undefined) auditRoute(app, service, options.auditLog);
  if (options.metrics !== undefined) metricsRoute(app, service, options.metrics);
  pageRoutes(app, { webFolder: options.webFolder, peers: async () => (await service.groupStatus()).peers.map(({ restAddress }) => restAddress) });
  openApiRoutes(app, service.options.serverVersion);
  groupRoutes(app, service);
  for (const routes of [userRoutes, graphRoutes, nodeRoutes, relationshipRoutes, importRoutes, exportRoutes, adminRoutes, backupRoutes]) routes(app, service);
  return app;
}
