import * as z from 'zod';
import { imageLineSchema } from '../../../contract/image-line.ts';

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional()
  .catch(undefined);

const imageSchema = imageLineSchema.extend({ firstSeen: time, lastUsed: time });

const lineSchema = z.discriminatedUnion('event', [imageSchema, z.object({ event: z.literal('report') })]);

/** The decision of a cleaner about an image, as it has logged it. */
export type Decision = z.output<typeof imageSchema>;

/** The decisions in the log of a cleaner, and if it has its end: a long one is read only in part. */
export interface Decisions {
  /** Removals first, and large images before small ones. */
  readonly images: readonly Decision[];
  readonly isComplete: boolean;
}

/** Reads the decisions in the log of a cleaner. */
export function readDecisions(log: string): Decisions {
  const lines = log.split('\n').flatMap((line) => readLine(line) ?? []);
  const images = lines.filter((line) => line.event === 'image');
  return {
    images: images.sort((one, other) => weightOf(one) - weightOf(other) || other.sizeBytes - one.sizeBytes),
    isComplete: lines.some(({ event }) => event === 'report'),
  };
}

function readLine(line: string): z.output<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function weightOf({ decision }: Decision): number {
  return decision === 'remove' ? 0 : 1;
}
