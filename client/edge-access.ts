import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ownNames } from '../contract/own-machine.ts';
import { baseUrl } from './base-url.ts';

const localUrl = 'http://127.0.0.1:8787';
const root = join(import.meta.dirname, '..');

/** Where `npm start` keeps its state unless MESHKILN_STATE names another folder. */
export const defaultStateFolder = join(root, '.meshkiln');

/** The variables that set a key by hand, and the files of a state folder that have the keys made there. */
export const keys = {
  user: { variable: 'MESHKILN_API_KEY', file: 'api-key' },
  admin: { variable: 'MESHKILN_ADMIN_KEY', file: 'admin-key' },
} as const;

export type KeyName = keyof typeof keys;

/** How a person says which edge a command is for, for its usage. */
export function whichEdge(name: KeyName): string {
  return `MESHKILN_URL (default ${localUrl}) and ${keys[name].variable} (for an edge on this machine: the key
that npm start made) say which edge.`;
}

/** The edge that a command is for, and the key to send it; throws an Error that names what has to be set. */
export function edgeAccess(name: KeyName): { url: string; key: string } {
  const url = edgeUrl();
  return { url, key: process.env[keys[name].variable] ?? localKey(name, url) };
}

function edgeUrl(): string {
  const given = process.env.MESHKILN_URL ?? localUrl;
  if (!URL.canParse(given)) throw new Error(`MESHKILN_URL is "${given}", not a URL such as ${localUrl}`);
  return baseUrl(given);
}

/** A key from the state folder of `npm start`; no other machine is told it. */
function localKey(name: KeyName, url: string): string {
  const { variable, file } = keys[name];
  const { hostname } = new URL(url);
  if (!ownNames.has(hostname)) {
    throw new Error(`${variable} is not set: it is the key to send to ${url}`);
  }
  const folder = resolve(process.env.MESHKILN_STATE ?? defaultStateFolder);
  try {
    return readFileSync(join(folder, file), 'utf8').trim();
  } catch (cause) {
    throw new Error(`${variable} is not set, and ${folder} has no key: npm start makes one`, { cause });
  }
}
