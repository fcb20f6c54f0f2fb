import { describe, expect, it } from 'vitest';
import type { CleanupDocument } from '../../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../../scheduler/kinds.ts';
import type { Node, RunPod } from '../../../../scheduler/objects.ts';
import { backingOff, started as created, settled } from '../../../../scheduler/run/progress.ts';
import { decodeRun, encodeRun } from '../../../../scheduler/run/record.ts';
import { expire } from '../../../../scheduler/run/retention.ts';
import { resumeRun } from '../../../../scheduler/run/rollout/end.ts';
import { advanceRun, withReserved, withStarted } from '../../../../scheduler/run/rollout/rollout.ts';
import type { Run } from '../../../../scheduler/run/run.ts';
import {
  buildNode,
  buildPod,
  buildReportedPod,
  buildRun,
  secondsLater,
  start,
  tried,
} from '../../../helpers/builders.ts';

const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => buildNode(name));

function step(run: Run, pods: readonly RunPod[], now = start, known: readonly Node[] = nodes) {
  return advanceRun({ run, nodes: known, pods, startTimeoutMs: 60_000, podWarnings: new Map() }, now);
}

const started = (run: Run, pods: readonly RunPod[] = [], now = start, known = nodes) =>
  step(run, pods, now, known).start.map(({ node, attempt }) => `${node.name}#${attempt}`);
const rollout = (settings: CleanupDocument['rollout'], names: readonly string[] = []) =>
  withStarted(buildRun({ rollout: settings ?? {} }), names);

describe('the number of nodes that are cleaned at the same time (C18)', () => {
  it.each([
    [2, ['a#0', 'b#0']],
    ['100%', ['a#0', 'b#0', 'c#0', 'd#0', 'e#0']],
    ['20%', ['a#0']],
    ['21%', ['a#0', 'b#0']],
    ['1%', ['a#0']],
  ] as const)('parallelism %s starts %j of five', (parallelism, expected) => {
    expect(started(rollout({ parallelism }))).toEqual(expected);
  });

  it('counts active nodes, also those with a terminating pod (C26)', () => {
    const run = rollout({ parallelism: 2 }, ['a', 'b']);
    expect(started(run, [buildPod('a', { deletionTimestamp: start }), buildPod('b')])).toEqual([]);
    expect(started(run, [buildReportedPod('a'), buildPod('b')])).toEqual(['c#0']);
  });

  it('does not count a pod that was deleted and does not end: its node has failed, and the others continue (C18, C21)', () => {
    const run = rollout({ parallelism: 1 }, ['a']);
    const stuck = buildPod('a', { deletionTimestamp: start });
    const patient = step(run, [stuck]);
    expect(patient.start).toEqual([]);
    const end = patient.wakeAt ?? start;
    const { run: later, start: next } = step(run, [stuck], end);
    expect(later.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'NotTerminated' });
    expect(next.map(({ node }) => node.name)).toEqual(['b']);
  });
});

describe('canaries are cleaned first', () => {
  const run = rollout({ canary: 2 }, ['a', 'b']);
  it('and alone', () => {
    expect(started(rollout({ canary: 2 }))).toEqual(['a#0', 'b#0']);
    expect(started(run, [buildReportedPod('a'), buildPod('b')])).toEqual([]);
  });

  it('the rest follow when all have succeeded', () => {
    expect(started(run, [buildReportedPod('a'), buildReportedPod('b')])).toEqual(['c#0', 'd#0', 'e#0']);
  });

  it('the rest are skipped when one has failed', () => {
    const { run: ended } = step(run, [buildReportedPod('a'), buildReportedPod('b', { outcome: 'PartiallyFailed' })]);
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'CanaryFailed' });
    expect(ended.nodes.get('c')).toMatchObject({ result: 'Skipped', reason: 'CanaryFailed' });
  });
});

