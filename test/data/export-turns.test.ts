/** An export gives others a turn, however little comes out of what it looks at. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportGraph, EXPORT_FORMATS } from '../../src/data/export-graph.ts';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { importOffline } from '../../src/data/offline-import.ts';
import { withStore } from '../../src/data/open-store.ts';
import type { BlockSource } from '../../src/graph/block-source.ts';
import { writePeople } from './tools.ts';

const PEOPLE = 6000;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-turns-'));
  // One edge, which is where the export looks last.
  const path = writePeople(directory, PEOPLE, 1);
  await importOffline({
    config: parseImportConfig(readFileSync(path, 'utf8'), path), base: dirname(path), directory: join(directory, 'db'), graph: 'default', delimiter: ',', continueOnError: false, dryRun: false,
    overwrite: false, deleteIfExists: false, password: undefined, onProgress: () => undefined, onRejected: () => undefined,
  });
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each(EXPORT_FORMATS)('as %s, at least every thousand blocks it reads', (format) => withStore(join(directory, 'db'), async (_, reader) => {
  const point = reader.acquire();
  const source = point.source(point.findGraph('default')!.id);
  let reads = 0;
  const counting = new Proxy(source, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        reads++;
        return Reflect.apply(value, target, args);
      };
    },
  }) as BlockSource;
  let most = 0;
  let all = 0;
  for (const step of exportGraph(point.view('default'), counting, { format, delimiter: ',' })) {
    most = Math.max(most, reads);
    all += reads;
    reads = 0;
    if (step !== undefined) expect(step.elements).toBeLessThanOrEqual(PEOPLE + 1);
  }
  reader.release(point);
  expect(all).toBeGreaterThanOrEqual(PEOPLE * 2);
  expect(most).toBeLessThan(1000);
}));
