import { childCpuMs } from '../harness/cpu.ts';
import type { BenchEdge } from '../harness/edge.ts';
import { caseRow, interleave } from '../harness/interleave.ts';
import type { Findings } from '../harness/result.ts';
import { storeAsset } from '../harness/stored.ts';

const bytes = 1_000_000;
const timing = { repeats: 5, secondsEach: 0.4, cpuMs: () => childCpuMs('workerd') };

/** What the HTTP rules save: 304s, ranges and HEAD of an asset of 1 MB in memory, beside the whole of it. */
export async function benchConditional(edge: BenchEdge): Promise<Findings> {
  const path = await storeAsset(edge, bytes);
  const url = edge.url + path;
  const etag = `"${/[0-9a-f]{64}/.exec(path)?.[0]}"`;
  const runs = await interleave(
    {
      whole: { url, answerBytes: bytes },
      notModified: { url, headers: { 'if-none-match': etag }, status: 304 },
      range: { url, headers: { range: 'bytes=0-9999' }, status: 206, answerBytes: 10_000 },
      ifRange: { url, headers: { range: 'bytes=-10000', 'if-range': etag }, status: 206, answerBytes: 10_000 },
      head: { url, method: 'HEAD' },
    },
    timing,
  );
  return {
    rows: [
      caseRow('GET, 1 MB', runs.whole),
      caseRow('304 to If-None-Match', runs.notModified),
      caseRow('206, the first 10 KB', runs.range),
      caseRow('206 with If-Range, the last 10 KB', runs.ifRange),
      caseRow('HEAD', runs.head),
    ],
    bounds: [],
  };
}
