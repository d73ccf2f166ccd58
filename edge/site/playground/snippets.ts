import { fieldNames, fieldOf } from '../../../contract/fields.ts';
import { OutputFormat, outputFormats } from '../../../contract/formats.ts';
import { localKeyCommand, ownNames } from '../../../contract/own-machine.ts';
import type { MeshFields, Subject } from '../api/meshes.ts';

export const languages = ['curl', 'OpenAI SDK', 'Command line'] as const;
export type Language = (typeof languages)[number];

/** A request that the page has made; `withKey` where it took one. */
type Asked = { edgeUrl: string; subject: Subject; fields: MeshFields; withKey: boolean };

/** Code that makes the same request as the page just did. */
export function snippet(language: Language, asked: Asked): string {
  if (language === 'curl') return curl(asked);
  return language === 'OpenAI SDK' ? openAiSdk(asked) : commandLine(asked);
}

function curl({ edgeUrl, subject, fields, withKey }: Asked): string {
  const made = subject.is === 'picture' ? `image=@${subject.file.name}` : `prompt=${subject.prompt}`;
  const lines = [
    `curl ${edgeUrl}/v1/meshes`,
    ...(withKey ? [`-H "Authorization: Bearer ${shellKey(edgeUrl)}"`] : []),
    "-H 'Prefer: wait=60'",
    // What a form takes as it is: of -F, a value that begins with @ or < would be a file's name.
    `${subject.is === 'picture' ? '-F' : '--form-string'} ${shellWord(made)}`,
    ...Object.entries(fields).map(([name, value]) => `-F ${name}=${value}`),
  ];
  return lines.join(' \\\n  ');
}

/** How a shell has the key: on the machine of the edge, from the command that reads it. */
function shellKey(edgeUrl: string): string {
  return isLocal(edgeUrl) ? localKeyCommand : '$MESHKILN_API_KEY';
}

function isLocal(edgeUrl: string): boolean {
  return ownNames.has(new URL(edgeUrl).hostname);
}

function openAiSdk({ edgeUrl, subject, fields }: Asked): string {
  const others = Object.entries(fields).map(
    ([name, value]) => `, ${name}: ${/^\d+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  const { reading, field } = subject.is === 'picture' ? pictureIn(subject.file.name) : promptIn(subject.prompt);
  return `${reading.imports}import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${edgeUrl}/v1', apiKey: process.env.MESHKILN_API_KEY });
${reading.lines}const mesh = await client.post('/meshes', {
  headers: { prefer: 'wait=60' },
  body: { ${field}${others.join('')} },
});
console.log(mesh.asset.url);`;
}

/** What a program does to have a field of its request: the lines before it, and the field. */
type InProgram = { reading: { imports: string; lines: string }; field: string };

function pictureIn(name: string): InProgram {
  const mediaType = /\.jpe?g$/i.test(name) ? 'jpeg' : (/\.(\w+)$/.exec(name)?.[1] ?? 'png').toLowerCase();
  return {
    reading: {
      imports: "import { readFile } from 'node:fs/promises';\n",
      lines: `const picture = (await readFile(${JSON.stringify(name)})).toString('base64');\n`,
    },
    field: `image: \`data:image/${mediaType};base64,\${picture}\``,
  };
}

function promptIn(prompt: string): InProgram {
  return { reading: { imports: '', lines: '' }, field: `prompt: ${JSON.stringify(prompt)}` };
}

function commandLine({ edgeUrl, subject, fields, withKey }: Asked): string {
  const { output_format: asked, ...others } = fields;
  const { extension } = outputFormats[OutputFormat.parse(asked ?? 'glb')];
  const options = Object.entries(others).map(([name, value]) => `${optionOf(name)} ${value}`);
  const stem = subject.is === 'picture' ? subject.file.name.replace(/\.\w+$/, '') : 'mesh';
  const made = subject.is === 'picture' ? [shellWord(subject.file.name)] : ['--prompt', shellWord(subject.prompt)];
  const output = `${stem}.${extension}`;
  return [
    `export MESHKILN_URL=${edgeUrl}${withKey && !isLocal(edgeUrl) ? ' MESHKILN_API_KEY=…' : ''}`,
    ['npm run mesh --', ...made, '-o', shellWord(output), ...options].join(' '),
  ].join('\n');
}

/** What the command line calls a field of the page. */
function optionOf(name: string): string {
  const field = fieldNames.find((known) => known === name);
  return `--${(field && fieldOf(field).option?.name) ?? name}`;
}

function shellWord(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
