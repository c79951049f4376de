/**
 * Joins what the compiler made to the few files that the commands in bin/ run (decision 020). Part of `npm run build`.
 *
 *   dist/{server,cli,data}/*.js  ->  dist/run/*.js
 */
import { rolldown } from 'rolldown';

const entries = [
  'server/main', 'server/writer-thread', 'server/reader-thread', 'server/consensus-thread', 'server/copy-thread', 'data/import-worker', 'data/validate/validate-worker',
  'cli/backup', 'cli/export', 'cli/health', 'cli/import', 'cli/peer', 'cli/shell', 'cli/validate', 'cli/warmup',
];

const bundle = await rolldown({
  // All in one folder: threads are found beside the file that starts them.
  input: Object.fromEntries(entries.map((entry) => [entry.slice(entry.lastIndexOf('/') + 1), `dist/${entry}.js`])),
  platform: 'node',
  // Packages stay what they are: installed, named, and replaced when they have to be.
  external: (id, importer) => importer !== undefined && !id.startsWith('.') && !id.startsWith('/'),
});
await bundle.write({ dir: 'dist/run', cleanDir: true, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'shared-[hash].js' });
await bundle.close();
