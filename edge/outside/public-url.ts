import { outsideUrlCharactersMax } from '../../contract/fields.ts';

/** Names that only a network's own resolver answers (RFC 6761, 6762, 8375 and ICANN's `internal`). */
const localNames = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa|onion)$/;

/**
 * The URL that a stranger named, if it may be asked at all: https, the port of https, a host name with a dot in it, no
 * credentials; null for any other. A host that is an IP address is refused in every spelling, since the URL parser
 * has made dotted decimal of `0x7f.1` and `2130706433` by then. What the name resolves to is checked at each connection.
 */
export function publicUrl(text: string, base?: URL): URL | null {
  const url = text.length <= outsideUrlCharactersMax ? URL.parse(text, base) : null;
  if (url === null || url.protocol !== 'https:' || url.port !== '') return null;
  if (url.username !== '' || url.password !== '') return null;
  const name = url.hostname.replace(/\.$/, '');
  const isAddress = /* defence: API7-1 */ name.startsWith('[') || /^[0-9.]+$/.test(name);
  return !isAddress && name.includes('.') && !localNames.test(name) ? url : null;
}
