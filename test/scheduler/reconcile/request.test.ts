import { beforeEach, describe, expect, it } from 'vitest';
import type { CleanupDocument } from '../../../scheduler/cleanup/policy.ts';
import { buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('a request to run', () => {
  it('starts a run at once, each value only once, even while suspended', async () => {
    const request = (value: string, resourceVersion: string) => {
      const annotations = { 'nodesweep.io/run-at': value };
      cluster.policies = [buildPolicyObject({ suspend: true }, { annotations, resourceVersion })];
    };
    request('now', '2');
    await scheduler.pass(secondsLater(60));
    cluster.finishPods();
    await scheduler.pass(secondsLater(61));
    scheduler.restart();
    await scheduler.pass(secondsLater(62));
    expect(scheduler.runs().map(({ trigger }) => trigger)).toEqual([{ type: 'Request', request: 'now' }]);
    request('again', '3');
    await scheduler.pass(secondsLater(63));
    expect(scheduler.runs()).toHaveLength(2);
  });

  it('that was acted on before starts no run, and is reported as ignored', async () => {
    for (const [index, value] of ['A', 'B', 'A'].entries()) {
      const annotations = { 'nodesweep.io/run-at': value };
      cluster.policies = [buildPolicyObject({ suspend: true }, { annotations, resourceVersion: String(index + 2) })];
      await scheduler.pass(secondsLater(60 + index * 10));
      cluster.finishPods();
      await scheduler.pass(secondsLater(65 + index * 10));
    }
    expect(scheduler.runs()).toHaveLength(2);
    expect(cluster.events.at(-1)).toMatchObject({ type: 'Warning', reason: 'RequestIgnored' });
  });
});

describe('a request that a newer one replaces before its run starts', () => {
  const request = (value: string, version: string, replacedRequests: readonly string[] = []) => {
    const annotations = { 'nodesweep.io/run-at': value };
    cluster.policies = [
      buildPolicyObject({ suspend: true }, { annotations, resourceVersion: version, replacedRequests }),
    ];
  };
  const ignored = () => cluster.events.flatMap(({ reason, message }) => (reason === 'RequestIgnored' ? [message] : []));
  const words = 'nodesweep.io/run-at "two" starts no run: "three" replaced it before it could';

  it('is reported once as ignored, in an event and in the status (H41)', async () => {
    await scheduler.pass(secondsLater(-60));
    request('one', '2');
    await scheduler.pass(secondsLater(60));
    request('three', '4', ['one', 'two']);
    for (const seconds of [61, 62, 120]) await scheduler.pass(secondsLater(seconds));
    cluster.finishPods();
    for (const seconds of [123, 126, 129]) await scheduler.pass(secondsLater(seconds));
    expect(scheduler.runs().map(({ trigger }) => trigger)).toMatchObject([{ request: 'one' }, { request: 'three' }]);
    expect(ignored()).toEqual([words]);
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({
      lastRequest: 'three',
      ignoredRequests: ['two'],
    });
  });

  it('is reported also after it waited for the active run while the scheduler was away (H41)', async () => {
    await scheduler.pass(secondsLater(-60));
    request('one', '2');
    await scheduler.pass(secondsLater(60));
    request('two', '3', ['one']);
    await scheduler.pass(secondsLater(61));
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({ lastRequest: 'one', pendingRequest: 'two' });
    scheduler.restart();
    request('three', '4');
    for (const seconds of [90, 91]) await scheduler.pass(secondsLater(seconds));
    expect(ignored()).toEqual([words]);
  });

  it('is not reported if it started a run long ago (H41)', async () => {
    await scheduler.pass(secondsLater(-60));
    request('one', '2');
    await scheduler.pass(secondsLater(60));
    cluster.finishPods();
    await scheduler.pass(secondsLater(61));
    cluster.records.clear();
    request('two', '3', ['one']);
    for (const seconds of [5_000, 5_001]) await scheduler.pass(secondsLater(seconds));
    scheduler.restart();
    for (const seconds of [5_002, 5_003]) await scheduler.pass(secondsLater(seconds));
    expect(ignored()).toEqual([]);
  });
});

it('a request to resume counts for the run that is paused, not for later ones (C27)', async () => {
  const document: Partial<CleanupDocument> = { rollout: { failurePolicy: 'Pause', parallelism: 1 } };
  const annotate = (value: string, resourceVersion: string) => {
    cluster.policies = [
      buildPolicyObject(document, { resourceVersion, annotations: { 'nodesweep.io/resume-at': value } }),
    ];
  };
  annotate('last week', '2');
  await scheduler.pass(start);
  cluster.finishPods({ outcome: 'PartiallyFailed' });
  for (const seconds of [3, 6, 9]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Paused' });
  expect(scheduler.pods()).toEqual(['a#0']);
  annotate('now', '3');
  await scheduler.pass(secondsLater(12));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
});
