import ipaddr from 'ipaddr.js';

/** Addresses that no registry reserves and that are yet of one's own network: Azure's metadata service. */
const internalAddresses: ReadonlySet<string> = new Set(['168.63.129.16']);

/** The only block from which IPv6 addresses of the internet are given out (RFC 4291 §2.4, IANA's registry). */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Whether an IP address is one of the public internet: none that is loopback, private, link-local, shared (RFC 6598),
 * multicast, reserved, or that carries an IPv4 address in it (mapped, NAT64, 6to4, Teredo). Text that is no address is
 * not.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (/* defence: API7-3 */ address.range() !== 'unicast' || internalAddresses.has(address.toString())) return false;
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}
