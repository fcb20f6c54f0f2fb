import { describe, expect, it } from 'vitest';
import { secondsLater, start } from '../helpers/builders.ts';
import { InspectionScheduler } from '../helpers/inspection-scheduler.ts';

const files = ['/1', '/2', '/3', '/4', '/5'];
const patient = { restartLimit: 0 };

describe('a node that needs several pods (P24)', () => {
  it('gets them one after the other; they do not count as attempts, and a new process continues after the last one', async () => {
    const scheduler = new InspectionScheduler({ files, filesPerPod: 2, rollout: patient }, ['a', 'b']);
    const pass = async (seconds: number) => {
      scheduler.restart();
      await scheduler.pass(secondsLater(seconds));
      return scheduler.pods();
    };
    expect(await pass(0)).toEqual(['a#0', 'b#0']);
    scheduler.end('a', 0, ['/2']);
    expect(await pass(10)).toEqual(['a#0', 'a#1', 'b#0']);
    expect(await pass(20)).toEqual(['a#0', 'a#1', 'b#0']);
    scheduler.end('a', 0, ['/4']);
    scheduler.end('b', 0);
    expect(await pass(30)).toEqual(['a#0', 'a#1', 'a#2', 'b#0', 'b#1']);
    scheduler.end('a', 0, ['/5']);
    scheduler.end('b', 137);
    await pass(40);
    const [run] = scheduler.runs();
    expect(run?.nodes.get('a')).toMatchObject({
      result: 'Succeeded',
      attempts: 3,
      parts: 2,
      tally: { missing: ['/2', '/4', '/5'], read: files },
    });
    expect(run?.nodes.get('b')).toMatchObject({
      result: 'Failed',
      reason: 'InspectorCrashed',
      tally: { read: ['/1', '/2'] },
    });
    const parts = [...scheduler.cluster.bodies.values()].map((body) => 'files' in body && body.files);
    expect(parts).toEqual([['/1', '/2'], ['/1', '/2'], ['/3', '/4'], ['/5'], ['/3', '/4']]);
  });

  it('keeps the earlier parts when a later pod is tried again, as often as restartLimit allows', async () => {
    const scheduler = new InspectionScheduler({ files, filesPerPod: 2, rollout: { restartLimit: 1 } }, ['a']);
    await scheduler.pass(start);
    scheduler.end('a', 0, ['/1']);
    await scheduler.pass(secondsLater(10));
    scheduler.end('a', 0);
    await scheduler.pass(secondsLater(20));
    scheduler.end('a', 137);
    await scheduler.pass(secondsLater(30));
    await scheduler.pass(secondsLater(40));
    expect(scheduler.pods()).toEqual(['a#0', 'a#1', 'a#2', 'a#3']);
    scheduler.end('a', 0);
    await scheduler.pass(secondsLater(50));
    expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({
      result: 'Succeeded',
      tally: { missing: ['/1'], read: files },
    });
  });

  it('has the memory in the record before the finished pod is deleted and the next one is created', async () => {
    const scheduler = new InspectionScheduler({ files, filesPerPod: 3 }, ['a']);
    await scheduler.pass(start);
    scheduler.change('a', { containerReason: 'PartDone', containerMessage: '["/2"]' });
    const before = scheduler.cluster.writes.length;
    for (const seconds of [10, 13, 16]) await scheduler.pass(secondsLater(seconds));
    const writes = scheduler.cluster.writes.slice(before).filter((write) => !write.startsWith('writeStatus'));
    expect(writes).toEqual([
      'updateRun nightly-29540760 Running',
      'deletePod a',
      'updateRun nightly-29540760 Running',
      'createPod a#1',
    ]);
    expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({
      memory: { missing: ['/2'], read: ['/1', '/2', '/3'] },
    });
  });
});

