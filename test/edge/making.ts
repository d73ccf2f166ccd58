import { expect, vi } from 'vitest';
import type { MeshObject } from '../../contract/mesh.ts';
import { mesh, post, type PostOptions } from './client.ts';
import { complete, type Network, type SentJob } from './fake-origin.ts';

/** How long a busy machine may take to send a job, in milliseconds. */
export const jobMsMax = 10_000;

/** The only job that was sent, once it was. */
export async function theJob(network: Network): Promise<SentJob> {
  return vi.waitFor(() => {
    const [sent, ...others] = network.jobs;
    if (sent === undefined) throw new Error('no job yet');
    expect(others).toHaveLength(0);
    return sent;
  }, jobMsMax);
}

/** Posts a picture and lets its mesh be made. */
export async function make(
  network: Network,
  image: Uint8Array<ArrayBuffer>,
  options: PostOptions = {},
): Promise<MeshObject> {
  const answer = post(image, { ...options, headers: { prefer: 'wait=30', ...options.headers } });
  expect((await complete(await theJob(network))).status).toBe(200);
  const made = await mesh(answer);
  network.jobs.length = 0;
  return made;
}
