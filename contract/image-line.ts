import * as z from 'zod';

/** The line about one image in the log of a cleaner, as people and the scheduler read it. */
export const imageLineSchema = z.object({
  event: z.literal('image'),
  id: z.string(),
  names: z.array(z.string()),
  decision: z.enum(['remove', 'keep']),
  reason: z.string().optional(),
  outcome: z.string().optional(),
  message: z.string().optional(),
  /** The image set because of which the image was kept or removed; absent if there is none. */
  set: z.string().optional(),
  sizeBytes: z.number(),
  /** When a look first saw it, and its last use; absent if they are unknown. */
  firstSeen: z.string().optional(),
  lastUsed: z.string().optional(),
});
