import { z } from 'zod';

/** Scope of a mesh that everyone may read. The scope of a private mesh is its tenant's name. */
export const sharedScope = 'shared';

/** The tenant of all callers without a key; no key can belong to it. */
export const anonymousTenant = 'anonymous';

/** The name of a tenant that a key may belong to. */
export const TenantName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .refine((tenant) => tenant !== sharedScope, `must not be "${sharedScope}"`)
  .refine((tenant) => tenant !== anonymousTenant, `must not be "${anonymousTenant}"`);
