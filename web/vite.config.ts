import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: { outDir: '../dist/web', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 700 },
  // `npm run web:dev`: pages from the sources, everything else from a server on the usual port.
  server: { proxy: Object.fromEntries(['/login', '/refresh', '/cypher', '/info', '/user', '/role', '/db', '/task', '/group', '/get_token_time', '/metrics'].map((path) => [path, 'http://127.0.0.1:7070'])) },
});
