/** Where a field of a form belongs. Clients write the same field in several ways; each of them has one place. */
export type FormPlace =
  | { is: 'picture' }
  | { is: 'digest' }
  /** One pair of `metadata`. */
  | { is: 'metadata'; name: string }
  /** A member of `cache`; an `item` is one entry of a list. */
  | { is: 'cache'; member: string; item: boolean }
  | { is: 'field'; name: string };

const pictureName = /^(?:image(?:\[\d{0,3}\])?|file)$/;
const digestName = /^(?:image_sha256|image\[sha256\])$/;
const metadataName = /^metadata\[([^\]]*)\]$/;
const cacheName = /^cache(?:_(\w+)|\[(\w+)\])(\[\d{0,3}\])?$/;

/**
 * The place of a form's field by its name. Besides the documented names: `image[]`, `image[0]` and `file` for the
 * picture, `image[sha256]`, `metadata[a]`, `cache[mode]` and `cache[tags][]`, as SDKs and form libraries write them.
 */
export function placeOf(name: string): FormPlace {
  if (pictureName.test(name)) return { is: 'picture' };
  if (digestName.test(name)) return { is: 'digest' };
  const pair = metadataName.exec(name)?.[1];
  if (pair !== undefined) return { is: 'metadata', name: pair };
  const cache = cacheName.exec(name);
  const member = cache?.[1] ?? cache?.[2];
  if (member !== undefined) return { is: 'cache', member, item: cache?.[3] !== undefined };
  return { is: 'field', name };
}
