import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type BadState,
  type Finding,
  newsOf,
  subjects,
  type Told,
  toldAfter,
} from '../../../scheduler/notifications/told.ts';

const states = {
  Policy: ['InvalidPolicy'],
  Run: ['PartiallyFailed', 'Failed'],
  Pause: ['RunPaused'],
  Schedule: ['SlotMissed'],
  Disk: ['DiskAboveTarget'],
  ImageSets: ['ImageSetProblem'],
} as const satisfies Record<Finding['subject'], readonly BadState[]>;

/** The findings of a pass: each subject is bad, well, or unknown. */
const arbitraryFindings: fc.Arbitrary<readonly Finding[]> = fc
  .tuple(
    ...subjects.map((subject) =>
      fc.constantFrom<Finding | undefined>(
        ...states[subject].map((state): Finding => ({ subject, kind: 'Bad', state, text: state })),
        { subject, kind: 'Well', text: 'well' },
        undefined,
      ),
    ),
  )
  .map((findings) => findings.filter((finding) => finding !== undefined));

/** The news of a history of passes, if each message is delivered at once. */
function play(history: readonly (readonly Finding[])[]): { readonly news: readonly Finding[]; readonly told: Told } {
  let told: Told = {};
  const all: Finding[] = [];
  for (const findings of history) {
    const news = newsOf(told, findings);
    told = toldAfter(told, news);
    expect(newsOf(told, findings)).toEqual([]);
    all.push(...news);
  }
  return { news: all, told };
}

it('nothing is told twice, and only a worse state is told before a subject is well again (H62)', () => {
  fc.assert(
    fc.property(fc.array(arbitraryFindings, { maxLength: 30 }), (history) => {
      const { news } = play(history);
      for (const subject of subjects) {
        const words = news
          .filter((one) => one.subject === subject)
          .map((one) => (one.kind === 'Bad' ? one.state : 'Well'));
        const pairs = words.slice(1).map((word, index) => `${words[index]} ${word}`);
        const allowed = /^(?:\w+ Well|Well \w+|PartiallyFailed Failed)$/;
        expect(pairs.filter((pair) => !allowed.test(pair) || pair === 'Well Well')).toEqual([]);
        expect(words[0]).not.toBe('Well');
      }
    }),
  );
});

it('every bad state that was told has its well-again (H62)', () => {
  const well = subjects.map((subject): Finding => ({ subject, kind: 'Well', text: 'well' }));
  fc.assert(
    fc.property(fc.array(arbitraryFindings, { maxLength: 30 }), (history) => {
      const { news, told } = play([...history, well]);
      expect(told).toEqual({});
      for (const subject of subjects) {
        const last = news.findLast((one) => one.subject === subject);
        expect(last?.kind ?? 'Well').toBe('Well');
      }
    }),
  );
});

it('a failed run after one that was partly successful is news, and the other way round is not', () => {
  const run = (state: BadState): Finding => ({ subject: 'Run', kind: 'Bad', state, text: '' });
  expect(newsOf({ Run: 'PartiallyFailed' }, [run('Failed')])).toHaveLength(1);
  expect(newsOf({ Run: 'Failed' }, [run('PartiallyFailed')])).toEqual([]);
  expect(newsOf({ Run: 'OfAnotherVersion' }, [run('Failed')])).toEqual([]);
});
