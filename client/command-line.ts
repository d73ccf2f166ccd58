// `npm run mesh -- picture.png -o mesh.glb`: one picture, or prompt, to one mesh, through any edge.
import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { MeshRequest, OutputFormat, outputFormats } from '../contract/request.ts';
import { Meshkiln, type MeshOptions } from './meshkiln.ts';
import { MeshkilnError } from './meshkiln-error.ts';
import { progressReporter } from './progress.ts';

const usage = `Usage: npm run mesh -- <picture> -o <file> [options]
       npm run mesh -- --prompt <text> -o <file> [options]

  -o, --output FILE           where to write; .glb .zip (OBJ) .stl or .ply sets the format
      --prompt TEXT           what to make, in words, where the edge takes prompts
      --model ID              a model of GET /v1/models (default: default)
      --faces N               simplify to about N faces
      --compression NAME      none, quantize, meshopt or draco (glb only)
      --size-mm N             largest dimension in millimetres (default: 100)
      --texture-resolution N  256, 512, 1024 or 2048 (default: 1024)
      --no-texture            vertex colours instead of a texture
      --remove-background X   auto, true or false (default: auto)

MESHKILN_URL (default http://127.0.0.1:8787) and MESHKILN_API_KEY (default mk_local) say which edge.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    output: { type: 'string', short: 'o' },
    prompt: { type: 'string' },
    model: { type: 'string' },
    faces: { type: 'string' },
    compression: { type: 'string' },
    'size-mm': { type: 'string' },
    'texture-resolution': { type: 'string' },
    texture: { type: 'boolean' },
    'remove-background': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const asked = subjectOf(positionals, values.prompt);

if (values.help || asked === null || values.output === undefined) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
process.exitCode = await run(asked, values.output);

type Subject = { pictureFile: string } | { prompt: string };

/** What to make a mesh of: a picture's file or a prompt, null where neither or both are given. */
function subjectOf([pictureFile]: readonly string[], prompt: string | undefined): Subject | null {
  if ((pictureFile === undefined) === (prompt === undefined)) return null;
  return pictureFile === undefined ? { prompt: prompt ?? '' } : { pictureFile };
}

async function run(subject: Subject, outputFile: string): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const client = new Meshkiln({
    url: process.env.MESHKILN_URL ?? 'http://127.0.0.1:8787',
    apiKey: process.env.MESHKILN_API_KEY ?? 'mk_local',
  });
  const progress = progressReporter(process.stderr);
  try {
    const options = meshOptions(outputFile);
    const begun =
      'prompt' in subject
        ? await client.createFromPrompt(subject.prompt, options, interrupt.signal)
        : await client.create(new Uint8Array(await readFile(subject.pictureFile)), options, interrupt.signal);
    const mesh = await client.wait(begun, { onProgress: progress.show, signal: interrupt.signal });
    progress.end();
    await writeFile(outputFile, await client.download(mesh, interrupt.signal));
    const { cache, asset, source } = mesh;
    const drawn = source === null ? '' : `, drawn by ${source.model}`;
    console.log(`${outputFile}: ${asset?.faces} faces, ${asset?.bytes} bytes, cache ${cache.status}${drawn}`);
    return 0;
  } catch (error) {
    progress.end();
    const code = error instanceof MeshkilnError ? ` (${error.code}${error.param ? `: ${error.param}` : ''})` : '';
    console.error(`${error instanceof Error ? error.message : String(error)}${code}`);
    return 1;
  }
}

function meshOptions(outputFile: string): MeshOptions {
  const removeBackground = values['remove-background'];
  const given = {
    output_format: formatOf(outputFile),
    model: values.model,
    target_face_count: optionalNumber(values.faces),
    compression: values.compression,
    largest_dimension_mm: optionalNumber(values['size-mm']),
    texture_resolution: optionalNumber(values['texture-resolution']),
    texture: values.texture,
    remove_background:
      removeBackground === undefined || removeBackground === 'auto' ? removeBackground : removeBackground === 'true',
  };
  const checked = MeshRequest.safeParse(given);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    console.error(`${issue?.path.join('.')}: ${issue?.message}`);
    process.exit(2);
  }
  return given as MeshOptions;
}

function formatOf(file: string): OutputFormat {
  const extension = extname(file).slice(1);
  const format = OutputFormat.options.find((name) => outputFormats[name].extension === extension);
  if (format !== undefined) return format;
  console.error(`${file}: the ending must be .glb, .zip, .stl or .ply`);
  process.exit(2);
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
