/** What carries the key in the fragment of a link that signs a browser in. */
export const signInParameter = 'key';

/** The link that signs a browser in at a page. A fragment is sent to no server (RFC 9110 §7.1), and pages take it away. */
export function signInLink(pageUrl: string, key: string): string {
  return `${pageUrl}#${signInParameter}=${encodeURIComponent(key)}`;
}
