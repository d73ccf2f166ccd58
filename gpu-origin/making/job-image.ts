import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../contract/digest.ts';
import type { Job } from '../../contract/job.ts';
import { pictureKey } from '../../contract/key.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { Problem } from '../../contract/problem.ts';
import { readPromptInput } from '../../contract/prompt.ts';
import { writeWhole } from '../disk/durable-file.ts';
import type { SurfaceStore } from './make-mesh.ts';
import type { TextToImage } from '../text-to-image/text-to-image.ts';

/** The picture that was made of a prompt. */
export type Drawn = { source: NonNullable<MeshManifest['source']>; ms: number };

/** The image file that a job's mesh is made from; `drawn` is null where the job brought it. */
export type JobImage = { bytes: Uint8Array; drawn: Drawn | null };

type ImageOptions = {
  textToImage: TextToImage | null;
  /** Where pictures are kept between jobs. */
  geometry: SurfaceStore;
  /** Folder that goes with the job. */
  folder: string;
  signal: AbortSignal;
};

/**
 * A job's own body, or the picture that its prompt stands for: the one that was drawn for this job before a crash, or for
 * an earlier mesh of the same prompt, else a new one. Throws the Problems `prompt_refused` and `upstream_failed`.
 */
export async function imageOfJob(job: Job, body: Uint8Array, options: ImageOptions): Promise<JobImage> {
  const { textToImageModel: model } = job;
  if (model === undefined) return { bytes: body, drawn: null };
  const start = performance.now();
  const key = await pictureKey({ promptSha256: job.imageSha256, scope: job.scope });
  const bytes = await picture(key, body, options);
  const source = { model, imageSha256: await sha256(new Uint8Array(bytes)), pictureKey: key };
  return { bytes, drawn: { source, ms: performance.now() - start } };
}

async function picture(key: string, body: Uint8Array, options: ImageOptions): Promise<Uint8Array> {
  const { textToImage, geometry, folder, signal } = options;
  const path = join(folder, 'picture');
  const kept = (await readFile(path).catch(() => null)) ?? (await geometry.get(key, signal));
  if (kept !== null) return kept;
  const { model, prompt } = readPromptInput(body);
  if (textToImage?.model !== model) {
    throw new Problem('upstream_failed', 'This origin no longer has prompts drawn by the model that was asked for.');
  }
  const drawn = await textToImage.draw(prompt, signal);
  // Synced, unlike a run: somebody else's time was paid for.
  await mkdir(folder, { recursive: true });
  await writeWhole(path, drawn);
  return drawn;
}
