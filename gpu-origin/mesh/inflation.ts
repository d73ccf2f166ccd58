/**
 * How the silhouette bounds the inflated body: `pixels` sets it to zero at the centres of the pixels outside, as the
 * models were trained; `contour` at the sub-pixel line where alpha is a half, so that the rim shows no steps.
 */
export type InflationEdge = 'pixels' | 'contour';

/**
 * Height of a body blown up inside a silhouette: sqrt(u) with Laplace(u) = -4 where alpha >= 0.5 and u = 0 outside,
 * which is the half sphere over a disc. Heights are in canvas units (the canvas is 2 wide), row by row from the top.
 * O(pixels): conjugate gradients with a multigrid preconditioner, some 15 iterations at any size.
 */
export function inflation(alpha: Float32Array, size: number, edge: InflationEdge): Float32Array {
  const levels = coarsen(finestLevel(alpha, size, edge));
  const finest = levels[0] as Level;
  solve(levels, 4 * (2 / size) ** 2);
  const heights = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const u = finest.solution[(y + 1) * finest.stride + x + 1] as number;
      heights[y * size + x] = Math.sqrt(Math.max(u, 0));
    }
  }
  return heights;
}

/** Relative residual at which the solution counts as converged: sqrt(u) is then right to some 1e-5. */
const residualRatio = 1e-7;
const iterationsMax = 100;
/** The contour's least distance to a pixel centre, in pixels, that the equations see. */
const edgeDistanceMin = 0.02;
/** Piecewise constant corrections come out too small by about this factor. */
const overCorrection = 1.8;
const coarsestSize = 4;

/** A symmetric five-point operator on size² cells with a border of one; cells with no diagonal are outside. */
type Level = {
  size: number;
  stride: number;
  diagonal: Float64Array;
  /** Coupling of each cell with the one to its right, and the one below. */
  east: Float64Array;
  south: Float64Array;
  solution: Float64Array;
  right: Float64Array;
};

function emptyLevel(size: number): Level {
  const stride = size + 2;
  const plane = () => new Float64Array(stride * stride);
  return { size, stride, diagonal: plane(), east: plane(), south: plane(), solution: plane(), right: plane() };
}

function finestLevel(alpha: Float32Array, size: number, edge: InflationEdge): Level {
  const level = emptyLevel(size);
  const { stride, diagonal, east, south } = level;
  const padded = new Float32Array(stride * stride);
  for (let y = 0; y < size; y++) padded.set(alpha.subarray(y * size, (y + 1) * size), (y + 1) * stride + 1);

  for (let y = 1; y <= size; y++) {
    for (let x = 1; x <= size; x++) {
      const i = y * stride + x;
      const own = padded[i] as number;
      if (own < 0.5) continue;
      let sum = 0;
      for (const j of [i - 1, i + 1, i - stride, i + stride]) {
        const other = padded[j] as number;
        if (other >= 0.5 || edge === 'pixels') sum += 1;
        else sum += 1 / Math.max((own - 0.5) / (own - other), edgeDistanceMin);
      }
      diagonal[i] = sum;
      if ((padded[i + 1] as number) >= 0.5) east[i] = 1;
      if ((padded[i + stride] as number) >= 0.5) south[i] = 1;
    }
  }
  return level;
}

/** Halves the grid again and again; each coarse operator is the sum over blocks of 2 × 2 cells. */
function coarsen(finest: Level): Level[] {
  const levels = [finest];
  for (let fine = finest; fine.size > coarsestSize;) {
    const coarse = emptyLevel(Math.ceil(fine.size / 2));
    for (let y = 1; y <= fine.size; y++) {
      for (let x = 1; x <= fine.size; x++) {
        const i = y * fine.stride + x;
        const c = ((y + 1) >> 1) * coarse.stride + ((x + 1) >> 1);
        const east = fine.east[i] as number;
        const south = fine.south[i] as number;
        let diagonal = fine.diagonal[i] as number;
        if (x & 1) diagonal -= 2 * east;
        else coarse.east[c] = (coarse.east[c] as number) + east;
        if (y & 1) diagonal -= 2 * south;
        else coarse.south[c] = (coarse.south[c] as number) + south;
        coarse.diagonal[c] = (coarse.diagonal[c] as number) + diagonal;
      }
    }
    levels.push(coarse);
    fine = coarse;
  }
  return levels;
}

