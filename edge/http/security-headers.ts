/** Headers of an answer that is not a page: a browser may do nothing with it. */
export const defaultHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

const defaultEntries = Object.entries(defaultHeaders);

/** Header of every answer over TLS (RFC 6797 §6.1). For this host only: other hosts of the domain are not ours. */
const transportSecurity = ['strict-transport-security', 'max-age=31536000'] as const;

/** Keeps browsers from sniffing, framing or running an answer. Pages and assets bring stricter headers of their own, which stay. */
export function setDefaultHeaders(answer: Headers): void {
  // defence: API8-1
  for (const [name, value] of defaultEntries) if (!answer.has(name)) answer.set(name, value);
}

/** Keeps browsers on TLS, where the request came over it. */
export function setTransportSecurity(answer: Headers, url: string): void {
  if (url.startsWith('https:')) answer.set(...transportSecurity);
}