describe('after a node has failed (C27)', () => {
  const failed = buildReportedPod('a', {
    outcome: 'PartiallyFailed',
    errors: [{ image: 'sha256:1', reason: 'RemovalFailed', message: 'busy' }],
  });
  const run = (failurePolicy: 'Continue' | 'FailFast' | 'Pause') => rollout({ parallelism: 1, failurePolicy }, ['a']);

  it('Continue cleans the others', () => {
    expect(started(run('Continue'), [failed])).toEqual(['b#0']);
    expect(step(run('Continue'), [failed]).run.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'RemovalFailed',
      message: 'sha256:1: busy',
    });
  });

  it('FailFast ends the run once its active pods have ended', () => {
    const parallel = rollout({ parallelism: 2, failurePolicy: 'FailFast' }, ['a', 'b']);
    expect(step(parallel, [failed, buildPod('b')])).toMatchObject({ run: { phase: 'Running' }, start: [] });
    expect(step(parallel, [failed, buildReportedPod('b')]).run).toMatchObject({
      phase: 'Failed',
      reason: 'NodesFailed',
      finishedAt: start,
    });
  });

  it('Pause waits for a request to resume, and each request counts once', () => {
    const paused = step(run('Pause'), [failed]).run;
    expect(paused).toMatchObject({ phase: 'Paused', finishedAt: undefined });
    expect(paused.message).toMatch(/set the annotation nodesweep.io\/resume-at/);
    const resumed = resumeRun(paused, 'go');
    expect(started(resumed, [failed])).toEqual(['b#0']);
    expect(resumeRun({ ...resumed, phase: 'Paused' }, 'go')).toMatchObject({ phase: 'Paused' });
  });
});

describe('a cleaner that did not start its work is started again on its node', () => {
  const lost = (attempt: number) =>
    buildPod('a', { attempt, phase: 'Failed', reason: 'Evicted', message: 'low on memory' });
  const one = [buildNode('a')];

  it('after a pause that doubles (C24)', () => {
    const first = step(rollout({}, ['a']), [lost(0)], start, one);
    expect(first).toMatchObject({ start: [], wakeAt: secondsLater(5) });
    expect(started(first.run, [lost(0)], secondsLater(5), one)).toEqual(['a#1']);
    const second = step(withStarted(first.run, ['a']), [lost(0), lost(1)], secondsLater(6), one);
    expect(second.wakeAt).toEqual(secondsLater(16));
  });

  it('until the restart limit is reached, with another reason than a failure of the cleaner (C25, C28)', () => {
    const run = buildRun({ rollout: { restartLimit: 1 } }, { nodes: new Map([['a', created(tried(1), 1)]]) });
    const { run: ended } = step(run, [lost(0), lost(1)], start, one);
    expect(ended.phase).toBe('Failed');
    expect(ended.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'Evicted', attempts: 2 });
  });

  it('also when somebody has deleted its pod, a bounded number of times (C24)', () => {
    const { run } = step(rollout({}, ['a']), [], start, one);
    expect(run.nodes.get('a')).toMatchObject({ reason: 'PodDeleted', attempts: 1 });
    expect(started(run, [], secondsLater(5), one)).toEqual(['a#1']);
    const worn = buildRun({}, { nodes: new Map([['a', created(tried(3), 3)]]) });
    const missing = step(worn, [], start, one);
    expect(missing).toMatchObject({ start: [], wakeAt: secondsLater(40) });
    const late = buildReportedPod('a', {}, { attempt: 3 });
    expect(step(missing.run, [late], secondsLater(39), one).run.nodes.get('a')).toMatchObject({ result: 'Succeeded' });
    const gone = step(missing.run, [], secondsLater(40), one).run;
    expect(gone.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'PodDeleted' });
  });

  it('when its report shows that nothing was attempted', () => {
    const report = {
      outcome: 'Failed' as const,
      errors: [{ reason: 'RuntimeUnreachable', message: 'no such socket' }],
    };
    const { run } = step(rollout({ restartLimit: 0 }, ['a']), [buildReportedPod('a', report)], start, one);
    expect(run.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'RuntimeUnreachable',
      message: 'no such socket',
    });
  });

  it('but not again after a restart of the scheduler that forgot the attempt: the pod proves it (C10)', () => {
    expect(started(rollout({}), [buildPod('a')], start, one)).toEqual([]);
  });
});

