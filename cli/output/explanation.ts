import { formatBytes } from '../../contract/bytes.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import { formatAge, formatLastUsed } from './plan-cells.ts';
import { formatTable } from './table.ts';

/** The part of a plan about one image and about the node: `nodesweep explain IMAGE -o json`. */
export type Explanation = Omit<PlanDocument, 'images' | 'totals'> & { readonly image: PlannedImage };

export function explain({ images: _images, totals: _totals, ...plan }: PlanDocument, image: PlannedImage): Explanation {
  return { ...plan, image };
}

/** Formats the facts about an image, the verdict of each rule, and the decision. */
export function formatExplanation(plan: PlanDocument, image: PlannedImage): string {
  const rules = image.verdicts.map(({ rule, keeps, message }) => [rule, keeps ? 'yes' : 'no', message]);
  const table = rules.length === 0 ? [] : [formatTable([['RULE', 'KEEPS', 'WHY'], ...rules]), ''];
  const notes = [...plan.notes, ...describeLack(image)].map((note) => `Note: ${note}`);
  return [formatFacts(describe(plan, image)), '', ...table, describeDecision(image), ...notes].join('\n');
}

function describe(plan: PlanDocument, image: PlannedImage): readonly (readonly [title: string, ...string[]])[] {
  const { id, names, sizeBytes, freesBytes, usedBy } = image;
  const frees = freesBytes === undefined ? [] : [`its removal frees about ${formatBytes(freesBytes)}`];
  return [
    ['Names', ...names],
    ['ID', id],
    ['Size', [formatBytes(sizeBytes), ...frees].join('; ')],
    ['Age', withTime(formatAge(plan, image), image.firstSeen)],
    ['Last used', withTime(formatLastUsed(plan, image), image.lastUsed)],
    ['Used by', ...(usedBy ?? [])],
    ['Policy', plan.policy],
    ['Node', `${plan.node}, as of ${plan.time}`],
  ];
}

function withTime(text: string, time: string | undefined): string {
  return time === undefined ? text : `${text} (${time})`;
}

/** A row with a title for the first value, and a row for each further value. */
function formatFacts(facts: readonly (readonly [title: string, ...string[]])[]): string {
  return formatTable(
    facts.flatMap(([title, ...values]) =>
      (values.length === 0 ? ['<none>'] : values).map((value, index) => [index === 0 ? `${title}:` : '', value]),
    ),
  );
}

function describeLack({ verdicts }: PlannedImage): readonly string[] {
  return verdicts.length > 0 ? [] : ['the log of a run has only the decisive rule; --fresh shows all rules'];
}

function describeDecision({ decision, outcome, reason, message }: PlannedImage): string {
  const what = [decision, outcome, reason].filter(Boolean).join(', ');
  return `Decision: ${message === '' ? what : `${what}: ${message}`}`;
}
