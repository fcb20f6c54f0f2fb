import type { ReferenceOutcome } from '../../contract/reference-outcomes.ts';
import { compileRemovalList } from '../plan/removal-list.ts';
import type { Outcome } from '../removal/verify.ts';
import type { Image } from '../runtime/runtime.ts';
import type { Findings } from './build.ts';

type JudgedImage = { readonly image: Image; readonly outcome: ReferenceOutcome };

/**
 * The outcome of each reference of a job that removes only what they name. If one names several images, the outcome is the
 * one that says most clearly that an image is left. Without an image it is absent, unless an image whose entry in the list
 * can't be understood may have the name.
 */
export function judgeReferences(references: readonly string[], findings: Findings): readonly ReferenceOutcome[] {
  const list = compileRemovalList(references);
  const found = new Map<number, ReferenceOutcome>();
  for (const { image, outcome } of judgeImages(findings)) {
    for (const index of list.indexesOf(image)) found.set(index, strongest(found.get(index), outcome));
  }
  const missing: ReferenceOutcome = { kind: findings.hasUnreadableImages ? 'Unknown' : 'Absent' };
  return references.map((_, index) => found.get(index) ?? missing);
}

function judgeImages({ dryRun, plan, result }: Findings): readonly JudgedImage[] {
  const kept = [...plan.kept, ...result.spared];
  const planned = dryRun ? plan.removals : [];
  return [
    ...kept.map(({ image, reason }) => ({ image, outcome: keptFor(reason) })),
    ...planned.map(({ image }) => ({ image, outcome: keptFor('DryRun') })),
    ...result.results.map(({ removal: { image }, outcome }) => ({ image, outcome: outcomeOf(outcome) })),
  ];
}

function keptFor(reason: string): ReferenceOutcome {
  return reason === 'InUse' ? { kind: 'InUse' } : { kind: 'Kept', reason };
}

function outcomeOf(outcome: Outcome): ReferenceOutcome {
  switch (outcome.kind) {
    case 'removed':
      return { kind: 'Removed' };
    case 'failed':
      return { kind: 'Failed' };
    case 'skipped':
      return keptFor(outcome.reason);
    case 'unknown':
      return { kind: 'Unknown' };
    default:
      return outcome satisfies never;
  }
}

const byStrength: readonly ReferenceOutcome['kind'][] = ['InUse', 'Failed', 'Kept', 'Unknown', 'Removed', 'Absent'];

function strongest(one: ReferenceOutcome | undefined, other: ReferenceOutcome): ReferenceOutcome {
  if (one === undefined) return other;
  return byStrength.indexOf(other.kind) < byStrength.indexOf(one.kind) ? other : one;
}
