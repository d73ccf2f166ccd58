import { execFile } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where a line is run: its files are in the folder, its variables in the environment. */
type Place = { folder: string; environment: Record<string, string | undefined> };

/**
 * Sends what a line of curl would, by fetch, since curl is not on every machine that runs the tests. Knows the options
 * that our documentation uses, and throws on any other.
 */
export async function sendCurlLine(line: string, { folder, environment }: Place): Promise<Response> {
  const [command, ...words] = shellWords(line, environment);
  if (command !== 'curl') throw new Error(`not a line of curl: ${line}`);
  const headers = new Headers();
  const form = new FormData();
  let url = '';
  let method: string | null = null;
  let body: string | FormData | null = null;
  let output: string | null = null;
  const takeOption: Record<string, (value: string) => void | Promise<void>> = {
    '-X': (value) => void (method = value),
    '-H': (value) => headers.set(value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1).trim()),
    '-d': (value) => void (body = value),
    '-o': (value) => void (output = value),
    '-F': async (value) => {
      const [name, content] = [value.slice(0, value.indexOf('=')), value.slice(value.indexOf('=') + 1)];
      if (content.startsWith('@')) form.set(name, await openAsBlob(join(folder, content.slice(1))), content.slice(1));
      else form.set(name, content);
      body = form;
    },
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const option = takeOption[word];
    if (option) await option(words[++at] ?? '');
    else if (word === '--head') method = 'HEAD';
    else if (word.startsWith('-') && !['-N', '-s', '-sS', '-f'].includes(word))
      throw new Error(`curl ${word}: unknown`);
    else if (!word.startsWith('-')) url = word;
  }
  const answer = await fetch(url, { method: method ?? (body === null ? 'GET' : 'POST'), headers, body });
  if (output === null) return answer;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  await writeFile(join(folder, output), bytes);
  return new Response(bytes, answer);
}

/** What the machine's own curl exits with and the status that it got; null where there is no curl. */
export async function runCurl(line: string, { folder, environment }: Place): Promise<number | null> {
  const found = await promisify(execFile)('sh', ['-c', 'command -v curl']).catch(() => null);
  if (found === null) return null;
  const quiet = `${line} -sS -o answer -w '%{http_code}'`;
  const options = { cwd: folder, env: { ...process.env, ...environment } };
  const { stdout } = await promisify(execFile)('sh', ['-c', quiet], options);
  return Number(stdout.slice(-3));
}

/** The words of a shell's command line: quotes, backslashes and variables, as far as our lines use them. */
function shellWords(line: string, environment: Place['environment']): string[] {
  const joined = line.replaceAll(/\\\n\s*/g, ' ');
  const words: string[] = [];
  const piece = /\s*((?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+)/gy;
  for (const [, word = ''] of joined.matchAll(piece)) {
    words.push(
      word.replaceAll(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
        (_, single?: string, double?: string, escaped?: string) =>
          single ?? escaped ?? (double ?? '').replaceAll(/\$(\w+)/g, (_match, name: string) => environment[name] ?? ''),
      ),
    );
  }
  return words;
}
