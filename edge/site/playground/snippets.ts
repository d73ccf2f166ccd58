import type { MeshFields } from '../api/meshes.ts';

export const languages = ['curl', 'OpenAI SDK', 'Command line'] as const;
export type Language = (typeof languages)[number];

type Asked = { edgeUrl: string; pictureName: string; fields: MeshFields };

const extensions: Readonly<Record<string, string>> = { glb: 'glb', obj: 'zip', stl: 'stl', ply: 'ply' };

/** What the command line calls the fields that the page has. */
const optionOf: Readonly<Record<string, string>> = { compression: '--compression', target_face_count: '--faces' };

/** Code that makes the same request as the page just did. */
export function snippet(language: Language, asked: Asked): string {
  if (language === 'curl') return curl(asked);
  return language === 'OpenAI SDK' ? openAiSdk(asked) : commandLine(asked);
}

function curl({ edgeUrl, pictureName, fields }: Asked): string {
  const lines = [
    `curl ${edgeUrl}/v1/meshes`,
    '-H "Authorization: Bearer $MESHKILN_API_KEY"',
    "-H 'Prefer: wait=60'",
    `-F image=@${shellWord(pictureName)}`,
    ...Object.entries(fields).map(([name, value]) => `-F ${name}=${value}`),
  ];
  return lines.join(' \\\n  ');
}

function openAiSdk({ edgeUrl, pictureName, fields }: Asked): string {
  const others = Object.entries(fields).map(
    ([name, value]) => `, ${name}: ${/^\d+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  const mediaType = /\.jpe?g$/i.test(pictureName) ? 'jpeg' : (/\.(\w+)$/.exec(pictureName)?.[1] ?? 'png').toLowerCase();
  return `import { readFile } from 'node:fs/promises';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${edgeUrl}/v1', apiKey: process.env.MESHKILN_API_KEY });
const picture = (await readFile(${JSON.stringify(pictureName)})).toString('base64');
const mesh = await client.post('/meshes', {
  headers: { prefer: 'wait=60' },
  body: { image: \`data:image/${mediaType};base64,\${picture}\`${others.join('')} },
});
console.log(mesh.asset.url);`;
}

function commandLine({ edgeUrl, pictureName, fields }: Asked): string {
  const { output_format: format = 'glb', ...others } = fields;
  const options = Object.entries(others).map(([name, value]) => `${optionOf[name] ?? name} ${value}`);
  const output = `${pictureName.replace(/\.\w+$/, '')}.${extensions[format] ?? format}`;
  return [
    `export MESHKILN_URL=${edgeUrl} MESHKILN_API_KEY=…`,
    ['npm run mesh --', shellWord(pictureName), '-o', shellWord(output), ...options].join(' '),
  ].join('\n');
}

function shellWord(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
