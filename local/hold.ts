import { createHash } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A part of a state folder that one process holds at a time: `npm start` itself, and each program that it runs. */
export type Part = 'start' | 'edge' | 'origin';

const probeMs = 200;

/**
 * Holds a part of a state folder until this process ends, however it ends; false when another process holds it. A socket
 * does that: its listener is gone with its process, and no number of a process can be taken for another's.
 */
export async function hold(stateFolder: string, part: Part): Promise<boolean> {
  if (await isHeld(stateFolder, part)) return false;
  const path = socketOf(stateFolder, part);
  if (process.platform !== 'win32') removeLeft(stateFolder, path);
  return listen(stateFolder, path);
}

/** Waits until no process holds a part, for `msMax` at most; false when one still does. */
export async function untilFree(stateFolder: string, part: Part, msMax: number): Promise<boolean> {
  const deadline = Date.now() + msMax;
  while (await isHeld(stateFolder, part)) {
    if (Date.now() > deadline) return false;
    await sleep(probeMs);
  }
  return true;
}

/** Whether a process holds a part. */
export function isHeld(stateFolder: string, part: Part): Promise<boolean> {
  return inside(stateFolder, () => {
    const socket = connect(socketOf(stateFolder, part));
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    }).finally(() => socket.destroy()) as Promise<boolean>;
  });
}

function listen(stateFolder: string, path: string): Promise<boolean> {
  return inside(stateFolder, () => {
    const server: Server = createServer((socket) => socket.destroy());
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
      server.listen(path, () => resolve(true));
      server.unref();
    });
  });
}

/** A killed process leaves its socket's file behind. */
function removeLeft(stateFolder: string, path: string): void {
  try {
    unlinkSync(join(stateFolder, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A name within the folder, since the path of a socket has room for some hundred bytes only. */
function socketOf(stateFolder: string, part: Part): string {
  if (process.platform !== 'win32') return `${part}.sock`;
  return String.raw`\\.\pipe\meshkiln-${createHash('sha256').update(stateFolder).digest('hex').slice(0, 32)}-${part}`;
}

/** Calls from within the folder; a socket's path is taken in the turn in which it is named. */
function inside<T>(folder: string, call: () => T): T {
  const home = process.cwd();
  process.chdir(folder);
  try {
    return call();
  } finally {
    process.chdir(home);
  }
}
