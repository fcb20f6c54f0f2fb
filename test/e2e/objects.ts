import { parse } from 'yaml';
import { waitFor } from '../cluster/wait.ts';

/** Runs kubectl as administrator and returns what it prints. */
export type Kubectl = (...arguments_: readonly string[]) => Promise<string>;

export const namespace = 'nodesweep';

/** A run record, as far as the tests look at it. */
export interface RunDocument {
  readonly run: string;
  readonly phase: string;
  readonly reason?: string;
  /** As RFC 3339. */
  readonly startedAt: string;
  readonly trigger: { readonly type: string };
  readonly nodes: Readonly<Record<'desired' | 'succeeded' | 'failed' | 'skipped', number>>;
  readonly images: Readonly<Record<'planned' | 'removed' | 'failed' | 'skipped' | 'unknown', number>>;
  readonly bytes: Readonly<Record<'freed' | 'nominal', number>>;
  readonly problems: readonly { readonly node: string; readonly reason: string; readonly message: string }[];
}

/** One line of a cleaner's log about an image. */
export interface ImageLine {
  readonly event: string;
  readonly node: string;
  readonly id: string;
  readonly names: readonly string[];
  readonly decision: 'remove' | 'keep';
  readonly reason?: string;
  readonly outcome?: string;
}

/** The disk of the machine is not of the tests, and may be fuller than lists accept by default. */
export const anyDisk = { disk: { maxPercent: 100 } };

export function buildPolicy(
  name: string,
  document: object,
  annotations: Readonly<Record<string, string>> = {},
  key: 'cleanup.yaml' | 'prepull.yaml' = 'cleanup.yaml',
): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { 'nodesweep.io/kind': 'policy' }, annotations },
    data: { [key]: JSON.stringify({ ...(key === 'prepull.yaml' && anyDisk), ...document }) },
  };
}

/** A pod of a workload in the namespace default, bound to a node as the scheduler of Kubernetes binds it. */
export function buildBoundPod(node: string, name: string, spec: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { nodeName: node, automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, ...spec },
  };
}

/** The records of a policy's runs, oldest first. */
export async function readRuns(kubectl: Kubectl, policy: string): Promise<RunDocument[]> {
  const list = await getJson(kubectl, 'configmaps', `nodesweep.io/kind=run,nodesweep.io/policy=${policy}`);
  return list.items
    .map((item) => parse(item.data?.['run.yaml'] ?? ''))
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

/** Waits for the first run of a policy that is finished. */
export async function waitForRun(kubectl: Kubectl, policy: string, timeoutMs = 120_000): Promise<RunDocument> {
  return waitFor(`a finished run of ${policy}`, timeoutMs, async () =>
    (await readRuns(kubectl, policy)).find(({ phase }) => phase === 'Succeeded' || phase === 'Failed'),
  );
}

/** All that the cleaners of a policy said about images. */
export async function readImageLines(kubectl: Kubectl, policy: string): Promise<ImageLine[]> {
  const text = await kubectl('logs', '-n', namespace, '-l', `nodesweep.io/policy=${policy}`, '--tail=-1');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'image');
}

export async function readEvents(kubectl: Kubectl, policy: string): Promise<{ reason: string; message: string }[]> {
  const text = await kubectl(
    'get',
    'events',
    '-n',
    namespace,
    '--field-selector',
    `involvedObject.name=${policy}`,
    '-o',
    'json',
  );
  return JSON.parse(text).items;
}

interface ObjectList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
    readonly data?: Readonly<Record<string, string>>;
    readonly status?: { readonly phase?: string };
  }[];
}

export async function getJson(kubectl: Kubectl, kind: string, labelSelector: string): Promise<ObjectList> {
  return JSON.parse(await kubectl('get', kind, '-n', namespace, '-l', labelSelector, '-o', 'json'));
}

/** The nodes on which a policy has cleaner pods, one entry a pod. */
export async function readPodNodes(kubectl: Kubectl, policy: string): Promise<string[]> {
  const { items } = await getJson(kubectl, 'pods', `nodesweep.io/kind=cleaner,nodesweep.io/policy=${policy}`);
  return items.map(({ metadata }) => metadata.annotations?.['nodesweep.io/node-name'] ?? '').sort();
}
