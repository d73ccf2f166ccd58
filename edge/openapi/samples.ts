/** The address that stands in the document until it is served, when the edge's own takes its place. */
export const documentUrl = 'https://meshkiln.example';

/** A call that shows an operation, from which its code samples are written. */
export type Sample = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** With its query. */
  path: string;
  /** Whose key it needs, null for none. */
  key: 'user' | 'admin' | null;
  headers?: Record<string, string>;
  body?: { form: Record<string, string> } | { json: unknown };
  /** What the answer is: JSON unless told otherwise, a file to keep under this name, or server-sent events. */
  answer?: { file: string } | 'events';
  /** The project's own command that does the same. */
  command?: string;
};

/** One way to make a call, in the shape that API viewers know as `x-codeSamples`. */
export type CodeSample = { lang: 'Shell' | 'JavaScript' | 'Python'; label: string; source: string };

const keyVariables = { user: 'MESHKILN_API_KEY', admin: 'MESHKILN_ADMIN_KEY' } as const;
const apiPath = '/v1';

/** A call in each way that there is to make it: curl, the OpenAI SDKs for what is under `/v1`, and our own command. */
export function codeSamples(sample: Sample): CodeSample[] {
  const samples: CodeSample[] = [{ lang: 'Shell', label: 'curl', source: curl(sample) }];
  if (sample.path.startsWith(`${apiPath}/`)) {
    samples.push({ lang: 'JavaScript', label: 'OpenAI SDK, JavaScript', source: javaScriptSdk(sample) });
    samples.push({ lang: 'Python', label: 'OpenAI SDK, Python', source: pythonSdk(sample) });
  } else if (sample.method !== 'HEAD') {
    samples.push({ lang: 'JavaScript', label: 'JavaScript', source: javaScriptFetch(sample) });
  }
  if (sample.command !== undefined) {
    samples.push({ lang: 'Shell', label: 'command line', source: sample.command });
  }
  return samples;
}

function curl({ method, path, key, headers = {}, body, answer }: Sample): string {
  const options: string[] = [];
  if (method === 'HEAD') options.push('--head');
  else if (method === 'DELETE' || method === 'PUT' || (method === 'POST' && body === undefined))
    options.push(`-X ${method}`);
  if (key !== null) options.push(`-H "Authorization: Bearer $${keyVariables[key]}"`);
  if (body && 'json' in body) options.push("-H 'Content-Type: application/json'");
  for (const [name, value] of Object.entries(headers)) options.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body && 'json' in body) options.push(`-d ${quoted(JSON.stringify(body.json))}`);
  else for (const [name, value] of Object.entries(body?.form ?? {})) options.push(`-F ${quoted(`${name}=${value}`)}`);
  if (answer === 'events') options.push('-N');
  else if (answer) options.push(`-o ${answer.file}`);
  return [`curl ${quoted(documentUrl + path)}`, ...options].join(' \\\n  ');
}

