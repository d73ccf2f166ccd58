import { reportIntervalSeconds, reportsMissedMax } from '../../contract/report.ts';
import { add, counterKey, type Counts } from './counts.ts';
import type { ReportedOrigin } from './calls.ts';

/** An origin counts as down after this many milliseconds without a report. */
const silenceMsMax = reportIntervalSeconds * (reportsMissedMax + 0.5) * 1000;

/** Whether an origin is down, by the time of its last report. */
export function isSilent(reportedAtMs: number, nowMs: number): boolean {
  return nowMs - reportedAtMs > silenceMsMax;
}

/** Counts added by a report. Lane times are the difference to the previous report of the same process. */
export function reportCounts(reported: ReportedOrigin, last: ReportedOrigin | null): Counts {
  const { id, report } = reported;
  const counts: Counts = new Map();
  const addTo = (name: OriginCounter, by: number) => add(counts, counterKey(name, [id]), by);
  addTo('reports', 1);
  addTo('queueDepth', report.queue.depth);
  if (report.gpus.length > 0) {
    addTo('gpuReports', 1);
    addTo('gpuUtilisation', mean(report.gpus.map((gpu) => gpu.utilisation)));
    addTo('gpuMemoryShare', mean(report.gpus.map((gpu) => gpu.memoryUsedBytes / gpu.memoryTotalBytes)));
  }
  const elapsedMs = last === null ? 0 : reported.atMs - last.atMs;
  const sameProcess = last?.report.startedAtSeconds === report.startedAtSeconds;
  if (!sameProcess || elapsedMs <= 0 || elapsedMs > silenceMsMax) return counts;
  for (const [index, lane] of report.lanes.entries()) {
    const before = last.report.lanes[index];
    if (before === undefined || before.device !== lane.device) continue;
    addTo('laneMs', elapsedMs);
    // A run counts when it ends, so a long run can exceed the time between two reports.
    addTo('laneBusyMs', Math.max(0, lane.busySeconds - before.busySeconds) * 1000);
  }
  return counts;
}

type OriginCounter =
  | 'reports'
  | 'queueDepth'
  | 'laneBusyMs'
  | 'laneMs'
  | 'gpuReports'
  | 'gpuUtilisation'
  | 'gpuMemoryShare';

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
