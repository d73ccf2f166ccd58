import { z } from 'zod';

const Count = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const Settings = z.object({
  GPU_MS_RESERVED_PER_MISS: Count,
  TENANT_GPU_MS_PER_DAY: Count,
  TENANT_CONCURRENT_MISSES: Count,
  ANONYMOUS_GPU_MS_PER_DAY: Count,
  ANONYMOUS_CONCURRENT_MISSES: Count,
  ADDRESS_GPU_MS_PER_DAY: Count,
  ADDRESS_CONCURRENT_MISSES: Count,
});

/** The variables of wrangler.toml that bound what misses cost; whole numbers as text. */
export type LimitVariables = z.input<typeof Settings>;

/** Limits of misses: GPU milliseconds in a UTC day, and misses in progress at once. 0 leaves hits alone. */
export type MissLimits = { gpuMsPerDay: number; concurrentMissesMax: number };

export type LimitSettings = {
  /** GPU milliseconds that a miss reserves from each of its budgets until its true cost is known. */
  reservedMs: number;
  /** Of a tenant that has no limits of its own. */
  tenant: MissLimits;
  /** For all callers without a key together, and for one address. */
  anonymous: MissLimits;
  address: MissLimits;
};

/** Reads the variables; throws an Error that names one that is wrong. */
export function parseLimitSettings(variables: LimitVariables): LimitSettings {
  const parsed = Settings.safeParse(variables);
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new Error(`the limits in wrangler.toml are not valid: ${where.join('; ')}`);
  }
  const { data } = parsed;
  return {
    reservedMs: data.GPU_MS_RESERVED_PER_MISS,
    tenant: { gpuMsPerDay: data.TENANT_GPU_MS_PER_DAY, concurrentMissesMax: data.TENANT_CONCURRENT_MISSES },
    anonymous: { gpuMsPerDay: data.ANONYMOUS_GPU_MS_PER_DAY, concurrentMissesMax: data.ANONYMOUS_CONCURRENT_MISSES },
    address: { gpuMsPerDay: data.ADDRESS_GPU_MS_PER_DAY, concurrentMissesMax: data.ADDRESS_CONCURRENT_MISSES },
  };
}
