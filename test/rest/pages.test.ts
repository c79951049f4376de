import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../src/rest/page-routes.ts';

const folder = mkdtempSync(join(tmpdir(), 'lgraph-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function app(webFolder: string) {
  const instance = fastify();
  instance.setErrorHandler((error, _, reply) => reply.code((error as { kind?: { http: number } }).kind?.http ?? 500).send());
  pageRoutes(instance, { webFolder, peers: async () => ['192.168.1.11:7070', '"; script-src *'] });
  return instance;
}

describe('the web pages', () => {
  it("are the server's own, under a policy without foreign or inline scripts", async () => {
    const answer = await app('').inject('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('<div id="app">');
    expect(answer.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline';");
    expect(policy).toContain("connect-src 'self' http://192.168.1.11:7070 https://192.168.1.11:7070;");
    expect(policy.replace("style-src-attr 'unsafe-inline'", '')).not.toMatch(/unsafe|\*/);
  });

  it('come compressed to those who take that, and assets are kept by the browser', async () => {
    const [, script] = /src="\.\/(assets\/[^"]+\.js)"/.exec((await app('').inject('/')).body)!;
    const plain = await app('').inject(`/${script}`);
    const zipped = await app('').inject({ url: `/${script}`, headers: { 'accept-encoding': 'gzip, br' } });
    expect(plain.headers['cache-control']).toContain('immutable');
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.rawPayload).equals(plain.rawPayload)).toBe(true);
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
