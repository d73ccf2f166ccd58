import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeFlags } from '../../gpu-origin/node-flags.ts';

const repository = join(import.meta.dirname, '../..');
const linesOf = (path: string) =>
  readFileSync(join(repository, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

test('the image gets from its context all that it copies, and nothing else', () => {
  const copied = linesOf('deploy/origin.Dockerfile').flatMap((line) =>
    line.startsWith('COPY ') && !line.includes('--from=') ? line.split(/\s+/).slice(1, -1) : [],
  );
  const [everything, ...rules] = linesOf('.dockerignore');
  expect(everything).toBe('*');
  const letIn = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
  expect(letIn.toSorted()).toEqual(copied.toSorted());
});

test('the files of secrets that the compose file reads cannot be committed by mistake', () => {
  const files = linesOf('deploy/compose.yaml').flatMap((line) => /env_file: (\S+)/.exec(line)?.[1] ?? []);
  expect(files).toEqual(['origin.env', 'tunnel.env']);
  expect(linesOf('.gitignore')).toContain('deploy/*.env');
});

test.each(['package.json', 'deploy/origin.Dockerfile', 'deploy/meshkiln-origin.service'])(
  '%s starts Node as npm start does',
  (path) => {
    const [line = ''] = linesOf(path).filter((each) => each.includes('gpu-origin/main.ts'));
    expect(line.match(/--[\w-]+=\d+/g)).toEqual(nodeFlags);
  },
);

test('every image that is run or built on is named by its digest', () => {
  const images = [
    ...linesOf('deploy/origin.Dockerfile').flatMap((line) => /^ARG \w+_BASE=(\S+)/.exec(line)?.[1] ?? []),
    ...linesOf('deploy/compose.yaml').flatMap((line) => /^ +image: (\S+)/.exec(line)?.[1] ?? []),
  ];
  expect(images).toHaveLength(3);
  for (const image of images) expect(image).toMatch(/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
});

test('each container may write its volumes alone, has no capability and gains none', () => {
  const compose = readFileSync(join(repository, 'deploy/compose.yaml'), 'utf8');
  const [, locked = ''] = /^x-locked: &locked\n((?: .*\n)+)/m.exec(compose) ?? [];
  expect(locked.split('\n').map((line) => line.trim())).toEqual(
    expect.arrayContaining(['read_only: true', 'cap_drop: [ALL]', "security_opt: ['no-new-privileges:true']"]),
  );
  const services = compose.slice(compose.indexOf('\nservices:'), compose.indexOf('\nvolumes:'));
  expect(services.match(/^ {2}\w+:\n {4}<<: \*locked$/gm)).toHaveLength(services.match(/^ {2}\w+:$/gm)?.length ?? 0);
});

test('no package runs a script when it is installed, and Node itself is in the lock file', () => {
  expect(linesOf('.npmrc')).toContain('ignore-scripts=true');
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity?: string; os?: string }>;
  };
  const runtime = packages[`node_modules/node-linux-${process.arch}`];
  expect(runtime).toMatchObject({ version: '24.21.0', os: 'linux' });
  for (const [path, { integrity }] of Object.entries(packages))
    if (path !== '') expect(integrity, path).toMatch(/^sha512-/);
});

const analyse = '/usr/bin/systemd-analyze';

// Only systemd's own tool can say it, and no other system has that.
test.runIf(existsSync(analyse))('the unit is exposed to no more than 3.0, as systemd counts', () => {
  const said = execFileSync(analyse, [
    'security',
    '--offline=true',
    '--no-pager',
    join(repository, 'deploy/meshkiln-origin.service'),
  ]).toString();
  expect(Number(/Overall exposure level for [^:]+: ([\d.]+)/.exec(said)?.[1])).toBeLessThanOrEqual(3);
});
