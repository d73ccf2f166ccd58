// `npm run mesh -- picture.png -o mesh.glb`: one picture, or prompt, to one mesh, through any edge.
import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { parseArgs } from 'node:util';
import { OutputFormat, outputFormats } from '../contract/formats.ts';
import { MeshRequest } from '../contract/request.ts';
import { edgeAccess, whichEdge } from './edge-access.ts';
import { fieldsOf, optionLines, optionOf, parsedOptions } from './field-options.ts';
import { Meshkiln, type MeshOptions } from './meshkiln.ts';
import { MeshkilnError } from './meshkiln-error.ts';
import { pathFromHere } from './paths.ts';
import { progressReporter } from './progress.ts';

/** The endings that name a format, in words; another name of the format than its ending's follows it. */
const fileEndings = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(
  OutputFormat.options.map((name) => {
    const { extension } = outputFormats[name];
    return `.${extension}${extension === name ? '' : ` (${name.toUpperCase()})`}`;
  }),
);

const usage = `Usage: npm run mesh -- <picture> -o <file> [options]
       npm run mesh -- --prompt <text> -o <file> [options]

  -o, --output FILE           where to write; the ending sets the format: ${fileEndings}
      --prompt TEXT           what to make, in words, where the edge takes prompts
${optionLines.join('\n')}

${whichEdge('user')}`;

const { values, positionals } = parse();
const asked = subjectOf(positionals, values.prompt);

if (values.help || asked === null || !values.output) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
process.exitCode = await run(asked, values.output);

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      allowNegative: true,
      options: {
        output: { type: 'string', short: 'o' },
        prompt: { type: 'string' },
        ...parsedOptions,
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`);
  }
}

/** Ends the program over what it was called with. */
function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

type Subject = { pictureFile: string } | { prompt: string };

/** What to make a mesh of: one picture's file or a prompt, null where neither, both or more are given. */
function subjectOf([pictureFile, ...more]: readonly string[], prompt: string | undefined): Subject | null {
  if (more.length > 0 || (pictureFile === undefined) === (prompt === undefined)) return null;
  return pictureFile === undefined ? { prompt: prompt ?? '' } : { pictureFile };
}

async function run(subject: Subject, outputFile: string): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const progress = progressReporter(process.stderr);
  try {
    const options = meshOptions(outputFile);
    const file = pathFromHere(outputFile);
    // A mesh that cannot be kept should not be made.
    await access(dirname(file), constants.W_OK).catch((error: Error) => refuse(`cannot write: ${error.message}`));
    const { url, key } = edgeAccess('user');
    const client = new Meshkiln({ url, apiKey: key });
    const begun =
      'prompt' in subject
        ? await client.createFromPrompt(subject.prompt, options, interrupt.signal)
        : await client.create(await pictureIn(subject.pictureFile), options, interrupt.signal);
    const mesh = await client.wait(begun, { onProgress: progress.show, signal: interrupt.signal });
    progress.end();
    await writeFile(file, await client.download(mesh, interrupt.signal));
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

async function pictureIn(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(pathFromHere(file)).catch((error: Error) =>
    refuse(`cannot read ${file}: ${error.message}`),
  );
  return new Uint8Array(bytes);
}

function meshOptions(outputFile: string): MeshOptions {
  const given = { output_format: formatOf(outputFile), ...fieldsOf(values) };
  const checked = MeshRequest.safeParse(given);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue?.path.join('.') ?? '';
    refuse(`${optionOf(field)}: ${issue?.message}`);
  }
  return given as MeshOptions;
}

function formatOf(file: string): OutputFormat {
  const extension = extname(file).slice(1).toLowerCase();
  const format = OutputFormat.options.find((name) => outputFormats[name].extension === extension);
  if (format !== undefined) return format;
  return refuse(`${file}: the ending must be ${fileEndings}`);
}
