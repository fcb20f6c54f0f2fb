import { describe, expect, it } from 'vitest';
import { startupTaint } from '../../../../scheduler/pods/startup-taint.ts';
import type { PrepullDocument } from '../../../../scheduler/prepull/policy.ts';
import type { NodeMemory } from '../../../../scheduler/prepull/puller/memory.ts';
import { buildPuller, NothingToPullError, type PullerOrder } from '../../../../scheduler/prepull/puller/pod.ts';
import { buildNode, buildRun } from '../../../helpers/builders.ts';
import { restrictedProblems } from '../../../helpers/pod-security.ts';
import { buildPrepull } from '../../../helpers/prepull.ts';

const template = {
  namespace: 'nodesweep',
  image: 'acme/nodesweep:1',
  serviceAccountName: 'nodesweep-cleaner',
  logLevel: 'info',
};
const base = { name: 'base', images: ['docker.io/acme/api:1.4', 'nginx', `acme/db@sha256:${'a'.repeat(64)}`] };

function build(document: Partial<PrepullDocument> = {}, memory?: NodeMemory, node = buildNode('a')) {
  const run = { ...buildRun(), spec: buildPrepull(document.lists ?? [base], document) };
  const order: PullerOrder = {
    run,
    runUid: 'uid',
    attempt: 0,
    references: { bound: [], prepulled: [] },
    jobMaps: [],
    memory,
  };
  return buildPuller(order, node, template);
}
const imagesOf = (pod: ReturnType<typeof build>) =>
  pod.spec.containers.map(({ name, image, imagePullPolicy }) => [name, image, imagePullPolicy]);

