/**
 * The shell's way to the group: one driver, one session with its bookmarks, at most one open transaction.
 *
 * A statement outside of a transaction carries an idempotency key, so that it may be sent again when a server dies under it: it is
 * done once, whoever did it. Nothing is sent again once a row has been printed, nor within a transaction, which ends with its server.
 */
import { randomUUID } from 'node:crypto';
import neo4j from 'neo4j-driver';
import type { Config, ResultSummary, Session, Transaction } from 'neo4j-driver';

export interface ConnectionOptions {
  /** Several hosts, separated by commas, are asked in turn for the way into the group. */
  readonly uri: string;
  readonly user: string;
  readonly password: string;
  readonly graph: string;
  readonly ca: string | undefined;
  /** How long a statement waits for a server that takes it, ms. */
  readonly waitMs: number;
  readonly onWait: (reason: string) => void;
}

export interface RowReader {
  columns(names: readonly string[]): Promise<void> | undefined;
  /** `true`: no more rows are wanted. */
  row(values: readonly unknown[]): Promise<boolean> | boolean;
}

/** No server could be reached, or none let us in. */
export class ConnectionError extends Error {}

const isOurs = (code: string | undefined): boolean => code === neo4j.error.SERVICE_UNAVAILABLE || code === neo4j.error.SESSION_EXPIRED;

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code !== 'N/A' ? code : undefined;
}

/** Whether the way to the server is what failed, and not the statement. */
export function isConnectionFailure(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof ConnectionError || isOurs(code) || code === 'Neo.ClientError.Security.Unauthorized' || code === 'Neo.ClientError.Security.AuthenticationRateLimit'
    || code === 'ECONNREFUSED' || code === 'ENOTFOUND';
}

export class ShellConnection {
  readonly #driver: ReturnType<typeof neo4j.driver>;
  readonly #options: ConnectionOptions;
  #graph: string;
  #session: Session;
  #transaction: Transaction | undefined;
  #interrupted = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#graph = options.graph;
    const { ca } = options;
    const tls: Config = ca === undefined ? {} : { encrypted: 'ENCRYPTION_ON', trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES', trustedCertificates: [ca] };
    const { first, hosts } = seeds(options.uri);
    this.#driver = neo4j.driver(first, neo4j.auth.basic(options.user, options.password), {
      useBigInt: true, userAgent: 'lgraph_cli', maxTransactionRetryTime: 0, connectionTimeout: 5000, connectionAcquisitionTimeout: 10_000, resolver: () => hosts, ...tls,
    });
    this.#session = this.#open();
  }

  get user(): string {
    return this.#options.user;
  }

  get graph(): string {
    return this.#graph;
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  async connect(): Promise<void> {
    await this.#patiently(() => this.#driver.getServerInfo({ database: this.#graph }), () => true);
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#driver.close();
  }

  async use(graph: string): Promise<void> {
    if (this.#transaction !== undefined) throw new Error('a transaction is open: :commit or :rollback first');
    await this.#driver.executeQuery('RETURN 1', {}, { database: graph, routing: 'READ' }); // Says so if there is none.
    await this.#session.close();
    this.#graph = graph;
    this.#session = this.#open();
  }

  async begin(): Promise<void> {
    if (this.#transaction !== undefined) throw new Error('a transaction is open already: :commit or :rollback first');
    this.#transaction = await this.#patiently(async () => this.#session.beginTransaction(), () => true);
  }

  async commit(): Promise<void> {
    await this.#taken().commit();
  }

  async rollback(): Promise<void> {
    await this.#taken().rollback();
  }

  #taken(): Transaction {
    const transaction = this.#transaction;
    if (transaction === undefined) throw new Error('no transaction is open; :begin opens one');
    this.#transaction = undefined;
    return transaction;
  }

  async run(statement: string, parameters: Record<string, unknown>, reader: RowReader): Promise<ResultSummary> {
    this.#interrupted = false;
    const transaction = this.#transaction;
    if (transaction !== undefined) {
      try {
        return await read(transaction.run(statement, parameters), reader);
      } finally {
        if (!transaction.isOpen()) this.#transaction = undefined;
      }
    }
    const metadata = { idempotency_key: randomUUID() };
    let isUnseen = true;
    const watching: RowReader = {
      columns: (names) => {
        isUnseen = false;
        return reader.columns(names);
      },
      row: (values) => reader.row(values),
    };
    return this.#patiently(() => read(this.#session.run(statement, parameters, { metadata }), watching), () => isUnseen);
  }

  /** Rows of a small question of our own, beside whatever is going on. */
  async ask(statement: string): Promise<unknown[][]> {
    const { records } = await this.#driver.executeQuery(statement, {}, { database: this.#graph, routing: 'READ' });
    return records.map((record) => [...record.values()] as unknown[]);
  }

  /** Ends the running statement: the server is told when its session closes. An open transaction ends with it. */
  async interrupt(): Promise<void> {
    this.#interrupted = true;
    this.#transaction = undefined;
    const ending = this.#session;
    this.#session = this.#open();
    await ending.close();
  }

  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** Again and again while it may be and the group has no server for it. */
  async #patiently<T>(work: () => Promise<T>, mayRepeat: () => boolean): Promise<T> {
    const deadline = performance.now() + this.#options.waitMs;
    for (let pauseMs = 100; ; pauseMs = Math.min(1000, pauseMs * 2)) {
      try {
        return await work();
      } catch (error) {
        if (this.#interrupted || !mayRepeat() || !neo4j.isRetryableError(error) || performance.now() + pauseMs > deadline) throw error;
        this.#options.onWait((error as Error).message);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  #open(): Session {
    return this.#driver.session({ database: this.#graph, fetchSize: 1000 });
  }
}

async function read(result: ReturnType<Session['run']>, reader: RowReader): Promise<ResultSummary> {
  const names = await result.keys();
  await reader.columns(names.map(String));
  const rows = result[Symbol.asyncIterator]();
  for (;;) {
    const next = await rows.next();
    if (next.done === true) return next.value;
    if (await reader.row([...next.value.values()])) return (await rows.return!(undefined as never)).value as ResultSummary;
  }
}

/** `neo4j://a:1,b:2` → the address of the first, and all. */
function seeds(uri: string): { first: string; hosts: string[] } {
  const [, scheme, list] = /^([a-z0-9+]+:\/\/)([^/?]*)/i.exec(uri) ?? [];
  if (scheme === undefined || list === undefined) return { first: uri, hosts: [] };
  const hosts = list.split(',').map((host) => host.trim()).filter((host) => host !== '').map((host) => (/:\d+$/.test(host) ? host : `${host}:7687`));
  return { first: `${scheme}${hosts[0] ?? ''}${uri.slice(scheme.length + list.length)}`, hosts };
}
