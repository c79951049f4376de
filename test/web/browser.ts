/** A browser for tests: Debian's chromium, or the one CHROMIUM_PATH names, driven by playwright-core. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

const PATH = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(PATH);
if (!hasBrowser) process.stderr.write(`no browser at ${PATH}: the tests of the web pages are skipped (apt-get install chromium, or set CHROMIUM_PATH)\n`);

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Tab {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the console and the page had to complain about. */
  readonly complaints: string[];
}

/**
 * Network errors and refusals that a test brings about on purpose match `expected`. A driver of WebGL in software tells of its
 * slowness.
 */
export async function openTab(browser: Browser, expected: RegExp = /^$/, viewport = { width: 1280, height: 800 }): Promise<Tab> {
  const context = await browser.newContext({ viewport, locale: 'en-GB' });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (['error', 'warning'].includes(message.type()) && !/GL Driver Message/.test(text) && !expected.test(text)) complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  return { context, page, complaints };
}

export async function logIn(page: Page, address: string, user = 'admin', password = '73@TuGraph'): Promise<void> {
  await page.goto(`http://${address}/`);
  await page.fill('input[name=username]', user);
  await page.fill('input[name=password]', password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=server-row]');
}

export async function typeStatement(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

/** Runs a statement and waits for what it says about its rows. */
export async function runStatement(page: Page, text: string): Promise<string> {
  await typeStatement(page, text);
  const answered = page.waitForResponse((response) => response.url().endsWith('/cypher') && (response.request().postData() ?? '').includes(JSON.stringify(text).slice(1, -1)));
  await page.keyboard.press('Control+Enter');
  await answered;
  return (await page.getByTestId('outcome').textContent())!;
}

/** A page follows a little later: `expect` of what will be. */
export function soon<T>(work: () => T | Promise<T>, timeout = 20_000) {
  return expect.poll(work, { timeout });
}
