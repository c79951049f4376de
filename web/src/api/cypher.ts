/** Statements over POST /cypher, in the form that says what each value is. */
import { request } from './connection.ts';
import type { Result } from './types.ts';

export interface CypherOptions {
  readonly graph?: string | undefined;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly rowsMax?: number;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal | undefined;
  readonly at?: string;
}

/** Under a key of its own, so that it may be sent again to another server and is still done once. */
export async function cypher(script: string, options: CypherOptions = {}): Promise<Result> {
  return request<Result>('/cypher', {
    body: {
      graph: options.graph ?? 'default', script, parameters: options.parameters ?? {}, max_rows: options.rowsMax ?? 10_000,
      ...(options.timeoutSeconds === undefined ? {} : { timeout: options.timeoutSeconds }),
    },
    headers: { accept: 'application/vnd.lgraph+json', 'idempotency-key': newKey() }, repeatable: true, signal: options.signal, at: options.at,
  });
}

/** `crypto.randomUUID` is there in secure contexts only, and many a group is served over plain HTTP. */
function newKey(): string {
  return `web-${[...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join('')}`;
}

/** The rows as objects by column. */
export async function records<T>(script: string, options: CypherOptions = {}): Promise<T[]> {
  const { columns, rows } = await cypher(script, options);
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])) as T);
}

/** A name as part of a statement. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
