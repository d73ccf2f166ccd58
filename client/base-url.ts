/** The base URL of an edge as people write it: slashes at its end, and the `/v1` that OpenAI's SDKs want, are taken off. */
export function baseUrl(text: string): string {
  return text.trim().replace(/\/+(?:v1\/*)?$/, '');
}
