import { formatBytes } from '../../contract/bytes.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import { formatFacts } from './layout/facts.ts';
import { formatSentence } from './layout/paragraph.ts';
import type { Screen } from './layout/screen.ts';
import { type Column, formatTable } from './layout/table.ts';
import { formatAge, formatLastUsed } from './plan-cells.ts';

type Verdict = PlannedImage['verdicts'][number];
type PlanSet = NonNullable<PlanDocument['sets']>[number];

/** The part of a plan about one image and about the node: `nodesweep explain IMAGE -o json`. */
export type Explanation = Omit<PlanDocument, 'images' | 'totals'> & { readonly image: PlannedImage };

export function explain({ images: _images, totals: _totals, ...plan }: PlanDocument, image: PlannedImage): Explanation {
  return { ...plan, image };
}

const verdictColumns: readonly Column<Verdict>[] = [
  { title: 'RULE', cell: ({ rule }) => rule },
  { title: 'KEEPS', cell: ({ keeps }) => (keeps ? 'yes' : 'no'), style: ({ keeps }) => (keeps ? 'green' : undefined) },
  { title: 'WHY', cell: ({ message }) => message, wraps: true },
];

/** Formats the facts about an image, the verdict of each rule, and the decision. */
export function formatExplanation(plan: PlanDocument, image: PlannedImage, screen: Screen): string {
  const { verdicts } = image;
  const table = verdicts.length === 0 ? [] : [formatTable(verdictColumns, [verdicts], screen), ''];
  const notes = plan.notes.map((note) => `Note: ${note}`);
  const sentences = [describeDecision(image), ...notes].map((sentence) => formatSentence(sentence, screen));
  return [formatFacts(describe(plan, image), screen), '', ...table, ...sentences].join('\n');
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
    ...describeSets(plan, image),
    ['Policy', plan.policy],
    ['Node', `${plan.node}, as of ${plan.time}`],
  ];
}

/** For each image set of the policy: the line that names the image, or the reason why none does. */
function describeSets({ sets }: PlanDocument, image: PlannedImage): readonly (readonly [title: string, ...string[]])[] {
  if (sets === undefined) return [];
  return [['Image sets', ...sets.flatMap((set) => describeSet(set, image))]];
}

function describeSet({ name, fields, problem }: PlanSet, image: PlannedImage): readonly string[] {
  const title = `${name} (${fields.map((field) => `images.${field}`).join(', ')})`;
  if (problem !== undefined) return [`${title}: can't be read: ${problem}`];
  const hits = (image.sets ?? []).filter(({ set }) => set === name);
  if (hits.length === 0) return [`${title}: does not name it`];
  return hits.map(
    ({ key, line, entry, reason }) =>
      `${title}: key ${key}, line ${line}: ${entry}${reason === undefined ? '' : ` (${reason})`}`,
  );
}

function withTime(text: string, time: string | undefined): string {
  return time === undefined ? text : `${text} (${time})`;
}

function describeDecision({ decision, outcome, reason, message }: PlannedImage): string {
  const what = [decision, outcome, reason].filter(Boolean).join(', ');
  return `Decision: ${message === '' ? what : `${what}: ${message}`}`;
}
