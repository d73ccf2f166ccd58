import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operationsOf, type OpenApiDocument } from '../documented.ts';
import { startEdgeAlone } from '../end-to-end/edge-alone.ts';

const screenshots = join(import.meta.dirname, '../../test-output');

let edge: Awaited<ReturnType<typeof startEdgeAlone>>;
let browser: Browser;
let complaints: string[];

beforeAll(async () => {
  await mkdir(screenshots, { recursive: true });
  edge = await startEdgeAlone();
  browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
});
afterAll(async () => {
  await browser?.close();
  await edge?.close();
});

async function open(path: string, size: { width: number; height: number }): Promise<Page> {
  complaints = [];
  const page = await browser.newPage({ viewport: size });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(edge.url + path);
  await page.waitForSelector('.operation');
  return page;
}

test('every operation is shown with its code, which one choice of a language changes everywhere', async () => {
  const document = (await (await fetch(`${edge.url}/openapi.json`)).json()) as OpenApiDocument;
  const page = await open('/docs', { width: 1280, height: 900 });
  for (const { operationId } of operationsOf(document)) expect(await page.locator(`#${operationId}`).count()).toBe(1);
  const code = page.locator('#createMesh pre:visible').first();
  expect(await code.textContent()).toContain(`curl ${edge.url}/v1/meshes`);
  // By keyboard alone.
  await page.locator('#createMesh button', { hasText: 'Python' }).focus();
  await page.keyboard.press('Enter');
  expect(await code.textContent()).toContain('from openai import OpenAI');
  expect(await page.locator('#listModels pre:visible').textContent()).toContain('from openai import OpenAI');
  await page.screenshot({ path: join(screenshots, 'docs-desktop.png') });
  expect(complaints).toEqual([]);
});

test('a deep link leads to its operation, on a phone too, where nothing is wider than the screen', async () => {
  const page = await open('/docs#getAsset', { width: 360, height: 740 });
  await expect.poll(async () => (await page.locator('#getAsset').boundingBox())?.y ?? 9999).toBeLessThan(200);
  const wider =
    "[...document.querySelectorAll('main *:not(pre *)')].filter((e) => e.getBoundingClientRect().right > 360)";
  expect(await page.evaluate(`${wider}.map((e) => e.outerHTML.slice(0, 200))`)).toEqual([]);
  await page.screenshot({ path: join(screenshots, 'docs-phone.png') });
  expect(complaints).toEqual([]);
});

test('the page has no fault that axe knows', async () => {
  const page = await open('/docs', { width: 1280, height: 900 });
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const violations = await page.evaluate(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes[0].html))',
  );
  expect(violations).toEqual([]);
});
