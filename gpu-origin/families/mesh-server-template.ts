import { z } from 'zod';

const secondsMaxDefault = 300;
const answerBytesMaxDefault = 64 * 1024 * 1024;

const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** What a text in the request can hold: the picture's PNG in base64, or a number that the mesh request gives. */
const placeholders = ['image', 'seed', 'mc_resolution'] as const;
export type Placeholder = (typeof placeholders)[number];

/**
 * How an HTTP server is asked for a mesh. In texts of the request `{image}`, `{seed}` and `{mc_resolution}` are filled in;
 * a text that is nothing but one of the latter two becomes the number itself.
 */
export const MeshServerTemplate = z
  .strictObject({
    /** Answers a POST with the mesh. */
    url: HttpUrl,
    request: z.discriminatedUnion('as', [
      z.strictObject({ as: z.literal('json'), body: z.record(z.string(), z.json()) }),
      z.strictObject({
        as: z.literal('multipart'),
        /** Name of the part that holds the picture as a PNG file. */
        image: z.string().min(1),
        fields: z.record(z.string(), z.string()).default({}),
      }),
    ]),
    /** Where the answer has the GLB: it is the body, or base64 in JSON at a path of names and indices. */
    answer: z.discriminatedUnion('as', [
      z.strictObject({ as: z.literal('glb') }),
      z.strictObject({ as: z.literal('json'), path: z.array(z.union([z.string(), z.number().int()])).min(1) }),
    ]),
    /** Answers a GET with a 2xx while the server can work; without one it counts as well. */
    health_url: HttpUrl.optional(),
    seconds_max: z.number().int().min(1).max(3600).default(secondsMaxDefault),
    concurrent_max: z.number().int().min(1).max(64).default(1),
    answer_bytes_max: z
      .number()
      .int()
      .min(1)
      .max(512 * 1024 * 1024)
      .default(answerBytesMaxDefault),
    /** Whether the server cuts objects out of opaque pictures itself; it then gets them as they are. */
    removes_background: z.boolean().default(false),
  })
  .superRefine(({ request }, context) => {
    const text = JSON.stringify(request.as === 'json' ? request.body : request.fields);
    for (const [, name] of text.matchAll(/\{([a-z_]+)\}/g)) {
      const known = placeholders.some((placeholder) => placeholder === name);
      if (!known) context.addIssue({ code: 'custom', path: ['request'], message: `holds the unknown {${name}}` });
    }
    if (request.as === 'json' && !text.includes('{image}')) {
      context.addIssue({ code: 'custom', path: ['request', 'body'], message: 'holds no {image}' });
    }
  });
export type MeshServerTemplate = z.infer<typeof MeshServerTemplate>;
