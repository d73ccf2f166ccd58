import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { heldOutKinds } from './held-out.ts';
import { evaluatePictures, type PictureResult } from './pictures.ts';
import { evaluateSolids, type SolidResult } from './solids.ts';

/** `npm run evaluate`: is what comes out any good? Prints, records, and fails when a bound is missed. */
const started = performance.now();
const bisque = await realModel('bisque');
const pictures = await evaluatePictures(bisque);
const solids = await evaluateSolids(bisque);

const summary = { pictures: pictureSummary(pictures.results), solids: solidSummary(solids) };
const bounds = boundsOf(summary);
console.log('\n200 pictures');
console.table(summary.pictures);
console.log('Held-out solids: median Chamfer distance and F-scores at 0.05 and 0.1');
console.table(summary.solids);
console.table(bounds);

const results = new URL('../results/', import.meta.url);
mkdirSync(results, { recursive: true });
const record = {
  machine: { processor: cpus()[0]?.model, cores: cpus().length, node: process.version },
  commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
  model: { id: 'bisque@1', digest: bisque.model.digest },
  seconds: Math.round((performance.now() - started) / 1000),
  bounds,
  summary,
  pictures: pictures.results.map(rounded),
  solids,
};
writeFileSync(new URL('evaluate.json', results), `${JSON.stringify(record, null, 1)}\n`);
// The pictures are other people's: the sheet is for looking at, not for the repository.
const sheets = new URL('../../test-output/', import.meta.url);
mkdirSync(sheets, { recursive: true });
writeFileSync(new URL('evaluate-sheet.webp', sheets), pictures.sheet);
if (bounds.some(({ met }) => !met)) process.exitCode = 1;

function pictureSummary(list: PictureResult[]) {
  const stages = ['decode', 'matte', 'infer', 'surface', 'texture', 'encode'] as const;
  const times = Object.fromEntries(
    stages.map((stage) => [`${stage} ms`, round(median(list.map(({ stagesMs }) => stagesMs[stage])), 1)]),
  );
  return {
    'silhouette median': round(median(list.map(({ silhouette }) => silhouette)), 4),
    'silhouette worst': round(Math.min(...list.map(({ silhouette }) => silhouette)), 4),
    watertight: list.filter(({ watertight }) => watertight).length,
    manifold: list.filter(({ manifold }) => manifold).length,
    'validator errors': list.reduce((sum, { errors }) => sum + errors, 0),
    'validator warnings': list.reduce((sum, { warnings }) => sum + warnings, 0),
    'triangles median': median(list.map(({ triangles }) => triangles)),
    'triangles most': Math.max(...list.map(({ triangles }) => triangles)),
    'bytes median': median(list.map(({ bytes }) => bytes)),
    ...times,
    'total ms': round(median(list.map(({ totalMs }) => totalMs)), 1),
  };
}

function solidSummary(list: SolidResult[]) {
  const rows = heldOutKinds.map((kind) =>
    solidRow(
      kind,
      list.filter((result) => result.kind === kind),
    ),
  );
  return [...rows, solidRow('all', list)];
}

function solidRow(kind: string, some: SolidResult[]) {
  const middle = (pick: (result: SolidResult) => number) => median(some.map(pick));
  const chamfer = middle(({ model }) => model.chamfer);
  return {
    kind,
    chamfer: round(chamfer, 4),
    'of inflation’s': round(chamfer / middle(({ inflation }) => inflation.chamfer), 3),
    'of extrusion’s': round(chamfer / middle(({ extrusion }) => extrusion.chamfer), 3),
    f05: round(
      middle(({ model }) => model.f05),
      3,
    ),
    'f05 inflation': round(
      middle(({ inflation }) => inflation.f05),
      3,
    ),
    'f05 extrusion': round(
      middle(({ extrusion }) => extrusion.f05),
      3,
    ),
    f10: round(
      middle(({ model }) => model.f10),
      3,
    ),
    'f10 inflation': round(
      middle(({ inflation }) => inflation.f10),
      3,
    ),
    'f10 extrusion': round(
      middle(({ extrusion }) => extrusion.f10),
      3,
    ),
  };
}

type Bound = { name: string; value: number; limit: number; met: boolean };

function boundsOf({ pictures: p, solids: s }: typeof summary): Bound[] {
  const all = s.at(-1) as (typeof s)[number];
  return [
    atLeast('silhouette, median', p['silhouette median'], 0.98),
    atLeast('silhouette, worst', p['silhouette worst'], 0.95),
    atLeast('watertight', p.watertight, 200),
    atLeast('manifold', p.manifold, 200),
    atMost('validator errors', p['validator errors'], 0),
    atMost('validator warnings', p['validator warnings'], 0),
    atMost('median Chamfer, of inflation’s', all['of inflation’s'], 0.8),
    atMost('the same, worst kind', Math.max(...s.map((row) => row['of inflation’s'])), 1),
    atLeast('F at 0.05 above both baselines by', all.f05 - Math.max(all['f05 inflation'], all['f05 extrusion']), 0.05),
    atLeast('F at 0.1 above both baselines by', all.f10 - Math.max(all['f10 inflation'], all['f10 extrusion']), 0.03),
    atMost('picture to GLB, median ms', p['total ms'], 1000),
  ];
}

function atLeast(name: string, value: number, limit: number): Bound {
  return { name, value: round(value, 4), limit, met: value >= limit };
}

function atMost(name: string, value: number, limit: number): Bound {
  return { name, value: round(value, 4), limit, met: value <= limit };
}

function rounded(result: PictureResult) {
  const stagesMs = Object.fromEntries(Object.entries(result.stagesMs).map(([stage, ms]) => [stage, round(ms, 1)]));
  return { ...result, silhouette: round(result.silhouette, 4), totalMs: round(result.totalMs, 1), stagesMs };
}

function median(list: number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (i: number) => sorted[i] ?? NaN;
  return (at(Math.floor((list.length - 1) / 2)) + at(Math.floor(list.length / 2))) / 2;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
