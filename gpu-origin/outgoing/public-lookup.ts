import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isPublicAddress } from '../../contract/public-address.ts';

type Callback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/**
 * `dns.lookup` for connections that must not end up inside: fails when any address of the name is not of the public
 * internet. A host that is written as an address is never looked up.
 */
export function publicLookup(hostname: string, options: LookupOptions, callback: Callback): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    const inside = addresses.find(({ address }) => !isPublicAddress(address));
    if (inside !== undefined) return callback(new Error(`${hostname} is ${inside.address}, which is not public`), []);
    const [first] = addresses;
    if (options.all === true || first === undefined) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
}
