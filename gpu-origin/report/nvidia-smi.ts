import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Report } from '../../contract/report.ts';

const fields = ['name', 'utilization.gpu', 'memory.used', 'memory.total', 'temperature.gpu'];
const answerMsMax = 3000;
const MiB = 1024 ** 2;

/** What nvidia-smi says of each card; null where there is no nvidia-smi that works. */
export async function readGpus(command = 'nvidia-smi'): Promise<Report['gpus'] | null> {
  const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)(command, query, { timeout: answerMsMax });
    return stdout.trim().split('\n').flatMap(parseLine);
  } catch {
    return null;
  }
}

/** A card of which a figure is missing (a MIG slice says `[N/A]`) is left out: no figure is made up. */
function parseLine(line: string): Report['gpus'] {
  const [name = '', ...texts] = line.split(',').map((text) => text.trim());
  const [utilisation = NaN, used = NaN, total = NaN, celsius = NaN] = texts.map(Number);
  if (![utilisation, used, total, celsius].every(Number.isFinite)) return [];
  return [
    {
      name: name.slice(0, 100),
      utilisation: utilisation / 100,
      memoryUsedBytes: Math.round(used * MiB),
      memoryTotalBytes: Math.round(total * MiB),
      temperatureCelsius: celsius,
    },
  ];
}
