import { createHash } from 'node:crypto';

/** Two origins and the keys of two tenants, as the secrets of a deployment would have them. */
export const testOrigins = [
  {
    id: 'one',
    url: 'https://one.example',
    secrets: ['the newer secret of origin one', 'the older secret of origin one'],
  },
  { id: 'two', url: 'https://two.example', secrets: ['the only secret of origin two'] },
] as const;

export const testKeys = {
  acme: 'mk_test_acme',
  globex: 'mk_test_globex',
  admin: 'mk_test_admin_only',
  initech: 'mk_test_private_by_default',
  counted: 'mk_test_counted',
} as const;

/** The Worker's secrets in tests. */
export const testSecrets = {
  ORIGINS: JSON.stringify(testOrigins),
  API_KEYS: JSON.stringify([
    { sha256: digest(testKeys.acme), tenant: 'acme', scopes: ['meshes'], unlimited: true },
    { sha256: digest(testKeys.globex), tenant: 'globex', scopes: ['meshes', 'admin'], unlimited: true },
    {
      sha256: digest(testKeys.initech),
      tenant: 'initech',
      scopes: ['meshes'],
      defaultScope: 'private',
      unlimited: true,
    },
    { sha256: digest(testKeys.counted), tenant: 'umbrella', scopes: ['meshes'] },
    { sha256: digest(testKeys.admin), tenant: 'operator', scopes: ['admin'], unlimited: true },
  ]),
  URL_SECRET: 'a secret of 32 characters or more',
};

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
