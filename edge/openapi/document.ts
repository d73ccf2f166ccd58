import { createDocument, type ZodOpenApiOverride } from 'zod-openapi';
import { signatureHeaders } from '../../contract/signature.ts';
import { MeshObject } from '../../contract/mesh.ts';
import { ErrorBody } from '../../contract/problem.ts';
import { ModelAnswer } from '../../contract/answers.ts';
import { headerComponents } from './headers.ts';
import { keyPaths } from './key-paths.ts';
import { meshPaths } from './mesh-paths.ts';
import { tenantPaths } from './tenant-paths.ts';
import { usagePath } from './usage-path.ts';
import { tags } from './operation.ts';
import { operatorPaths } from './operator-paths.ts';
import { originPaths } from './origin-paths.ts';
import { publicPaths } from './public-paths.ts';
import { documentUrl } from './samples.ts';
import { statisticsPaths } from './statistics-paths.ts';
import { webhookPaths } from './webhook-paths.ts';

const description = `Images to 3D meshes: made once on a GPU, served from the edge from then on.

OpenAI conventions: a bearer key, JSON answers, errors as \`{"error": {"message", "type", "param", "code"}}\` with a status
that the OpenAI SDKs map to their error classes. Another method on a path that exists is a 405 \`method_not_allowed\` with
\`Allow\`, a path that does not exist a 404 \`not_found\`. Pages of any site may call \`/v1\` and \`/assets\`.`;

/** The OpenAPI 3.1 document of this edge, made from the schemas that its routes parse and answer with. */
export function openApiDocument() {
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Meshkiln',
        version: '1',
        summary: 'Image-to-3D as an API',
        description,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: documentUrl }],
      tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
      paths: {
        ...meshPaths,
        // defence: API9-1
        ...webhookPaths,
        ...publicPaths,
        ...operatorPaths,
        ...keyPaths,
        ...tenantPaths,
        ...usagePath,
        ...statisticsPaths,
        ...originPaths,
      },
      components: {
        headers: headerComponents(),
        schemas: { Mesh: MeshObject, Model: ModelAnswer, Error: ErrorBody },
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'A key with the scope that the operation names.' },
          originSignature: {
            type: 'apiKey',
            in: 'header',
            name: signatureHeaders.signature,
            description: `HMAC-SHA-256 by an origin's secret over the call and its ${signatureHeaders.bodySha256}.`,
          },
        },
      },
    },
    { override: readable },
  );
}

/** What zod says and a reader of the document does not need, or is not to rely on. */
const readable: ZodOpenApiOverride = ({ jsonSchema, io }) => {
  // An answer may have more fields tomorrow; a client made from this document is not to refuse them.
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
