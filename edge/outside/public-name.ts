import { z } from 'zod';
import { isPublicAddress } from '../../contract/public-address.ts';

/** DNS over HTTPS with JSON answers. Cloudflare's resolver, so a Worker stays in its own network. */
const resolverUrl = 'https://cloudflare-dns.com/dns-query';

/** Types of resource records that hold addresses (RFC 1035 §3.2.2, RFC 3596 §2.1). */
const addressTypes = { A: 1, AAAA: 28 } as const;

const DnsAnswer = z.object({
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).default([]),
});

/** Throws unless a name resolves to public addresses only. */
export async function requirePublicName(name: string, signal: AbortSignal): Promise<void> {
  const found = await Promise.all([addresses(name, 'A', signal), addresses(name, 'AAAA', signal)]);
  const all = found.flat();
  if (all.length === 0) throw new Error('the name has no address');
  // defence: API7-2
  if (!all.every(isPublicAddress)) throw new Error('the name resolves to an address that is not public');
}

async function addresses(name: string, type: keyof typeof addressTypes, signal: AbortSignal): Promise<string[]> {
  const url = `${resolverUrl}?${new URLSearchParams({ name, type })}`;
  const answer = await fetch(url, { headers: { accept: 'application/dns-json' }, signal });
  if (!answer.ok) throw new Error(`the resolver answered ${answer.status}`);
  const { Answer } = DnsAnswer.parse(await answer.json());
  return Answer.filter((record) => record.type === addressTypes[type]).map((record) => record.data);
}
