/** The subjects of notifications. Each subject of a policy is well or bad. */
export const subjects = ['Policy', 'Run', 'Pause', 'Schedule', 'Disk', 'ImageSets'] as const;
export type Subject = (typeof subjects)[number];

/** The bad states: the reason of each is its name. */
export type BadState =
  | 'InvalidPolicy'
  | 'PartiallyFailed'
  | 'Failed'
  | 'RunPaused'
  | 'SlotMissed'
  | 'DiskAboveTarget'
  | 'ImageSetProblem';

/** The state of a subject, with a sentence for people. */
export type Finding =
  | { readonly subject: Subject; readonly kind: 'Bad'; readonly state: BadState; readonly text: string }
  | { readonly subject: Subject; readonly kind: 'Well'; readonly text: string };

/** The bad states of a policy of which people were told, by subject. A subject that is absent was well, as far as they know. */
export type Told = Readonly<Partial<Record<Subject, string>>>;

/** The findings that people don't know yet: a bad state, one that has become worse, or a subject that is well again. */
export function newsOf(told: Told, findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => {
    const known = told[finding.subject];
    if (finding.kind === 'Well') return known !== undefined;
    return known === undefined || isWorse(finding.state, known);
  });
}

/** All that people were told, after they were told of news. */
export function toldAfter(told: Told, news: readonly Finding[]): Told {
  const states = new Map(Object.entries(told));
  for (const finding of news) {
    if (finding.kind === 'Well') states.delete(finding.subject);
    else states.set(finding.subject, finding.state);
  }
  return Object.fromEntries(states);
}

/** A run that changes between both bad outcomes is told only once as each of them. */
function isWorse(state: BadState, known: string): boolean {
  return state === 'Failed' && known === 'PartiallyFailed';
}
