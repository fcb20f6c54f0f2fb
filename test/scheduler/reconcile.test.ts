import { beforeEach, describe, expect, it } from 'vitest';
import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { JobTooLargeError } from '../../scheduler/pods/job-too-large.ts';
import { earliest } from '../../scheduler/policy/instants.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import type { RunObserver } from '../../scheduler/reconcile/context.ts';
import { policyNames, reconcile } from '../../scheduler/reconcile/reconcile.ts';
import { buildNode, buildPod, buildPolicyObject, secondsLater, start } from '../helpers/builders.ts';
import { FakeCluster, Killed } from '../helpers/fake-cluster.ts';

let cluster: FakeCluster;
let journals: Journals;
let observer: RunObserver | undefined;
const logged: string[] = [];
const log = {
  info: () => {},
  warn: (fields: object, message: string) => {
    if ('err' in fields && fields.err instanceof Killed) killed = fields.err;
    logged.push(message);
  },
  error: (fields: object, message: string) => {
    if ('err' in fields && fields.err instanceof Killed) throw fields.err;
    logged.push(message);
  },
};
/** The error that has killed the process in work that is done beside the pass. */
let killed: Killed | undefined;

/** One pass of a scheduler over all policies. */
async function pass(now: Date, by = journals): Promise<Date | undefined> {
  cluster.now = now;
  const background = new BackgroundTasks(log);
  const context = { cluster, log, journals: by, background, kinds: runKinds, startTimeoutMs: 60_000, observer };
  const wakes: (Date | undefined)[] = [];
  for (const name of policyNames(cluster.state())) {
    const next = await reconcile(context, name, now);
    if (next !== 'Gone') wakes.push(next);
  }
  await background.finish();
  if (killed !== undefined) throw killed;
  return earliest(wakes);
}

/** The next call of this name takes effect, and fails all the same. */
function loseAnswer(call: 'createRun' | 'updateRun'): void {
  const original = cluster[call];
  Object.assign(cluster, {
    [call]: async (...args: unknown[]) => {
      Object.assign(cluster, { [call]: original });
      await Reflect.apply(original, cluster, args);
      throw new Error('the connection was lost');
    },
  });
}

/** Another process takes over: nothing is known but what the cluster holds. */
function restart(): void {
  killed = undefined;
  journals = new Journals();
}

function edit(document: Partial<CleanupDocument>, version = '2'): void {
  cluster.policies = [buildPolicyObject(document, { resourceVersion: version })];
}

const record = () => cluster.state().runs.map(({ value }) => value);
const podsOf = () => [...cluster.pods.values()].map((pod) => `${pod.node}#${pod.attempt}`).sort();

beforeEach(() => {
  cluster = new FakeCluster();
  cluster.nodes = [buildNode('a'), buildNode('b'), buildNode('c')];
  cluster.policies = [buildPolicyObject()];
  restart();
  logged.length = 0;
  observer = undefined;
});

describe('a due scheduled time', () => {
  it('starts one run with one pod on every node, told by one job (C15)', async () => {
    cluster.boundReferences.set('a', ['docker.io/acme/web:2']);
    await pass(start);
    expect(record().map(({ name, phase }) => [name, phase])).toEqual([['nightly-29540760', 'Running']]);
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
    expect(cluster.jobs.get('nightly-29540760')).toMatchObject({ version: 1, startingReferences: [] });
    expect([...cluster.told.values()]).toEqual([['docker.io/acme/web:2'], [], []]);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted']);
  });

  it('is followed by a wake-up at the next one (C1)', async () => {
    cluster.nodes = [];
    expect(await pass(secondsLater(-60))).toEqual(start);
  });

  it('is caught up with once after downtime, however many were missed (C4, C6)', async () => {
    cluster.policies = [buildPolicyObject({ schedule: '* * * * *' }, { createdAt: secondsLater(-86_400) })];
    await pass(secondsLater(30));
    expect(record()).toHaveLength(1);
    expect(record()[0]?.trigger).toEqual({ type: 'Schedule', slot: start });
  });

  it('is told once when it was not started in time, with what held it up (C5)', async () => {
    edit({ schedule: '* * * * *', startingDeadlineSeconds: 30 });
    await pass(start);
    expect(record()).toHaveLength(1);
    await pass(secondsLater(90));
    await pass(secondsLater(91));
    edit({ schedule: '* * * * *', startingDeadlineSeconds: 30, dryRun: true }, '3');
    await pass(secondsLater(100));
    const missed = cluster.events.filter(({ reason }) => reason === 'SlotMissed');
    expect(missed).toMatchObject([{ type: 'Warning', policy: 'nightly' }]);
    expect(missed[0]?.message).toBe(
      `no run started within startingDeadlineSeconds (30) of the scheduled time ${secondsLater(60).toISOString()}: run nightly-29540760 is active`,
    );
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({ missedSlot: secondsLater(60) });
  });

  it('never starts once it is older than startingDeadlineSeconds (C5)', async () => {
    edit({ startingDeadlineSeconds: 60 });
    await pass(secondsLater(61));
    expect(record()).toEqual([]);
    restart();
    await pass(secondsLater(3600 + 60));
    expect(record()).toHaveLength(1);
  });

  it.each([{ startingDeadlineSeconds: undefined }, { startingDeadlineSeconds: 7_200 }])(
    'stays left out once that was told, also with the deadline as in %j (C5, C9)',
    async (document) => {
      edit({ startingDeadlineSeconds: 60 });
      await pass(secondsLater(61));
      expect(cluster.events.map(({ reason }) => reason)).toEqual(['SlotMissed']);
      edit(document, '3');
      restart();
      await pass(secondsLater(90));
      expect(record()).toEqual([]);
      await pass(secondsLater(3600));
      expect(record()).toMatchObject([{ trigger: { slot: secondsLater(3600) } }]);
    },
  );

  it('of a schedule that was never valid before is none from before it was fixed (C3, C9)', async () => {
    edit({ schedule: 'every hour' });
    await pass(secondsLater(-30));
    edit({}, '3');
    await pass(secondsLater(30));
    expect(record()).toEqual([]);
    await pass(secondsLater(3600));
    expect(record()).toHaveLength(1);
  });

  it('never comes where the schedule never fires, which an event tells once (H19)', async () => {
    edit({ schedule: '0 0 31 2 *' });
    for (const seconds of [0, 60, 120]) await pass(secondsLater(seconds));
    restart();
    await pass(secondsLater(180));
    expect(cluster.events).toMatchObject([{ type: 'Warning', reason: 'ScheduleNeverFires' }]);
  });

  it('does not start while suspended, nor is it made up for on resume (C12)', async () => {
    edit({ suspend: true });
    await pass(secondsLater(60));
    edit({ suspend: false }, '3');
    await pass(secondsLater(120));
    expect(record()).toEqual([]);
    await pass(secondsLater(3600));
    expect(record()).toHaveLength(1);
  });

  it('before an edit of the schedule does not start after it (C9)', async () => {
    await pass(secondsLater(-60));
    edit({ schedule: '30 9 * * *' });
    await pass(secondsLater(-30));
    expect(record()).toEqual([]);
  });
});

