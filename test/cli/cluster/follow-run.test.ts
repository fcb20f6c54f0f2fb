import { describe, expect, it } from 'vitest';
import { type FollowOptions, followRun } from '../../../cli/cluster/follow-run.ts';
import type { RecordsPort, RunState } from '../../../cli/cluster/records-port.ts';
import type { StoredLease } from '../../../scheduler/lease.ts';
import { buildRun, secondsLater } from '../../helpers/builders.ts';

const request = { policy: 'nightly', request: 'now', run: 'nightly-r1' };
const timing = { tickMs: 5, lookMs: 10, absentMs: 300 };
const running = { run: buildRun({}, { name: 'nightly-r1', phase: 'Running' }), pods: [] };
const ended = { run: buildRun({}, { name: 'nightly-r1', phase: 'Succeeded', finishedAt: secondsLater(9) }), pods: [] };
const notStarted: RunState = { run: undefined, pods: [] };

const leaseOf = (version: number, holder: string | undefined): StoredLease => ({
  resourceVersion: String(version),
  lease: { holder, durationSeconds: 15, acquiredAt: secondsLater(0), renewedAt: secondsLater(0), transitions: 0 },
});

let renewals = 0;
const renewed = async () => {
  renewals += 1;
  return leaseOf(renewals, 'a');
};

/** A cluster whose run is in these states, one after the other, each for some time. */
function clusterOf(states: readonly RunState[], readLease: RecordsPort['readLease'] = renewed): RecordsPort {
  const startedAt = performance.now();
  return {
    readRecords: async () => ({ policies: [], statuses: new Map(), runs: [], unreadable: [] }),
    requestRun: async () => {},
    readLease,
    readLastLog: async () => undefined,
    followRun: () => ({
      start: async () => {},
      state: () => states[Math.min(states.length - 1, Math.floor((performance.now() - startedAt) / 700))] ?? notStarted,
      stop: () => {},
    }),
    close: async () => {},
  };
}

const follow = (cluster: RecordsPort, options: Partial<FollowOptions> = {}) =>
  followRun(cluster, request, { report: () => {}, signal: new AbortController().signal, ...options }, timing);

describe('a run is followed', () => {
  it('to its end while a scheduler renews its lease, also if it starts late', async () => {
    expect(await follow(clusterOf([notStarted, running, ended]))).toEqual({ kind: 'Ended', run: ended.run });
  });

  it.each<[string, RecordsPort['readLease']]>([
    ['nobody ever had the lease', async () => undefined],
    ['the lease was released', async () => ({ ...(await renewed()), lease: leaseOf(0, undefined).lease })],
    ['the lease is renewed no more', async () => leaseOf(1, 'a')],
    [
      'the API server does not answer',
      async () => {
        throw new Error('connection refused');
      },
    ],
  ])('until nobody works any more: %s', async (_why, readLease) => {
    expect(await follow(clusterOf([running], readLease))).toEqual({
      kind: 'Left',
      message: expect.stringMatching(/^no scheduler was seen at work for .*: run nightly-r1 goes on when one is; /),
    });
    expect(await follow(clusterOf([notStarted], readLease))).toMatchObject({
      kind: 'NotStarted',
      message: expect.stringContaining('run nightly-r1 starts when one is'),
    });
  });

  it('to its end without the right to read leases', async () => {
    expect(await follow(clusterOf([running, ended], async () => 'Forbidden'))).toMatchObject({ kind: 'Ended' });
  });

  it('until its record is deleted', async () => {
    expect(await follow(clusterOf([running, notStarted]))).toEqual({
      kind: 'Left',
      message: 'the record of run nightly-r1 was deleted before the run had ended',
    });
  });

  it('until the user stops that, and the run continues', async () => {
    const signal = AbortSignal.timeout(50);
    expect(await follow(clusterOf([running]), { signal })).toEqual({
      kind: 'Left',
      message: 'stopped following run nightly-r1; it continues; to see it: nodesweep status nightly',
    });
    expect(await follow(clusterOf([notStarted]), { signal })).toMatchObject({ kind: 'NotStarted' });
  });

  it('until the time is over', async () => {
    expect(await follow(clusterOf([running]), { timeoutSeconds: 0.1 })).toMatchObject({
      kind: 'Left',
      message: expect.stringMatching(/^stopped following run nightly-r1 after .* \(--timeout\); it continues; /),
    });
  });
});
