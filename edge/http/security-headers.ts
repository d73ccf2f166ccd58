/** What a browser may make of an answer that is no page: nothing. */
export const defaultHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

const defaultEntries = Object.entries(defaultHeaders);

/** The header of every answer over TLS (RFC 6797 §6.1). It is for this host alone: its domain may serve other things. */
const transportSecurity = ['strict-transport-security', 'max-age=31536000'] as const;

/**
 * Keeps browsers from sniffing, framing or running an answer. Pages and assets bring stricter headers of their own, which
 * stay. To ask for a header that is there costs next to nothing, to set one about a microsecond.
 */
export function setSecurityHeaders(answer: Headers, url: string): void {
  // defence: API8-1
  for (const [name, value] of defaultEntries) if (!answer.has(name)) answer.set(name, value);
  if (url.startsWith('https:')) answer.set(...transportSecurity);
}
