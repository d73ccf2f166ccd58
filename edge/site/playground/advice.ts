import { ApiError } from '../api/call.ts';

/** What somebody can do about an error, by its code; what is not here is told as the API said it. */
const advice: Readonly<Record<string, string>> = {
  unreachable: 'Check that the edge runs and that you are online, then try again.',
  invalid_image: 'If it is one, the file is damaged: choose another.',
  image_too_many_pixels: 'Scale it below 40 megapixels and try again.',
  body_too_large: 'Scale it down, or save it as JPEG or WebP, and try again.',
  unsupported_media_type: 'Choose a PNG, JPEG, WebP, AVIF or GIF.',
  unprocessable_image: 'A picture of one whole object that stands out from its background works best.',
  invalid_api_key: 'Enter a key above that this edge knows.',
  insufficient_scope: 'Enter a key above that may make meshes.',
  no_origin: 'No GPU is there at the moment. What was made before can still be had; anything new has to wait.',
  queue_full: 'Many are asking at the moment. Try again shortly.',
  rate_limit_exceeded: 'You were asking faster than this edge allows.',
  mesh_failed: 'Try again; if it fails again, another picture may help.',
  taken_down: 'The operator has taken this picture down.',
};

/** An error in a sentence for people, and what to do about it in another. */
export function explain(error: unknown): { what: string; toDo: string } {
  if (!(error instanceof ApiError)) {
    return { what: error instanceof Error ? error.message : String(error), toDo: 'Load the page anew and try again.' };
  }
  const wait = error.retryAfterSeconds === null ? '' : ` It may work again in ${error.retryAfterSeconds} s.`;
  return { what: error.message, toDo: `${advice[error.code] ?? ''}${wait}`.trim() };
}
