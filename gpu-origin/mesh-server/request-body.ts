import { FormData } from 'undici';
import type { MeshServerTemplate, Placeholder } from '../families/mesh-server-template.ts';

/** What is filled in: the PNG file, and the numbers that the mesh request gave (null: the model uses none). */
export type Filling = { picture: Uint8Array; seed: number | null; mc_resolution: number | null };

/** The body of a question to a mesh server, with the headers that go with it. */
export function requestBody({ request }: MeshServerTemplate, filling: Filling) {
  if (request.as === 'json') {
    const body = JSON.stringify(filled(request.body, filling));
    return { headers: { 'content-type': 'application/json' }, body };
  }
  const form = new FormData();
  form.set(request.image, new File([new Uint8Array(filling.picture)], 'picture.png', { type: 'image/png' }));
  for (const [name, text] of Object.entries(request.fields)) form.set(name, String(filled(text, filling)));
  return { headers: {}, body: form };
}

/** A value of the template with its texts filled in; a text that is one placeholder of a number becomes the number. */
function filled(value: unknown, filling: Filling): unknown {
  if (typeof value === 'string') {
    const whole = /^\{(seed|mc_resolution)\}$/.exec(value)?.[1] as 'seed' | 'mc_resolution' | undefined;
    if (whole !== undefined) return filling[whole];
    return value.replaceAll(/\{(image|seed|mc_resolution)\}/g, (_, name: Placeholder) => textOf(name, filling));
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, filling));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, filling)]));
}

function textOf(name: Placeholder, filling: Filling): string {
  return name === 'image' ? Buffer.from(filling.picture).toString('base64') : String(filling[name]);
}
