import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpec, fillerLayers, writeImages } from '../helpers/images.ts';
import { buildDockerSecret, nodeNamed, useLists } from './lists.ts';
import { buildBoundPod, waitForRun } from './objects.ts';

/** Credentials of a workload. The lists pull with the same content as `same`, in another Secret. */
const allCredentials = ['none', 'same', 'other', 'wrong'] as const;

/** A workload that needs an image that is on its node. */
interface Workload {
  /** By a list, or by somebody who did not go through the kubelet. */
  readonly broughtBy: 'list' | 'import';
  readonly credentials: (typeof allCredentials)[number];
  readonly pullPolicy: 'IfNotPresent' | 'Never';
  readonly registry: 'up' | 'down';
}

const workloads: readonly Workload[] = allCredentials.flatMap((credentials) => [
  { broughtBy: 'list', credentials, pullPolicy: 'IfNotPresent', registry: 'up' } as const,
  { broughtBy: 'list', credentials, pullPolicy: 'Never', registry: 'up' } as const,
  { broughtBy: 'list', credentials, pullPolicy: 'IfNotPresent', registry: 'down' } as const,
  { broughtBy: 'import', credentials, pullPolicy: 'IfNotPresent', registry: 'up' } as const,
]);

const keyOf = ({ broughtBy, credentials, pullPolicy, registry }: Workload) =>
  `${broughtBy} ${credentials} ${pullPolicy} ${registry}`;

const fromImport = (credentials: Workload['credentials']): Workload => ({
  broughtBy: 'import',
  credentials,
  pullPolicy: 'IfNotPresent',
  registry: 'up',
});

/** The workloads that start under each policy of the kubelet; all others do not. */
const listed = [
  'list same IfNotPresent up',
  'list same Never up',
  'list same IfNotPresent down',
  // The kubelet asks the registry whether these credentials may have the image.
  'list other IfNotPresent up',
];
const starting = {
  NeverVerifyPreloadedImages: [...listed, ...allCredentials.map(fromImport).map(keyOf)],
  NeverVerify: workloads.map(keyOf),
  // One of the imported images is on the list of this policy, and so is the image of nodesweep, which was imported too.
  NeverVerifyAllowlistedImages: [...listed, ...(['same', 'other', 'none'] as const).map(fromImport).map(keyOf)],
} as const;

type KubeletPolicy = keyof typeof starting;