describe('a node that has no room for a cleaner (H3)', () => {
  const one = [buildNode('a')];
  const rejected = (attempt: number) =>
    buildPod('a', { attempt, phase: 'Failed', reason: 'OutOfpods', message: 'Pod was rejected: no room' });

  /** Plays a run on one node whose kubelet rejects so many pods. */
  const play = (document: CleanupDocument['rollout'], rejections: number, activeDeadlineSeconds = 3600) => {
    let run = buildRun({ rollout: document ?? {}, activeDeadlineSeconds });
    const pods: RunPod[] = [];
    for (let now = start; run.finishedAt === undefined; ) {
      const next = step(run, pods, now, one);
      run = next.run;
      for (const { attempt } of next.start) {
        run = withStarted(run, ['a']);
        pods.push(attempt < rejections ? rejected(attempt) : buildReportedPod('a', {}, { attempt }));
      }
      if (next.start.length === 0) now = next.wakeAt ?? now;
    }
    return { node: run.nodes.get('a'), run, pods: pods.length };
  };

  it('is tried again, beyond the restart limit, and cleaned when it has room', () => {
    const { node, run } = play({ restartLimit: 0 }, 5);
    expect(run.phase).toBe('Succeeded');
    expect(node).toMatchObject({ result: 'Succeeded', attempts: 6 });
  });

  it('is reported as NodeFull, in the words of the kubelet, when it still has none after ten minutes', () => {
    const { node, run, pods } = play({ restartLimit: 0 }, 100);
    expect(node).toMatchObject({
      result: 'Failed',
      reason: 'NodeFull',
      message: 'OutOfpods: Pod was rejected: no room',
    });
    const minutes = ((run.finishedAt?.getTime() ?? 0) - start.getTime()) / 60_000;
    expect(minutes).toBeGreaterThan(10);
    expect(minutes).toBeLessThan(12);
    expect(pods).toBe(8);
  });

  it('is reported as NodeFull also when the run ends before, which does not fail the run', () => {
    const { node, run } = play({}, 100, 60);
    expect(node).toMatchObject({ result: 'Failed', reason: 'NodeFull' });
    expect(run).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
  });

  it('does not count as a restart of the cleaner, and a crash does not shorten the wait for room', () => {
    const crashed = buildPod('a', { attempt: 1, phase: 'Failed', containerReason: 'Error', exitCode: 139 });
    const run = buildRun({ rollout: { restartLimit: 1 } }, { nodes: new Map([['a', created(tried(1, 1), 1)]]) });
    const later = step(run, [rejected(0), crashed], start, one);
    expect(later.run.nodes.get('a')).toMatchObject({ reason: 'CleanerCrashed', rejections: 1 });
    expect(later.wakeAt).toEqual(secondsLater(5));
  });

  it('delays no other node, although the policy ends a run at the first failure (C17)', () => {
    const run = rollout({ parallelism: 1, failurePolicy: 'FailFast' }, ['a']);
    expect(started(run, [rejected(0)])).toEqual(['b#0']);
    const full = buildRun(
      { rollout: { failurePolicy: 'FailFast' } },
      { nodes: new Map([['a', settled(tried(8, 8), 'Failed', { reason: 'NodeFull' })]]) },
    );
    expect(started(full)).toEqual(['b#0', 'c#0', 'd#0', 'e#0']);
  });
});

