import * as z from 'zod';
import type { SetEntry } from '../../../contract/images/image-set.ts';
import { isBareDigest, isExact, parseReference } from '../../../contract/images/reference.ts';
import { severities } from '../../reasons/severities.ts';
import { lastReported, type Remembered } from './decide.ts';

const timeSchema = z.number().nonnegative().max(8.64e15);
const foundSchema = z.strictObject({ count: z.number().positive(), worst: z.string().optional() });
const fixableSchema = foundSchema.extend({ count: z.number().nonnegative() });
const findingsSchema = z.strictObject({
  vulnerabilities: z.partialRecord(z.enum(severities), z.strictObject({ all: foundSchema, fixable: fixableSchema })),
  endOfLife: z.string().optional(),
});
const memorySchema = z.strictObject({
  version: z.literal(1),
  images: z
    .array(
      z.strictObject({
        image: z.string(),
        updatedMs: timeSchema,
        seenMs: timeSchema,
        evidence: z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('findings'), findings: findingsSchema }),
          z.strictObject({ kind: z.literal('reason'), reason: z.string() }),
        ]),
      }),
    )
    .readonly(),
});

/** The set and the memory as the look before left them. */
interface Before {
  readonly entries: readonly SetEntry[];
  readonly memory: Uint8Array | undefined;
}

/** Writes what the next look must know. */
export function formatMemory(images: readonly Remembered[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: 1, images } satisfies z.input<typeof memorySchema>));
}

/**
 * Reads what the look before remembered. The set is written before the memory, and the memory may be deleted: an image that
 * only the set has is remembered with its reason, so that a lost memory empties no set.
 */
export function recallImages({ entries, memory }: Before, nowMs: number): readonly Remembered[] {
  const images = memory === undefined ? [] : parseMemory(memory);
  const known = new Set(images.map(({ image }) => image));
  const lost = entries.filter(({ image }) => !known.has(image)).flatMap((entry) => recover(entry, nowMs));
  return [...images, ...lost];
}

function parseMemory(memory: Uint8Array): readonly Remembered[] {
  try {
    return memorySchema.safeParse(JSON.parse(new TextDecoder().decode(memory))).data?.images ?? [];
  } catch {
    return [];
  }
}

/** Only what this source can have written: another one may have written the set before. */
function recover({ image, reason = '' }: SetEntry, nowMs: number): readonly Remembered[] {
  const [, finding, day = ''] = pattern.exec(reason) ?? [];
  if (finding === undefined || isBareDigest(image) || image.includes('*')) return [];
  if (parseReference(image) === undefined || !(isExact(image) || hasTag(image))) return [];
  const seenMs = Date.parse(day);
  return [
    {
      image,
      updatedMs: 0,
      seenMs: Number.isNaN(seenMs) ? nowMs : seenMs,
      evidence: { kind: 'reason', reason: finding.endsWith(finder) ? finding : `${finding}${finder}` },
    },
  ];
}

const finder = ', by trivy';
/** An earlier version did not write who found the end of life. */
const pattern = new RegExp(`^(.*${finder}|end of life: .*?)(?:${lastReported}(\\d{4}-\\d\\d-\\d\\d))?$`, 'u');

/** True for a name with a tag: without one, an entry names all tags of the repository. */
function hasTag(image: string): boolean {
  return image.lastIndexOf(':') > image.lastIndexOf('/');
}
