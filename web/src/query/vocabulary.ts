/** What may be completed: names of the chosen graph, asked for anew after a while and after a change. */
import { records } from '../api/cypher.ts';

export interface Vocabulary {
  readonly labels: readonly string[];
  readonly types: readonly string[];
  readonly keys: readonly string[];
  readonly procedures: readonly { readonly name: string; readonly signature: string }[];
  readonly functions: readonly { readonly name: string; readonly category: string }[];
}

export const EMPTY: Vocabulary = { labels: [], types: [], keys: [], procedures: [], functions: [] };
const FRESH_MS = 30_000;
let known: { readonly graph: string; readonly atMs: number; readonly words: Promise<Vocabulary> } | undefined;

export function forgetVocabulary(): void {
  known = undefined;
}

export async function vocabulary(graph: string): Promise<Vocabulary> {
  if (known === undefined || known.graph !== graph || performance.now() - known.atMs > FRESH_MS) {
    known = { graph, atMs: performance.now(), words: ask(graph).catch(() => EMPTY) };
  }
  return known.words;
}

async function ask(graph: string): Promise<Vocabulary> {
  const column = async (script: string): Promise<string[]> => (await records<Record<string, string>>(script, { graph })).map((row) => String(Object.values(row)[0]));
  const [labels, types, keys, procedures, functions] = await Promise.all([
    column('CALL db.vertexLabels()'), column('CALL db.edgeLabels()'), column('CALL db.propertyKeys()'),
    records<{ name: string; signature: string }>('CALL dbms.procedures() YIELD name, signature RETURN name, signature'), records<{ name: string; category: string }>('SHOW FUNCTIONS'),
  ]);
  return { labels, types, keys, procedures, functions };
}
