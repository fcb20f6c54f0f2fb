import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { annotation } from '../../../contract/labels.ts';
import { type PullVerdicts, unpackVerdicts } from '../../../contract/pull-verdicts.ts';
import { annotateReferences } from '../../../scheduler/cleanup/node-references.ts';

const digest = () => `sha256:${randomBytes(32).toString('hex')}`;
const copies = (count: number) => ({
  spared: Array.from({ length: count }, digest),
  until: '2026-01-01T00:00:00.000Z',
});

/** The answers as the cleaner of a node gets them. */
function pass(verdicts: Partial<PullVerdicts>): PullVerdicts {
  const pullVerdicts = { pullable: [], absent: [], unanswered: {}, ...verdicts };
  const annotations = annotateReferences('node-1', { bound: [], prepulled: [], pullVerdicts });
  const text = (annotations as Record<string, string>)[annotation.pullVerdicts] ?? '';
  expect(text.length).toBeLessThanOrEqual(200_000);
  return unpackVerdicts(text);
}

describe('the answers about the images of a node', () => {
  it('reach its cleaner as they are, also those about copies on other nodes (S12)', () => {
    const answers = { pullable: [`docker.io/acme/a@${digest()}`], copies: copies(300) };
    expect(pass(answers)).toMatchObject(answers);
  });

  it('that do not fit into its pod are left out, so that the cleaner keeps more (S12)', () => {
    const pullable = Array.from({ length: 3_000 }, () => `docker.io/acme/a@${digest()}`);
    const some = pass({ pullable, copies: copies(3_000) });
    expect([some.pullable.length, some.copies]).toEqual([1_500, undefined]);
    expect(pass({ copies: copies(9_000) })).toMatchObject({ pullable: [], note: expect.stringMatching(/do not fit/) });
  });
});