it('a node gets its next pod only after the pod before has ended (P24)', async () => {
  const scheduler = new InspectionScheduler({ files, filesPerPod: 3 }, ['a', 'b']);
  scheduler.cluster.deletePod = async () => scheduler.change('a', { deletionTimestamp: secondsLater(30) });
  await scheduler.pass(start);
  scheduler.end('b', 4);
  scheduler.change('a', { containerReason: 'PartDone', containerMessage: '["/2"]' });
  for (const seconds of [10, 13, 16, 20]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
  scheduler.end('a', 143);
  for (const seconds of [23, 26]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.pods()).toEqual(['a#0', 'a#1', 'b#0']);
});

describe('the memory of a kind about a node', () => {
  it('is kept while the pod runs, causes no write by itself, and is reported at the timeout of the kind (P17)', async () => {
    const scheduler = new InspectionScheduler({ files, patienceSeconds: 400 }, ['a']);
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(40));
    const writes = scheduler.count('updateRun');
    for (let seconds = 60; seconds <= 380; seconds += 20) {
      scheduler.change('a', { containerMessage: `sector ${seconds}` });
      await scheduler.pass(secondsLater(seconds));
    }
    scheduler.change('a', { containerMessage: undefined });
    expect(await scheduler.pass(secondsLater(390))).toEqual(secondsLater(400));
    expect(scheduler.count('updateRun')).toBe(writes);
    await scheduler.pass(secondsLater(400));
    expect(scheduler.runs()[0]).toMatchObject({ phase: 'Failed' });
    expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({ reason: 'Slow', message: 'last words: sector 380' });
    expect(scheduler.pods()).toEqual([]);
  });

  it('gives the cause and the figures to a node that the deadline of the run ends (P17)', async () => {
    const document = { files, filesPerPod: 2, activeDeadlineSeconds: 60 };
    const scheduler = new InspectionScheduler(document, ['a']);
    await scheduler.pass(start);
    scheduler.end('a', 0, ['/1']);
    await scheduler.pass(secondsLater(10));
    scheduler.change('a', { containerMessage: 'sector 7' });
    await scheduler.pass(secondsLater(30));
    for (const seconds of [60, 63]) await scheduler.pass(secondsLater(seconds));
    const [run] = scheduler.runs();
    expect(run).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(run?.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'DeadlineExceeded',
      message: expect.stringMatching(/activeDeadlineSeconds \(60\): Slow: sector 7$/),
      tally: { missing: ['/1'], read: ['/1', '/2'] },
    });
  });

  it('survives a restart with the record', async () => {
    const scheduler = new InspectionScheduler({ files, patienceSeconds: 60 }, ['a', 'b']);
    await scheduler.pass(start);
    scheduler.change('a', { containerMessage: 'sector 7' });
    scheduler.end('b', 0);
    await scheduler.pass(secondsLater(35));
    scheduler.change('a', { containerMessage: undefined });
    scheduler.restart();
    await scheduler.pass(secondsLater(61));
    expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({ message: 'last words: sector 7' });
  });
});

it('a kind may refuse the work on a node, which is then skipped (P16)', async () => {
  const scheduler = new InspectionScheduler({ files }, ['a', 'b']);
  await scheduler.pass(start);
  scheduler.end('a', 0);
  scheduler.end('b', 4);
  await scheduler.pass(secondsLater(10));
  const [run] = scheduler.runs();
  expect(run).toMatchObject({
    phase: 'Failed',
    reason: 'NodesRefused',
    message: '1 of 2 nodes could not be inspected',
  });
  expect(run?.nodes.get('b')).toMatchObject({ result: 'Skipped', reason: 'DiskBusy' });
});

it('no more nodes than its limit use a shared resource at the same time, and the others do not wait for it (P18)', async () => {
  const scheduler = new InspectionScheduler({ files, perArray: 2, rollout: { parallelism: 4 } }, []);
  for (const name of ['a', 'b', 'c', 'd']) scheduler.join(name, { labels: { array: 'x' } });
  for (const name of ['e', 'f', 'g']) scheduler.join(name);
  await scheduler.pass(start);
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'e#0', 'f#0']);
  scheduler.end('e', 0);
  await scheduler.pass(secondsLater(5));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'e#0', 'f#0', 'g#0']);
  scheduler.end('b', 0);
  await scheduler.pass(secondsLater(10));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0', 'e#0', 'f#0', 'g#0']);
});

