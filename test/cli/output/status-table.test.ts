import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../cli/output/layout/cells.ts';
import { formatDetails, formatPolicies } from '../../../cli/output/status-table.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { describePolicies } from '../../../scheduler/overview/overview.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import { buildPolicyObject, buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';

const message =
  'ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "registry.example.com/nodesweep:1.2": not found';
const failed = settled(tried(4), 'Failed', { reason: 'NotStarted', message });
const names = Array.from({ length: 18 }, (_, index) => `ip-10-0-0-${index + 17}`);
const run = buildRun(
  {},
  {
    name: 'long-name-of-a-policy-for-continuous-builds-r0a1b2c3d4',
    policy: 'long-name-of-a-policy-for-continuous-builds',
    phase: 'Failed',
    reason: 'NodesFailed',
    finishedAt: secondsLater(75),
    nodes: new Map([...names.map((name) => [name, failed] as const), ['ok', settled(tried(1), 'Succeeded')]]),
  },
);
const object = buildPolicyObject({ schedule: '*/5 * * * *', timeZone: 'America/Los_Angeles' }, { name: run.policy });
const versioned = { value: run, resourceVersion: '1', uid: 'u' };
const [overview] = describePolicies({ policies: [object], statuses: new Map(), runs: [versioned] }, runKinds);
const view = { now: secondsLater(3600, start), screen: { columns: 80, hasColors: false }, isWide: false };

describe('the status on a terminal', () => {
  it.each([60, 80, 120])('is not wider than %i cells, and cuts no title', (columns) => {
    if (overview === undefined) throw new Error('there is no policy');
    const text = formatDetails(overview, { ...view, screen: { columns, hasColors: false } });
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    for (const title of ['POLICY', 'STATE', 'OUTCOME', 'NODES', 'RUN', 'STARTED'])
      expect(text).toMatch(new RegExp(`(^| )${title}( |$)`, 'm'));
  });

  it('shows a cause that 18 nodes share once, with the first of them (C32)', () => {
    if (overview === undefined) throw new Error('there is no policy');
    const text = formatDetails(overview, view);
    expect(text.match(/ErrImagePull/g)).toHaveLength(1);
    expect(text.replaceAll(/\n {4}/g, ' ')).toContain(`18 nodes NotStarted: ${message} (ip-10-0-0-17 and 17 more)`);
  });

  it('shows every node and all columns with the wide format', () => {
    if (overview === undefined) throw new Error('there is no policy');
    const text = formatDetails(overview, { ...view, isWide: true });
    for (const name of names) expect(text).toMatch(new RegExp(`^${name} +Failed +NotStarted +ErrImagePull`, 'm'));
    expect(text).toContain('*/5 * * * * America/Los_Angeles');
    expect(text).toContain(`${run.policy} `);
  });

  it('shows the problems with image sets, and the images that the newest run removed or kept because of sets (S6, S7)', () => {
    const sets = { cve: { removed: 2, kept: 0 }, frozen: { removed: 0, kept: 5 } };
    const figures = { planned: 0, removed: 2, failed: 0, skipped: 0, unknown: 0, freedBytes: 9, nominalBytes: 9, sets };
    const nodes = new Map([['a', settled(tried(1), 'Succeeded', { tally: figures })]]);
    const ended = { ...run, phase: 'Succeeded' as const, reason: 'Completed', nodes };
    const policy = buildPolicyObject({}, { name: run.policy });
    const [described] = describePolicies(
      { policies: [policy], statuses: new Map(), runs: [{ value: ended, resourceVersion: '1' }] },
      runKinds,
    );
    if (described === undefined) throw new Error('there is no policy');
    const message = 'images.excludeFrom[0]: image set frozen does not exist';
    const condition = { type: 'ImageSets', status: 'False', reason: 'SetMissing', message } as const;
    const text = formatDetails(
      { ...described, conditions: [{ ...condition, lastTransitionTime: start }] },
      { ...view, screen: { hasColors: false } },
    );
    expect(text).toContain(`${run.policy}: ${message}`);
    expect(text).toContain(`Images because of image sets in ${run.name}: cve (2 removed), frozen (5 kept)`);
    expect(formatDetails(described, { ...view, screen: { hasColors: false } })).not.toContain('image set frozen');
  });

  it('colours outcomes only on a screen with colours', () => {
    if (overview === undefined) throw new Error('there is no policy');
    const colored = formatPolicies([overview], { ...view, screen: { columns: 80, hasColors: true } });
    expect(colored).toContain('\u001b[33mPartiallyFailed\u001b[39m');
    expect(formatPolicies([overview], view)).not.toContain('\u001b');
  });
});
