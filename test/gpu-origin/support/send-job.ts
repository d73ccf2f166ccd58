import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../gpu-origin/digest.ts';
import sharp from 'sharp';
import { contractVersion, pipelineVersion } from '../../../contract/key.ts';
import type { Job } from '../../../contract/job.ts';
import { sign } from '../../../contract/signature.ts';
import { defaultParams } from '../pipeline/default-params.ts';
import { known } from './origin-process.ts';

/** The folder of the models that are shipped. */
export const modelsFolder = join(import.meta.dirname, '../../../models');

/** The id and manifest digest of the shipped default model. */
export const bisque = {
  id: 'bisque@1',
  digest: digestOf(readFileSync(join(modelsFolder, 'bisque/1/manifest.json'))),
};

/** A picture of one disc with transparency; another hue gives other bytes. */
export function disc(hue = 20, size = 64): Promise<Buffer> {
  const half = size / 2;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">
    <circle cx="${half}" cy="${half}" r="${half * 0.8}" fill="hsl(${hue} 70% 50%)"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** A job for an image, with a key of its own unless one is given. */
export function jobFor(image: Uint8Array, change: Partial<Job> = {}): Job {
  const { model = bisque } = change;
  return {
    contract: contractVersion,
    pipeline: pipelineVersion,
    key: randomBytes(32).toString('hex'),
    fence: 1,
    params: { ...defaultParams, texture_resolution: 256 },
    imageSha256: digestOf(image),
    imageBytes: image.byteLength,
    scope: 'shared',
    tenant: 'tenant-a',
    priority: 'interactive',
    expiresInSeconds: null,
    ...change,
    model: { id: model.id, digest: model.digest },
  };
}

/** The headers that the edge would sign for this job. */
export function jobHeaders(job: Job, secret = known.secret): Promise<Record<string, string>> {
  const call = { method: 'POST', path: '/jobs', bodySha256: job.imageSha256, bodyBytes: job.imageBytes };
  return sign({ ...call, job: JSON.stringify(job) }, { originId: known.originId, secret });
}

/** Posts a job as the edge does; `headers` stand in for those that it would sign. */
export async function sendJob(url: string, job: Job, image: Uint8Array, headers?: Record<string, string>) {
  return fetch(`${url}/jobs`, {
    method: 'POST',
    headers: headers ?? (await jobHeaders(job)),
    body: new Uint8Array(image),
  });
}

/** Makes a signed call with no body. */
export async function signedPost(url: string, path: string) {
  const call = { method: 'POST', path, bodySha256: digestOf(new Uint8Array(0)), bodyBytes: 0, job: '' };
  return fetch(url + path, { method: 'POST', headers: await sign(call, known) });
}