describe('a pod with an injected container (H11)', () => {
  const one = [buildNode('a')];

  it('gives its node a result when its cleaner has ended, and is then deleted', () => {
    const beside = buildReportedPod('a', {}, { phase: 'Running', hasOthersAtWork: true });
    const next = step(rollout({}, ['a']), [beside], start, one);
    expect(next.run).toMatchObject({ phase: 'Succeeded' });
    expect(next.tidy).toEqual([beside.name]);
    const going = { ...beside, deletionTimestamp: start };
    expect(step(next.run, [going], start, one).tidy).toEqual([]);
  });

  it('stays with its log if nothing else runs in it: the kubelet reports the end of the pod a little later (C30)', () => {
    const ended = buildReportedPod('a', {}, { phase: 'Running', hasOthersAtWork: false });
    const next = step(rollout({}, ['a']), [ended], start, one);
    expect(next.run).toMatchObject({ phase: 'Succeeded' });
    expect(next.stop).toEqual([]);
    expect(expire({ runs: [next.run], pods: [ended], nodes: [] }, undefined, start).leftovers).toEqual(new Map());
  });

  it('is deleted also when its cleaner crashed, and another is started', () => {
    const beside = buildPod('a', { phase: 'Running', containerReason: 'Error', exitCode: 139, hasOthersAtWork: true });
    const next = step(rollout({}, ['a']), [beside], start, one);
    expect(next.run.nodes.get('a')).toMatchObject({ reason: 'CleanerCrashed' });
    expect(next.tidy).toEqual([beside.name]);
    const going = { ...beside, deletionTimestamp: start };
    expect(started(next.run, [going], secondsLater(5), one)).toEqual(['a#1']);
  });
});

describe('canaries are nodes that can be cleaned (H10)', () => {
  const fargate = buildNode('0', { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });

  it('so that one that never can be is skipped, and another is the canary', () => {
    const known = [fargate, ...nodes];
    expect(started(rollout({ canary: 1 }), [], start, known)).toEqual(['a#0']);
    const ended = step(rollout({ canary: 1 }, ['a']), [buildReportedPod('a')], start, [fargate, buildNode('a')]).run;
    expect(ended).toMatchObject({ phase: 'Succeeded', reason: 'Completed' });
    expect(ended.nodes.get('0')).toMatchObject({ result: 'Skipped', reason: 'NodeUnsupported' });
  });

  it('and cordoned ones only if there is no other', () => {
    const known = [buildNode('a', { unschedulable: true }), buildNode('b')];
    expect(started(rollout({ canary: 1 }), [], start, known)).toEqual(['b#0']);
  });

  it('and first those on which the run before has succeeded, while canaries are missing', () => {
    const startedOf = (run: Run, pods: readonly RunPod[], known: readonly Node[]) => {
      const provenNodes = new Set(['c', 'd']);
      const view = { run, nodes: known, pods, startTimeoutMs: 60_000, podWarnings: new Map(), provenNodes };
      return advanceRun(view, start).start.map(({ node }) => node.name);
    };
    expect(startedOf(rollout({ canary: 1 }), [], nodes)).toEqual(['c']);
    expect(startedOf(rollout({ canary: 3 }), [], nodes)).toEqual(['c', 'd', 'a']);
    const cordoned = nodes.map((node) => (node.name === 'c' ? buildNode('c', { unschedulable: true }) : node));
    expect(startedOf(rollout({ canary: 1 }), [], cordoned)).toEqual(['d']);
    const afterCanary = rollout({ canary: 1, parallelism: 2 }, ['c']);
    expect(startedOf(afterCanary, [buildReportedPod('c')], nodes)).toEqual(['a', 'b']);
  });

  it('so that another node immediately replaces one without room', () => {
    const full = buildPod('a', { phase: 'Failed', reason: 'OutOfpods' });
    expect(started(rollout({ canary: 1 }, ['a']), [full])).toEqual(['b#0']);
  });

  it('so that another node replaces one with a pod that does not start, a limited number of times', () => {
    const pending = (name: string) => buildPod(name, { phase: 'Pending' });
    const later = secondsLater(60);
    const lost = (names: readonly string[]) => step(rollout({ canary: 1 }, names), names.map(pending), later).run;
    const next = (names: readonly string[]) => started(lost(names), [], later);
    expect(lost(['a']).nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'NotStarted' });
    expect(next(['a'])).toEqual(['b#0']);
    expect(next(['a', 'b', 'c'])).toEqual(['d#0']);
    const ended = step(lost(['a', 'b', 'c', 'd']), [], later).run;
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'CanaryFailed' });
  });
});

