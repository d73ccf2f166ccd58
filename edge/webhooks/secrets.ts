/** How long the previous secret also signs, in milliseconds: the time a receiver has to change over. */
const overlapMs = 24 * 3600 * 1000;

const secretBytes = 32;

/** The secrets that sign a tenant's events. `previous` is null unless the secret changed within the last day. */
export type WebhookSecrets = {
  secret: string;
  createdAtSeconds: number;
  previous: { secret: string; untilSeconds: number } | null;
};

const storageKey = 'secrets';

/** The current secrets, made at the first read. */
export function readSecrets(storage: DurableObjectStorage): WebhookSecrets {
  const kept = storage.kv.get<WebhookSecrets>(storageKey) ?? rotateSecret(storage);
  const isOver = kept.previous !== null && kept.previous.untilSeconds * 1000 <= Date.now();
  return isOver ? { ...kept, previous: null } : kept;
}

/** Replaces the secret. The old one also signs for a day. */
export function rotateSecret(storage: DurableObjectStorage): WebhookSecrets {
  const before = storage.kv.get<WebhookSecrets>(storageKey);
  const now = Date.now();
  const random = crypto.getRandomValues(new Uint8Array(secretBytes));
  const secrets = {
    secret: `whsec_${btoa(String.fromCharCode(...random))}`,
    createdAtSeconds: Math.floor(now / 1000),
    previous: before ? { secret: before.secret, untilSeconds: Math.ceil((now + overlapMs) / 1000) } : null,
  };
  storage.kv.put(storageKey, secrets);
  return secrets;
}
