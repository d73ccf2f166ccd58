import { canonicalJson } from '../../contract/canonical-json.ts';
import { hex, sha256 } from '../../contract/digest.ts';
import { contractVersion, isUnrepeatable, meshParams, pipelineVersion, requestKey } from '../../contract/key.ts';
import type { Model } from '../../contract/model.ts';
import type { MeshRequest } from '../../contract/request.ts';
import type { JobDraft } from '../objects/flight-record.ts';

/** A job before its picture was looked at: all that its key is made of. */
export type JobPlan = Omit<JobDraft, 'imageBytes'>;

/** Life in seconds of a result that no other request can find. */
const unrepeatableLifeSeconds = 3600;

const nonceBytes = 16;

/** The job that a request asks of a model; of an unrepeatable request each plan has another key. */
export async function planJob(
  request: MeshRequest,
  { model, imageSha256, scope, tenant }: { model: Model; imageSha256: string; scope: string; tenant: string },
): Promise<JobPlan> {
  const params = meshParams(request, model);
  const unrepeatable = isUnrepeatable(request, model);
  const nonce = unrepeatable ? hex(crypto.getRandomValues(new Uint8Array(nonceBytes))) : null;
  const identity = { id: model.id, digest: model.digest };
  return {
    contract: contractVersion,
    pipeline: pipelineVersion,
    key: await requestKey({ model: identity, imageSha256, params, scope, nonce }),
    model: identity,
    params,
    imageSha256,
    scope,
    tenant,
    priority: request.priority,
    expiresInSeconds: unrepeatable ? unrepeatableLifeSeconds : null,
  };
}

/** What tells one request from another under an idempotency key: its parsed fields, with the picture as its digest. */
export function fingerprint(request: MeshRequest, imageSha256: string): Promise<string> {
  return sha256(canonicalJson({ ...request, image: imageSha256 }));
}
