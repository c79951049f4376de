/** A single server process for REST tests, and a client that shows status and body as they are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalGroup } from '../../src/cli/local-group.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly version: number;
}

export class TestServer {
  readonly #directory: string;
  readonly #group: LocalGroup;
  token = '';

  private constructor(directory: string, group: LocalGroup) {
    this.#directory = directory;
    this.#group = group;
  }

  static async start(basePort: number, flags: readonly string[] = []): Promise<TestServer> {
    const directory = mkdtempSync(join(tmpdir(), 'lgraph-rest-'));
    const group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort, flags });
    const server = new TestServer(directory, group);
    group.startAll();
    await group.ready();
    server.token = await server.login('admin', '73@TuGraph');
    return server;
  }

  async stop(): Promise<void> {
    await this.#group.stopAll();
    rmSync(this.#directory, { recursive: true });
  }

  get directory(): string {
    return this.#group.servers[0]!.directory;
  }

  get pid(): number {
    return this.#group.servers[0]!.child!.pid!;
  }

  get ports(): { readonly rest: number; readonly rpc: number; readonly bolt: number } {
    return this.#group.servers[0]!.ports;
  }

  get port(): number {
    return this.#group.servers[0]!.ports.rest;
  }

  async login(user: string, password: string): Promise<string> {
    return ((await this.ask('POST', '/login', { user, password }, '')).body as { jwt: string }).jwt;
  }

  async ask(method: string, path: string, body?: unknown, token = this.token): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown = text;
    try {
      json = JSON.parse(text);
    } catch {
      // Not every answer is JSON.
    }
    return { status: response.status, body: json, text, version: Number(response.headers.get('server_version')) };
  }

  /** Asks, and insists on success. */
  async done(method: string, path: string, body?: unknown, token?: string): Promise<unknown> {
    const answer = await this.ask(method, path, body, token);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
}