describe('a pod that does not start in time', () => {
  const later = secondsLater(60);
  const waiting = {
    name: 'image-0',
    state: { type: 'Waiting', reason: 'ErrImagePull', message: 'no such host' },
  } as const;
  const progressWith = (containers: RunPod['containers']) =>
    step(rollout({}, ['a']), [buildPod('a', { phase: 'Pending', containers })], later).run.nodes.get('a');

  it('has failed, with the words of the container that waits (P5)', () => {
    expect(progressWith([waiting])).toMatchObject({
      result: 'Failed',
      reason: 'NotStarted',
      message: expect.stringMatching(/did not start within 60 s: ErrImagePull: no such host$/),
    });
  });

  it('is different from one with a container that has run: a pod is Pending while it pulls images (P17)', () => {
    const ended = { name: 'prepare', state: { type: 'Terminated', exitCode: 0 } } as const;
    expect(progressWith([ended, waiting])).toMatchObject({ state: 'Started' });
  });
});

describe('a run is never delayed', () => {
  it('by a node that is not ready: it is reported, and cleaned if it comes back before the deadline (C17, C20, H18)', () => {
    const known = [buildNode('a'), buildNode('b', { ready: false })];
    const { run: waiting, wakeAt } = step(rollout({}, ['a']), [buildReportedPod('a')], start, known);
    expect(waiting).toMatchObject({
      phase: 'Running',
      reason: 'NodesNotReady',
      message: expect.stringMatching(/: b$/),
    });
    expect(waiting.nodes.get('a')).toMatchObject({ result: 'Succeeded' });
    expect(started(waiting, [buildReportedPod('a')], secondsLater(60), [buildNode('a'), buildNode('b')])).toEqual([
      'b#0',
    ]);
    const ended = step(waiting, [buildReportedPod('a')], wakeAt, known).run;
    expect(ended).toMatchObject({
      phase: 'Succeeded',
      message: '1 of 2 nodes cleaned',
      finishedAt: secondsLater(3_600),
    });
    expect(ended.nodes.get('b')).toMatchObject({ result: 'Skipped', reason: 'NotReady' });
  });

  it('by a node that is not ready, once the next run waits for it to end (C17, H18)', () => {
    const known = [buildNode('a'), buildNode('b', { ready: false })];
    const run = rollout({}, ['a']);
    const view = { run, nodes: known, startTimeoutMs: 60_000, podWarnings: new Map(), isAwaited: true };
    expect(advanceRun({ ...view, pods: [buildReportedPod('a')] }, start).run).toMatchObject({ phase: 'Succeeded' });
    expect(advanceRun({ ...view, pods: [buildPod('a')] }, start).run).toMatchObject({ phase: 'Running' });
  });

  it('by a node that is ready, although Kubernetes has not removed its taint yet (H18)', () => {
    const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];
    const run = buildRun({ nodes: { tolerations: [] } });
    expect(step(run, [], start, [buildNode('a', { taints })]).run).toMatchObject({ reason: 'NodesNotReady' });
  });

  it('by a node that is lost with its pod (C17)', () => {
    const known = [buildNode('a', { ready: false, readySince: start })];
    const run = rollout({}, ['a']);
    expect(step(run, [buildPod('a')], secondsLater(59), known)).toMatchObject({
      run: { phase: 'Running' },
      wakeAt: secondsLater(60),
    });
    const later = step(run, [buildPod('a')], secondsLater(60), known);
    expect(later.run.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'NodeLost' });
    expect(later.stop).toEqual([buildPod('a').name]);
  });

  it('beyond its deadline, which ends active pods (C29)', () => {
    const run = withStarted(buildRun({ activeDeadlineSeconds: 100, rollout: { parallelism: 1 } }), ['a']);
    expect(step(run, [buildPod('a')], secondsLater(99)).wakeAt).toEqual(secondsLater(100));
    const over = step(run, [buildPod('a')], secondsLater(100));
    expect([over.stop, over.start, over.reserve]).toEqual([[buildPod('a').name], [], []]);
    const ended = step(over.run, [], secondsLater(101)).run;
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(ended.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('by nodes that do not exist: zero matching nodes is an explicit result, and no success (C23, H15)', () => {
    expect(step(rollout({}), [], start, []).run).toMatchObject({ phase: 'Failed', reason: 'NoMatchingNodes' });
    expect(step(rollout({}), [], secondsLater(3_600), [buildNode('a', { ready: false })]).run).toMatchObject({
      phase: 'Failed',
      reason: 'NoEligibleNodes',
    });
  });
});

it('a cordon after success does not change the result (C22)', () => {
  const run = buildRun({ nodes: { includeUnschedulable: false } }, { nodes: new Map([['a', created(tried(0), 0)]]) });
  const ended = step(run, [buildReportedPod('a')], start, [buildNode('a', { unschedulable: true })]).run;
  expect(ended.nodes.get('a')).toMatchObject({ result: 'Succeeded', tally: { removed: 3, freedBytes: 300 } });
});

it('a node has failed after an attempt without success, even if it becomes ineligible before the next attempt (C17)', () => {
  const run = buildRun(
    { nodes: { tolerations: [] } },
    {
      nodes: new Map([
        ['a', backingOff(tried(1), { reason: 'OutOfMemory', message: 'killed' }, start.getTime() + 5_000)],
      ]),
    },
  );
  const ended = step(run, [], start, [buildNode('a', { taints: [{ key: 'x', effect: 'NoSchedule' }] })]).run;
  expect(ended).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
  expect(ended.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'OutOfMemory' });
});