describe('a finished run', () => {
  const finish = async () => {
    await pass(start);
    cluster.finishPods();
    await pass(secondsLater(10));
  };

  it('adds up what the cleaners reported, and says so (C32)', async () => {
    await finish();
    expect(record()[0]).toMatchObject({ phase: 'Succeeded', reason: 'Completed', finishedAt: secondsLater(10) });
    const text = cluster.records.values().next().value?.data['run.yaml'];
    expect(text).toMatch(/succeeded: 3\n/);
    expect(text).toMatch(/removed: 9\n/);
    expect(text).toMatch(/freed: 900\n/);
    expect(cluster.events.at(-1)).toMatchObject({ type: 'Normal', reason: 'RunSucceeded' });
    expect(cluster.events.at(-1)?.message).toMatch(
      /3 of 3 nodes succeeded, 0 failed, 0 were skipped; 9 images removed, 900 B freed/,
    );
  });

  it('that only planned tells what it would have removed', async () => {
    edit({ dryRun: true });
    await pass(start);
    const images = { total: 9, inUse: 2, removed: 0, failed: 0, skipped: 0, unknown: 0, kept: 4 };
    cluster.finishPods({ outcome: 'DryRun', images, bytes: { freed: 0, nominal: 2048 } });
    await pass(secondsLater(10));
    expect(cluster.events.at(-1)?.message).toMatch(/dry run: 15 images \(6 KiB\) would be removed/);
    expect(cluster.records.values().next().value?.data['run.yaml']).toMatch(/planned: 15\n/);
  });

  it('loses its pods after the TTL with one call, also after a restart (C30)', async () => {
    await finish();
    expect(await pass(secondsLater(11))).toEqual(secondsLater(610));
    restart();
    await pass(secondsLater(610));
    expect(cluster.writes.filter((write) => write.startsWith('deletePods'))).toEqual(['deletePods nightly-29540760']);
    expect(cluster.pods.size).toBe(0);
  });

  it('is not run again after its pods and its record are gone, nor after a restart or an edit (C7, C8, C9, C13)', async () => {
    edit({ successfulRunsHistoryLimit: 0 });
    await finish();
    await pass(secondsLater(610));
    expect(record()).toEqual([]);
    restart();
    await pass(secondsLater(611));
    edit({ successfulRunsHistoryLimit: 0, dryRun: true }, '3');
    await pass(secondsLater(612));
    expect(cluster.writes.filter((write) => write.startsWith('createRun'))).toHaveLength(1);
  });

  it('keeps its record while its scheduled time is not remembered, so that it is not started again (C13)', async () => {
    edit({ successfulRunsHistoryLimit: 0, ttlSecondsAfterFinished: 0 });
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && cluster.records.size > 0) throw new Error('the API server is away');
    };
    await pass(start);
    await pass(secondsLater(3));
    expect(record()).toHaveLength(1);
    cluster.fail = () => {};
    await pass(secondsLater(6));
    cluster.finishPods();
    await pass(secondsLater(9));
    await pass(secondsLater(600));
    expect(record()).toEqual([]);
    expect(cluster.events.filter(({ reason }) => reason === 'RunStarted')).toHaveLength(1);
    await pass(secondsLater(603));
    expect(record()).toEqual([]);
  });

  it('leaves as many records as the history limits say (C13)', async () => {
    edit({ successfulRunsHistoryLimit: 2 });
    for (const hour of [0, 1, 2, 3]) {
      await pass(secondsLater(hour * 3600));
      cluster.finishPods();
      await pass(secondsLater(hour * 3600 + 10));
      await pass(secondsLater(hour * 3600 + 700));
    }
    expect(record()).toHaveLength(2);
  });
});

