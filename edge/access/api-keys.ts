import { z } from 'zod';
import { KeyScopes } from '../../contract/answers.ts';
import { Sha256 } from '../../contract/digest.ts';
import { parseSecret } from '../secret.ts';
import { TenantName } from '../tenant/tenant-name.ts';

const ApiKey = z.strictObject({
  sha256: Sha256,
  tenant: TenantName,
  scopes: KeyScopes,
  /** Set for the operator's own keys: they are not counted against any limit. */
  unlimited: z.boolean().default(false),
  /** `cache.scope` of the requests that name none. */
  defaultScope: z.enum(['shared', 'private']).default('shared'),
});

/** A key of the `API_KEYS` secret, by its digest; the key itself is stored nowhere. */
export type ApiKey = z.infer<typeof ApiKey>;

/** Reads the `API_KEYS` secret; throws an Error that names the secret but holds no value of it. */
export function parseApiKeys(text: string): readonly ApiKey[] {
  return parseSecret('API_KEYS', z.array(ApiKey), text);
}