describe('a held pod (P10)', () => {
  const held = {
    files,
    keep: true,
    ttlSecondsAfterFinished: 60,
    successfulRunsHistoryLimit: 0,
    failedRunsHistoryLimit: 0,
  };

  /** Plays the run of an hour, in which the inspectors end with these exit codes. */
  async function inspect(scheduler: InspectionScheduler, hour: number, exitCodes: Record<string, number>) {
    const at = (seconds: number) => secondsLater(hour * 3600 + seconds);
    await scheduler.pass(at(0));
    for (const [node, code] of Object.entries(exitCodes)) scheduler.end(node, code);
    await scheduler.pass(at(10));
    for (const seconds of [100, 1000, 1010]) await scheduler.pass(at(seconds));
  }
  const podsByRun = (scheduler: InspectionScheduler) =>
    [...scheduler.cluster.pods.values()].map(({ run, node }) => `${node} ${run}`).sort();

  it('is kept after its TTL and beyond the history limits, with its record; the other pods of its run are deleted', async () => {
    const scheduler = new InspectionScheduler(held, ['a', 'b']);
    await inspect(scheduler, 0, { a: 0, b: 3 });
    expect(podsByRun(scheduler)).toEqual(['a nightly-29540760']);
    expect(scheduler.runs()).toHaveLength(1);
  });

  it('is deleted in one call after a newer run has succeeded on its node, and is kept on other nodes', async () => {
    const scheduler = new InspectionScheduler(held, ['a', 'b', 'c']);
    await inspect(scheduler, 0, { a: 0, b: 0, c: 0 });
    await inspect(scheduler, 1, { a: 0, b: 3, c: 0 });
    expect(podsByRun(scheduler)).toEqual(['a nightly-29540820', 'b nightly-29540760', 'c nightly-29540820']);
    await inspect(scheduler, 2, { a: 0, b: 0, c: 0 });
    expect(podsByRun(scheduler)).toEqual(['a', 'b', 'c'].map((node) => `${node} nightly-29540880`));
    expect(scheduler.runs()).toHaveLength(1);
    expect(scheduler.count('deletePods')).toBe(4);
    expect(scheduler.count('deletePod ')).toBe(0);
  });

  it('is deleted if the policy no longer selects its node, or no longer holds pods', async () => {
    const scheduler = new InspectionScheduler(held, ['a', 'b']);
    await inspect(scheduler, 0, { a: 0, b: 0 });
    scheduler.edit({ ...held, nodes: { matchExpressions: [{ key: 'gone', operator: 'DoesNotExist' }] } });
    scheduler.join('b', { labels: { gone: 'yes' } });
    await inspect(scheduler, 1, { a: 0 });
    expect(podsByRun(scheduler)).toEqual(['a nightly-29540820']);
    scheduler.edit({ ...held, keep: false }, '3');
    await inspect(scheduler, 2, { a: 0, b: 0 });
    expect(podsByRun(scheduler)).toEqual([]);
    expect(scheduler.runs()).toEqual([]);
  });

  it('is kept while a newer run is active, and after one that ended as a whole', async () => {
    const scheduler = new InspectionScheduler({ ...held, activeDeadlineSeconds: 600 }, ['a']);
    await inspect(scheduler, 0, { a: 0 });
    await scheduler.pass(secondsLater(3600));
    await scheduler.pass(secondsLater(3700));
    expect(podsByRun(scheduler)).toContain('a nightly-29540760');
    for (const seconds of [4200, 4203, 4300]) await scheduler.pass(secondsLater(seconds));
    expect(podsByRun(scheduler)).toEqual(['a nightly-29540760']);
  });
});

