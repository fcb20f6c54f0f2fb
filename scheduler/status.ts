import { parse, stringify } from 'yaml';
import { z } from 'zod';

const instant = z.iso.datetime().transform((text) => new Date(text));
const problemSchema = z.object({ path: z.string(), message: z.string() });

/** What is remembered of a policy apart from its runs, and shown to people. */
const statusSchema = z.object({
  version: z.literal(1),
  /** The policy object this is about: a new one of the same name starts afresh. */
  policyUid: z.string(),
  /** The version of the policy that was judged last, and the verdict. */
  observedVersion: z.string(),
  valid: z.boolean(),
  problems: z.array(problemSchema).default([]),
  /** The schedule as it was last evaluated, and since when: slots before an edit are not run after it. */
  schedule: z.string().default(''),
  scheduleSince: instant,
  lastSlot: instant.optional(),
  nextSlot: instant.optional(),
  lastRun: z.string().optional(),
  /** The last `nodesweep.io/run-at` that was acted on. */
  lastRequest: z.string().optional(),
});

export type PolicyStatus = Omit<z.output<typeof statusSchema>, 'version'>;

export function encodeStatus(status: PolicyStatus): Record<string, string> {
  return { 'status.yaml': stringify(JSON.parse(JSON.stringify({ version: 1, ...status }))) };
}

/** Reads a status back; throws where it is damaged. */
export function decodeStatus(data: Readonly<Record<string, string>>): PolicyStatus {
  const { version: _, ...status } = statusSchema.parse(parse(data['status.yaml'] ?? ''));
  return status;
}