function solve(levels: Level[], source: number): void {
  const finest = levels[0] as Level;
  const { diagonal, right } = finest;
  const cells = diagonal.length;
  const solution = new Float64Array(cells);
  const residual = right; // the preconditioner reads its right side here
  const direction = new Float64Array(cells);
  const image = new Float64Array(cells);
  for (let i = 0; i < cells; i++) residual[i] = (diagonal[i] as number) > 0 ? source : 0;
  const enough = dot(residual, residual) * residualRatio ** 2;

  let before = 0;
  for (let iteration = 0; iteration < iterationsMax && dot(residual, residual) > enough; iteration++) {
    cycle(levels, 0);
    const now = dot(residual, finest.solution);
    const ratio = before === 0 ? 0 : now / before;
    for (let i = 0; i < cells; i++) direction[i] = (finest.solution[i] as number) + ratio * (direction[i] as number);
    apply(finest, direction, image);
    const step = now / dot(direction, image);
    for (let i = 0; i < cells; i++) {
      solution[i] = (solution[i] as number) + step * (direction[i] as number);
      residual[i] = (residual[i] as number) - step * (image[i] as number);
    }
    before = now;
  }
  finest.solution.set(solution);
}

/** One V-cycle: `solution` becomes an approximate answer to `right`; symmetric, as conjugate gradients need it. */
function cycle(levels: Level[], depth: number): void {
  const level = levels[depth] as Level;
  const coarse = levels[depth + 1];
  level.solution.fill(0);
  sweep(level, 1);
  if (coarse === undefined) {
    for (let i = 0; i < coarsestSize; i++) sweep(level, i & 1 ? 1 : -1);
    return;
  }
  restrict(level, coarse);
  cycle(levels, depth + 1);
  for (let y = 1; y <= level.size; y++) {
    const row = ((y + 1) >> 1) * coarse.stride;
    for (let x = 1; x <= level.size; x++) {
      const i = y * level.stride + x;
      if ((level.diagonal[i] as number) === 0) continue;
      level.solution[i] =
        (level.solution[i] as number) + overCorrection * (coarse.solution[row + ((x + 1) >> 1)] as number);
    }
  }
  sweep(level, -1);
}

/** Gauss-Seidel in reading order (1) or against it (-1). */
function sweep(level: Level, order: 1 | -1): void {
  const { size, stride, diagonal, east, south, solution, right } = level;
  const first = order === 1 ? 1 : size;
  for (let y = first, rows = size; rows > 0; y += order, rows--) {
    for (let x = first, columns = size; columns > 0; x += order, columns--) {
      const i = y * stride + x;
      const d = diagonal[i] as number;
      if (d === 0) continue;
      const around =
        (east[i] as number) * (solution[i + 1] as number) +
        (east[i - 1] as number) * (solution[i - 1] as number) +
        (south[i] as number) * (solution[i + stride] as number) +
        (south[i - stride] as number) * (solution[i - stride] as number);
      solution[i] = ((right[i] as number) + around) / d;
    }
  }
}

/** Sums the residual of each block of 2 × 2 cells into the coarse right side. */
function restrict(level: Level, coarse: Level): void {
  const { size, stride, diagonal, east, south, solution, right } = level;
  coarse.right.fill(0);
  for (let y = 1; y <= size; y++) {
    const row = ((y + 1) >> 1) * coarse.stride;
    for (let x = 1; x <= size; x++) {
      const i = y * stride + x;
      const d = diagonal[i] as number;
      if (d === 0) continue;
      const around =
        (east[i] as number) * (solution[i + 1] as number) +
        (east[i - 1] as number) * (solution[i - 1] as number) +
        (south[i] as number) * (solution[i + stride] as number) +
        (south[i - stride] as number) * (solution[i - stride] as number);
      const c = row + ((x + 1) >> 1);
      coarse.right[c] = (coarse.right[c] as number) + (right[i] as number) + around - d * (solution[i] as number);
    }
  }
}

function apply(level: Level, vector: Float64Array, image: Float64Array): void {
  const { size, stride, diagonal, east, south } = level;
  for (let y = 1; y <= size; y++) {
    for (let x = 1; x <= size; x++) {
      const i = y * stride + x;
      const d = diagonal[i] as number;
      if (d === 0) continue;
      image[i] =
        d * (vector[i] as number) -
        (east[i] as number) * (vector[i + 1] as number) -
        (east[i - 1] as number) * (vector[i - 1] as number) -
        (south[i] as number) * (vector[i + stride] as number) -
        (south[i - stride] as number) * (vector[i - stride] as number);
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
