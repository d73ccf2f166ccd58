import ipaddr from 'ipaddr.js';

/** One customer commonly has a whole /64 of IPv6 (RFC 6177), so that is what counts as one address. */
const ipv6Groups = 4;

/**
 * Whose requests are counted together where no key tells: an IPv4 address, or the first 64 bits of an IPv6 one.
 * Cloudflare sets the header itself, whatever the client sent.
 */
export function addressOf(headers: Headers): string {
  const text = headers.get('cf-connecting-ip');
  // The library finds out by throwing, which costs more than all else that tells a key.
  if (text === null || !ipaddr.isValid(text)) return 'unknown';
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6 ? `${address.parts.slice(0, ipv6Groups).join(':')}::/64` : address.toString();
}