describe('the puller', () => {
  const pod = build();

  it('has a container for each image, with its pull policy; one with a digest is never pulled again (P2, P23)', () => {
    expect(imagesOf(pod)).toEqual([
      ['image-0', 'docker.io/acme/api:1.4', 'IfNotPresent'],
      ['image-1', `docker.io/acme/db@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
      ['image-2', 'docker.io/library/nginx:latest', 'Always'],
    ]);
  });

  it('runs nothing of the images: not their commands, users, directories or variables (P3)', () => {
    for (const container of pod.spec.containers) {
      expect(container).toMatchObject({ command: ['/nodesweep/done'], workingDir: '/' });
      expect(container.volumeMounts).toEqual([{ name: 'shared', mountPath: '/nodesweep', readOnly: true }]);
    }
    expect(pod.spec.securityContext).toMatchObject({ runAsUser: 65_534, runAsGroup: 65_534, runAsNonRoot: true });
    expect(pod.spec.volumes).toEqual([{ name: 'shared', emptyDir: {} }]);
  });

  it('measures the disk before anything is pulled, and shares the executable with the containers (P16)', () => {
    const [prepare, ...others] = build({ disk: { maxPercent: 70 } }).spec.initContainers;
    expect(others).toEqual([]);
    expect(prepare).toMatchObject({
      image: 'acme/nodesweep:1',
      args: ['prepare', '--directory', '/nodesweep', '--report', '/dev/termination-log', '--max-percent', '70'],
      volumeMounts: [{ name: 'shared', mountPath: '/nodesweep' }],
    });
  });

  it('meets the Pod Security Standard "restricted" (P3, P4)', () => {
    expect(restrictedProblems(pod.spec)).toEqual([]);
  });

  it('has no access to the cluster, and is bound to its node with the tolerations of its lists, and one for the startup taint (P4, C15, P22)', () => {
    const lists = [
      { ...base, nodes: { tolerations: [{ key: 'gpu', operator: 'Exists' as const }] } },
      {
        name: 'other',
        images: ['acme/other:1'],
        nodes: { tolerations: [{ key: 'gpu', operator: 'Exists' as const }] },
      },
      { name: 'elsewhere', images: ['acme/x:1'], nodes: { matchLabels: { pool: 'x' } } },
    ];
    expect(build({ lists }).spec).toMatchObject({
      nodeName: 'a',
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [
        { key: 'gpu', operator: 'Exists' },
        { operator: 'Equal', ...startupTaint },
      ],
      activeDeadlineSeconds: 3600,
    });
  });

  it('requests no resources explicitly, also for many images together, and ends no other pod (H1, H2)', () => {
    const requests = [...pod.spec.initContainers, ...pod.spec.containers].map(({ resources }) => resources.requests);
    expect(new Set(requests.map((request) => JSON.stringify(request)))).toEqual(new Set(['{"cpu":"0","memory":"0"}']));
    expect(pod.spec.initContainers[0]?.resources.limits).toEqual({ memory: '128Mi' });
    expect(pod.spec.priorityClassName).toBe('nodesweep-cleaner');
    const pressed = build({}, undefined, buildNode('a', { diskPressure: true }));
    expect(pressed.spec.priorityClassName).toBe('nodesweep-cleaner');
  });

  it('is labelled as a puller of its run and node, gets no injected container, and may be evicted (H11)', () => {
    expect(pod.metadata.labels).toMatchObject({
      'nodesweep.io/kind': 'puller',
      'nodesweep.io/run': 'nightly-29540760',
      'nodesweep.io/node': 'a',
      'sidecar.istio.io/inject': 'false',
    });
    expect(pod.metadata.annotations).toMatchObject({
      'nodesweep.io/node-name': 'a',
      'nodesweep.io/attempt': '0',
      'linkerd.io/inject': 'disabled',
      'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
    });
  });

  it('has the secrets of its images beside those of the settings, and reads none (P4)', () => {
    const lists = [{ ...base, imagePullSecrets: [{ name: 'reg' }, { name: 'own' }] }];
    const run = { ...buildRun(), spec: buildPrepull(lists) };
    const order = {
      run,
      runUid: 'uid',
      attempt: 0,
      references: { bound: [], prepulled: [] },
      jobMaps: [],
      memory: undefined,
    };
    const withOwn = buildPuller(order, buildNode('a'), { ...template, imagePullSecrets: ['own'] });
    expect(withOwn.spec).toMatchObject({ imagePullSecrets: [{ name: 'own' }, { name: 'reg' }] });
    expect(pod.spec).not.toHaveProperty('imagePullSecrets');
  });
});

describe('the images of the next puller (P24)', () => {
  const many = (name: string, count: number, more: object = {}) => ({
    ...{
      name,
      images: Array.from({ length: count }, (_, index) => `acme/${name}-${String(index).padStart(3, '0')}:1`),
    },
    ...more,
  });
  const memory = (over: readonly number[], holding?: readonly number[]): NodeMemory => ({
    ...{ states: new Map(), over },
    ...(holding && { holding }),
  });
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `image-${from + index}`);
  const names = (pod: ReturnType<typeof build>) => pod.spec.containers.map(({ name }) => name);

  it('are at most 50, and then those that no pod has pulled', () => {
    const lists = [many('a', 70)];
    expect(names(build({ lists }))).toEqual(range(0, 50));
    expect(names(build({ lists }, memory(Array.from({ length: 50 }).map((_, index) => index))))).toEqual(range(50, 70));
  });

  it('have one set of secrets', () => {
    const lists = [many('a', 2, { imagePullSecrets: [{ name: 'one' }] }), many('b', 2)];
    const first = build({ lists });
    expect([names(first), first.spec]).toMatchObject([range(0, 2), { imagePullSecrets: [{ name: 'one' }] }]);
    const second = build({ lists }, memory([0, 1]));
    expect(names(second)).toEqual(range(2, 4));
    expect(second.spec).not.toHaveProperty('imagePullSecrets');
  });

  it('that are only held are not pulled, and need no space (P10)', () => {
    const pod = build({}, memory([0, 1, 2], [0, 2]));
    expect(imagesOf(pod).map(([name, , policy]) => [name, policy])).toEqual([
      ['image-0', 'Never'],
      ['image-2', 'Never'],
    ]);
    expect(pod.spec.initContainers[0]?.args).not.toContain('--max-percent');
  });

  it('without any image give no pod, and the error names policy and node', () => {
    expect(() => build({}, memory([0, 1, 2]))).toThrow(NothingToPullError);
    expect(() => build({}, memory([0, 1, 2]))).toThrow('no list of policy nightly wants a further image on node a');
  });
});