describe('while a run is active', () => {
  it('Forbid lets the next scheduled time wait, and starts the latest one afterwards (C11)', async () => {
    edit({ activeDeadlineSeconds: 9000 });
    await pass(start);
    await pass(secondsLater(3600));
    expect(record()).toHaveLength(1);
    cluster.finishPods();
    await pass(secondsLater(3601));
    await pass(secondsLater(3602));
    expect(record().map(({ phase }) => phase)).toEqual(['Succeeded', 'Running']);
  });

  it('Allow starts the next one beside it (C11)', async () => {
    edit({ concurrencyPolicy: 'Allow', activeDeadlineSeconds: 9000 });
    await pass(start);
    await pass(secondsLater(3600));
    expect(record().map(({ phase }) => phase)).toEqual(['Running', 'Running']);
  });

  it('Replace ends it and starts the next one (C11)', async () => {
    edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 9000 });
    await pass(start);
    await pass(secondsLater(3600));
    expect(record().map(({ phase, reason }) => [phase, reason])).toEqual([
      ['Failed', 'Replaced'],
      ['Running', undefined],
    ]);
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('a node that appears gets a pod, and one that vanishes is not waited for (C20, C21)', async () => {
    await pass(start);
    cluster.nodes = [buildNode('b'), buildNode('c'), buildNode('d')];
    await pass(secondsLater(5));
    expect(podsOf()).toContain('d#0');
    cluster.finishPods();
    await pass(secondsLater(10));
    expect(record()[0]).toMatchObject({ phase: 'Succeeded' });
    expect(record()[0]?.nodes.get('a')).toMatchObject({ result: 'Skipped', reason: 'NodeRemoved' });
  });

  it('a node whose pod can not be created is tried again, and the others go on (C19)', async () => {
    cluster.fail = (call) => {
      if (call === 'createPod b#0') throw new Error('exceeded quota');
    };
    expect(await pass(start)).toEqual(secondsLater(2));
    expect(podsOf()).toEqual(['a#0', 'c#0']);
    expect(logged.join()).toMatch(
      /could not start cleaners of run nightly-29540760 yet, trying again: on node b: Error: exceeded quota/,
    );
    cluster.fail = () => {};
    await pass(secondsLater(2));
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('each node is told of the pods that are bound to it right before its own cleaner starts (H4, T18)', async () => {
    edit({ rollout: { parallelism: 1 } });
    await pass(start);
    expect(podsOf()).toEqual(['a#0']);
    cluster.boundReferences.set('b', ['docker.io/acme/model-server:7']);
    cluster.finishPods();
    await pass(secondsLater(2_400));
    cluster.boundReferences.set('c', ['docker.io/acme/new:1']);
    cluster.finishPods();
    await pass(secondsLater(2_500));
    expect([...cluster.told.values()]).toEqual([[], ['docker.io/acme/model-server:7'], ['docker.io/acme/new:1']]);
  });

  it('no cleaner starts while the pods bound to its node can not be read, and the reason is on record (H4, H35)', async () => {
    const words = 'could not list pods: 403: pods is forbidden';
    cluster.fail = (call) => {
      if (call === 'readBoundPods') throw new Error(words);
    };
    const pauses: number[] = [];
    for (let seconds = 0; seconds < 60; ) {
      const wakeAt = await pass(secondsLater(seconds));
      const next = Math.round(((wakeAt ?? start).getTime() - start.getTime()) / 1_000);
      pauses.push(next - seconds);
      seconds = next;
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32]);
    expect(podsOf()).toEqual([]);
    await pass(secondsLater(61));
    expect(record()[0]?.nodes.get('b')).toMatchObject({ reason: 'NotCreated', message: `Error: ${words}` });
    cluster.fail = () => {};
    await pass(secondsLater(63));
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it.each([
    ['listWorkloadReferences', 'the images that deployments name are not known: 403: deployments is forbidden'],
    ['createJob', '403: configmaps is forbidden: exceeded quota'],
  ])(
    'no cleaner starts while %s is refused, less and less often it is asked, and the reason is on record (H5, H35)',
    async (refusedCall, words) => {
      edit({ images: { protectWorkloads: true } });
      let calls = 0;
      cluster.fail = (call) => {
        if (!call.startsWith(refusedCall)) return;
        calls++;
        throw new Error(words);
      };
      for (let at = start; at < secondsLater(3_000); ) at = (await pass(at)) ?? secondsLater(3_600);
      expect(calls).toBeLessThan(70);
      expect(podsOf()).toEqual([]);
      await pass(secondsLater(3_601));
      expect(record()[0]).toMatchObject({ phase: 'Failed' });
      expect(record()[0]?.nodes.get('b')).toHaveProperty('message', expect.stringContaining(words));
      expect(cluster.events.at(-1)?.message).toContain(words);
    },
  );

  it('a job that can not be stored ends the run at once, with the cause (H21)', async () => {
    cluster.fail = (call) => {
      if (call.startsWith('createJob')) throw new JobTooLargeError('the workloads name 300000 different images');
    };
    await pass(start);
    expect(record()).toMatchObject([
      { phase: 'Failed', reason: 'JobTooLarge', message: 'the workloads name 300000 different images' },
    ]);
    expect(cluster.events.at(-1)?.message).toContain('the workloads name 300000 different images');
    await pass(secondsLater(2));
    const degraded = cluster
      .state()
      .statuses.get('nightly')
      ?.value?.conditions?.find(({ type }) => type === 'Degraded');
    expect(degraded).toMatchObject({
      status: 'True',
      reason: 'JobTooLarge',
      message: expect.stringContaining('300000'),
    });
    expect(podsOf()).toEqual([]);
  });

  it('a pod that does not start is given up with what the cluster says of it, and removed (C17)', async () => {
    await pass(start);
    const stuck = buildPod('b', { ...[...cluster.pods.values()].find(({ node }) => node === 'b'), phase: 'Pending' });
    cluster.pods.set(stuck.name, stuck);
    cluster.podWarnings.set(stuck.name, 'FailedMount: hostPath type check failed: /run/x.sock is not a socket file');
    cluster.finishPods({}, ['a', 'c']);
    await pass(secondsLater(61));
    expect(record()[0]).toMatchObject({ phase: 'Failed', reason: 'NodesFailed', message: '1 of 3 nodes failed' });
    expect(record()[0]?.nodes.get('b')).toHaveProperty(
      'message',
      expect.stringMatching(/did not start within 60 s: FailedMount: .* is not a socket file/),
    );
    expect(podsOf()).toEqual(['a#0', 'c#0']);
    expect(cluster.events.at(-1)?.message).toMatch(/b: NotStarted: .*FailedMount/);
  });

  it('its progress is written ever less often, so that a run costs few writes however long it takes', async () => {
    cluster.nodes = Array.from({ length: 60 }, (_, index) => buildNode(`node-${index}`));
    await pass(start);
    const times: number[] = [];
    for (let seconds = 1; seconds < 60; seconds += 1) {
      cluster.writes = [];
      cluster.finishPods({}, [`node-${seconds}`]);
      await pass(secondsLater(seconds));
      if (cluster.writes.length > 0) times.push(seconds);
    }
    expect(times).toEqual([15, 30]);
  });

  it('its nodes are put on record once, however many waves they take', async () => {
    edit({ rollout: { parallelism: 3 } });
    cluster.nodes = Array.from({ length: 60 }, (_, index) => buildNode(`node-${index}`));
    for (let seconds = 0; seconds <= 20; seconds += 1) {
      await pass(secondsLater(seconds));
      cluster.finishPods();
    }
    expect(record()).toMatchObject([{ phase: 'Succeeded' }]);
    expect(cluster.pods.size).toBe(60);
    const others = cluster.writes.filter((write) => !write.startsWith('createPod')).map((write) => write.split(' ')[0]);
    expect(others.filter((write) => write === 'updateRun')).toHaveLength(2);
    expect(others.length).toBeLessThanOrEqual(10);
  });

  it('whoever takes it over writes to its record before anything starts, even if nothing is new', async () => {
    cluster.fail = (call) => {
      if (call.startsWith('createPod')) throw new Killed();
    };
    await expect(pass(start)).rejects.toThrow(Killed);
    cluster.fail = () => {};
    restart();
    cluster.writes = [];
    await pass(secondsLater(5));
    expect(cluster.writes.slice(0, 3)).toEqual([
      'createJob nightly-29540760',
      'updateRun nightly-29540760 Running',
      'createPod a#0',
    ]);
  });

  it('a large one takes its turns: other policies are looked at in between', async () => {
    cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
    const counts: number[] = [];
    for (let seconds = 0; seconds < 3; seconds += 1) {
      const next = await pass(secondsLater(seconds));
      counts.push(cluster.pods.size);
      if (seconds < 2) expect(next).toEqual(secondsLater(seconds));
    }
    expect(counts).toEqual([100, 200, 250]);
    expect(cluster.writes.filter((write) => write.startsWith('updateRun'))).toEqual([]);
  });

  it('many pods that are given up are deleted in several steps, and put on record once', async () => {
    cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
    for (let seconds = 0; seconds < 3; seconds += 1) await pass(secondsLater(seconds));
    for (const [name, pod] of cluster.pods) cluster.pods.set(name, { ...pod, phase: 'Pending', createdAt: start });
    cluster.writes = [];
    for (let step = 0; step < 3; step += 1) await pass(secondsLater(61));
    const writes = cluster.writes.map((write) => write.split(' ')[0]);
    expect(writes.filter((write) => write === 'deletePod')).toHaveLength(250);
    expect(writes.filter((write) => write === 'updateRun').length).toBeLessThanOrEqual(2);
  });

  it('pods that are all refused hold it up: the API server is not asked for the others at once (C19)', async () => {
    cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
    cluster.fail = (call) => {
      if (call.startsWith('createPod')) throw new Error('no pods today');
    };
    await pass(start);
    cluster.writes = [];
    expect(await pass(secondsLater(1))).toEqual(secondsLater(2));
    expect(cluster.writes.filter((write) => write.startsWith('createPod'))).toEqual([]);
    expect(logged).toEqual([expect.stringMatching(/on node node-0 and 99 others: Error: no pods today/)]);
    cluster.fail = () => {};
    for (let seconds = 2; seconds < 6; seconds += 1) await pass(secondsLater(seconds));
    expect(cluster.pods.size).toBe(250);
  });

  it('a policy that is broken by an edit is reported, and the run goes on as it began (C40)', async () => {
    await pass(start);
    cluster.policies = [buildPolicyObject({ schedule: 'nonsense' }, { resourceVersion: '2' })];
    cluster.finishPods();
    await pass(secondsLater(5));
    expect(record()[0]?.phase).toBe('Succeeded');
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded', 'InvalidPolicy']);
  });
});

describe('a policy that is not valid', () => {
  it('does nothing, says so once, and disturbs no other (C3, C40)', async () => {
    const broken = { schedule: '61 * * * *', rollout: { parallelism: '150%' as const } };
    cluster.policies = [buildPolicyObject(broken, { name: 'broken', uid: 'uid-2' }), buildPolicyObject()];
    await pass(start);
    await pass(secondsLater(1));
    const said = cluster.events.filter(({ policy }) => policy === 'broken');
    expect(said).toHaveLength(1);
    expect(said[0]?.message).toMatch(/schedule: minute: 61.*; rollout\.parallelism: must be a number of nodes/);
    expect(cluster.state().statuses.get('broken')?.value).toMatchObject({ valid: false, problems: [{}, {}] });
    expect(record().map(({ policy }) => policy)).toEqual(['nightly']);
  });
});

describe('a request', () => {
  it('starts a run at once, each value only once, even while suspended', async () => {
    const request = (value: string, resourceVersion: string) => {
      const annotations = { 'nodesweep.io/run-at': value };
      cluster.policies = [buildPolicyObject({ suspend: true }, { annotations, resourceVersion })];
    };
    request('now', '2');
    await pass(secondsLater(60));
    cluster.finishPods();
    await pass(secondsLater(61));
    restart();
    await pass(secondsLater(62));
    expect(record().map(({ trigger }) => trigger)).toEqual([{ type: 'Request', request: 'now' }]);
    request('again', '3');
    await pass(secondsLater(63));
    expect(record()).toHaveLength(2);
  });
});

it('a scheduler that is killed before any of its writes and started again runs the scheduled time once, with one pod a node (C10, C15)', async () => {
  const story = async () => {
    await pass(start);
    cluster.finishPods();
    await pass(secondsLater(3));
    await pass(secondsLater(6));
    await pass(secondsLater(700));
  };
  await story();
  const total = cluster.writes.length;
  expect(total).toBeGreaterThan(8);
  for (let kill = 0; kill < total; kill += 1) {
    cluster = new FakeCluster();
    cluster.nodes = [buildNode('a'), buildNode('b'), buildNode('c')];
    cluster.policies = [buildPolicyObject()];
    restart();
    cluster.killBefore = kill;
    await expect(story()).rejects.toThrow(Killed);
    cluster.killBefore = Number.POSITIVE_INFINITY;
    restart();
    await story();
    await pass(secondsLater(1400));
    const created = cluster.writes.filter((write) => write.startsWith('createPod'));
    expect([...new Set(created)].sort()).toEqual(['createPod a#0', 'createPod b#0', 'createPod c#0']);
    expect(record().map(({ name, phase }) => [name, phase])).toEqual([['nightly-29540760', 'Succeeded']]);
    expect([...cluster.pods.keys()]).toEqual([]);
  }
});

it('two replicas that see the same scheduled time start one run with one pod a node (C10)', async () => {
  const other = new Journals();
  await Promise.all([pass(start), pass(start, other)]);
  expect(record()).toHaveLength(1);
  expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  cluster.finishPods();
  await Promise.all([pass(secondsLater(5)), pass(secondsLater(5), other)]);
  expect(record()[0]?.phase).toBe('Succeeded');
  expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded']);
});

describe('a pass is never asked for in the past', () => {
  it('when a scheduled time is past its starting deadline', async () => {
    edit({ startingDeadlineSeconds: 60 });
    await pass(secondsLater(-60));
    restart();
    expect(await pass(secondsLater(120))).toEqual(secondsLater(3600));
    expect(cluster.state().statuses.get('nightly')?.value?.nextSlot).toEqual(secondsLater(3600));
  });

  it('when a scheduled time waits for the run before it', async () => {
    edit({ activeDeadlineSeconds: 9000 });
    await pass(start);
    expect((await pass(secondsLater(3660)))?.getTime()).toBeGreaterThan(secondsLater(3660).getTime());
  });
});

describe('a run that was started, while its status was not written,', () => {
  it('is not replaced by itself (C10, C11)', async () => {
    edit({ concurrencyPolicy: 'Replace' });
    await pass(secondsLater(-60));
    let failures = 1;
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && failures-- > 0) throw new Error('500');
    };
    for (const seconds of [0, 2, 4]) await pass(secondsLater(seconds));
    expect(record().map(({ phase }) => phase)).toEqual(['Running']);
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  });

  it('is not replaced by another replica (C10, C11)', async () => {
    edit({ concurrencyPolicy: 'Replace' });
    await pass(secondsLater(-60));
    const mine = journals;
    const write = cluster.writeStatus.bind(cluster);
    let isFirst = true;
    cluster.writeStatus = async (object, status) => {
      if (isFirst) {
        isFirst = false;
        restart();
        await pass(start);
        journals = mine;
      }
      return write(object, status);
    };
    for (const seconds of [0, 2]) await pass(secondsLater(seconds));
    expect(record().map(({ phase }) => phase)).toEqual(['Running']);
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
  await pass(start);
  cluster.finishPods({ outcome: 'PartiallyFailed' });
  for (const seconds of [3, 6, 9]) await pass(secondsLater(seconds));
  expect(record()[0]).toMatchObject({ phase: 'Paused' });
  expect(podsOf()).toEqual(['a#0']);
  annotate('now', '3');
  await pass(secondsLater(12));
  expect(podsOf()).toEqual(['a#0', 'b#0']);
});

it('a lost node does not keep its place in the rollout (C17, C18)', async () => {
  edit({ rollout: { parallelism: 1 } });
  await pass(start);
  cluster.nodes = [buildNode('a', { ready: false, readySince: secondsLater(5) }), buildNode('b'), buildNode('c')];
  // Nobody is there to end the pod.
  cluster.deletePod = async (name) => {
    const pod = cluster.pods.get(name);
    if (pod !== undefined) cluster.pods.set(name, { ...pod, deletionTimestamp: start });
  };
  for (const seconds of [70, 75]) await pass(secondsLater(seconds));
  expect(podsOf()).toEqual(['a#0', 'b#0']);
  expect(record()[0]?.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'NodeLost' });
});

it('a pod that turns up after it was thought deleted counts, and gets no second beside it (C15, C24)', async () => {
  await pass(start);
  const [hidden] = [...cluster.pods.values()].filter(({ node }) => node === 'a');
  if (hidden === undefined) throw new Error('no pod on node a');
  cluster.pods.delete(hidden.name);
  await pass(secondsLater(1));
  cluster.pods.set(hidden.name, hidden);
  await pass(secondsLater(2));
  cluster.finishPods();
  for (const seconds of [4, 7, 20]) await pass(secondsLater(seconds));
  expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
  expect(record()[0]).toMatchObject({ phase: 'Succeeded' });
});

it('what was reported while the scheduler was away counts, even after the deadline (C29)', async () => {
  edit({ activeDeadlineSeconds: 60 });
  await pass(start);
  cluster.finishPods();
  restart();
  await pass(secondsLater(600));
  expect(record()[0]).toMatchObject({ phase: 'Succeeded', reason: 'Completed' });
});

it.each(['is killed', 'is refused the event'])(
  'the pods of a run that ends at its deadline are stopped, also when the scheduler %s (C29)',
  async (how) => {
    edit({ activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 86_400 });
    await pass(start);
    cluster.fail = (call) => {
      if (call === 'recordEvent RunFailed') throw how === 'is killed' ? new Killed() : new Error('429');
    };
    await pass(secondsLater(61)).catch(() => {});
    cluster.fail = () => {};
    restart();
    await pass(secondsLater(63));
    expect(record()[0]).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(podsOf()).toEqual([]);
  },
);

it('the TTL ends the pods of a policy that has become invalid too (C30)', async () => {
  await pass(start);
  cluster.finishPods();
  await pass(secondsLater(5));
  cluster.policies = [buildPolicyObject({ schedule: 'nonsense' }, { resourceVersion: '2' })];
  await pass(secondsLater(700));
  expect(podsOf()).toEqual([]);
});

it('pods that the API server refuses are asked for less and less often, and the record says why (C19)', async () => {
  edit({ activeDeadlineSeconds: 60 });
  cluster.fail = (call) => {
    if (call.startsWith('createPod')) throw new Error('422: tolerations[0].value: must be empty');
  };
  const waits: number[] = [];
  for (let now = start; now < secondsLater(60); ) {
    const next = await pass(now);
    waits.push(((next?.getTime() ?? 0) - now.getTime()) / 1000);
    now = new Date(next?.getTime() ?? 0);
  }
  expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16]);
  await pass(secondsLater(61));
  expect(record()[0]?.nodes.get('a')).toHaveProperty(
    'message',
    expect.stringMatching(/activeDeadlineSeconds \(60\): NotCreated: Error: 422: tolerations/),
  );
});

