import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU milliseconds that a child process of this one has used so far, by the name of its program; unlike throughput
 * it hardly depends on what else the machine does. NaN where there is no /proc, or no such child.
 */
export function childCpuMs(program: string): number {
  const [pid] = childPids(program);
  return pid === undefined ? NaN : processCpuMs(pid);
}

/** The child processes of this one that run a program. */
export function childPids(program: string): string[] {
  return processes().filter((pid) => {
    const stat = statOf(pid);
    return stat?.program === program && stat.parent === process.pid;
  });
}

function processes(): string[] {
  return list('/proc').filter((name) => /^\d+$/.test(name));
}

function statOf(pid: string): { program: string; parent: number } | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const end = text.lastIndexOf(')');
  return { program: text.slice(text.indexOf('(') + 1, end), parent: Number(text.slice(end + 2).split(' ')[1]) };
}

/**
 * CPU milliseconds that a process has used so far, NaN where there is no /proc or no such process. By the scheduler's own
 * account of each thread, in nanoseconds: that of /proc/<pid>/stat has steps of 10 ms.
 */
export function processCpuMs(pid: number | string): number {
  let nanoseconds = 0;
  for (const thread of list(`/proc/${pid}/task`)) {
    nanoseconds += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0);
  }
  return nanoseconds > 0 ? nanoseconds / 1e6 : NaN;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Null for what has ended meanwhile. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
