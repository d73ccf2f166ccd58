import { z } from 'zod';
import type { ZodOpenApiRequestBodyObject } from 'zod-openapi';
import { Sha256 } from '../../contract/digest.ts';
import { CacheControls, cacheFormFields, fieldNames, fieldOf } from '../../contract/fields.ts';
import { MeshRequest } from '../../contract/request.ts';
import { examplePicture } from './example-picture.ts';

/** What a form's fields are whose contents are no plain text, for those that make requests from this document. */
const jsonFields = [
  ...fieldNames.map((name) => [name, fieldOf(name).form]),
  ...Object.entries(cacheFormFields).map(([name, { form }]) => [name, form]),
].flatMap(([name, form]) => (form === 'json' ? [name] : []));
const { image: _image, prompt: _prompt, cache: _cache, ...fields } = MeshRequest.shape;
const cacheShape = Object.fromEntries(
  Object.entries(cacheFormFields).map(([name, { member }]) => [name, CacheControls.shape[member]]),
);

/** The same fields as a form writes them: the picture is a file, `cache` its three members. */
const MeshForm = z.strictObject({
  image: z
    .string()
    .optional()
    .meta({
      description: 'A PNG, JPEG, WebP, AVIF or GIF (first frame) of up to 20 MiB and 40 megapixels.',
      override: { type: 'string', contentMediaType: 'application/octet-stream' },
    }),
  image_sha256: Sha256.optional().describe('Stands for a picture that you have sent before.'),
  ...fields,
  ...cacheShape,
});

/** What `POST /v1/meshes` takes. */
export const meshRequestBody: ZodOpenApiRequestBodyObject = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: MeshForm,
      encoding: {
        image: { contentType: 'image/png, image/jpeg, image/webp, image/avif, image/gif' },
        ...Object.fromEntries(jsonFields.map((name) => [name, { contentType: 'application/json' }])),
      },
    },
    'application/json': {
      schema: MeshRequest,
      examples: {
        picture: { summary: 'A picture as a data URL', value: { image: examplePicture } },
        printable: {
          summary: 'An STL of 60 mm for printing, with metadata',
          value: {
            image: examplePicture,
            output_format: 'stl',
            target_face_count: 20_000,
            largest_dimension_mm: 60,
            metadata: { order: '1042' },
          },
        },
        private: {
          summary: 'A mesh that no other tenant can read',
          value: { image: examplePicture, compression: 'meshopt', cache: { scope: 'private' } },
        },
      },
    },
  },
};
