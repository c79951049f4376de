/** The HTTP port: TuGraph's REST API, health checks, web pages. */
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { DbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';
import { adminRoutes } from './admin-routes.ts';
import { cypherRoute } from './cypher-route.ts';
import { exportRoutes } from './export-routes.ts';
import { graphRoutes } from './graph-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { importRoutes } from './import-routes.ts';
import { infoRoutes } from './info-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { parseJson } from './json-values.ts';
import { nodeRoutes } from './node-routes.ts';
import { relationshipRoutes } from './relationship-routes.ts';
import { sendError } from './reply.ts';
import { sessionRoutes } from './session-routes.ts';
import { userRoutes } from './user-routes.ts';

export interface RestOptions {
  readonly host: string;
  readonly port: number;
  readonly bodyBytesMax: number;
  readonly resultBytesMax: number;
  readonly enableHa: boolean;
  /** Folder of web files; '' for the server's own pages. */
  readonly webFolder: string;
}

const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'X-Requested-With, Origin, Authorization, Content-Type, Accept, server_version, Idempotency-Key, Read-Mode',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, OPTIONS, DELETE',
  'Access-Control-Expose-Headers': 'server_version',
} as const;

export class RestServer {
  readonly #app: FastifyInstance;
  readonly #options: RestOptions;
  #draining = false;

  constructor(service: Service, options: RestOptions) {
    this.#options = options;
    this.#app = makeApp(service, options, () => this.#draining);
  }

  async start(): Promise<void> {
    await this.#app.listen({ host: this.#options.host, port: this.#options.port });
  }

  /** From now on every new request is refused; running ones end. */
  async drain(): Promise<void> {
    this.#draining = true;
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }
}

/** The routes without a socket, for tests too. */
export function makeApp(service: Service, options: RestOptions, isDraining: () => boolean = () => false): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: options.bodyBytesMax, forceCloseConnections: true, routerOptions: { ignoreTrailingSlash: true } });

  // As text first: a body that is not JSON gets our own error, and numbers stay exact.
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser(['application/json', 'text/plain'], { parseAs: 'string' }, (_, body, done) => {
    try {
      done(null, body === '' ? {} : parseJson(String(body)));
    } catch (error) {
      done(error as Error);
    }
  });

  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(CORS_HEADERS).header('server_version', String(service.version));
    if (isDraining() && request.url !== '/livez') throw new DbError('ShuttingDown', 'this server is shutting down', { hint: 'use another server of the group' });
  });
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'OPTIONS') return reply.code(200).send();
    return sendError(request, reply, new DbError('NotFound', 'Illegal URI.', { hint: `there is no ${request.method} ${request.url.split('?')[0]}` }));
  });

  sessionRoutes(app, service);
  cypherRoute(app, service, options.resultBytesMax);
  infoRoutes(app, service, options.enableHa);
  healthRoutes(app, service);
  pageRoutes(app, { webFolder: options.webFolder, peers: async () => (await service.groupStatus()).peers.map(({ restAddress }) => restAddress) });
  groupRoutes(app, service);
  for (const routes of [userRoutes, graphRoutes, nodeRoutes, relationshipRoutes, importRoutes, exportRoutes, adminRoutes]) routes(app, service);
  return app;
}