it('a request that was acted on before starts nothing, and whoever made it is told', async () => {
  for (const [index, value] of ['A', 'B', 'A'].entries()) {
    const annotations = { 'nodesweep.io/run-at': value };
    cluster.policies = [buildPolicyObject({ suspend: true }, { annotations, resourceVersion: String(index + 2) })];
    await pass(secondsLater(60 + index * 10));
    cluster.finishPods();
    await pass(secondsLater(65 + index * 10));
  }
  expect(record()).toHaveLength(2);
  expect(cluster.events.at(-1)).toMatchObject({ type: 'Warning', reason: 'RequestIgnored' });
});

it('a status from the future, left by a clock that was wrong, does not hold up the policy for ever', async () => {
  await pass(secondsLater(-60));
  const ahead = secondsLater(86_400 * 365);
  await pass(ahead);
  cluster.finishPods();
  await pass(new Date(ahead.getTime() + 5_000));
  await pass(secondsLater(10));
  await pass(secondsLater(3600));
  expect(record().map(({ trigger }) => trigger)).toContainEqual({ type: 'Schedule', slot: secondsLater(3600) });
});

describe('disk pressure', () => {
  const pressedNode = (name: string) =>
    buildNode(name, {
      diskPressure: true,
      taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }],
    });
  const policyUnderPressure = (document: Partial<CleanupDocument> = {}) =>
    edit({ schedule: '0 0 1 1 *', disk: { onPressure: true }, nodes: { tolerations: [] }, ...document });

  it('starts one run on the nodes that are under it, once in ten minutes, also with two schedulers and a restart (C10)', async () => {
    policyUnderPressure();
    await pass(start);
    expect(record()).toEqual([]);
    cluster.nodes = [pressedNode('a'), buildNode('b'), buildNode('c')];
    await Promise.all([pass(secondsLater(7)), pass(secondsLater(7), new Journals())]);
    expect(podsOf()).toEqual(['a#0']);
    cluster.finishPods();
    restart();
    await pass(secondsLater(12));
    expect(record()).toMatchObject([
      { phase: 'Succeeded', message: '1 of 1 nodes cleaned', trigger: { type: 'Pressure' } },
    ]);
    expect((await pass(secondsLater(15)))?.getTime()).toBeLessThanOrEqual(secondsLater(607).getTime());
    await pass(secondsLater(606));
    expect(record()).toHaveLength(1);
    await pass(secondsLater(607));
    expect(record()).toHaveLength(2);
  });

  it('is not forgotten when the scheduler is killed before it could remember the run (C10)', async () => {
    policyUnderPressure();
    await pass(secondsLater(-1));
    cluster.nodes = [pressedNode('a')];
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && cluster.records.size > 0) throw new Killed();
    };
    await expect(pass(start)).rejects.toThrow(Killed);
    cluster.fail = () => {};
    cluster.nodes = [buildNode('a')];
    restart();
    await pass(secondsLater(5));
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({
      lastStart: start,
      lastRun: record()[0]?.name,
    });
  });

  it('reaches a node that comes under it while the run is active (C20)', async () => {
    policyUnderPressure();
    cluster.nodes = [pressedNode('a'), buildNode('b')];
    await pass(start);
    cluster.nodes = [pressedNode('a'), pressedNode('b')];
    await pass(secondsLater(5));
    expect(podsOf()).toEqual(['a#0', 'b#0']);
  });

  it.each([
    ['Forbid', 1],
    ['Replace', 1],
    ['Allow', 2],
  ] as const)('with concurrencyPolicy %s there are then %i runs at once (C11)', async (concurrencyPolicy, count) => {
    policyUnderPressure({ schedule: '0 * * * *', concurrencyPolicy });
    await pass(start);
    cluster.nodes = [pressedNode('a'), buildNode('b'), buildNode('c')];
    await pass(secondsLater(900));
    expect(record().filter(({ phase }) => phase === 'Running')).toHaveLength(count);
  });

  it('is no business of the cleaners: they are told the thresholds alone', async () => {
    policyUnderPressure({ disk: { onPressure: true, highPercent: 85, lowPercent: 80 } });
    cluster.nodes = [pressedNode('a')];
    await pass(start);
    expect([...cluster.jobs.values()]).toMatchObject([{ disk: { highPercent: 85, lowPercent: 80 } }]);
    expect([...cluster.jobs.values()][0]).not.toHaveProperty('disk.onPressure');
  });
});

