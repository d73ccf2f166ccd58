import { outsideUrlCharactersMax } from '../../contract/fields.ts';

/** Names that only a local resolver answers (RFC 6761, 6762, 8375 and ICANN's `internal`). */
const localNames = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa|onion)$/;

/**
 * Parses a client's URL. Null unless it is https on the default port, with a dotted host name and no credentials. IP
 * addresses are refused in every spelling: the URL parser has already turned `0x7f.1` and `2130706433` into dotted
 * decimal. What the name resolves to is checked at each connection.
 */
export function publicUrl(text: string, base?: URL): URL | null {
  const url = text.length <= outsideUrlCharactersMax ? URL.parse(text, base?.href) : null;
  if (url === null || url.protocol !== 'https:' || url.port !== '') return null;
  if (url.username !== '' || url.password !== '') return null;
  const name = url.hostname.replace(/\.$/, '');
  const isAddress = /* defence: API7-1 */ name.startsWith('[') || /^[0-9.]+$/.test(name);
  return !isAddress && name.includes('.') && !localNames.test(name) ? url : null;
}
