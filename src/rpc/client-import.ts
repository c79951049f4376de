/** The statements of one import over gRPC: one transaction, whose outcome is kept under the client's idempotency key. */
import type { Statements } from '../data/text-import.ts';
import { requestDigest } from '../service/idempotency-key.ts';
import { parametersOf } from '../value/json.ts';
import type { ResultStream, RunOptions, Session, SessionTransaction } from '../service/session.ts';

const FETCH_ROWS = 10_000;

type Parameters = Readonly<Record<string, unknown>>;

export class ImportStatements implements Statements {
  readonly #session: Session;
  readonly #graph: string;
  readonly #idempotencyKey: string | undefined;
  #transaction: SessionTransaction | undefined;
  /** Of what was done alone. */
  version = 0;

  constructor(session: Session, graph: string, idempotencyKey: string) {
    this.#session = session;
    this.#graph = graph;
    this.#idempotencyKey = idempotencyKey === '' ? undefined : idempotencyKey;
  }

  async rows(text: string, parameters: Parameters = {}): Promise<unknown[][]> {
    return (await rowsOf(await this.#transaction!.run(text, optionsOf(parameters)))).rows;
  }

  /** One statement as a transaction of its own, under the client's key. */
  async alone(text: string, parameters: Parameters = {}): Promise<unknown[][]> {
    const { rows, version } = await rowsOf(await this.#session.run(text, { ...optionsOf(parameters), graph: this.#graph, idempotencyKey: this.#idempotencyKey }));
    this.version = version;
    return rows;
  }

  async column(text: string, parameters?: Parameters): Promise<unknown[]> {
    return (await this.rows(text, parameters)).map((row) => row[0]);
  }

  /** `body`: what tells the request from others under its key. `result` is undefined where it was made before, and too large to keep. */
  async together<T>(work: (statements: Statements) => Promise<T>, body: string): Promise<{ readonly result: T | undefined; readonly version: number }> {
    const digest = requestDigest([this.#graph, body]);
    const transaction = await this.#session.begin({ mode: 'write', graph: this.#graph, idempotencyKey: this.#idempotencyKey, digest, answersRepetition: true });
    const { repeated, version } = transaction;
    if (repeated !== undefined) return { result: repeated.length === 0 ? undefined : JSON.parse(Buffer.from(repeated).toString()) as T, version };
    this.#transaction = transaction;
    try {
      const result = await work(this);
      const answer = this.#idempotencyKey === undefined ? undefined : new Uint8Array(Buffer.from(JSON.stringify(result)));
      return { result, version: (await transaction.commit(answer)).version };
    } catch (error) {
      await transaction.rollback().catch(() => undefined);
      throw error;
    }
  }
}

function optionsOf(parameters: Parameters): RunOptions {
  return { parameters: parametersOf(parameters), encoding: 'json', firstRows: FETCH_ROWS };
}

async function rowsOf(stream: ResultStream): Promise<{ readonly rows: unknown[][]; readonly version: number }> {
  const parts: string[] = [];
  for (;;) {
    const part = await stream.next(FETCH_ROWS);
    parts.push(Buffer.from(part.bytes).toString());
    // Each row ends with a comma.
    if (part.summary !== undefined) return { rows: JSON.parse(`[${parts.join('').slice(0, -1)}]`) as unknown[][], version: stream.version };
  }
}
