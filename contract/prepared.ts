import * as z from 'zod';

const percent = z.number();

/** The result of a puller's first container. It writes this as its termination message, and the scheduler reads it. */
const preparedSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ version: z.literal(1), outcome: z.literal('Ready'), usedPercent: percent }),
  /** The filesystem with the images is fuller than the policy allows, so nothing may be pulled. */
  z.strictObject({
    version: z.literal(1),
    outcome: z.literal('DiskTooFull'),
    usedPercent: percent,
    maxPercent: percent,
    availableBytes: z.number(),
    capacityBytes: z.number(),
  }),
  z.strictObject({ version: z.literal(1), outcome: z.literal('Failed'), message: z.string() }),
]);

export type Prepared = z.output<typeof preparedSchema>;

/** Reads the result of a puller's first container; undefined if the text is not one. */
export function parsePrepared(text: string): Prepared | undefined {
  try {
    return preparedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