describe('a held pod that somebody deletes (P10)', () => {
  const held = { files, keep: true, newNodes: true, schedule: '0 0 * * *' };
  const loseFrom = (scheduler: InspectionScheduler, node: string) => {
    for (const pod of [...scheduler.cluster.pods.values()])
      if (pod.node === node) scheduler.cluster.pods.delete(pod.name);
  };
  const settle = async (scheduler: InspectionScheduler, seconds: number) => {
    await scheduler.pass(secondsLater(seconds));
    for (const pod of [...scheduler.cluster.pods.values()]) if (pod.phase === 'Running') scheduler.end(pod.node, 0);
    for (const later of [2, 4, 6]) await scheduler.pass(secondsLater(seconds + later));
  };

  it('is replaced by a run over its node, and if it goes again and again, at most once an hour', async () => {
    const scheduler = new InspectionScheduler(held, ['a', 'b']);
    scheduler.cluster.policies = scheduler.cluster.policies.map((policy) => ({
      ...policy,
      annotations: { 'nodesweep.io/run-at': 'now' },
    }));
    await settle(scheduler, 0);
    loseFrom(scheduler, 'b');
    for (let seconds = 300; seconds < 3 * 3600; seconds += 300) {
      await settle(scheduler, seconds);
      loseFrom(scheduler, 'b');
    }
    const runs = scheduler.runs().map(({ trigger, nodes }) => `${trigger.type}: ${[...nodes.keys()].join(' ')}`);
    expect(runs).toEqual(['Request: a b', 'Nodes: b', 'Nodes: b', 'Nodes: b']);
    const [, first, second] = scheduler.runs();
    expect(Number(second?.startedAt) - Number(first?.finishedAt)).toBeGreaterThanOrEqual(3_600_000);
  });

  it('is also replaced after disk pressure on its node, when the kubelet has removed what it held, and at most once an hour', async () => {
    const scheduler = new InspectionScheduler(held, ['a', 'b']);
    scheduler.cluster.policies = scheduler.cluster.policies.map((policy) => ({
      ...policy,
      annotations: { 'nodesweep.io/run-at': 'now' },
    }));
    await settle(scheduler, 0);
    for (let seconds = 300; seconds < 3 * 3600; seconds += 600) {
      scheduler.join('b', { diskPressure: true });
      await settle(scheduler, seconds);
      scheduler.join('b');
      await settle(scheduler, seconds + 300);
    }
    const runs = scheduler.runs().map(({ trigger, nodes }) => `${trigger.type}: ${[...nodes.keys()].join(' ')}`);
    expect(runs).toEqual(['Request: a b', 'Nodes: b', 'Nodes: b', 'Nodes: b']);
    const [, first, second] = scheduler.runs();
    expect(Number(second?.startedAt) - Number(first?.finishedAt)).toBeGreaterThanOrEqual(3_600_000);
  });

  it('is not missed where no process has seen it', async () => {
    const scheduler = new InspectionScheduler(held, ['a']);
    scheduler.cluster.policies = scheduler.cluster.policies.map((policy) => ({
      ...policy,
      annotations: { 'nodesweep.io/run-at': 'now' },
    }));
    await settle(scheduler, 0);
    loseFrom(scheduler, 'a');
    scheduler.restart();
    await settle(scheduler, 60);
    expect(scheduler.runs()).toHaveLength(1);
  });
});

