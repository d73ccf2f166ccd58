import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../local/free-port.ts';

const startMsMax = 5000;

/** Runs nginx as a cache before this upstream, with one worker process as workerd has one thread; null without nginx. */
export async function startNginx(upstream: string): Promise<{ url: string; close(): Promise<void> } | null> {
  const program = whereIs('nginx');
  if (program === null) return null;
  const folder = await mkdtemp(join(tmpdir(), 'meshkiln-nginx-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(folder, 'nginx.conf'), configuration({ folder, port, upstream }));
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  const close = async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswered(url);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close };
}

/** `user` counts only where root starts it: the worker must be able to write into the folder then. */
function configuration({ folder, port, upstream }: { folder: string; port: number; upstream: string }): string {
  return `
daemon off;
worker_processes 1;
user root;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache keys_zone=assets:1m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${upstream};
      proxy_cache assets;
      proxy_cache_valid 200 1h;
    }
  }
}
`;
}

function whereIs(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? null;
}

async function untilAnswered(url: string): Promise<void> {
  const deadline = Date.now() + startMsMax;
  for (;;) {
    try {
      await (await fetch(`${url}/?bytes=1`)).arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error('nginx did not start', { cause: error });
      await sleep(50);
    }
  }
}