it('a jittered start is waited for, and the status tells the scheduled time until then (C1)', async () => {
  edit({ jitterSeconds: 1800 });
  const wakeAt = await pass(secondsLater(-60));
  expect(wakeAt?.getTime()).toBeGreaterThan(start.getTime());
  expect(wakeAt?.getTime()).toBeLessThan(secondsLater(1800).getTime());
  const next = () => cluster.state().statuses.get('nightly')?.value?.nextSlot;
  await pass(secondsLater(1));
  expect([record(), next()]).toEqual([[], start]);
  await pass(wakeAt ?? start);
  expect(record().map(({ trigger }) => trigger)).toEqual([{ type: 'Schedule', slot: start }]);
  expect(next()).toEqual(secondsLater(3600));
});

describe('writes', () => {
  const writesOf = async (now: Date) => {
    cluster.writes = [];
    await pass(now);
    return cluster.writes.map((write) => write.split(' ')[0]);
  };

  it('are one for the record, one for the job, one for the status and one for each pod where a run starts', async () => {
    const pods = ['createPod', 'createPod', 'createPod'];
    expect(await writesOf(start)).toEqual(['createRun', 'recordEvent', 'createJob', ...pods, 'writeStatus']);
    expect(await writesOf(secondsLater(1))).toEqual([]);
    cluster.finishPods();
    expect(await writesOf(secondsLater(5))).toEqual(['updateRun', 'recordEvent', 'writeStatus']);
    expect(await writesOf(secondsLater(6))).toEqual([]);
  });

  it('are at most ten beside the pods for a run over 1,000 nodes that end one after the other', async () => {
    cluster.nodes = Array.from({ length: 1_000 }, (_, index) => buildNode(`node-${index}`));
    edit({ rollout: { parallelism: '5%' } });
    for (let seconds = 0; record()[0]?.phase !== 'Succeeded'; seconds += 1) {
      await pass(secondsLater(seconds));
      cluster.finishPods();
    }
    expect(cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(1_000);
    expect(cluster.writes.length).toBeLessThanOrEqual(1_010);
  });

  it('of the status are one in a pass, whatever it finds: an edit, a start, a missed scheduled time and the end of a run', async () => {
    edit({ schedule: '* * * * *', startingDeadlineSeconds: 30 });
    await pass(start);
    cluster.finishPods();
    edit({ schedule: '* * * * *', startingDeadlineSeconds: 30, dryRun: true }, '3');
    expect((await writesOf(secondsLater(95))).filter((write) => write === 'writeStatus')).toHaveLength(1);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded', 'SlotMissed']);
  });
});

it.each(['createRun', 'updateRun'] as const)(
  'a start and an end are told once by event and metric, also where the answer to %s was lost (H40)',
  async (call) => {
    const observed: string[] = [];
    observer = {
      observeStart: ({ phase }) => observed.push(phase),
      observeEnd: ({ phase }) => observed.push(phase),
    };
    loseAnswer(call);
    await pass(start);
    await pass(secondsLater(2));
    cluster.finishPods();
    loseAnswer(call);
    for (const seconds of [4, 6, 8]) await pass(secondsLater(seconds));
    const told = cluster.events.map(({ reason }) => reason).filter((reason) => reason.startsWith('Run'));
    expect(told).toEqual(['RunStarted', 'RunSucceeded']);
    expect(observed).toEqual(['Running', 'Succeeded']);
  },
);

describe('a run whose record this version can read only in part', () => {
  it('is ended with the reason, its pods go, and the next scheduled time starts a run (C29, C40)', async () => {
    edit({ nodes: { matchLabels: { 'kubernetes.io/os': 'linux' } } });
    await pass(start);
    expect(podsOf()).toHaveLength(3);
    const [[name, { data, version }] = ['', { data: {}, version: 0 }]] = cluster.records;
    const text = (data as Record<string, string>)['run.yaml'] ?? '';
    cluster.records.set(name, {
      data: { ...data, 'run.yaml': text.replace('kubernetes.io/os: linux', 'a..b/os: linux') },
      version,
    });
    restart();
    for (const seconds of [10, 12, 14]) await pass(secondsLater(seconds));
    expect(record()).toMatchObject([{ phase: 'Failed', reason: 'RecordUnreadable' }]);
    expect(record()[0]?.message).toMatch(
      /^this version does not take the policy .*a\.\.b\/os: the key must have a DNS name/,
    );
    expect(podsOf()).toEqual([]);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunFailed']);
    await pass(secondsLater(3600));
    expect(record()).toMatchObject([{ phase: 'Failed' }, { phase: 'Running' }]);
  });
});

describe('Replace leaves exactly one active run (H37),', () => {
  const activeNames = () => record().flatMap(({ name, phase }) => (phase === 'Running' ? [name] : []));

  it('also where the write that ends the old one meets a conflict', async () => {
    edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 90_000 });
    await pass(start);
    const update = cluster.updateRun.bind(cluster);
    let conflicts = 1;
    cluster.updateRun = async (run) => (conflicts-- > 0 ? undefined : update(run));
    await pass(secondsLater(3600));
    expect(activeNames()).toEqual(['nightly-29540760']);
    for (const seconds of [3602, 3604]) await pass(secondsLater(seconds));
    expect(activeNames()).toEqual(['nightly-29540820']);
    expect(record()[0]).toMatchObject({ phase: 'Failed', reason: 'Replaced' });
    expect(new Set([...cluster.pods.values()].map(({ run }) => run))).toEqual(new Set(activeNames()));
  });

  it('and starts it before the pods of the old one are gone (H32)', async () => {
    edit({ concurrencyPolicy: 'Replace', activeDeadlineSeconds: 90_000 });
    await pass(start);
    const gate = Promise.withResolvers<void>();
    cluster.deletePods = () => gate.promise;
    const context = {
      cluster,
      log,
      journals,
      background: new BackgroundTasks(log),
      kinds: runKinds,
      startTimeoutMs: 60_000,
    };
    await reconcile(context, 'nightly', secondsLater(3600));
    expect(activeNames()).toEqual(['nightly-29540820']);
    gate.resolve();
    await context.background.finish();
  });
});

