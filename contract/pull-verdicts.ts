import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { messageOf } from './errors.ts';

/**
 * The name of the file with the answers of registries about the images of one node. It is in the directory of the job, and
 * comes from an annotation of the pod.
 */
export const pullVerdictsFile = 'pull-verdicts';

/** Maximum length of packed answers in bytes, after they are unpacked. Longer ones are damaged. */
const maxUnpackedBytes = 16 * 1024 * 1024;

/** The answers of registries about images. An image that they do not name is unknown. */
export const pullVerdictsSchema = z.object({
  /** The names with a digest (`repository@digest`) that the registry has. */
  pullable: z.array(z.string()),
  /** Those that the registry does not have. */
  absent: z.array(z.string()),
  /** The causes why registries did not answer, by host. */
  unanswered: z.record(z.string(), z.string()).default({}),
  /** The cause why there is no answer about all other images. */
  note: z.string().optional(),
  /** The answer about the copies on other nodes. Without it, no other node is known to have a copy. */
  copies: z
    .object({
      /** The IDs of the images of which another node keeps a copy. */
      spared: z.array(z.string()),
      /** A cleaner that decides later keeps them: others may have lost their copies since. In ISO 8601. */
      until: z.string(),
      /** The cause why the scheduler can say nothing about other nodes now. */
      note: z.string().optional(),
    })
    .optional(),
});

export type PullVerdicts = z.output<typeof pullVerdictsSchema>;

/** The error for packed answers that can't be read. */
export class PullVerdictsError extends Error {
  override readonly name = 'PullVerdictsError';
}

/** Packs answers into few bytes: JSON, compressed with gzip, as base64. */
export function packVerdicts(verdicts: PullVerdicts): string {
  return gzipSync(JSON.stringify(verdicts)).toString('base64');
}

/** Reads the result of {@link packVerdicts}. Throws a {@link PullVerdictsError}. */
export function unpackVerdicts(packed: string): PullVerdicts {
  try {
    const bytes = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: maxUnpackedBytes });
    return pullVerdictsSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    const why = messageOf(cause);
    throw new PullVerdictsError(`${packed.length} characters are not packed answers of registries (${why})`, { cause });
  }
}

/** The names of an image that a registry can be asked for: each of its digests, as `repository@digest`, without a tag. */
export function digestNames(names: readonly string[]): readonly string[] {
  const found = names.flatMap((name) => {
    const at = name.indexOf('@');
    if (at === -1) return [];
    const colon = name.lastIndexOf(':', at);
    const end = colon > name.lastIndexOf('/', at) ? colon : at;
    return [`${name.slice(0, end)}${name.slice(at)}`];
  });
  return [...new Set(found)];
}
