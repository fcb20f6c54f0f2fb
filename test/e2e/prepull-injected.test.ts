import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { nodeNamed, runNow, useLists } from './lists.ts';
import { buildPolicy, getJson, namespace, waitForRun } from './objects.ts';

const injector = 'test-injector';
/** Pods of policies with these names get another container from the admission of the API server. */
const meshed = ['with-proxy', 'with-sidecar', 'cleans-with-proxy'];

describe.skipIf(process.env.KUBECONFIG !== undefined)('a container that is injected into the pods of a run', () => {
  const bench = useLists('injected');

  beforeAll(async () => {
    const { kubectl, apply } = bench().installation;
    const path = 'jsonpath={.spec.template.spec.containers[0].image}';
    const image = await kubectl('get', 'deployment/nodesweep-scheduler', '-n', namespace, '-o', path);
    await apply(...buildInjector(image));
    await waitFor('the injector to be in force', 60_000, async () => {
      const labels = { 'nodesweep.io/policy': 'with-proxy', 'nodesweep.io/kind': 'puller' };
      return (await containersOfTrial(labels)).includes('proxy') || undefined;
    });
    await bench().push(['first', 'second']);
  });
  afterAll(async () => {
    const kinds = 'mutatingadmissionpolicies,mutatingadmissionpolicybindings';
    await bench().installation.kubectl('delete', kinds, injector, '--ignore-not-found');
  });

  /** The containers that a pod would have. */
  async function containersOfTrial(labels: Readonly<Record<string, string>>): Promise<string[]> {
    const { kubectl } = bench().installation;
    const overrides = JSON.stringify({ metadata: { labels } });
    const trial = ['run', 'trial', '-n', 'default', '--image=any.test/any:1', `--overrides=${overrides}`];
    const pod = JSON.parse(await kubectl(...trial, '--dry-run=server', '-o', 'json'));
    return pod.spec.containers.map(({ name }: { name: string }) => name);
  }
  const goneAfter = (policy: string) =>
    waitFor(`the pods of ${policy} to go`, 240_000, async () => {
      const { items } = await getJson(bench().installation.kubectl, 'pods', `nodesweep.io/policy=${policy}`);
      return items.length === 0 || undefined;
    });

  it('counts as no image, and a puller with one that never ends is deleted; the node tells that nothing is held (H11, P1, P10)', async () => {
    const { kubectl } = bench().installation;
    onTestFinished(() => bench().deletePolicy('with-proxy'));
    const lists = [bench().listOf('both', ['first', 'second'], { nodes: nodeNamed('node-1') })];
    await bench().applyLists('with-proxy', { lists });
    const run = await waitForRun(kubectl, 'with-proxy');
    expect(run).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 1, succeeded: 1 },
      problems: [{ node: 'node-1', reason: 'NotHeld', message: expect.stringContaining('(proxy)') }],
    });
    await goneAfter('with-proxy');
    expect((await bench().nodesweep('status', 'with-proxy')).stdout).toMatch(/2\/2 present/);
    expect(await bench().imagesOn('node-1')).toEqual(['first', 'second']);
  });

  it('as a sidecar ends with the images, so the puller is held (H11, P10)', async () => {
    const { kubectl } = bench().installation;
    onTestFinished(() => bench().deletePolicy('with-sidecar'));
    const lists = [bench().listOf('both', ['first', 'second'], { nodes: nodeNamed('node-2') })];
    await bench().applyLists('with-sidecar', { lists });
    expect(await waitForRun(kubectl, 'with-sidecar')).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 1, succeeded: 1 },
      problems: [],
    });
    const pullers = await bench().pullersOf('with-sidecar');
    expect(pullers).toMatchObject([{ status: { phase: 'Succeeded' } }]);
  });

  it('does not keep a cleaner: its result counts, and the pod is deleted (H11)', async () => {
    const { kubectl, apply } = bench().installation;
    onTestFinished(() => bench().deletePolicy('cleans-with-proxy'));
    const images = { include: ['registry.test/nothing/**'] };
    await apply(buildPolicy('cleans-with-proxy', { schedule: '@yearly', images }, runNow));
    expect(await waitForRun(kubectl, 'cleans-with-proxy')).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 2, succeeded: 2 },
    });
    await goneAfter('cleans-with-proxy');
  });
});

/** An admission policy that adds a container that never ends. */
function buildInjector(image: string): readonly object[] {
  const own = "object.metadata.labels['nodesweep.io/policy']";
  const isLabelled = "has(object.metadata.labels) && 'nodesweep.io/policy' in object.metadata.labels";
  const container = (type: string, name: string) => `Object.spec.${type}{
    name: "${name}", image: "${image}", imagePullPolicy: "IfNotPresent",
    command: ["node", "-e", "process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000)"],
    ${type === 'initContainers' ? 'restartPolicy: "Always",' : ''}
    securityContext: Object.spec.${type}.securityContext{
      allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65534,
      capabilities: Object.spec.${type}.securityContext.capabilities{drop: ["ALL"]},
      seccompProfile: Object.spec.${type}.securityContext.seccompProfile{type: "RuntimeDefault"}
    }
  }`;
  const add = (type: string, name: string, place: string) =>
    `JSONPatch{op: "add", path: "/spec/${type}/${place}", value: ${container(type, name)}}`;
  const proxy = `[${add('containers', 'proxy', '-')}]`;
  const sidecar = `[${add('initContainers', 'sidecar', '0')}]`;
  const expression = `${own} == 'with-sidecar' ? ${sidecar} : ${proxy}`;
  const names = meshed.map((name) => `'${name}'`).join(', ');
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: injector },
      spec: {
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        matchConditions: [{ name: 'of-these-policies', expression: `${isLabelled} && ${own} in [${names}]` }],
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: injector },
      spec: { policyName: injector },
    },
  ];
}
