import { formatDuration } from '../../contract/duration.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';

/** Shown for an unknown value, as in kubectl. */
const unknown = '<unknown>';

/** The first name, or the ID of an image without a name. Digests are shortened; `explain` accepts the short form. */
export function formatName({ id, names: [name] }: PlannedImage): string {
  return name === undefined ? `<none>@${shortId(id)}` : name.replace(/@sha256:([0-9a-f]{12})[0-9a-f]*$/, '@sha256:$1');
}

export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** The time since nodesweep first saw the image; `>5d` if it is older than the history of the node. */
export function formatAge(plan: PlanDocument, { firstSeen }: PlannedImage): string {
  return firstSeen === undefined ? sinceHistory(plan) : ago(plan, firstSeen);
}

/** The time since the last use of the image: `now`, `never`, or `>5d` if nothing used it in the history of the node. */
export function formatLastUsed(plan: PlanDocument, { firstSeen, lastUsed, usedBy }: PlannedImage): string {
  if (lastUsed === plan.time) return 'now';
  if (lastUsed !== undefined) return ago(plan, lastUsed);
  if (usedBy === undefined && firstSeen !== undefined) return 'never';
  return sinceHistory(plan);
}

function sinceHistory(plan: PlanDocument): string {
  return plan.historySince === undefined ? unknown : `>${ago(plan, plan.historySince)}`;
}

/** Formats an age as kubectl does: `3d4h`. */
function ago({ time }: PlanDocument, then: string): string {
  const ms = Date.parse(time) - Date.parse(then);
  return ms < 1_000 ? '0s' : formatDuration(ms).replaceAll(' ', '');
}
