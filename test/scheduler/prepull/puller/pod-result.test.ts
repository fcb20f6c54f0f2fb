import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerState, PodContainer, RunPod } from '../../../../scheduler/objects.ts';
import type { PrepullDocument } from '../../../../scheduler/prepull/policy.ts';
import type { PullerFacts } from '../../../../scheduler/prepull/puller/facts.ts';
import type { NodeMemory } from '../../../../scheduler/prepull/puller/memory.ts';
import { pullerEnding, pullerResult } from '../../../../scheduler/prepull/puller/pod-result.ts';
import type { Tally } from '../../../../scheduler/prepull/tally.ts';
import type { PodResult } from '../../../../scheduler/run/kind.ts';
import { afterPull, beforePull } from '../../../helpers/arbitrary-pullers.ts';
import { buildNode, buildRun, secondsLater, start } from '../../../helpers/builders.ts';
import { buildPrepull } from '../../../helpers/prepull.ts';
import { buildPrepared, buildPuller, digestOf, state } from '../../../helpers/pullers.ts';

/** A list of so many images, each with its own name in order. */
const listOf = (count: number, name = 'base', more: object = {}) => ({
  name,
  images: Array.from({ length: count }, (_, index) => `docker.io/acme/${name}-${String(index).padStart(3, '0')}:1`),
  ...more,
});

/** The facts about node a, whose policy has a list of two images. */
function factsOf(document: Partial<PrepullDocument> = {}, facts: Partial<PullerFacts> = {}): PullerFacts {
  const spec = buildPrepull(document.lists ?? [listOf(2)], document);
  const run = { ...buildRun(), spec };
  return { run, node: buildNode('a'), before: undefined, now: secondsLater(10), ...facts };
}

const memoryIn = (result: PodResult) => ('memory' in result ? (result.memory as NodeMemory) : undefined);
const tallyIn = (result: PodResult) => [...(('tally' in result ? result.tally : undefined) as Tally).images];
const unauthorized = { state: 'Failed', cause: { reason: 'Unauthorized', message: 'pull access denied' } };