describe('new nodes (P9)', () => {
  const serving = { files, newNodes: true, successfulRunsHistoryLimit: 0, failedRunsHistoryLimit: 0 };

  /** Ends the pods that run, and plays on until nothing is left to do. */
  async function settle(scheduler: InspectionScheduler, seconds: number, exitCode = 0) {
    await scheduler.pass(secondsLater(seconds));
    for (const pod of [...scheduler.cluster.pods.values()])
      if (pod.phase === 'Running') scheduler.end(pod.node, exitCode);
    await scheduler.pass(secondsLater(seconds + 2));
    await scheduler.pass(secondsLater(seconds + 4));
  }
  const nodesOf = (scheduler: InspectionScheduler) =>
    scheduler.runs().map(({ trigger, nodes }) => `${trigger.type}: ${[...nodes.keys()].join(' ')}`);

  it('a node that joins gets a run of its own immediately, and only once', async () => {
    const scheduler = new InspectionScheduler(serving, ['a', 'b']);
    await settle(scheduler, 0);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b']);
    scheduler.join('c');
    await settle(scheduler, 60);
    scheduler.restart();
    await settle(scheduler, 70);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b', 'Nodes: c']);
    scheduler.join('d');
    scheduler.join('e');
    await settle(scheduler, 80);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b', 'Nodes: c', 'Nodes: d e']);
    expect(scheduler.cluster.events.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/started for nodes that are new to the policy$/),
    );
  });

  it('a node that joins while a run is active becomes part of it', async () => {
    const scheduler = new InspectionScheduler(serving, ['a']);
    await scheduler.pass(start);
    scheduler.join('b');
    await scheduler.pass(secondsLater(3));
    expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
    await settle(scheduler, 10);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b']);
  });

  it('a node that is not ready delays no run, and gets its own when it is ready', async () => {
    const scheduler = new InspectionScheduler(serving, ['a']);
    scheduler.join('b', { ready: false, readySince: start });
    await settle(scheduler, 0);
    expect(scheduler.runs()).toMatchObject([{ phase: 'Succeeded' }]);
    scheduler.join('b');
    await settle(scheduler, 60);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b', 'Nodes: b']);
  });

  it('a node that failed is not new, and neither is a node that a failed run left out, so that few runs start', async () => {
    const rollout = { canary: 1, failurePolicy: 'FailFast' };
    const scheduler = new InspectionScheduler({ ...serving, rollout }, ['a', 'b', 'c']);
    await settle(scheduler, 0, 3);
    for (let seconds = 60; seconds < 3000; seconds += 60) await settle(scheduler, seconds, 3);
    expect(scheduler.runs()).toMatchObject([{ reason: 'CanaryFailed' }]);
    expect(scheduler.count('createPod')).toBe(1);
  });

  it('another machine with the same name is new, and so is a node that needs more images than it got', async () => {
    const scheduler = new InspectionScheduler(serving, ['a', 'b']);
    await settle(scheduler, 0);
    scheduler.join('b', { createdAt: secondsLater(30) });
    await settle(scheduler, 60);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b', 'Nodes: b']);
    scheduler.edit({ ...serving, files: [...files, '/6'] });
    await settle(scheduler, 90);
    expect(nodesOf(scheduler).at(-1)).toBe('Nodes: a b');
    scheduler.edit({ ...serving, files: ['/6'] }, '3');
    await settle(scheduler, 120);
    expect(nodesOf(scheduler).filter((line) => line.startsWith('Nodes'))).toHaveLength(2);
  });

  it('a suspended policy serves no new node, and neither does a policy without newNodes', async () => {
    for (const document of [
      { ...serving, suspend: true },
      { ...serving, newNodes: false, schedule: '0 0 1 1 *' },
    ]) {
      const scheduler = new InspectionScheduler(document, ['a']);
      await settle(scheduler, 0);
      expect(scheduler.runs()).toEqual([]);
    }
  });

  it('keeps the record with the newest result of each existing node, with any history limits', async () => {
    const scheduler = new InspectionScheduler({ ...serving, ttlSecondsAfterFinished: 0 }, ['a', 'b']);
    await settle(scheduler, 0);
    scheduler.join('c');
    await settle(scheduler, 60);
    await settle(scheduler, 1200);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b', 'Nodes: c']);
    scheduler.cluster.nodes = scheduler.cluster.nodes.filter(({ name }) => name !== 'c');
    await settle(scheduler, 1300);
    expect(nodesOf(scheduler)).toEqual(['Schedule: a b']);
  });
});
