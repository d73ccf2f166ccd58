import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect } from 'vitest';

const screenshots = join(import.meta.dirname, '../../test-output');

export async function launchBrowser(): Promise<Browser> {
  await mkdir(screenshots, { recursive: true });
  const executablePath = await chromium.executablePath();
  return playwright.launch({ executablePath, args: [...chromium.args, '--use-gl=angle', '--use-angle=swiftshader'] });
}

/** A page, and everything that it complained of or asked of another host. */
export type Watched = { page: Page; complaints: string[] };

/** Empties every page, so that no 3D viewer goes on drawing; a software renderer has time for one. */
export async function emptyPages(browser: Browser): Promise<void> {
  for (const context of browser.contexts()) for (const page of context.pages()) await page.goto('about:blank');
}

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
export const looks: Readonly<Record<'desktop' | 'phone', BrowserContextOptions>> = { desktop, phone };

/**
 * Opens a page of its own; it stays until the browser closes, since Chromium runs as one process here and would end with
 * its last page. Nothing moves unless asked for, since what never rests cannot be drawn to a file.
 */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ ...desktop, locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(url).origin) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** A frame with a mesh in it takes a software renderer long, on a busy machine very long. */
const screenshotMsMax = 90_000;

/** Keeps a picture of the page in test-output/, of the whole page unless told otherwise; gives its bytes. */
export function keepScreenshot(page: Page, name: string, { fullPage = true } = {}): Promise<Buffer> {
  const path = join(screenshots, `${name}.png`);
  return page.screenshot({ path, fullPage, animations: 'disabled', timeout: screenshotMsMax });
}

/** Expects that axe-core finds nothing that keeps anybody from using the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  // By the debugger's way in, which no content security policy is asked about.
  await page.evaluate(axe.source);
  const violations = await page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('\\n')))`,
  );
  expect(violations).toEqual([]);
}
