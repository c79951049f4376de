/** Running the data tools as processes, imports and validation without one, and a little network of people and films as files. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { importOffline } from '../../src/data/offline-import.ts';
import { withStore } from '../../src/data/open-store.ts';
import { validateStore } from '../../src/data/validate.ts';

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function start(tool: string, args: readonly string[]): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [`bin/${tool}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return { child, outcome: new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err }))) };
}

export const run = (tool: string, args: readonly string[]): Promise<Outcome> => start(tool, args).outcome;

/** People who know each other in a ring with chords, in CSV; returns the path of the configuration. */
export function writePeople(directory: string, people: number, knows: number): string {
  const text = ['id,name,born', ...Array.from({ length: people }, (_, i) => `${i},"person ""${i}""",${i % 3 === 0 ? '' : `19${10 + (i % 90)}-01-01`}`)].join('\n');
  writeFileSync(join(directory, 'people.csv'), text);
  writeFileSync(join(directory, 'knows.csv'), Array.from({ length: knows }, (_, i) => `${i % people},${(i * 7 + 1) % people},${i}`).join('\n'));
  const config = join(directory, 'import.json');
  writeFileSync(config, JSON.stringify({
    schema: [
      { label: 'Person', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'name', type: 'STRING', index: true }, { name: 'born', type: 'DATE', optional: true }] },
      { label: 'knows', type: 'EDGE', constraints: [['Person', 'Person']], properties: [{ name: 'since', type: 'INT32' }] },
    ],
    files: [
      { path: 'knows.csv', format: 'CSV', label: 'knows', SRC_ID: 'Person', DST_ID: 'Person', columns: ['SRC_ID', 'DST_ID', 'since'] },
      { path: 'people.csv', format: 'CSV', label: 'Person', header: 1, columns: ['id', 'name', 'born'] },
    ],
  }));
  return config;
}

/** An offline import of the configuration's files, which are in the folder; returns the data directory. */
export async function imported(config: object, directory: string): Promise<string> {
  const db = join(directory, 'db');
  await importOffline({
    config: parseImportConfig(JSON.stringify(config), 'import.json'), base: directory, directory: db, graph: 'default', delimiter: ',',
    continueOnError: false, dryRun: false, overwrite: false, deleteIfExists: false, password: undefined, onProgress: () => undefined, onRejected: () => undefined,
  });
  return db;
}

/** What validation says of a data directory. */
export const problemsOf = (db: string): Promise<string[]> => withStore(db, async (engine, reader) => {
  const found: string[] = [];
  const point = reader.acquire();
  await validateStore(engine, point, { onProblem: ({ text }) => found.push(text), onProgress: () => undefined });
  reader.release(point);
  return found;
});
