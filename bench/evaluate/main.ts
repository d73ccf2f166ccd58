// `npm run evaluate`: is what comes out any good? Prints it, keeps it, and exits 1 when a bound is missed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { concludeWith } from '../harness/print.ts';
import { atLeast, atMost, exactly, record, type Bound } from '../harness/result.ts';
import { quotients, spread } from '../harness/spread.ts';
import { heldOutKinds } from './held-out.ts';
import { evaluatePictures, type PictureResult } from './pictures.ts';
import { evaluateSolids, type SolidResult } from './solids.ts';

const stages = ['decode', 'matte', 'infer', 'surface', 'texture', 'encode'] as const;
const baselines = ['inflation', 'extrusion'] as const;

const bisque = await realModel('bisque');
const recorded = await record('evaluate', async () => {
  const pictures = await evaluatePictures(bisque);
  const solids = await evaluateSolids(bisque);
  // The pictures are other people's: the sheet is for looking at, not for the repository.
  const sheets = new URL('../../test-output/', import.meta.url);
  mkdirSync(sheets, { recursive: true });
  writeFileSync(new URL('evaluate-sheet.webp', sheets), pictures.sheet);
  const kinds = heldOutKinds.map((kind) =>
    solidRow(
      kind,
      solids.filter((result) => result.kind === kind),
    ),
  );
  const all = solidRow('all', solids);
  return {
    model: { id: 'bisque@1', digest: bisque.model.digest },
    rows: [pictureRow(pictures.results), ...kinds, all],
    bounds: [...pictureBounds(pictures.results), ...solidBounds([...kinds, all], all)],
    pictures: pictures.results,
    solids,
  };
});
concludeWith('evaluate', recorded);

/** What 200 pictures took, and what came out, by medians. */
function pictureRow(list: readonly PictureResult[]) {
  const of = (pick: (result: PictureResult) => number) => spread(list.map(pick));
  return {
    pictures: list.length,
    triangles: of(({ triangles }) => triangles),
    bytes: of(({ bytes }) => bytes),
    ...Object.fromEntries(stages.map((stage) => [`${stage} ms`, of(({ stagesMs }) => stagesMs[stage]).median])),
    'total ms': of(({ totalMs }) => totalMs),
  };
}

function pictureBounds(list: readonly PictureResult[]): Bound[] {
  const silhouette = spread(list.map((result) => result.silhouette));
  const count = (holds: (result: PictureResult) => boolean) => list.filter(holds).length;
  const sum = (pick: (result: PictureResult) => number) => list.reduce((total, result) => total + pick(result), 0);
  return [
    atLeast('silhouette against the matte, IoU, median', silhouette.median, 0.98),
    atLeast('the same, worst', silhouette.least, 0.95),
    exactly(
      'watertight',
      count(({ watertight, triangles }) => watertight && triangles > 0),
      list.length,
    ),
    exactly(
      'manifold, as manifold-3d has it',
      count(({ manifold, triangles }) => manifold && triangles > 0),
      list.length,
    ),
    exactly(
      'errors of the glTF validator',
      sum(({ errors }) => errors),
      0,
    ),
    exactly(
      'warnings of the glTF validator',
      sum(({ warnings }) => warnings),
      0,
    ),
    atMost('picture to GLB, median ms', spread(list.map(({ totalMs }) => totalMs)).median, 1000),
  ];
}

type SolidRow = ReturnType<typeof solidRow>;

/**
 * The model's Chamfer distance as a share of the baselines', by the medians of the kind and, for inflation, solid by solid
 * too; and the medians of the F-scores.
 */
function solidRow(kind: string, some: readonly SolidResult[]) {
  const median = (pick: (result: SolidResult) => number) => spread(some.map(pick)).median;
  const chamferOf = (by: 'model' | (typeof baselines)[number]) => some.map((result) => result[by].chamfer);
  const share = (by: (typeof baselines)[number]) => spread(chamferOf('model')).median / spread(chamferOf(by)).median;
  return {
    kind,
    'of inflation’s': share('inflation'),
    'solid by solid': spread(quotients(chamferOf('model'), chamferOf('inflation'))).median,
    'of extrusion’s': share('extrusion'),
    'F at 0.05': median(({ model }) => model.f05),
    'inflation’s at 0.05': median(({ inflation }) => inflation.f05),
    'extrusion’s at 0.05': median(({ extrusion }) => extrusion.f05),
    'F at 0.1': median(({ model }) => model.f10),
    'inflation’s at 0.1': median(({ inflation }) => inflation.f10),
    'extrusion’s at 0.1': median(({ extrusion }) => extrusion.f10),
  };
}

function solidBounds(rows: readonly SolidRow[], all: SolidRow): Bound[] {
  const ahead = (at: '0.05' | '0.1') => all[`F at ${at}`] - Math.max(...baselines.map((by) => all[`${by}’s at ${at}`]));
  return [
    atMost('median Chamfer distance of the held-out solids, of inflation’s', all['of inflation’s'], 0.8),
    atMost('the same, worst kind', Math.max(...rows.map((row) => row['of inflation’s'])), 1),
    atLeast('F at 0.05 above both baselines by', ahead('0.05'), 0.05),
    atLeast('F at 0.1 above both baselines by', ahead('0.1'), 0.03),
  ];
}
