import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { hasBrowser, launch, logIn, openTab, runStatement, soon } from './browser.ts';
import type { Tab } from './browser.ts';

describe.skipIf(!hasBrowser)('the web pages of a group', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-web-'));
  let browser: Browser;
  let group: LocalGroup;
  let tab: Tab;

  beforeAll(async () => {
    // Tokens that last seconds: the page has to renew its own all the time.
    group = await LocalGroup.create({ size: 3, directory, basePort: 29_300, flags: ['--token_life_s', '8'] });
    group.startAll();
    [browser] = await Promise.all([launch(), group.ready(90_000)]);
    // What is asked of a server that is gone fails, and a browser says so.
    tab = await openTab(browser, /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE|status of (404|503)/);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await group?.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const row = (address: string) => tab.page.getByTestId('server-row').filter({ hasText: address });
  const state = (address: string) => row(address).getAttribute('data-state');

  it('list its servers, and hand leadership over after a question', async () => {
    const { page } = tab;
    const old = await group.leader();
    const next = group.servers.find((server) => server !== old)!;
    await logIn(page, old.restAddress);
    await soon(() => page.getByTestId('server-row').count()).toBe(3);
    expect(await state(old.rpcAddress)).toBe('MASTER');
    expect(await state(next.rpcAddress)).toBe('FOLLOW');
    await soon(() => row(next.rpcAddress).innerText()).toMatch(/[GT]B/);
    await row(next.rpcAddress).getByRole('button', { name: 'Make leader' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make leader' }).click();
    await soon(() => state(next.rpcAddress)).toBe('MASTER');
    expect(await state(old.rpcAddress)).toBe('FOLLOW');
    await page.getByRole('button', { name: 'Compare replicas' }).click();
    await page.getByText('All 3 replicas hold the same data').waitFor();
  }, 60_000);

  it('go on at another server when the leader that served them is killed', async () => {
    const { page } = tab;
    const old = await group.leader();
    await logIn(page, old.restAddress);
    await soon(() => page.getByTestId('health').textContent()).toBe('Healthy');
    await page.keyboard.press('Alt+2');
    expect(await runStatement(page, "CREATE (:Kept {before: true}) RETURN 'kept'")).toContain('1 row');
    await page.keyboard.press('Alt+1');
    await group.stop(old, 'SIGKILL');
    await soon(() => state(old.rpcAddress)).toBe('OFFLINE');
    const next = await group.leader();
    await soon(() => state(next.rpcAddress)).toBe('MASTER');
    expect(await page.getByTestId('health').textContent()).toBe('Degraded');
    expect(await page.getByTestId('server').textContent()).not.toContain(old.restAddress);
    await page.keyboard.press('Alt+2');
    expect(await runStatement(page, 'CREATE (:Kept {before: false}) WITH 1 AS one MATCH (n:Kept) RETURN n.before')).toContain('2 rows');

    group.start(old);
    await group.readyOne(old);
    await page.keyboard.press('Alt+1');
    await soon(() => state(old.rpcAddress)).toBe('FOLLOW');
    await soon(() => page.getByTestId('health').textContent()).toBe('Healthy');
  }, 90_000);

  it('remove a server after a warning, and compact a log', async () => {
    const { page } = tab;
    const leader = await group.leader();
    const server = group.servers.find((one) => one !== leader)!;
    await row(server.rpcAddress).getByRole('button', { name: 'Remove' }).click();
    await page.getByText('After that 2 voting servers are left').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await soon(() => page.getByTestId('server-row').count()).toBe(2);
    await page.getByRole('button', { name: 'Snapshot' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Snapshot' }).click();
    await page.getByText('durable up to').waitFor();
  }, 60_000);

  it('had nothing to complain about', () => {
    expect(tab.complaints).toEqual([]);
  });
});