describe('a running puller', () => {
  it('that has ended with all images present is done (P2, P7)', () => {
    const pod = buildPuller({ 0: state.done(4), 1: state.done(5) }, { phase: 'Succeeded' });
    const result = pullerResult(pod, factsOf());
    expect(result).toMatchObject({ kind: 'Done', result: 'Succeeded' });
    expect(tallyIn(result)).toEqual([
      [0, { state: 'Present', digest: digestOf(0) }],
      [1, { state: 'Present', digest: digestOf(1) }],
    ]);
  });

  it('with a container that failed to start still proves its image (P1, P3)', () => {
    const failed: ContainerState = { type: 'Terminated', reason: 'StartError', exitCode: 128 };
    const pod = buildPuller({ 0: failed, 1: state.done() }, { phase: 'Failed' });
    expect(pullerResult(pod, factsOf())).toMatchObject({ kind: 'Done', result: 'Succeeded' });
  });

  it('is active while an image is pulled, until no result has come for imagePullTimeoutSeconds (P17)', () => {
    const pod = buildPuller({ 0: state.done(7), 1: state.waiting() });
    const result = pullerResult(pod, factsOf({ imagePullTimeoutSeconds: 60 }));
    expect(result).toMatchObject({ kind: 'Active', until: secondsLater(67) });
  });

  it('has that time for each image without a result, because the kubelet reports all of them together (P17)', () => {
    const lists = [listOf(20)];
    const waiting = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [index, state.waiting()]));
    const late = factsOf({ lists, imagePullTimeoutSeconds: 60 }, { now: secondsLater(1_100) });
    // The first container ended after two seconds.
    expect(pullerResult(buildPuller(waiting), late)).toMatchObject({ kind: 'Active', until: secondsLater(1_202) });
    expect(pullerResult(buildPuller({ ...waiting, 0: state.denied }), late)).toMatchObject({
      until: secondsLater(1_142),
    });
  });

  it('has no limit before the kubelet has begun with the images', () => {
    const waiting = { name: 'prepare', state: state.waiting('ErrImagePull', 'dial tcp') };
    const pod = buildPuller({}, { containers: [waiting] });
    expect(pullerResult(pod, factsOf({}, { now: secondsLater(9_999) }))).toEqual({
      kind: 'Active',
      memory: { states: new Map(), over: [] },
    });
  });

  it('is active until it has stopped by itself, so that no pod must be deleted (P21)', () => {
    const pod = buildPuller({ 0: state.done(), 1: state.running }, { phase: 'Running' });
    expect(pullerResult(pod, factsOf())).toMatchObject({ kind: 'Active' });
  });

  describe('with an injected container that never ends', () => {
    const sidecar: PodContainer = { name: 'istio-proxy', state: state.running };
    const meshed = (pod: RunPod) => ({
      ...pod,
      phase: 'Running' as const,
      containers: [...(pod.containers ?? []), sidecar],
    });
    const pod = meshed(buildPuller({ 0: state.done(7), 1: state.done(7) }));

    it('is done when its images are present (H11)', () => {
      const result = pullerResult(pod, factsOf({ hold: false }));
      expect(result).toMatchObject({ kind: 'Done', result: 'Succeeded' });
      expect(result).not.toHaveProperty('message');
    });

    it('waits half a minute for its end if the pod is to be held, and then reports that it is not (H11, P10)', () => {
      expect(pullerResult(pod, factsOf())).toMatchObject({ kind: 'Active', until: secondsLater(37) });
      expect(pullerResult(pod, factsOf({}, { now: secondsLater(37) }))).toMatchObject({
        kind: 'Done',
        result: 'Succeeded',
        reason: 'NotHeld',
        message: expect.stringMatching(/not held: .*\(istio-proxy\) does not end/),
      });
    });

    it('gets no further pod that would hold the images either, and tells what is missing (P5, P10)', () => {
      const partly = meshed(buildPuller({ 0: state.done(7), 1: state.denied }));
      expect(pullerResult(partly, factsOf({}, { now: secondsLater(607) }))).toMatchObject({
        kind: 'Done',
        result: 'Failed',
        reason: 'Unauthorized',
      });
    });
  });
});

describe('a puller with an image that cannot be pulled', () => {
  const pod = buildPuller({ 0: state.done(7), 1: state.denied });

  it('waits for the next attempt of the kubelet, and remembers the cause (P5)', () => {
    const result = pullerResult(pod, factsOf());
    expect(result.kind).toBe('Active');
    expect(memoryIn(result)?.states.get(1)).toEqual(unauthorized);
  });

  it('fails with the cause after its timeout, and keeps the other image if the policy holds none (P2, P5, P17)', () => {
    const result = pullerResult(pod, factsOf({ hold: false }, { now: secondsLater(607) }));
    expect(result).toMatchObject({
      kind: 'Done',
      result: 'Failed',
      reason: 'Unauthorized',
      message: '1 of 2 images are missing: docker.io/acme/base-001:1: Unauthorized: pull access denied',
    });
    expect(tallyIn(result)).toEqual([
      [0, { state: 'Present', digest: digestOf(0) }],
      [1, unauthorized],
    ]);
  });

  it('is replaced by one that only holds the present images (P10)', () => {
    const result = pullerResult(pod, factsOf({}, { now: secondsLater(607) }));
    expect(result).toMatchObject({ kind: 'Continue', memory: { over: [0, 1], holding: [0] } });
    const facts = factsOf({}, { before: memoryIn(result), now: secondsLater(620) });
    const held = buildPuller({ 0: state.done(615) }, { phase: 'Succeeded' });
    const end = pullerResult(held, facts);
    expect(end).toMatchObject({ kind: 'Done', result: 'Failed', reason: 'Unauthorized' });
    expect(tallyIn(end)).toMatchObject([
      [0, { state: 'Present' }],
      [1, unauthorized],
    ]);
  });

  it('fails immediately if the image is not for the platform of the node, or has no valid name (P6)', () => {
    const invalid = state.waiting('InvalidImageName', 'Failed to apply default image tag');
    for (const [container, reason] of [
      [state.wrongPlatform, 'NoMatchingPlatform'],
      [invalid, 'InvalidName'],
    ] as const) {
      const result = pullerResult(buildPuller({ 0: container, 1: container }), factsOf());
      expect(result).toMatchObject({ kind: 'Done', result: 'Failed', reason });
    }
  });

  it('does not fail while another image is still pulled, even if the first one can never be pulled (P2)', () => {
    const mixed = buildPuller({ 0: state.wrongPlatform, 1: state.waiting() });
    expect(pullerResult(mixed, factsOf()).kind).toBe('Active');
  });

  it('reports that the kubelet reported nothing about the pull in time (P17)', () => {
    const slow = buildPuller({ 0: state.waiting(), 1: state.waiting() });
    const facts = factsOf({ imagePullTimeoutSeconds: 60 }, { now: secondsLater(122) });
    expect(pullerResult(slow, facts)).toMatchObject({
      kind: 'Done',
      reason: 'PullFailed',
      message: expect.stringContaining('no result within imagePullTimeoutSeconds (60)'),
    });
  });

  it('never fails because of the limit of the kubelet before its time is over (P6)', () => {
    const limited = buildPuller({ 0: state.waiting('ErrImagePull', 'pull QPS exceeded'), 1: state.done(7) });
    const result = pullerResult(limited, factsOf());
    expect(result.kind).toBe('Active');
    expect(memoryIn(result)?.states.get(0)).toEqual({ state: 'Pulling' });
  });

  it('with a container that cannot be created holds the other images in a further pod (P1, P10)', () => {
    const stuck = buildPuller({ 0: state.done(), 1: state.waiting('CreateContainerError', 'no such file') });
    expect(pullerResult(stuck, factsOf())).toMatchObject({ kind: 'Continue', memory: { holding: [0] } });
    expect(pullerResult(stuck, factsOf({ hold: false }))).toMatchObject({ kind: 'Done', result: 'Succeeded' });
  });
});

