/** Scheme and authority of a request's URL, without parsing the rest: a good part of a hit's time. */
export function urlOrigin(url: string): string {
  return /^https?:\/\/[^/?#]+/.exec(url)?.[0] ?? '';
}