it('a node that leaves before any attempt and comes back is cleaned (C20, C21)', () => {
  const run = rollout({ parallelism: 1 }, ['a']);
  const without = step(run, [buildPod('a')], start, [buildNode('a')]).run;
  expect(started(without, [buildReportedPod('a')], start, [buildNode('a'), buildNode('b')])).toEqual(['b#0']);
});

it.each([0, 1])(
  'a node that leaves after %i attempts and comes back while the run is active is cleaned (C20, H18, H41)',
  (tries) => {
    const run = rollout({}, tries === 0 ? ['b'] : ['a', 'b']);
    const others = [buildPod('b')];
    const without = step(run, others, start, [buildNode('b')]).run;
    expect(without.nodes.get('a')?.state).toBe(tries === 0 ? undefined : 'Settled');
    const back = step(without, others, secondsLater(60), [buildNode('a'), buildNode('b')]);
    const later = tries === 0 ? back : step(back.run, others, secondsLater(65), [buildNode('a'), buildNode('b')]);
    expect(later.start.map(({ node, attempt }) => `${node.name}#${attempt}`)).toEqual([`a#${tries}`]);
  },
);

it('a node that comes back is tried no more often than restartLimit allows (C28, H41)', () => {
  const run = rollout({ restartLimit: 0 }, ['a', 'b']);
  const without = step(run, [buildPod('b')], start, [buildNode('b')]).run;
  const back = step(without, [buildPod('b')], secondsLater(60), [buildNode('a'), buildNode('b')]).run;
  expect(back.nodes.get('a')).toMatchObject({ result: 'Skipped', reason: 'NodeRemoved' });
});

