import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = join(dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets');

/** Pictures of things by name: 256² WebP with alpha. */
export const emojiNames = {
  teddyBear: '1f9f8',
  doughnut: '1f369',
  key: '1f511',
  ring: '1f48d',
  cup: '2615',
  car: '1f697',
  cat: '1f408',
  butterfly: '1f98b',
  guitar: '1f3b8',
  umbrella: '2602-fe0f',
  scissors: '2702-fe0f',
  chain: '26d3-fe0f',
  twins: '1f46f',
  glasses: '1f453',
} as const;

export type EmojiName = keyof typeof emojiNames;

/** The file of a picture. */
export async function emoji(name: EmojiName): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(join(folder, `${emojiNames[name]}.webp`)));
}
