import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../src/rest/page-routes.ts';

const folder = mkdtempSync(join(tmpdir(), 'lgraph-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function app(webFolder: string) {
  const instance = fastify();
  instance.setErrorHandler((error, _, reply) => reply.code((error as { kind?: { http: number } }).kind?.http ?? 500).send());
  pageRoutes(instance, webFolder);
  return instance;
}

describe('the web pages', () => {
  it("are the server's own, with a policy against foreign scripts", async () => {
    const answer = await app('').inject('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('DBInfo');
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('come from the folder that the option names, and from nowhere else', async () => {
    writeFileSync(join(folder, 'index.html'), 'mine');
    symlinkSync('/etc/hostname', join(folder, 'link'));
    const pages = app(folder);
    expect((await pages.inject('/')).body).toBe('mine');
    for (const path of ['/resource/../../etc/hostname', '/resource/..%2f..%2fetc%2fhostname', '/resource/link', '/resource/none', '/resource/']) {
      expect((await pages.inject(path)).statusCode, path).toBe(404);
    }
  });
});
