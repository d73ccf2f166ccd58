// `npm run bench:surface`: our surface nets beside the npm package of that name, on the same grids in one run.
import ndarray from 'ndarray';
import surfaceNetsPackage from 'surface-nets';
import { surfaceNets } from '../gpu-origin/mesh/surface-nets.ts';
import { sampled, solids } from '../test/gpu-origin/mesh/solids.ts';
import { concludeWith } from './harness/print.ts';
import { atLeast, exactly, record } from './harness/result.ts';
import { ratios, spread } from './harness/spread.ts';

const size = 96;
const radius = 0.87;
const runs = 15;
const fields = ['sphere', 'torus', 'boxFrame', 'twoBodies'] as const;

const recorded = await record('surface', async () => {
  const rows = fields.map(compare);
  return {
    rows,
    bounds: rows.flatMap(({ field, timesAsFast, triangles, trianglesOfPackage }) => [
      atLeast(`${field}: times as fast as the surface-nets package, median`, timesAsFast.median, 1),
      exactly(`${field}: triangles`, triangles, trianglesOfPackage),
    ]),
  };
});
concludeWith('surface', recorded);

function compare(field: (typeof fields)[number]) {
  const values = sampled(solids[field], size, radius);
  const grid = ndarray(values, [size, size, size]);
  const cells = (size - 1) ** 3;
  const nsPerCell = { ours: [] as number[], packaged: [] as number[] };
  const triangles = { ours: 0, packaged: 0 };
  const timed = (run: () => void) => {
    const sinceMs = performance.now();
    run();
    return (1e6 * (performance.now() - sinceMs)) / cells;
  };
  // Turn by turn, so that what else the machine does falls on both.
  for (let run = 0; run < runs; run++) {
    nsPerCell.ours.push(timed(() => (triangles.ours = surfaceNets({ values, size }, 0).indices.length / 3)));
    nsPerCell.packaged.push(timed(() => (triangles.packaged = surfaceNetsPackage(grid, 0).cells.length)));
  }
  return {
    field,
    cells,
    nsPerCell: spread(nsPerCell.ours),
    nsPerCellOfPackage: spread(nsPerCell.packaged),
    timesAsFast: ratios(nsPerCell.packaged, nsPerCell.ours),
    triangles: triangles.ours,
    trianglesOfPackage: triangles.packaged,
  };
}
