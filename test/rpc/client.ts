/** A plain gRPC client of the client service, as generated code would be: messages as objects, values as JavaScript. */
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError, Client } from '@grpc/grpc-js';
import { clientProtos } from '../../src/rpc/client-proto.ts';

export type Message = Record<string, unknown>;
type Unary = (request: object, metadata: Metadata, options: { deadline?: number }, done: (error: ServiceError | null, answer?: Message) => void) => void;

export interface Result {
  readonly columns: string[];
  readonly rows: Message[][];
  readonly summary: Message;
}

const root = loadPackageDefinition(clientProtos()) as never as Record<'lgraph' | 'grpc', Record<string, Record<string, Record<string, new (address: string, credentials: unknown, options?: object) => Client>>>> & {
  lgraph: { v1: { Lgraph: new (address: string, credentials: unknown, options?: object) => Client } };
  grpc: { health: { v1: { Health: new (address: string, credentials: unknown) => Client } } };
};

export class RpcClient {
  readonly address: string;
  readonly #client: Client & Record<string, Unary>;
  token = '';

  constructor(address: string, options: object = {}, how = credentials.createInsecure()) {
    this.address = address;
    this.#client = new root.lgraph.v1.Lgraph(address, how, options) as never;
  }

  close(): void {
    this.#client.close();
  }

  metadata(): Metadata {
    const metadata = new Metadata();
    if (this.token !== '') metadata.set('authorization', `Bearer ${this.token}`);
    return metadata;
  }

  call(method: string, request: object = {}, deadlineMs = 20_000): Promise<Message> {
    return new Promise((resolve, reject) => this.#client[method]!(request, this.metadata(), { deadline: Date.now() + deadlineMs }, (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    }));
  }

  async login(user = 'admin', password = '73@TuGraph'): Promise<Message> {
    const answer = await this.call('Login', { user, password });
    this.token = String(answer.token);
    return answer;
  }

  stream(request: object, options: object = {}): ClientReadableStream<Message> {
    return (this.#client as never as { Run(request: object, metadata: Metadata, options: object): ClientReadableStream<Message> }).Run(request, this.metadata(), options);
  }

  async run(statement: string, more: object = {}): Promise<Result> {
    const result: { columns: string[]; rows: Message[][]; summary: Message } = { columns: [], rows: [], summary: {} };
    for await (const { part, header, rows, summary } of this.stream({ statement, ...more }) as AsyncIterable<Message>) {
      if (part === 'header') result.columns = (header as { columns: string[] }).columns;
      else if (part === 'rows') for (const row of (rows as { rows: { values: Message[] }[] }).rows) result.rows.push(row.values);
      else result.summary = summary as Message;
    }
    return result;
  }

  /** Rows with each value as what is in its oneof. */
  async values(statement: string, more: object = {}): Promise<unknown[][]> {
    return (await this.run(statement, more)).rows.map((row) => row.map((value) => value[value.kind as string]));
  }
}

export function health(address: string, service = ''): Promise<string> {
  const client = new root.grpc.health.v1.Health(address, credentials.createInsecure()) as never as { Check(request: object, done: (error: ServiceError | null, answer?: { status: string }) => void): void; close(): void };
  return new Promise((resolve, reject) => client.Check({ service }, (error, answer) => {
    client.close();
    if (error === null) resolve(answer!.status);
    else reject(error);
  }));
}

/** The error of a call, as code of gRPC and our own. */
export async function refusal(work: Promise<unknown>): Promise<{ readonly grpc: number; readonly code: string; readonly retryable: string; readonly message: string; readonly leader: string; readonly hint: string }> {
  try {
    await work;
  } catch (thrown) {
    const { code, details, metadata } = thrown as ServiceError;
    const text = (name: string) => String(metadata?.get(name)[0] ?? '');
    return { grpc: code, code: text('lgraph-code'), retryable: text('lgraph-retryable'), message: details, leader: text('lgraph-leader-rpc'), hint: decodeURIComponent(text('lgraph-hint')) };
  }
  throw new Error('it was not refused');
}
