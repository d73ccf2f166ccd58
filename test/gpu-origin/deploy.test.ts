import { readFileSync } from 'node:fs';
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
