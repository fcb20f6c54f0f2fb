import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VanishedPods } from '../../../../scheduler/kubernetes/pods/vanished-pods.ts';
import { resultOf, settled, started } from '../../../../scheduler/run/progress.ts';
import { buildPod, buildReport, buildReportedPod, buildRun, tried } from '../../../helpers/builders.ts';
import type { LoopbackApi } from '../../../helpers/loopback-api.ts';
import { LoopbackScheduler, pods } from '../../../helpers/loopback-scheduler.ts';

const images = { ...buildReport().images, removed: 40 };

/** The status of a pod whose cleaner has ended, with its last words. */
const ended = (exitCode: number, message: string) => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [{ name: 'cleaner', state: { terminated: { exitCode, message, reason: 'Completed' } } }],
});
const reported = ended(0, JSON.stringify(buildReport({ images })));

describe('the report of a cleaner with a pod that disappeared before the scheduler read it', () => {
  let scheduler: LoopbackScheduler;
  let server: LoopbackApi;
  let pod: string;

  beforeEach(async () => {
    scheduler = await LoopbackScheduler.start();
    server = scheduler.server;
    scheduler.putNode('node-1');
    scheduler.putPolicy('nightly', 'schedule: "@daily"\nactiveDeadlineSeconds: 600');
    await vi.waitFor(() => expect(scheduler.cluster.state().policies).toHaveLength(1));
    await vi.waitFor(() => expect(scheduler.cluster.state().nodes).toHaveLength(1));
    await scheduler.pass();
    pod = scheduler.cluster.state().pods[0]?.name ?? '';
    put({ phase: 'Running', containerStatuses: [{ name: 'cleaner', state: { running: {} } }] });
    await vi.waitFor(() => expect(scheduler.cluster.state().pods).toMatchObject([{ phase: 'Running' }]));
  });
  afterEach(() => scheduler.stop());

  const put = (status: object) => server.put(pods, pod, { ...server.objects.get(`${pods}/${pod}`), status });
  const isGone = () => vi.waitFor(() => expect(deletions()).toBe(1), { timeout: 5_000 });
  const deletions = () => Number(scheduler.cluster.state().pods.every(({ deletionTimestamp }) => deletionTimestamp));
  const run = () => scheduler.cluster.state().runs[0]?.value;
  const progress = () => run()?.nodes.get('node-1');

  it.each<[title: string, vanish: () => void]>([
    [
      'comes in the event right before its deletion',
      () => {
        put(reported);
        server.remove(pods, pod);
      },
    ],
    ['comes only with its deletion', () => server.remove(pods, pod, { status: reported })],
  ])('counts if it %s (H39)', async (_title, vanish) => {
    vanish();
    await isGone();
    await scheduler.pass(5);
    expect(run()).toMatchObject({ phase: 'Succeeded' });
    expect(progress()).toMatchObject({ result: 'Succeeded', tally: { removed: 40 } });
  });

  it('counts if a list shows that the pod is gone (H39)', async () => {
    put(reported);
    await vi.waitFor(() => expect(scheduler.cluster.state().pods).toMatchObject([{ exitCode: 0 }]));
    server.fault = ({ query }) => (query.has('watch') ? 'cut' : undefined);
    server.cutWatches();
    server.remove(pods, pod);
    server.expire(pods);
    server.fault = () => undefined;
    await isGone();
    await scheduler.pass(5);
    expect(progress()).toMatchObject({ result: 'Succeeded' });
  });

  it('counts after the deadline of the run (H39)', async () => {
    put(reported);
    server.remove(pods, pod);
    await isGone();
    await scheduler.pass(602);
    expect(progress()).toMatchObject({ result: 'Succeeded', tally: { removed: 40 } });
  });

  it('is read once: the pod is forgotten with the record of its result (H31, H39)', async () => {
    server.remove(pods, pod, { status: reported });
    await isGone();
    expect(scheduler.cluster.state().pods).toHaveLength(1);
    await scheduler.pass(5);
    expect(scheduler.cluster.state().pods).toEqual([]);
  });

  it('is missing if the cleaner ran until the end: another one starts (C24)', async () => {
    server.remove(pods, pod);
    await vi.waitFor(() => expect(scheduler.cluster.state().pods).toEqual([]));
    await scheduler.pass(5);
    await scheduler.pass(60);
    expect(scheduler.cluster.state().pods).toMatchObject([{ attempt: 1 }]);
  });

  it('does not change the next attempt on its node (C15)', async () => {
    server.remove(pods, pod, { status: ended(137, '') });
    await isGone();
    await scheduler.pass(5);
    expect(progress() ?? { state: 'Waiting' }).not.toMatchObject({ state: 'Settled' });
    await scheduler.pass(60);
    expect(server.count('POST', ({ path }) => path === pods)).toBe(2);
    expect(scheduler.cluster.state().pods.filter(({ phase }) => phase === 'Pending')).toMatchObject([{ attempt: 1 }]);
  });
});

describe('pods that disappeared', () => {
  const record = (run = buildRun()) => [{ value: run, resourceVersion: '1' }];

  it('are visible until the record has their result, a later attempt, or the end of the run (H39)', () => {
    const pod = buildReportedPod('a');
    const withNode = (progress: ReturnType<typeof started>) => buildRun({}, { nodes: new Map([['a', progress]]) });
    const shown = (runs: ReturnType<typeof record>) => {
      const vanished = new VanishedPods();
      vanished.keep(pod);
      return vanished.addTo([], runs).length;
    };
    const done = settled(tried(1), 'Succeeded');
    expect(resultOf(done)).toBe('Succeeded');
    expect(shown(record())).toBe(1);
    expect(shown(record(withNode(started(tried(0), 0))))).toBe(1);
    expect(shown(record(withNode(done)))).toBe(0);
    expect(shown(record(withNode(started(tried(1), 1))))).toBe(0);
    expect(shown(record(buildRun({}, { phase: 'Failed' })))).toBe(0);
    expect(shown([])).toBe(0);
  });

  it('are not visible beside a new pod of their name, and not if they were running', () => {
    const vanished = new VanishedPods();
    vanished.keep(buildReportedPod('a'));
    vanished.keep(buildPod('b'));
    const next = buildPod('a');
    expect(vanished.addTo([next], record())).toEqual([next]);
  });

  it('are bounded (H31)', () => {
    const vanished = new VanishedPods();
    for (let number = 0; number < 10_100; number += 1) vanished.keep(buildReportedPod(`node-${number}`));
    const shown = vanished.addTo([], record());
    expect(shown).toHaveLength(10_000);
    expect(shown.at(-1)?.node).toBe('node-10099');
  });
});