describe('a puller that ended', () => {
  const before: NodeMemory = {
    states: new Map([[1, { state: 'Failed', cause: { reason: 'Unauthorized', message: 'pull access denied' } }]]),
    over: [],
  };
  const lost = { 0: state.done(), 1: state.lost };

  it.each([
    ['was deleted', { deletionTimestamp: start }, 'PodDeleted'],
    ['was evicted', { reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.' }, 'Evicted'],
    ['ended for no known reason', {}, 'PullerEnded'],
  ])('because it %s is not done, and its causes stay remembered (P5, P19)', (_, pod, reason) => {
    const result = pullerResult(buildPuller(lost, { phase: 'Failed', ...pod }), factsOf({}, { before }));
    expect(result).toMatchObject({ kind: 'NotDone', reason });
    expect(memoryIn(result)?.states.get(1)).toEqual(unauthorized);
  });

  it('because of its timeout failed with the remembered cause (P17)', () => {
    const pod = buildPuller(lost, { phase: 'Failed', reason: 'DeadlineExceeded' });
    const result = pullerResult(pod, factsOf({}, { before }));
    expect(result).toMatchObject({
      kind: 'Done',
      result: 'Failed',
      reason: 'DeadlineExceeded',
      message: expect.stringMatching(/activeDeadlineSeconds \(3600\): 1 of 2 images .*pull access denied/),
    });
    expect(tallyIn(result)).toMatchObject([
      [0, { state: 'Present' }],
      [1, unauthorized],
    ]);
  });

  it('before the kubelet reported anything is not done', () => {
    const pod = buildPuller({}, { containers: [], phase: 'Failed' });
    expect(pullerResult(pod, factsOf())).toMatchObject({ kind: 'NotDone', reason: 'PullerEnded' });
  });

  it('because the kubelet had no room for it does not count as an attempt (H3)', () => {
    const pod = buildPuller({}, { containers: [], phase: 'Failed', reason: 'OutOfpods', message: 'too many pods' });
    expect(pullerResult(pod, factsOf())).toEqual({ kind: 'Rejected', message: 'OutOfpods: too many pods' });
  });

  it('although all of its images were present is done', () => {
    const pod = buildPuller({ 0: state.done(), 1: state.done() }, { phase: 'Failed', deletionTimestamp: start });
    expect(pullerResult(pod, factsOf())).toMatchObject({ kind: 'Done', result: 'Succeeded' });
  });
});

describe('a node whose disk is too full (P16)', () => {
  const figures = { usedPercent: 91.3, maxPercent: 80, availableBytes: 9e9, capacityBytes: 100e9 };
  const message = JSON.stringify({ version: 1, outcome: 'DiskTooFull', ...figures });
  const full = buildPuller(
    { 0: state.waiting(), 1: state.waiting() },
    { phase: 'Failed', containers: [buildPrepared({ reason: 'Error', exitCode: 1, message })] },
  );

  it('is skipped, with the figures', () => {
    expect(pullerResult(full, factsOf())).toEqual({
      kind: 'Done',
      result: 'Skipped',
      reason: 'DiskTooFull',
      message: expect.stringMatching(/91.3 % full.*maxPercent is 80.*nothing was pulled/),
    });
  });

  it('has failed if an earlier part of the images is present', () => {
    const before: NodeMemory = { states: new Map([[0, { state: 'Present' }]]), over: [0] };
    const result = pullerResult(full, factsOf({}, { before }));
    expect(result).toMatchObject({ kind: 'Done', result: 'Failed', reason: 'DiskTooFull' });
    expect(tallyIn(result)).toEqual([
      [0, { state: 'Present' }],
      [1, { state: 'Unknown' }],
    ]);
  });

  it.each([
    ['an error of ours', '{"version":1,"outcome":"Failed","message":"EACCES: permission denied"}', 'EACCES'],
    ['an end without a result', 'Killed', 'exit code 137: OOMKilled: Killed'],
  ])('is different from %s of the first container, after which another pod is tried', (_, text, words) => {
    const end = { reason: 'OOMKilled', exitCode: 137, message: text };
    const pod = buildPuller({}, { phase: 'Failed', containers: [buildPrepared(end)] });
    expect(pullerResult(pod, factsOf())).toMatchObject({
      kind: 'NotDone',
      reason: 'NotPrepared',
      message: expect.stringContaining(words),
    });
  });
});

describe('a node that needs several pods (P24)', () => {
  const lists = [listOf(51)];
  const first = buildPuller(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [index, state.done()])), {
    phase: 'Succeeded',
  });

  it('gets the next pod after each part, and is done after the last', () => {
    const result = pullerResult(first, factsOf({ lists }));
    expect(result.kind).toBe('Continue');
    const second = buildPuller({ 50: state.done() }, { phase: 'Succeeded' });
    const end = pullerResult(second, factsOf({ lists }, { before: memoryIn(result) }));
    expect(end).toMatchObject({ kind: 'Done', result: 'Succeeded' });
    expect(tallyIn(end)).toHaveLength(51);
  });

  it('needs it also if it is not ready at this moment', () => {
    const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }];
    const node = buildNode('a', { ready: false, taints });
    const tolerant = [listOf(51, 'base', { nodes: { tolerations: [] } })];
    expect(pullerResult(first, factsOf({ lists: tolerant }, { node })).kind).toBe('Continue');
  });

  it('does not need it any more if the list no longer contains the image', () => {
    const selected = [listOf(51, 'base', { nodes: { matchLabels: { pool: 'ci' } } })];
    expect(pullerResult(first, factsOf({ lists: selected }))).toMatchObject({ kind: 'Done', result: 'Succeeded' });
  });
});

