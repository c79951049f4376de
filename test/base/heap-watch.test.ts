import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('refuses what is kept beyond the heap before the process ends for it, and takes back what is not', () => {
  // In a process of its own, with a small heap: rows that are kept in small pieces, then the same again and again without keeping.
  const watch = new URL('../../dist/base/heap-watch.js', import.meta.url).href;
  const script = `
    import { lookAtHeap } from ${JSON.stringify(watch)};
    let kept = [];
    let code = 'none';
    try { for (let i = 0; i < 1e9; i++) { kept.push({ i, text: 'row ' + i }); if (i % 10000 === 0) lookAtHeap(); } } catch (error) { code = error.code; }
    const rows = kept.length;
    kept = [];
    for (let i = 0; i < 2 * rows; i++) { kept[i % 1000] = { i, text: 'row ' + i }; if (i % 10000 === 0) lookAtHeap(); }
    process.stdout.write(code + (rows > 100000 ? ' late' : ' early'));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=400', '--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 });
  expect(stdout, stderr).toBe('MemoryLimit late');
}, 90_000);
