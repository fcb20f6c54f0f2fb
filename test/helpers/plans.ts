import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import { buildImage } from './inventory.ts';

/** An image of a plan: kept by nothing, of 100 MiB, first seen five days and last used two hours before the plan. */
export function buildPlannedImage(names: string | readonly string[], fields: Partial<PlannedImage> = {}): PlannedImage {
  const { id, names: normalised } = buildImage(names);
  return {
    id,
    names: [...normalised],
    sizeBytes: 100 * 2 ** 20,
    pinned: false,
    firstSeen: '2026-01-26T00:00:00.000Z',
    lastUsed: '2026-01-30T22:00:00.000Z',
    decision: 'remove',
    message: 'no rule keeps it',
    ...(fields.decision !== 'keep' && { freesBytes: 10 * 2 ** 20 }),
    verdicts: [],
    ...fields,
  };
}

/** A plan with these images, whose totals follow from them. */
export function buildPlanDocument(images: readonly PlannedImage[], fields: Partial<PlanDocument> = {}): PlanDocument {
  const removals = images.filter(({ decision }) => decision === 'remove');
  return {
    version: 1,
    policy: 'nightly',
    node: 'node-1',
    time: '2026-01-31T00:00:00.000Z',
    historySince: '2026-01-21T00:00:00.000Z',
    images: [...images],
    totals: {
      images: images.length,
      sizeBytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      removals: removals.length,
      freesBytes: removals.reduce((sum, { freesBytes = 0 }) => sum + freesBytes, 0),
      nominal: 0,
    },
    notes: [],
    ...fields,
  };
}