describe('an error that a step meets', () => {
  const words = '403: the request is forbidden by a policy of the cluster';
  const conditionsOf = (policy: string) => cluster.state().statuses.get(policy)?.value?.conditions ?? [];
  const refuse = (refused: string) => {
    let calls = 0;
    cluster.fail = (call) => {
      if (!call.startsWith(refused)) return;
      calls++;
      throw new Error(words);
    };
    return () => calls;
  };
  /** Passes as often as the scheduler asks for it, and at least once a minute. */
  const watch = async (from: number, to: number) => {
    for (let at = secondsLater(from); at < secondsLater(to); ) {
      const wakeAt = (await pass(at)) ?? secondsLater(to);
      expect(wakeAt.getTime()).toBeGreaterThan(at.getTime());
      at = new Date(Math.min(wakeAt.getTime(), at.getTime() + 60_000));
    }
  };
  const tellsIt = ({ message }: { message: string }) => message.includes(words);

  it.each([
    ['createRun', 'start the run that is due'],
    ['updateRun', 'move run nightly-29540760 on'],
    ['listWorkloadReferences', 'start cleaners of run nightly-29540760'],
    ['createJob', 'start cleaners of run nightly-29540760'],
    ['readBoundPods', 'start cleaners of run nightly-29540760'],
    ['createPod', 'start cleaners of run nightly-29540760'],
    ['deletePods', 'delete the pods of run nightly-29540760'],
    ['deleteRun', 'delete what has expired'],
    ['writeStatus', 'write the status'],
  ])('at %s is told once, shows in the status, and is tried less and less often (H35)', async (call, what) => {
    const document = {
      images: { protectWorkloads: true },
      activeDeadlineSeconds: 80_000,
      successfulRunsHistoryLimit: call === 'deleteRun' ? 0 : 1,
    };
    edit({ schedule: '0 10 * * *', ...document });
    const calls = refuse(call);
    for (let seconds = 0; seconds < 3_000; seconds += 100) {
      await watch(seconds, seconds + 100);
      cluster.finishPods();
    }
    expect(calls()).toBeGreaterThan(5);
    expect(calls()).toBeLessThan(call === 'createPod' ? 300 : 80);
    expect(cluster.events.filter(tellsIt)).toMatchObject([{ type: 'Warning', reason: 'StepFailed' }]);
    expect(cluster.events.find(tellsIt)?.message).toContain(`could not ${what} yet`);
    if (call !== 'writeStatus')
      expect(conditionsOf('nightly').filter(tellsIt)).toMatchObject([{ reason: 'StepFailed' }]);
    cluster.fail = () => {};
    await watch(3_000, 3_300);
    expect(conditionsOf('nightly').filter(tellsIt)).toEqual([]);
  });

  it('holds up no other step of the policy: a run that is active goes on while the next is refused (H35)', async () => {
    edit({ concurrencyPolicy: 'Allow', activeDeadlineSeconds: 9_000 });
    await pass(start);
    refuse('createRun');
    await pass(secondsLater(3_600));
    expect(conditionsOf('nightly')).toMatchObject([
      { type: 'Ready', status: 'False', message: expect.stringContaining(words) },
      { type: 'Progressing', status: 'True' },
      { type: 'Degraded', status: 'False' },
    ]);
    cluster.finishPods();
    await pass(secondsLater(3_601));
    expect(record()).toMatchObject([{ phase: 'Succeeded' }]);
  });

  it('is on record while the run meets it, and stays the cause of a run that is out of time, also after a restart (H35)', async () => {
    edit({ schedule: '0 10 * * *', images: { protectWorkloads: true }, activeDeadlineSeconds: 1_000 });
    refuse('listWorkloadReferences');
    await watch(0, 600);
    expect(record()[0]).toMatchObject({ phase: 'Running', message: expect.stringContaining(words) });
    restart();
    await pass(secondsLater(1_001));
    expect(record()[0]).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: expect.stringMatching(/activeDeadlineSeconds; until then: could not start cleaners .*403/),
    });
    expect(cluster.events.at(-1)).toMatchObject({ reason: 'RunFailed', message: expect.stringContaining(words) });
  });

  it('leaves the record once it is over (H35)', async () => {
    edit({ schedule: '0 10 * * *', rollout: { parallelism: 1 } });
    refuse('createPod');
    await watch(0, 60);
    expect(record()[0]?.message).toContain(words);
    cluster.fail = () => {};
    await watch(60, 400);
    expect(record().map(({ phase, message }) => [phase, message])).toEqual([['Running', undefined]]);
  });

  it('is the reason that is told for a scheduled time that was not started in time (H35)', async () => {
    edit({ startingDeadlineSeconds: 30 });
    refuse('createRun');
    await watch(0, 120);
    expect(cluster.events.find(({ reason }) => reason === 'SlotMissed')?.message).toContain(words);
  });

  it('is no other error because it names another pod (H35)', async () => {
    edit({ schedule: '0 10 * * *', activeDeadlineSeconds: 80_000 });
    cluster.fail = (call) => {
      if (call.startsWith('createPod'))
        throw new Error(`could not create pod ${call}: pods "${call}" is forbidden: exceeded quota`);
    };
    for (let seconds = 0; seconds < 3_000; seconds += 60) {
      await pass(secondsLater(seconds));
      cluster.nodes = [buildNode(`x${seconds}`), buildNode('z')];
    }
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'StepFailed']);
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

  it('within a moment is told once as ignored, in event and status (H41)', async () => {
    await pass(secondsLater(-60));
    request('one', '2');
    await pass(secondsLater(60));
    request('three', '4', ['one', 'two']);
    for (const seconds of [61, 62, 120]) await pass(secondsLater(seconds));
    cluster.finishPods();
    for (const seconds of [123, 126, 129]) await pass(secondsLater(seconds));
    expect(record().map(({ trigger }) => trigger)).toMatchObject([{ request: 'one' }, { request: 'three' }]);
    expect(ignored()).toEqual([words]);
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({
      lastRequest: 'three',
      ignoredRequests: ['two'],
    });
  });

  it('while it waits for the run before it is told, also when the scheduler was away (H41)', async () => {
    await pass(secondsLater(-60));
    request('one', '2');
    await pass(secondsLater(60));
    request('two', '3', ['one']);
    await pass(secondsLater(61));
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({ lastRequest: 'one', pendingRequest: 'two' });
    restart();
    request('three', '4');
    for (const seconds of [90, 91]) await pass(secondsLater(seconds));
    expect(ignored()).toEqual([words]);
  });

  it('is not told of one that was acted on long ago (H41)', async () => {
    await pass(secondsLater(-60));
    request('one', '2');
    await pass(secondsLater(60));
    cluster.finishPods();
    await pass(secondsLater(61));
    cluster.records.clear();
    request('two', '3', ['one']);
    for (const seconds of [5_000, 5_001]) await pass(secondsLater(seconds));
    restart();
    for (const seconds of [5_002, 5_003]) await pass(secondsLater(seconds));
    expect(ignored()).toEqual([]);
  });
});

