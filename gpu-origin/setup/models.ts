// `npm run models -- list | check | add FOLDER | reload [URL]`: the models that an origin on this machine serves.
import { join, resolve } from 'node:path';
import { readCaller } from '../config.ts';
import { causeText } from '../log.ts';
import { tryProvider } from './providers.ts';
import { addModel } from './add-model.ts';
import type { GraphManifest } from '../families/manifest.ts';
import { measureParity } from './parity.ts';
import { reloadOrigin } from './reload-origin.ts';
import { isGraphModel, readRepository, type StoredModel } from '../models/repository.ts';

const usage = `npm run models -- list          models whose files are right, and what is wrong with the others
npm run models -- check         the same, and each is loaded and its golden output compared, on the CPU
npm run models -- add FOLDER    copies a model in after checking it
npm run models -- reload [URL]  makes a running origin read its models again: that of this machine, or of the URL

MODELS_DIR says where the models are; ORIGIN_ID, ORIGIN_SECRET and ORIGIN_PORT which origin, as it was started with.`;

const root = resolve(process.env.MODELS_DIR ?? join(import.meta.dirname, '../../models'));
const [verb, ...rest] = process.argv.slice(2);
try {
  if (verb === 'list' && rest.length === 0) await list();
  else if (verb === 'check' && rest.length === 0) await check();
  else if (verb === 'add' && rest.length === 1) await add(resolve(rest[0] ?? ''));
  else if (verb === 'reload' && rest.length <= 1) await reload(rest[0]);
  else throw new Error(`this is how it is called:\n${usage}`);
} catch (error) {
  console.error(causeText(error));
  process.exitCode = 1;
}

async function list(): Promise<StoredModel[]> {
  const { models, faults } = await readRepository(root);
  for (const model of models) console.log(lineOf(model));
  for (const { file, message } of faults) console.error(`${file}: ${message}`);
  if (faults.length > 0) process.exitCode = 1;
  return models;
}

async function check(): Promise<void> {
  for (const model of await list()) {
    if (!isGraphModel(model)) {
      console.log(`${model.id}: asked of a server; a running origin says whether it answers`);
      continue;
    }
    const trial = await tryProvider('cpu', 0, model);
    if (!trial.works) {
      console.error(`${model.id}: ${trial.cause}`);
      process.exitCode = 1;
      continue;
    }
    const { ms, goldenError } = trial;
    const golden =
      goldenError === null
        ? 'no golden output to compare'
        : `golden output within tolerance (off by ${goldenError.toPrecision(2)})`;
    console.log(`${model.id}: loads in ${ms.toFixed(0)} ms, ${golden}`);
    await checkParity(model);
  }
}

/** Compares the files that a model has for some providers with its own, on the CPU, which runs them all. */
async function checkParity(model: StoredModel<GraphManifest>): Promise<void> {
  for (const { files, providers, error, tolerance } of await measureParity(model)) {
    const within = error <= tolerance;
    const text = `${files.join(', ')} (${providers.join(', ')}) is off by ${error.toPrecision(2)} from the model's own files`;
    const line = `${model.id}: ${text}, ${within ? 'within' : 'more than'} ${tolerance}`;
    if (within) console.log(line);
    else {
      console.error(line);
      process.exitCode = 1;
    }
  }
}

async function add(source: string): Promise<void> {
  const model = await addModel(root, source);
  console.log(`${lineOf(model)}\nadded at ${model.folder}; npm run models -- reload makes a running origin serve it`);
}

async function reload(where: string | undefined): Promise<void> {
  const { url, ...as } = readCaller(process.env);
  const served = await reloadOrigin(where ?? url, as);
  for (const id of served.models) console.log(`${id}: served`);
  for (const { file, message } of served.faults) console.error(`${file}: ${message}`);
  if (served.faults.length > 0) process.exitCode = 1;
}

function lineOf({ id, digest, manifest }: StoredModel): string {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  const megabytes = `${(bytes / 1e6).toFixed(1)} MB`;
  return [id.padEnd(20), manifest.family.padEnd(16), megabytes.padStart(10), manifest.licence.padEnd(12), digest].join(
    '  ',
  );
}