describe.skipIf(process.env.KUBECONFIG !== undefined)('private images that lists have brought to a node', () => {
  const bench = useLists('private');
  const namespace = 'private-workloads';

  beforeAll(async () => {
    const { installation, registry } = bench();
    const wrong = JSON.stringify({ auths: { [registry.address]: { username: 'nobody', password: 'nothing' } } });
    await installation.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      buildDockerSecret('same', registry.dockerConfig, namespace),
      buildDockerSecret('other', registry.otherDockerConfig, namespace),
      buildDockerSecret('wrong', wrong, namespace),
    );
    await installation.kubectl('wait', '--for=create', '--timeout=60s', '-n', namespace, 'serviceaccount/default');
  });
  afterAll(async () => {
    await bench().installation.kubectl('delete', 'namespace', namespace, '--wait=true');
  });

  it.each<{ readonly [node: string]: KubeletPolicy }>([
    { 'node-1': 'NeverVerifyPreloadedImages', 'node-2': 'NeverVerifyPreloadedImages' },
    { 'node-1': 'NeverVerify', 'node-2': 'NeverVerifyAllowlistedImages' },
  ])('start for the workloads that the policy of the kubelet allows, and for no others: %j (P4)', async (policies) => {
    const { installation, registry, restartKubelet } = bench();
    const trials = Object.entries(policies).map(([node, policy]) => new Trial(node, policy));
    onTestFinished(async () => {
      await registry.stop();
      await registry.start();
      for (const { node, list } of trials) {
        await bench().deletePolicy(list);
        await restartKubelet(node);
      }
    });
    for (const trial of trials) {
      await restartKubelet(trial.node, trial.kubeletFields());
      await trial.bringImages();
    }
    for (const { list } of trials)
      expect(await waitForRun(installation.kubectl, list)).toMatchObject({ phase: 'Succeeded' });

    await tryWorkloads(trials, 'up');
    await registry.stop();
    await tryWorkloads(trials, 'down');
    for (const { outcomes, policy } of trials) {
      const allowed: readonly string[] = starting[policy];
      const refusal = (key: string) =>
        key.includes('Never ') ? 'ErrImageNeverPull' : expect.stringMatching(/^(?:ErrImagePull|RegistryUnavailable)$/);
      const expected = workloads.map(keyOf).map((key) => [key, allowed.includes(key) ? 'starts' : refusal(key)]);
      expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
    }
  });

  /** The workloads on a node whose kubelet has a policy. Each has an image of its own. */
  class Trial {
    readonly node: string;
    readonly policy: KubeletPolicy;
    /** The policy of nodesweep that brings the images. */
    readonly list: string;
    /** The outcome of each workload: it starts, or the reason why it can't have its image. */
    readonly outcomes = new Map<string, string>();

    constructor(node: string, policy: KubeletPolicy) {
      this.node = node;
      this.policy = policy;
      this.list = `private-${node}-${policy}`.toLowerCase();
    }

    kubeletFields() {
      const allowed = bench()
        .nameOf(this.imageOf(fromImport('none')))
        .replace(/:1$/, '');
      const preloadedImagesVerificationAllowlist = ['nodesweep', 'docker.io/library/nodesweep', allowed];
      return {
        imagePullCredentialsVerificationPolicy: this.policy,
        ...(this.policy === 'NeverVerifyAllowlistedImages' && { preloadedImagesVerificationAllowlist }),
        // The many images are no subject of the limit of the kubelet.
        registryPullQPS: 0,
      };
    }

    imageOf({ broughtBy, credentials, pullPolicy, registry }: Workload): string {
      return `${this.list}/${broughtBy}-${credentials}-${pullPolicy}-${registry}`.toLowerCase();
    }

    nameOf(workload: Workload): string {
      return this.imageOf(workload).replaceAll('/', '-');
    }

    async bringImages(): Promise<void> {
      const imagesBy = (who: Workload['broughtBy']) =>
        workloads.filter(({ broughtBy }) => broughtBy === who).map((workload) => this.imageOf(workload));
      await bench().push(workloads.map((workload) => this.imageOf(workload)));
      await this.#import(imagesBy('import'));
      const lists = [bench().listOf('private', imagesBy('list'), { nodes: nodeNamed(this.node) })];
      await bench().applyLists(this.list, { lists });
    }

    /** Brings images of the registry to the node behind the back of the kubelet. */
    async #import(images: readonly string[]): Promise<void> {
      const directory = await mkdtemp(join(tmpdir(), 'private-images-'));
      const tar = join(directory, 'images.tar');
      const build = (image: string) =>
        buildImageSpec({ names: [bench().nameOf(image)], layers: fillerLayers(`private ${image}`) });
      await bench()
        .cluster.node(this.node)
        .importImages(tar, await writeImages(tar, images.map(build)));
      await rm(directory, { recursive: true });
    }

    buildPod(workload: Workload): object {
      const { credentials, pullPolicy } = workload;
      const image = bench().nameOf(this.imageOf(workload));
      const pod = buildBoundPod(this.node, this.nameOf(workload), {
        restartPolicy: 'Never',
        // Nothing in the image can run. A container that was created proves that it got the image.
        containers: [{ name: 'main', image, imagePullPolicy: pullPolicy }],
        ...(credentials !== 'none' && { imagePullSecrets: [{ name: credentials }] }),
      }) as { readonly metadata: object };
      return { ...pod, metadata: { ...pod.metadata, namespace } };
    }
  }

  /** Starts the workloads for a state of the registry on all nodes, and stores their outcomes. */
  async function tryWorkloads(trials: readonly Trial[], state: Workload['registry']): Promise<void> {
    const { kubectl, apply } = bench().installation;
    const tried = workloads.filter(({ registry }) => registry === state);
    await apply(...trials.flatMap((trial) => tried.map((workload) => trial.buildPod(workload))));
    const known = await waitFor('the containers of the workloads', 120_000, async () => {
      const { items } = JSON.parse(await kubectl('get', 'pods', '-n', namespace, '-o', 'json'));
      const outcomes = new Map<string, string | undefined>(
        items.map((pod: Pod) => [pod.metadata.name, outcomeOf(pod)]),
      );
      return [...outcomes.values()].includes(undefined) ? undefined : outcomes;
    });
    for (const trial of trials)
      for (const workload of tried)
        trial.outcomes.set(keyOf(workload), known.get(trial.nameOf(workload)) ?? 'no such pod');
    await kubectl('delete', 'pods', '-n', namespace, '--all', '--wait=true', '--grace-period=1');
  }
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly containerStatuses?: readonly { readonly state?: ContainerState }[] };
}

type ContainerState = Readonly<Record<string, { readonly reason?: string }>>;

/** The reason why the container of a workload can't have its image, or that it can; undefined as long as that is open. */
function outcomeOf({ status }: Pod): string | undefined {
  const { waiting, ...others } = status?.containerStatuses?.[0]?.state ?? {};
  if (waiting === undefined) return Object.keys(others).length > 0 ? 'starts' : undefined;
  const { reason = '' } = waiting;
  if (/^(?:RunContainer|CreateContainer)/.test(reason)) return 'starts';
  if (/^(?:ContainerCreating|PodInitializing)?$/.test(reason)) return undefined;
  return reason === 'ImagePullBackOff' ? 'ErrImagePull' : reason;
}
