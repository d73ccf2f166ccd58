import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { MeshServers } from '../../../gpu-origin/mesh-server/mesh-servers.ts';
import type { ServerManifest } from '../../../gpu-origin/families/http-mesh.ts';

test('a reload that meets a slow health check leaves one look every five seconds, not two', async () => {
  let checks = 0;
  const http = createServer((_, response) => {
    checks += 1;
    setTimeout(() => response.writeHead(200).end(), 300);
  });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server = {
    url,
    health_url: url,
    request: { as: 'json', body: { image: '{image}' } },
    answer: { as: 'glb' },
    seconds_max: 1,
    concurrent_max: 1,
    answer_bytes_max: 1,
    removes_background: false,
  };
  const model = { id: 'slow@1', digest: 'a', manifest: { server } as unknown as ServerManifest };
  const servers = new MeshServers({ onChange: () => undefined, onAnswer: () => undefined });
  try {
    await Promise.all([servers.setModels([model]), servers.setModels([model])]);
    expect(checks).toBe(2);
    await vi.waitFor(() => expect(checks).toBeGreaterThan(2), { timeout: 20_000, interval: 10 });
    await sleep(1000); // a second loop would look at nearly the same time
    expect(checks).toBe(3);
  } finally {
    await servers.close();
    http.closeAllConnections();
    http.close();
  }
});
