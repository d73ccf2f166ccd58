import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emoji, startMeshkiln, type Running } from '../end-to-end/meshkiln.ts';
import { keepScreenshot, launchBrowser } from './browser.ts';

const root = join(import.meta.dirname, '../..');
const mediaTypes: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

let running: Running;
let browser: Browser;
let pages: Server;
let pagesUrl: string;

beforeAll(async () => {
  pages = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname;
    const file = path.startsWith('/three/') ? join(root, 'node_modules', path) : join(root, 'test/browser', path);
    readFile(file).then(
      (bytes) => response.setHeader('content-type', mediaTypes[extname(file)] ?? 'text/plain').end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  pagesUrl = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  [running, browser] = await Promise.all([startMeshkiln(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  pages?.close();
  await running?.close();
});

test.each(['none', 'quantize'] as const)(
  'a page on another site loads a mesh with compression %s straight from the edge and shows it',
  async (compression) => {
    const asked = await running.client.create(await emoji('1f9f8'), { compression });
    const mesh = await running.client.wait(asked);
    const complaints: string[] = [];
    // Chromium runs as one process here, and would end with its last page: the pages stay until the browser closes.
    const page = await browser.newPage({ viewport: { width: 512, height: 512 } });
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    const query = new URLSearchParams({ mesh: mesh.asset?.url ?? '', degrees: '30' });
    await page.goto(`${pagesUrl}/viewer.html?${query}`);
    await page.waitForFunction('window.shown');
    expect(await page.evaluate('window.shown')).toEqual({ triangles: mesh.asset?.faces });
    const picture = await keepScreenshot(page, `teddy-bear-${compression}`, { fullPage: false });
    expect(complaints).toEqual([]);

    // The bear covers a good part of the page and is brown: its texture was loaded and lit.
    const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    let brown = 0;
    for (let at = 0; at < data.length; at += info.channels) {
      const [red = 0, , blue = 0] = data.subarray(at, at + 3);
      if (red - blue > 60) brown += 1;
    }
    expect(brown / (info.width * info.height)).toBeGreaterThan(0.15);
  },
);
