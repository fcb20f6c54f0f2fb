import * as z from 'zod';
import type { Keeping } from '../run/kind.ts';
import { isSelected } from '../run/rollout/eligibility.ts';
import type { PrepullPolicy } from './policy.ts';

/** The lists of a policy, with what decides which images stay on which nodes. */
const keptSchema = z.array(
  z.object({
    images: z.array(z.string()),
    matchLabels: z.record(z.string(), z.string()).default({}),
    matchExpressions: z
      .array(
        z.object({
          key: z.string(),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(z.string()),
        }),
      )
      .default([]),
  }),
);

/**
 * The images of lists stay on the nodes that the lists select by label. The state and the taints of a node do not count, and
 * neither does `suspend`: what was pulled there is still wanted.
 */
export const listKeeping: Keeping = {
  keptBy: ({ lists }: PrepullPolicy): z.input<typeof keptSchema> =>
    lists.map(({ images, nodes: { matchLabels, matchExpressions } }) => ({
      images,
      ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
      ...(matchExpressions.length > 0 && { matchExpressions }),
    })),
  referencesOn: (node, kept) =>
    keptSchema.parse(kept).flatMap(({ images, ...selector }) => (isSelected(node, selector) ? images : [])),
};