describe('a node whose run ends before its puller (P17)', () => {
  it('has the figures so far, and the remembered cause', () => {
    const pod = buildPuller({ 0: state.done(), 1: state.denied });
    const before = memoryIn(pullerResult(pod, factsOf()));
    const ending = pullerEnding(factsOf({}, { before }));
    expect(ending).toMatchObject({ reason: 'Unauthorized', message: expect.stringContaining('pull access denied') });
    expect([...(ending.tally as Tally).images]).toMatchObject([
      [0, { state: 'Present' }],
      [1, unauthorized],
    ]);
  });

  it('counts each image that it should have, also without a pod', () => {
    expect([...(pullerEnding(factsOf()).tally as Tally).images]).toEqual([
      [0, { state: 'Unknown' }],
      [1, { state: 'Unknown' }],
    ]);
  });
});

describe('for any sequence of states of a pod', () => {
  const count = 4;
  /** Each image waits for some states, and then gets past its pull or never does. The pod ends at last. */
  const history = fc.record({
    images: fc.array(
      fc.record({
        waits: fc.array(beforePull, { minLength: 1, maxLength: 4 }),
        end: fc.option(afterPull, { nil: undefined }),
      }),
      { minLength: count, maxLength: count },
    ),
    reason: fc.constantFrom(undefined, 'DeadlineExceeded', 'Evicted'),
    hold: fc.boolean(),
  });
  type History = typeof history extends fc.Arbitrary<infer T> ? T : never;
  const facts = (hold: boolean, before: unknown) => factsOf({ lists: [listOf(count)], hold }, { before });

  /** The states that the kubelet shows one after the other: first all that come before the pulls, then the ends. */
  function showAll({ images, hold }: History) {
    const length = Math.max(...images.map(({ waits }) => waits.length)) + 1;
    let before: unknown;
    const results: PodResult[] = [];
    for (let step = 0; step < length; step += 1) {
      const containers = images.map(({ waits, end }) => waits[step] ?? end ?? waits.at(-1) ?? state.waiting());
      const result = pullerResult(buildPuller(Object.fromEntries(containers.entries())), facts(hold, before));
      results.push(result);
      before = memoryIn(result) ?? before;
      if (result.kind !== 'Active') break;
    }
    return { results, before };
  }

  function stopped({ images, reason }: History): RunPod {
    const containers = images.map(({ end }) => (end?.type === 'Terminated' ? end : state.lost));
    return buildPuller(Object.fromEntries(containers.entries()), { phase: 'Failed', reason });
  }

  it('an image is present only if its container got past its pull (P1)', () => {
    fc.assert(
      fc.property(history, (story) => {
        const { results, before } = showAll(story);
        const last =
          results.at(-1)?.kind === 'Active' ? pullerResult(stopped(story), facts(story.hold, before)) : results.at(-1);
        const known = [...(memoryIn(last as PodResult)?.states ?? new Map(tallyIn(last as PodResult)))];
        for (const [index, { state: image }] of known)
          if (image === 'Present') expect(story.images[index]?.end).toBeDefined();
      }),
    );
  });

  it('a cause that was seen is remembered after the pod has ended (P5)', () => {
    fc.assert(
      fc.property(history, (story) => {
        const { before } = showAll(story);
        const seen = [...((before as NodeMemory | undefined)?.states ?? [])];
        const end = pullerResult(stopped(story), facts(story.hold, before));
        const known = new Map<number, unknown>(memoryIn(end)?.states ?? tallyIn(end));
        for (const [index, image] of seen)
          if (image.state === 'Failed' && story.images[index]?.end?.type !== 'Terminated')
            expect(known.get(index)).toEqual(image);
          else if (image.state === 'Present') expect(known.get(index)).toMatchObject({ state: 'Present' });
      }),
    );
  });

  it('waiting for the limits of the kubelet gives no result (P6)', () => {
    const limits = fc.constantFrom(
      state.waiting('ErrImagePull', 'pull QPS exceeded'),
      state.waiting('ImagePullBackOff', 'Back-off pulling image "a:1": ErrImagePull: pull QPS exceeded'),
      state.waiting('ImagePullBackOff', 'Back-off pulling image "a:1"'),
    );
    const pods = fc.array(fc.oneof(limits, afterPull), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(pods, fc.boolean(), (containers, hold) => {
        fc.pre(containers.some(({ type, ...more }) => type === 'Waiting' && JSON.stringify(more).includes('pull')));
        const result = pullerResult(buildPuller(Object.fromEntries(containers.entries())), facts(hold, undefined));
        expect(result.kind).toBe('Active');
        expect([...(memoryIn(result)?.states.values() ?? [])].map((image) => image.state)).not.toContain('Failed');
      }),
    );
  });
});
