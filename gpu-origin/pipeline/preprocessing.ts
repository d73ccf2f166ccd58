import { z } from 'zod';

/** How a graph's input is made from the canvas. */
export const Preprocessing = z.strictObject({
  /** Width and height in pixels of the picture that the graph takes. */
  size: z.number().int().min(16).max(2048),
  channels: z.array(z.enum(['red', 'green', 'blue', 'alpha', 'inflation'])),
  /** Whether colours come multiplied by alpha. */
  premultiplied: z.boolean().optional(),
  /** Grey level from 0 to 1 behind the object, for a graph that takes no alpha. */
  background: z.number().min(0).max(1).optional(),
});
export type Preprocessing = z.infer<typeof Preprocessing>;
