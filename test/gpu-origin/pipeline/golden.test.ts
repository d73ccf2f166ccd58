import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { sha256 } from '../../../contract/digest.ts';
import { pipelineVersion, type MeshParams } from '../../../contract/key.ts';
import { kernels } from '../../../gpu-origin/pipeline/kernels.ts';
import type { Picture } from '../../../gpu-origin/pipeline/picture.ts';
import { defaultParams } from './default-params.ts';

/** SHA-256 of each file of the golden mesh, by the pipeline version that made it. */
const goldenFile = new URL('golden.json', import.meta.url);

const canvasSize = 256;
const sheetSize = 64;

/** Every way to write a mesh: each format, and each compression of the formats that have one. */
const requests: Readonly<Record<string, Partial<MeshParams>>> = {
  glb: {},
  'glb, vertex colours': { texture: false },
  'glb, simplified': { target_face_count: 500 },
  'glb, quantize': { compression: 'quantize' },
  'glb, meshopt': { compression: 'meshopt' },
  'glb, draco': { compression: 'draco' },
  obj: { output_format: 'obj' },
  stl: { output_format: 'stl' },
  ply: { output_format: 'ply', texture: false },
};

test('the bytes of the golden mesh are those of this pipeline version', async () => {
  const recorded = JSON.parse(await readFile(goldenFile, 'utf8')) as Record<string, unknown>;
  const made = await goldenDigests();
  expect(made, advice({ recorded: String(pipelineVersion) in recorded, made })).toEqual(recorded[pipelineVersion]);
});

function advice({ recorded, made }: { recorded: boolean; made: Record<string, string> }): string {
  const entry = JSON.stringify({ [recorded ? pipelineVersion + 1 : pipelineVersion]: made }, null, 2);
  const toDo = recorded
    ? `The pipeline makes other bytes than version ${pipelineVersion} did, and stored meshes have keys of that version. ` +
      `Raise pipelineVersion in contract/key.ts to ${pipelineVersion + 1} and add to`
    : `pipelineVersion was raised. Add to`;
  return `${toDo} test/gpu-origin/pipeline/golden.json:\n${entry}\n`;
}

async function goldenDigests(): Promise<Record<string, string>> {
  const canvas = goldenCanvas();
  const cameraDistance = 3;
  const surface = await kernels.surfaceFromSheets({
    canvas,
    front: goldenSheet(1),
    back: goldenSheet(-0.5),
    size: sheetSize,
    cameraDistance,
  });
  const geometry = { surface, canvas, cameraDistance };
  const digests: Record<string, string> = {};
  for (const [name, request] of Object.entries(requests)) {
    const params = { ...defaultParams, texture_resolution: 256, ...request } as const;
    const painted = await kernels.finish({ geometry, params });
    const { bytes } = await kernels.encode({ painted, params });
    digests[name] = await sha256(new Uint8Array(bytes));
    if (name === 'glb') digests['thumbnail'] = await sha256(new Uint8Array((await kernels.thumbnail(painted)).bytes));
  }
  return digests;
}

/** An ellipse with a soft rim and colours that change across it, on a transparent ground. */
function goldenCanvas(): Picture {
  const data = new Uint8Array(4 * canvasSize * canvasSize);
  for (let i = 0; i < canvasSize * canvasSize; i++) {
    const [x, y] = [i % canvasSize, Math.floor(i / canvasSize)];
    const inside = 1 - (((x - 128) / 100) ** 2 + ((y - 128) / 80) ** 2);
    data.set([x, y, (x ^ y) & 0xff, 255 * Math.min(1, Math.max(0, 20 * inside))], 4 * i);
  }
  return { width: canvasSize, height: canvasSize, data };
}

/** Heights of a dome of this height above the middle of the canvas, in canvas units. */
function goldenSheet(height: number): Float32Array {
  return Float32Array.from({ length: sheetSize * sheetSize }, (_, i) => {
    const x = ((i % sheetSize) + 0.5) / (sheetSize / 2) - 1;
    const y = (Math.floor(i / sheetSize) + 0.5) / (sheetSize / 2) - 1;
    return height * 0.4 * Math.max(0, 1 - x * x - y * y);
  });
}
