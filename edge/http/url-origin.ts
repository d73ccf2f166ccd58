/** Scheme and authority of a URL, without parsing the rest, which would be a good part of a hit's time. */
export function urlOrigin(url: string): string {
  return /^https?:\/\/[^/?#]+/.exec(url)?.[0] ?? '';
}
