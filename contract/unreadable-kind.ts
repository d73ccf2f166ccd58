import { Problem } from './problem.ts';

/** The Problem of a picture of a known kind that cannot be read: its name, and the way out. */
export function unreadableKind(name: string, wayOut = 'Convert it to PNG or JPEG.'): Problem {
  return new Problem('invalid_image', `The image is ${name}, which cannot be read. ${wayOut}`, { param: 'image' });
}
