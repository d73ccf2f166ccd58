/** Parts below this share of the largest one are specks. */
const speckShare = 0.002;
/** Parts and holes of fewer nodes than this are noise, whatever the share. */
const nodesMin = 8;

/**
 * The silhouette on a grid of size² nodes, with specks removed and pinholes closed: alpha as given elsewhere. Inside is
 * alpha >= 0.5; nodes belong together along rows and columns, and so do the nodes of a hole.
 */
export function cleanSilhouette(alpha: Float32Array, size: number): Float32Array {
  const clean = alpha.slice();
  const { labels, areas } = label(alpha, size);
  const largest = areas.reduce((most, area) => Math.max(most, area.inside ? area.nodes : 0), 0);
  for (let i = 0; i < clean.length; i++) {
    const area = areas[labels[i] as number] as Area;
    if (area.inside && area.nodes < Math.max(nodesMin, speckShare * largest)) clean[i] = 0;
    if (!area.inside && !area.open && area.nodes < nodesMin) clean[i] = 1;
  }
  return clean;
}

type Area = { inside: boolean; nodes: number; /** Whether it touches the border of the grid. */ open: boolean };

function label(alpha: Float32Array, size: number): { labels: Int32Array; areas: Area[] } {
  const labels = new Int32Array(size * size).fill(-1);
  const areas: Area[] = [];
  const queue = new Int32Array(size * size);
  for (let start = 0; start < labels.length; start++) {
    if ((labels[start] as number) >= 0) continue;
    const inside = (alpha[start] as number) >= 0.5;
    const area: Area = { inside, nodes: 0, open: false };
    const number = areas.push(area) - 1;
    labels[start] = number;
    queue[0] = start;
    let tail = 1;
    const visit = (i: number) => {
      if ((labels[i] as number) >= 0 || (alpha[i] as number) >= 0.5 !== inside) return;
      labels[i] = number;
      queue[tail++] = i;
    };
    for (let head = 0; head < tail; head++) {
      const i = queue[head] as number;
      const x = i % size;
      const y = (i - x) / size;
      if (x === 0 || y === 0 || x === size - 1 || y === size - 1) area.open = true;
      if (x > 0) visit(i - 1);
      if (x < size - 1) visit(i + 1);
      if (y > 0) visit(i - size);
      if (y < size - 1) visit(i + size);
    }
    area.nodes = tail;
  }
  return { labels, areas };
}
