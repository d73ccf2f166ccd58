import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc in milliseconds: USER_HZ is 100 on every Linux that Node runs on. */
const tickMs = 10;

/**
 * CPU milliseconds that a child process of this one has used so far, by the name of its program; unlike throughput it
 * hardly depends on what else the machine does. NaN where there is no /proc, or no such child.
 */
export function childCpuMs(program: string): number {
  for (const pid of processes()) {
    const stat = statOf(pid);
    if (stat?.program === program && stat.parent === process.pid) return stat.cpuMs;
  }
  return NaN;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function statOf(pid: string): { program: string; parent: number; cpuMs: number } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it has ended meanwhile
  }
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [parent, user, system] = [1, 11, 12].map((at) => Number(fields[at]));
  return {
    program: text.slice(text.indexOf('(') + 1, end),
    parent: parent ?? NaN,
    cpuMs: ((user ?? NaN) + (system ?? NaN)) * tickMs,
  };
}
