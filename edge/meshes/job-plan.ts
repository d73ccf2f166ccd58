import { canonicalJson } from '../../contract/canonical-json.ts';
import { hex, sha256 } from '../../contract/digest.ts';
import { contractVersion, isUnrepeatable, meshParams, pipelineVersion, requestKey } from '../../contract/key.ts';
import type { KeyInput } from '../../contract/key.ts';
import type { Model } from '../../contract/model.ts';
import type { MeshRequest } from '../../contract/request.ts';
import { Memory } from '../store/memory.ts';
import type { JobDraft } from '../flight/flight-record.ts';

/** A job before its picture was looked at: all that its key is made of. */
export type JobPlan = Omit<JobDraft, 'imageBytes' | 'trace'>;

/** Names what a job is made of: a picture by its digest, or a prompt with the model that is to draw it. */
export type InputName = Pick<JobPlan, 'imageSha256' | 'textToImageModel'>;

/** Life in seconds of a result that no other request can find. */
const unrepeatableLifeSeconds = 3600;

const nonceBytes = 16;

/** Bytes of keys that an isolate remembers with what they were made of; a hit's picture is one that comes often. */
const keysBytesMax = 1024 * 1024;

type MadeKey = { of: string; key: string };

const madeKeys = new Memory<MadeKey>({
  bytesMax: keysBytesMax,
  sizeOf: ({ of, key }) => 2 * (of.length + key.length),
  now: () => Date.now(),
});

/** The job that a request asks of a model; of an unrepeatable request each plan has another key. */
export async function planJob(
  request: MeshRequest,
  { model, input, scope, tenant }: { model: Model; input: InputName; scope: string; tenant: string },
): Promise<JobPlan> {
  const { imageSha256 } = input;
  const unrepeatable = isUnrepeatable(request, model);
  const nonce = unrepeatable ? hex(crypto.getRandomValues(new Uint8Array(nonceBytes))) : null;
  const { model: identity, params, text } = unrepeatable ? wantedOf(request, model) : knownWanted(request, model);
  return {
    contract: contractVersion,
    pipeline: pipelineVersion,
    key: await keyOf({ model: identity, imageSha256, params, scope, nonce }, text),
    model: identity,
    params,
    ...input,
    scope,
    tenant,
    priority: request.priority,
    expiresInSeconds: unrepeatable ? unrepeatableLifeSeconds : null,
  };
}

/** What a request asks of a model, whatever its picture; plans share it. */
type Wanted = Pick<KeyInput, 'model' | 'params'> & { text: string };

/** Of the requests that memory holds, each for the model that it was last asked of. */
const wanted = new WeakMap<MeshRequest, { of: Model; wanted: Wanted }>();

/** As `wantedOf`, from memory where a form with these very fields came before: its request is the same frozen object. */
function knownWanted(request: MeshRequest, model: Model): Wanted {
  const known = wanted.get(request);
  if (known?.of === model) return known.wanted;
  const made = wantedOf(request, model);
  if (Object.isFrozen(request)) wanted.set(request, { of: model, wanted: made });
  return made;
}

function wantedOf(request: MeshRequest, of: Model): Wanted {
  const params = Object.freeze(meshParams(request, of));
  const model = Object.freeze({ id: of.id, digest: of.digest });
  return { model, params, text: JSON.stringify({ model, params }) };
}

/** The request key, from memory where this very input came before: as text, in which nothing is lost. */
async function keyOf(input: KeyInput, text: string): Promise<string> {
  if (input.nonce !== null) return requestKey(input);
  const of = `${input.imageSha256} ${input.scope} ${text}`;
  const made = madeKeys.get(of);
  if (made !== null) return made.key;
  const key = await requestKey(input);
  madeKeys.set(of, { of, key });
  return key;
}

/**
 * What tells one request from another under an idempotency key: its parsed fields, with the picture as its digest (null
 * for a prompt, which is a field itself).
 */
export function fingerprint(request: MeshRequest, imageSha256: string | null): Promise<string> {
  return sha256(canonicalJson({ ...request, image: imageSha256 }));
}
