import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { annotation, label } from '../../../../contract/labels.ts';
import { readPod } from '../../../../scheduler/kubernetes/pods/read-pod.ts';
import { podName } from '../../../../scheduler/run/names.ts';

const run = 'nightly-29540760';

it.each(['2', '0', '7', 'x', '', '-1', '1e9', 'NaN', '2.5', undefined])(
  'the name of a pod shows its attempt, and its binding shows its node, even with the annotations %j (C24)',
  (attempt) => {
    const annotations = { [annotation.node]: 'b', ...(attempt !== undefined && { [annotation.attempt]: attempt }) };
    const metadata = { name: podName(run, 'a', 2), labels: { [label.run]: run }, annotations };
    expect(readPod({ metadata, spec: { nodeName: 'a', containers: [] } })).toMatchObject({ node: 'a', attempt: 2 });
  },
);

describe('a puller', () => {
  const read = (status: NonNullable<V1Pod['status']>) => {
    const labels = { [label.run]: run, [label.kind]: 'puller' };
    return readPod({
      metadata: { name: podName(run, 'a', 0), labels },
      spec: { nodeName: 'a', containers: [] },
      status,
    });
  };
  const container = (name: string, state?: V1ContainerState, imageID = '') =>
    ({ name, imageID, image: '', ready: false, restartCount: 0, ...(state && { state }) }) as const;
  const finishedAt = '2026-03-02T10:00:05Z' as unknown as Date;
  const prepared = container('prepare', {
    terminated: { exitCode: 0, reason: 'Completed', finishedAt, message: '{}' },
  });

  it('has the seconds from the start of the container before to the start of each, in the order of its spec', () => {
    const at = (second: number) => `2026-03-02T10:00:${String(second).padStart(2, '0')}Z` as unknown as Date;
    const ended = (name: string, started: number) =>
      container(name, { terminated: { exitCode: 0, startedAt: at(started), finishedAt: at(started) } });
    const names = ['image-2', 'image-10', 'image-11', 'image-12', 'image-13'];
    const pod = readPod({
      metadata: { name: podName(run, 'a', 0), labels: { [label.run]: run, [label.kind]: 'puller' } },
      spec: {
        nodeName: 'a',
        initContainers: [{ name: 'prepare' }, { name: 'sidecar', restartPolicy: 'Always' }],
        containers: names.map((name) => ({ name })),
      },
      status: {
        phase: 'Pending',
        initContainerStatuses: [prepared, container('sidecar', { running: {} })],
        // The kubelet sorts them by name.
        containerStatuses: [
          ended('image-10', 9),
          ended('image-11', 9),
          ended('image-12', 59),
          container('image-13', { waiting: { reason: 'ErrImagePull', message: 'denied' } }),
          ended('image-2', 7),
        ],
      },
    });
    const delays = pod?.containers?.map(({ name }, place) => [name, pod.startDelays?.[place]]);
    expect(delays).toEqual([
      ['prepare', undefined],
      ['image-10', 2],
      ['image-11', 0],
      ['image-12', 50],
      ['image-13', undefined],
      ['image-2', 2],
    ]);
  });

  it('does not count an injected sidecar that runs, because the kubelet ends it after the other containers (H11)', () => {
    const waiting = { waiting: { reason: 'ErrImagePull', message: 'denied' } };
    const namesWith = (sidecar: V1ContainerState) =>
      readPod({
        metadata: { name: podName(run, 'a', 0), labels: { [label.run]: run, [label.kind]: 'puller' } },
        spec: { nodeName: 'a', containers: [], initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [container('proxy', sidecar), prepared],
          containerStatuses: [container('image-0', { running: {} })],
        },
      })?.containers?.map(({ name }) => name);
    expect(namesWith({ running: {} })).toEqual(['prepare', 'image-0']);
    // A sidecar that can't start keeps all other containers from starting.
    expect(namesWith(waiting)).toEqual(['proxy', 'prepare', 'image-0']);
  });

  it('has the state of each of its containers, as far as the kubelet has reported it', () => {
    const pod = read({
      phase: 'Pending',
      initContainerStatuses: [prepared],
      containerStatuses: [
        container('image-0', { running: {} }, 'docker.io/acme/api@sha256:1'),
        container('image-1', { waiting: { reason: 'ErrImagePull', message: 'denied' } }),
        container('image-2', { waiting: {} }),
        container('image-3'),
      ],
    });
    expect(pod?.containers).toEqual([
      {
        name: 'prepare',
        imageId: undefined,
        state: {
          type: 'Terminated',
          exitCode: 0,
          reason: 'Completed',
          finishedAt: new Date('2026-03-02T10:00:05Z'),
          message: '{}',
        },
      },
      { name: 'image-0', imageId: 'docker.io/acme/api@sha256:1', state: { type: 'Running' } },
      { name: 'image-1', imageId: undefined, state: { type: 'Waiting', reason: 'ErrImagePull', message: 'denied' } },
      { name: 'image-2', imageId: undefined, state: { type: 'Waiting', reason: '', message: '' } },
    ]);
  });

  it('is running as soon as one of its containers has started, although it is Pending while it pulls (P17)', () => {
    const waiting = container('image-0', { waiting: { reason: 'ErrImagePull', message: 'denied' } });
    expect(read({ phase: 'Pending', initContainerStatuses: [prepared], containerStatuses: [waiting] })).toMatchObject({
      kind: 'puller',
      phase: 'Running',
    });
    const first = container('prepare', { waiting: { reason: 'ImagePullBackOff', message: 'no such host' } });
    expect(read({ phase: 'Pending', initContainerStatuses: [first], containerStatuses: [waiting] })).toMatchObject({
      phase: 'Pending',
      containerReason: 'ImagePullBackOff',
      containerMessage: 'no such host',
    });
    expect(read({ phase: 'Succeeded', initContainerStatuses: [prepared] })).toMatchObject({ phase: 'Succeeded' });
  });

  it('has no time for the end of a container that nobody saw', () => {
    const lost = {
      terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', finishedAt: null as unknown as Date },
    };
    expect(read({ phase: 'Running', containerStatuses: [container('image-0', lost)] })?.containers).toMatchObject([
      { state: { type: 'Terminated', finishedAt: undefined } },
    ]);
  });

  it('that has stopped shares its containers with all that have the same, whenever they ended (P21)', () => {
    const ended = (at: string, reason = 'Completed') => {
      const terminated = { exitCode: 0, reason, finishedAt: at as unknown as Date };
      return read({ phase: 'Succeeded', containerStatuses: [container('image-0', { terminated }, 'api@sha256:1')] });
    };
    const [one, same, other] = [
      ended('2026-03-02T10:00:05Z'),
      ended('2026-03-02T10:00:06Z'),
      ended('2026-03-02T10:00:05Z', 'Error'),
    ];
    expect(one?.containers).toEqual([
      { name: 'image-0', imageId: 'api@sha256:1', state: { type: 'Terminated', reason: 'Completed', exitCode: 0 } },
    ]);
    expect(same?.containers).toBe(one?.containers);
    expect(other?.containers).not.toEqual(one?.containers);
  });
});