describe('a run whose policy is gone, or is none any more,', () => {
  beforeEach(async () => {
    await pass(start);
    cluster.orphans = [{ policy: 'nightly', run: 'nightly-29540760', uid: 'uid-of-record' }];
  });

  it('is deleted with its job and its pods after half a minute (C31, H41)', async () => {
    cluster.policies = [];
    expect(await pass(secondsLater(10))).toEqual(secondsLater(40));
    await pass(secondsLater(39));
    expect(podsOf()).toEqual(['a#0', 'b#0', 'c#0']);
    await pass(secondsLater(40));
    expect([record(), podsOf(), [...cluster.jobs]]).toEqual([[], [], []]);
    expect(await pass(secondsLater(41))).toBeUndefined();
  });

  it('stays where its label comes back in time (H41)', async () => {
    const orphans = cluster.orphans;
    await pass(secondsLater(10));
    cluster.orphans = [];
    await pass(secondsLater(20));
    cluster.orphans = orphans;
    await pass(secondsLater(45));
    expect(cluster.writes.filter((write) => write.startsWith('deleteRun'))).toEqual([]);
  });

  it('is asked for again when its deletion was refused (H35)', async () => {
    cluster.policies = [];
    cluster.fail = (call) => {
      if (call.startsWith('deleteRun')) throw new Error('403');
    };
    await pass(secondsLater(10));
    expect(await pass(secondsLater(40))).toEqual(secondsLater(100));
    cluster.fail = () => {};
    await pass(secondsLater(100));
    expect(record()).toEqual([]);
  });
});
