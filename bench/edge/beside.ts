// `npm run bench:beside -- <checkout> …`: hits of this checkout beside those of others, in turns in one run.
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { processCpuMs, childPids } from '../harness/cpu.ts';
import type { BenchEdge } from '../harness/edge.ts';
import type { LoadRequest } from '../harness/load.ts';
import { medianInterval, quantile, quotients } from '../harness/spread.ts';
import { cell } from '../harness/cell.ts';
import { wrkLoad } from '../harness/wrk.ts';

/** Turns of each case, and the seconds of each. */
const rounds = 25;
const secondsEach = 1;
const sizes = { '50 KB': 50_000, '1 MB': 1_000_000 } as const;

/** One checkout's edge with the process that runs it. */
type Side = { name: string; edge: BenchEdge; pid: string };

type Case = { name: string; pid: string; request: LoadRequest };
type Turn = { perSecond: number; cpu: number };

const checkouts = [resolve(import.meta.dirname, '../..'), ...process.argv.slice(2).map((path) => resolve(path))];
const sides: Side[] = [];
try {
  for (const checkout of checkouts) sides.push(await start(checkout));
  for (const [size, bytes] of Object.entries(sizes)) {
    await compare(`GET asset, ${size}`, (side) => asset(side, bytes));
    await compare(`POST hit, ${size}`, (side) => posted(side, bytes));
  }
} finally {
  for (const { edge } of sides) await edge.close();
}

async function start(checkout: string): Promise<Side> {
  const { startEdge } = await import(`${checkout}/bench/harness/edge.ts`);
  const { storeModel } = await import(`${checkout}/bench/harness/stored.ts`);
  const before = new Set(childPids('workerd'));
  const edge = await startEdge();
  const [pid = ''] = childPids('workerd').filter((candidate) => !before.has(candidate));
  await storeModel(edge);
  return { name: checkout, edge, pid };
}

type Load = { ours: LoadRequest; bare: LoadRequest };

async function asset({ edge, name }: Side, bytes: number): Promise<Load> {
  const { storeAsset } = await import(`${name}/bench/harness/stored.ts`);
  return {
    ours: { url: edge.url + (await storeAsset(edge, bytes)) },
    bare: { url: `${edge.bareUrl}/?bytes=${bytes}` },
  };
}

async function posted({ edge, name }: Side, bytes: number): Promise<Load> {
  const { storeMesh } = await import(`${name}/bench/harness/stored.ts`);
  const form = await storeMesh(edge, { pictureBytes: bytes, tier: 'r2' });
  return { ours: { ...form, url: `${edge.url}/v1/meshes` }, bare: { ...form, url: edge.bareUrl } };
}

async function compare(what: string, loadOf: (side: Side) => Promise<Load>): Promise<void> {
  const [first] = sides;
  if (first === undefined) return;
  const bare = { name: 'a bare Worker', pid: first.pid, request: (await loadOf(first)).bare };
  const cases: Case[] = [bare];
  for (const side of sides) cases.push({ name: side.name, pid: side.pid, request: (await loadOf(side)).ours });
  const turns = cases.map(() => [] as Turn[]);
  for (const { request } of cases) await wrkLoad(request, secondsEach);
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < cases.length; at++) {
      const which = (round + at) % cases.length;
      const { pid, request } = cases[which] as Case;
      const cpuBeforeMs = processCpuMs(pid);
      const { answers, perSecond } = await wrkLoad(request, secondsEach);
      turns[which]?.push({ perSecond, cpu: (1000 * (processCpuMs(pid) - cpuBeforeMs)) / answers });
    }
  }
  console.log(`\n${what}, load ${loadavg()[0]?.toFixed(1)}`);
  const [bareTurns = [], ours = []] = turns;
  console.table(
    cases.map(({ name }, which) => {
      const its = turns[which] ?? [];
      const cpu = its.map((turn) => turn.cpu);
      return {
        checkout: name,
        'answers/s': cell(medianInterval(its.map((turn) => turn.perSecond))),
        'share of bare': cell(medianInterval(quotients(perSeconds(its), perSeconds(bareTurns)))),
        'of ours': cell(medianInterval(quotients(perSeconds(its), perSeconds(ours)))),
        'CPU µs': cell(medianInterval(cpu)),
        'CPU µs, best quarter': cell(quantile(Float64Array.from(cpu).toSorted(), 0.25)),
      };
    }),
  );
}

function perSeconds(turns: readonly Turn[]): number[] {
  return turns.map(({ perSecond }) => perSecond);
}