/** A word of a shell's command line, in quotes where it needs them. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function javaScriptSdk({ method, path, headers, body, answer }: Sample): string {
  const imports = ["import OpenAI from 'openai';"];
  const lines = [
    `const client = new OpenAI({ baseURL: '${documentUrl}${apiPath}', apiKey: process.env.MESHKILN_API_KEY });`,
  ];
  const options: string[] = [];
  if (body && 'json' in body) options.push(`body: ${javaScript(body.json)}`);
  if (body && 'form' in body) {
    imports.push("import { openAsBlob } from 'node:fs';");
    lines.push(...javaScriptForm(body.form));
    options.push('body');
  }
  if (headers) options.push(`headers: ${javaScript(headers)}`);
  if (answer === 'events') options.push('stream: true');
  const given = options.length === 0 ? '' : `, { ${options.join(', ')} }`;
  const call = `client.${method.toLowerCase()}('${path.slice(apiPath.length)}'${given})`;
  if (answer === 'events') {
    lines.push(`for await (const mesh of await ${call}) console.log(mesh.status, mesh.progress);`);
  } else if (answer) {
    imports.push("import { writeFile } from 'node:fs/promises';");
    lines.push(`const answer = await ${call}.asResponse();`);
    lines.push(`await writeFile('${answer.file}', Buffer.from(await answer.arrayBuffer()));`);
  } else {
    lines.push(`console.log(await ${call});`);
  }
  return [...imports, '', ...lines].join('\n');
}

function javaScriptForm(form: Record<string, string>): string[] {
  return [
    'const body = new FormData();',
    ...Object.entries(form).map(([name, value]) => {
      const file = value.startsWith('@') ? value.slice(1) : null;
      return `body.set('${name}', ${file === null ? `'${value}'` : `await openAsBlob('${file}'), '${file}'`});`;
    }),
  ];
}

function javaScriptFetch({ method, path, key, body, answer }: Sample): string {
  const options: string[] = [];
  if (method !== 'GET') options.push(`method: '${method}'`);
  const headers = key === null ? [] : [`authorization: \`Bearer \${process.env.${keyVariables[key]}}\``];
  if (body && 'json' in body) {
    headers.push("'content-type': 'application/json'");
    options.push(`body: JSON.stringify(${javaScript(body.json)})`);
  }
  if (headers.length > 0) options.push(`headers: { ${headers.join(', ')} }`);
  const given = options.length === 0 ? '' : `, {\n${options.map((option) => `  ${option},\n`).join('')}}`;
  const lines = [`const answer = await fetch('${documentUrl}${path}'${given});`];
  if (typeof answer === 'object') {
    lines.unshift("import { writeFile } from 'node:fs/promises';", '');
    lines.push(`await writeFile('${answer.file}', Buffer.from(await answer.arrayBuffer()));`);
  } else {
    lines.push('console.log(await answer.text());');
  }
  return lines.join('\n');
}

function pythonSdk({ method, path, headers, body, answer }: Sample): string {
  const imports = ['OpenAI'];
  const given: string[] = [];
  const options = { ...headers };
  if (answer === 'events') {
    imports.push('Stream');
    given.push('cast_to=object', 'stream=True', 'stream_cls=Stream[object]');
  } else if (answer) {
    imports.push('HttpxBinaryResponseContent');
    given.push('cast_to=HttpxBinaryResponseContent');
  } else {
    given.push('cast_to=object');
  }
  if (body && 'json' in body) given.push(`body=${python(body.json)}`);
  if (body && 'form' in body) {
    const fields = Object.entries(body.form);
    const files = fields.filter(([, value]) => value.startsWith('@'));
    given.push(`files={${files.map(([name, value]) => `"${name}": open("${value.slice(1)}", "rb")`).join(', ')}}`);
    given.push(`body=${python(Object.fromEntries(fields.filter((field) => !files.includes(field))))}`);
    options['Content-Type'] = 'multipart/form-data';
  }
  if (Object.keys(options).length > 0) given.push(`options={"headers": ${python(options)}}`);
  const call = `client.${method.toLowerCase()}(\n    "${path.slice(apiPath.length)}",\n${given
    .map((argument) => `    ${argument},\n`)
    .join('')})`;
  const lines = [
    'import os',
    `from openai import ${imports.join(', ')}`,
    '',
    `client = OpenAI(base_url="${documentUrl}${apiPath}", api_key=os.environ["MESHKILN_API_KEY"])`,
  ];
  if (answer === 'events') lines.push(`for mesh in ${call}:`, '    print(mesh["status"], mesh["progress"])');
  else if (answer) lines.push(`${call}.write_to_file("${answer.file}")`);
  else lines.push(`print(${call})`);
  return lines.join('\n');
}

/** A JSON value as one writes it in JavaScript. */
function javaScript(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(javaScript).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const name = (text: string) => (/^\w+$/.test(text) ? text : javaScript(text));
  return `{ ${Object.entries(value)
    .map(([key, member]) => `${name(key)}: ${javaScript(member)}`)
    .join(', ')} }`;
}

/** The same as Python writes it. */
function python(value: unknown): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const pairs = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${python(member)}`);
  return `{${pairs.join(', ')}}`;
}
