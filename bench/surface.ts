import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import ndarray from 'ndarray';
import surfaceNetsPackage from 'surface-nets';
import { surfaceNets } from '../gpu-origin/mesh/surface-nets.ts';
import { sampled, solids } from '../test/gpu-origin/mesh/solids.ts';

/** Compares our surface nets with the npm package of that name, on the same grids in one run. */
const size = 96;
const radius = 0.87;
const runs = 15;

const rows = (['sphere', 'torus', 'boxFrame', 'twoBodies'] as const).map((name) => {
  const values = sampled(solids[name], size, radius);
  const grid = ndarray(values, [size, size, size]);
  const times = { ours: [] as number[], packaged: [] as number[] };
  let triangles = { ours: 0, packaged: 0 };
  // Turn by turn, so that what else the machine does falls on both.
  for (let run = 0; run < runs; run++) {
    times.ours.push(milliseconds(() => (triangles.ours = surfaceNets({ values, size }, 0).indices.length / 3)));
    times.packaged.push(milliseconds(() => (triangles.packaged = surfaceNetsPackage(grid, 0).cells.length)));
  }
  const perCell = (list: number[]) => Math.round((median(list) / (size - 1) ** 3) * 1e7) / 10;
  return {
    field: name,
    cells: (size - 1) ** 3,
    nsPerCell: perCell(times.ours),
    nsPerCellOfPackage: perCell(times.packaged),
    timesAsFast: Math.round((median(times.packaged) / median(times.ours)) * 10) / 10,
    triangles: triangles.ours,
    trianglesOfPackage: triangles.packaged,
  };
});

console.table(rows);
const result = { machine: cpus()[0]?.model, node: process.version, runs, rows };
writeFileSync(new URL('results/surface.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
if (rows.some((row) => row.timesAsFast <= 1)) {
  console.error('MISSED: faster per cell than the surface-nets package');
  process.exitCode = 1;
}

function milliseconds(run: () => void): number {
  const since = performance.now();
  run();
  return performance.now() - since;
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;
}
