import { canonicalJson } from '../../contract/canonical-json.ts';
import { hex, sha256 } from '../../contract/digest.ts';
import { contractVersion, isUnrepeatable, meshParams, pipelineVersion, requestKey } from '../../contract/key.ts';
import type { Model } from '../../contract/model.ts';
import type { MeshRequest } from '../../contract/request.ts';
import type { JobDraft } from '../flight/flight-record.ts';

/** A job before its picture was looked at: all that its key is made of. */
export type JobPlan = Omit<JobDraft, 'imageBytes' | 'trace'>;

/** Names what a job is made of: a picture by its digest, or a prompt with the model that is to draw it. */
export type InputName = Pick<JobPlan, 'imageSha256' | 'textToImageModel'>;

/** Life in seconds of a result that no other request can find. */
const unrepeatableLifeSeconds = 3600;

const nonceBytes = 16;

/** The job that a request asks of a model; of an unrepeatable request each plan has another key. */
export async function planJob(
  request: MeshRequest,
  { model, input, scope, tenant }: { model: Model; input: InputName; scope: string; tenant: string },
): Promise<JobPlan> {
  const { imageSha256 } = input;
  const unrepeatable = isUnrepeatable(request, model);
  const nonce = unrepeatable ? hex(crypto.getRandomValues(new Uint8Array(nonceBytes))) : null;
  const params = meshParams(request, model);
  const identity = { id: model.id, digest: model.digest };
  return {
    contract: contractVersion,
    pipeline: pipelineVersion,
    key: await requestKey({ model: identity, imageSha256, params, scope, nonce }),
    model: identity,
    params,
    ...input,
    scope,
    tenant,
    priority: request.priority,
    expiresInSeconds: unrepeatable ? unrepeatableLifeSeconds : null,
  };
}

/**
 * What tells one request from another under an idempotency key: its parsed fields, with the picture as its digest (null
 * for a prompt, which is a field itself).
 */
export function fingerprint(request: MeshRequest, imageSha256: string | null): Promise<string> {
  return sha256(canonicalJson({ ...request, image: imageSha256 }));
}