describe('a report that comes after the deadline of the run', () => {
  const over = (seconds: number) => secondsLater(100 + seconds);
  const run = withStarted(buildRun({ activeDeadlineSeconds: 100, rollout: { parallelism: 2 } }), ['a', 'b']);
  const asked = (node: string) => buildPod(node, { deletionTimestamp: over(120) });

  it('counts while the pod is within its grace period, and nothing else is started meanwhile (H39)', () => {
    const pods = [asked('a'), asked('b')];
    const closing = step(run, pods, over(5));
    expect(closing).toMatchObject({ run: { phase: 'Running' }, stop: [], start: [], reserve: [] });
    const first = step(
      closing.run,
      [buildReportedPod('a', {}, { deletionTimestamp: over(120) }), asked('b')],
      over(60),
    );
    expect(first.run.nodes.get('a')).toMatchObject({ result: 'Succeeded', tally: { removed: 3 } });
    expect(first.run.phase).toBe('Running');
    const last = step(first.run, [buildReportedPod('b', {}, { deletionTimestamp: over(120) })], over(90));
    expect(last.run).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(last.run.nodes.get('b')).toMatchObject({ result: 'Succeeded' });
    expect(last.run.nodes.get('c')).toMatchObject({ result: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('makes the run a success if every node has reported (H39)', () => {
    const known = [buildNode('a'), buildNode('b')];
    const pods = [buildReportedPod('a'), buildReportedPod('b')];
    expect(step(step(run, [asked('a'), asked('b')], over(1), known).run, pods, over(9), known).run).toMatchObject({
      phase: 'Succeeded',
      reason: 'Completed',
    });
  });

  it('counts until the grace period is over, and no longer (C29, H39)', () => {
    const closing = step(run, [asked('a'), asked('b')], over(1));
    expect(closing.wakeAt).toEqual(over(130));
    expect(step(closing.run, [asked('a'), asked('b')], over(129)).run.phase).toBe('Running');
    const ended = step(closing.run, [asked('a'), asked('b')], over(130)).run;
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect([...ended.nodes.values()].map(({ state }) => state)).toEqual(Array(5).fill('Settled'));
  });

  it('does not delay the end of the run permanently if nobody can ask the pod to end (C29, H39)', () => {
    expect(step(run, [buildPod('a'), buildPod('b')], over(599)).run.phase).toBe('Running');
    expect(step(run, [buildPod('a'), buildPod('b')], over(600)).run.phase).toBe('Failed');
  });
});

it('the record keeps the cause of the attempt before during the next one (H35)', () => {
  const cause = { reason: 'OutOfMemory', message: 'killed at 256 MiB' };
  const run = buildRun({ activeDeadlineSeconds: 100 }, { nodes: new Map([['a', backingOff(tried(1), cause, 0)]]) });
  const written = withReserved(run, ['a']);
  const ended = step(decodeRun(encodeRun(written), runKinds), [], secondsLater(100), [buildNode('a')]).run;
  expect(ended.nodes.get('a')?.state === 'Settled' && ended.nodes.get('a')).toMatchObject({
    reason: 'DeadlineExceeded',
    message: expect.stringMatching(/OutOfMemory: killed at 256 MiB$/),
  });
});

it('a remark of a cleaner that succeeded is not lost', () => {
  const report = { errors: [{ reason: 'HistoryNotWritten', message: 'no space left' }] };
  const ended = step(rollout({}, ['a']), [buildReportedPod('a', report)], start, [buildNode('a')]).run;
  expect(ended.nodes.get('a')).toMatchObject({ result: 'Succeeded', reason: 'HistoryNotWritten' });
});

it("a pod that ends by a deadline of its own ends its node's work, and not the run (H38)", () => {
  const document = { activeDeadlineSeconds: 36_000, rollout: { parallelism: 1, restartLimit: 0 } };
  const run = withStarted(buildRun(document), ['a']);
  const cut = buildPod('a', { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active too long' });
  const next = step(run, [cut], secondsLater(401));
  expect(next.run).toMatchObject({ phase: 'Running' });
  expect(next.run.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'DeadlineExceeded' });
  expect(next.start.map(({ node }) => node.name)).toEqual(['b']);
});
