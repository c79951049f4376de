/** The statement that is being run, and what came of it. Outlives the page, so that one may look elsewhere meanwhile. */
import { signal } from '@preact/signals';
import { cypher } from '../api/cypher.ts';
import { parseExact } from '../api/json.ts';
import type { Result } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { graphName, rowsMax } from '../state/settings.ts';
import { kept } from '../state/storage.ts';
import { ran } from './history.ts';
import { forgetVocabulary } from './vocabulary.ts';

export type Outcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly abort: AbortController }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'done'; readonly result: Result; readonly graph: string; readonly totalMs: number };

export const statementText = signal(kept('session', 'statement', 'MATCH p = (a)-[r]->(b)\nRETURN p LIMIT 100'));
export const parametersText = signal(kept('session', 'parameters', ''));
export const outcome = signal<Outcome>({ kind: 'none' });

function parameters(): Record<string, unknown> {
  if (parametersText.value.trim() === '') return {};
  try {
    const value = parseExact(parametersText.value);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Error(parametersText.value.trim().slice(0, 40));
  } catch (error) {
    throw new Error(t('parametersWrong', { message: error instanceof Error ? error.message : '' }), { cause: error });
  }
}

export async function run(prefix: '' | 'EXPLAIN ' | 'PROFILE ' = ''): Promise<void> {
  if (outcome.value.kind === 'running') outcome.value.abort.abort();
  const text = statementText.value;
  if (text.trim() === '') return;
  const abort = new AbortController();
  const mine: Outcome = { kind: 'running', abort };
  outcome.value = mine;
  // What draws the answer, if it is a graph, comes while the server works.
  void import('./graph-view.tsx').catch(() => undefined);
  const started = performance.now();
  const graph = graphName.value;
  let rows: number | undefined;
  try {
    const result = await cypher(prefix + text, { graph, parameters: parameters(), rowsMax: rowsMax.value, signal: abort.signal });
    rows = result.size;
    if (outcome.value === mine) outcome.value = { kind: 'done', result, graph, totalMs: performance.now() - started };
    if (result.type !== 'r') forgetVocabulary();
  } catch (error) {
    if (outcome.value === mine) outcome.value = { kind: 'failed', error: abort.signal.aborted ? new Error(t('stopped')) : error };
  }
  ran({ text, graph, at: Date.now(), ms: Math.round(performance.now() - started), rows });
}

export function stop(): void {
  if (outcome.value.kind === 'running') outcome.value.abort.abort();
}
