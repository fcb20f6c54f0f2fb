import { expect, it } from 'vitest';
import { wrapHelp } from '../../../../cli/output/layout/wrap-help.ts';

it('a help breaks between words, below the text of its line', () => {
  const text = [
    'Usage: nodesweep',
    'Exit codes:  0 the run was requested or, with --follow, succeeded: every image is there',
    '             1 it failed',
    'The command sets the annotation nodesweep.io/run-at on the policy. The run continues.',
  ].join('\n');
  expect(wrapHelp(text, 50).split('\n')).toEqual([
    'Usage: nodesweep',
    'Exit codes:  0 the run was requested or, with',
    '             --follow, succeeded: every image is',
    '             there',
    '             1 it failed',
    'The command sets the annotation',
    'nodesweep.io/run-at on the policy. The run',
    'continues.',
  ]);
});

it('a help in a pipe stays as it is', () => {
  const text = `${'word '.repeat(50)}\n`;
  expect(wrapHelp(text, undefined)).toBe(text);
});
