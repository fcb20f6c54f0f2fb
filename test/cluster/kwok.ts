import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { BareApi } from './api.ts';
import { buildBinaries, buildKwok } from './binaries.ts';
import { stopCluster } from './cluster.ts';
import { ADMINISTRATOR, type ControlPlane, startControlPlane } from './controlplane.ts';
import { buildNodeObject } from './kwok-nodes.ts';
import { describeStages, type WorkTime } from './kwok-stages.ts';
import { createNetwork } from './network.ts';
import { startServer } from './process.ts';
import { buildProduct } from './product-bundle.ts';
import { progress } from './progress.ts';

export interface KwokSpec {
  /** All that the cluster writes is below it. A cluster that is there already is stopped first. */
  readonly directory: string;
  /** The time that a cleaner that ends is at work, in milliseconds. */
  readonly workTime: WorkTime;
}

/** A real control plane with simulated nodes. The product's rights are installed, and it is built to run outside. */
export interface KwokCluster extends Pick<ControlPlane, 'startApiServer' | 'stopApiServer'> {
  readonly directory: string;
  /** The administrator's API. */
  readonly api: BareApi;
  /** Path of a kubeconfig with the rights of the product's scheduler, and no others. */
  readonly schedulerKubeconfig: string;
  readonly kubectl: (...arguments_: readonly string[]) => Promise<string>;
  readonly addNodes: (names: readonly string[], labels?: Readonly<Record<string, string>>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Namespace of the product, as the manifests have it. */
export const NAMESPACE = 'nodesweep';

const MANIFESTS = join(import.meta.dirname, '../../manifests/base');
const SERVICE_ACCOUNT = 'nodesweep-scheduler';

/** Starts a control plane and kwok, without any node yet. */
export async function startKwokCluster({ directory, workTime }: KwokSpec): Promise<KwokCluster> {
  const { kubernetes } = await buildBinaries();
  const kwok = await buildKwok();
  await stopCluster(directory);
  await rm(join(directory, 'logs'), { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  try {
    const network = await createNetwork(directory);
    progress('Starting the control plane');
    const plane = await startControlPlane({
      directory,
      binaries: kubernetes,
      network,
      nodes: [],
      survives: false,
      hasScheduler: false,
      // No kubelet reports here: a node is ready, tainted or gone when a test says so.
      apiServerFlags: [
        ...(await auditFlags(directory)),
        ...(await admissionFlags(directory)),
        '--disable-admission-plugins=TaintNodesByCondition',
      ],
      controllerFlags: ['--controllers=*,-node-lifecycle-controller'],
    });
    const kubeconfig = await plane.kubeconfig(ADMINISTRATOR);
    const kubectl = async (...arguments_: readonly string[]) =>
      (await execa(join(kubernetes, 'kubectl'), ['--kubeconfig', kubeconfig, ...arguments_])).stdout;
    await buildProduct(directory);
    await startKwok(directory, kwok, kubeconfig, workTime);
    const api = await BareApi.open(kubeconfig);
    await installRights(directory, kubectl);
    return {
      ...plane,
      directory,
      api,
      kubectl,
      schedulerKubeconfig: await writeSchedulerKubeconfig(directory, kubectl, kubeconfig),
      addNodes: (names, labels) =>
        api.createAll(
          '/api/v1/nodes',
          names.map((name) => buildNodeObject(name, labels)),
        ),
      stop: async () => {
        api.close();
        await stopCluster(directory);
      },
    };
  } catch (error) {
    await stopCluster(directory);
    throw new Error(`The cluster did not start: see the logs in ${join(directory, 'logs')}`, { cause: error });
  }
}

/** Pods of critical priorities are admitted only where a quota covers them, as on GKE. */
async function admissionFlags(directory: string): Promise<string[]> {
  const values = ['system-node-critical', 'system-cluster-critical'];
  const matchScopes = [{ scopeName: 'PriorityClass', operator: 'In', values }];
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'ResourceQuotaConfiguration',
    limitedResources: [{ resource: 'pods', matchScopes }],
  };
  const plugins = [{ name: 'ResourceQuota', configuration }];
  const file = join(directory, 'admission.yaml');
  const document = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins };
  await writeFile(file, stringify(document));
  return [`--admission-control-config-file=${file}`];
}

/** Every call made with the rights of the scheduler is written down. */
async function auditFlags(directory: string): Promise<string[]> {
  const policy = join(directory, 'audit-policy.yaml');
  const users = [`system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`];
  const rules = [{ level: 'Metadata', users, omitStages: ['RequestReceived'] }, { level: 'None' }];
  await writeFile(policy, stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${auditLog(directory)}`, '--audit-log-mode=blocking'];
}

export function auditLog(directory: string): string {
  return join(directory, 'audit.log');
}

async function startKwok(directory: string, kwok: string, kubeconfig: string, workTime: WorkTime): Promise<void> {
  const config = join(directory, 'kwok.yaml');
  await writeFile(config, describeStages(workTime));
  const flags = ['--kubeconfig', kubeconfig, '--config', config, '--manage-all-nodes', '-v', 'WARN'];
  await startServer(directory, { name: 'kwok', survives: false, command: [kwok, ...flags] });
}

/** Namespace, quota and roles as the manifests have them, without the deployment. */
async function installRights(directory: string, kubectl: KwokCluster['kubectl']): Promise<void> {
  const objects = parseAllDocuments(await kubectl('kustomize', MANIFESTS)).map((document) => document.toJS());
  const items = objects.filter(({ kind }) => kind !== 'Deployment');
  const file = join(directory, 'rights.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl('apply', '-f', file);
  // Without it no pod is admitted; the controller manager makes it a moment after the namespace.
  await kubectl('wait', '--for=create', '--timeout=60s', '-n', NAMESPACE, 'serviceaccount/default');
}

async function writeSchedulerKubeconfig(
  directory: string,
  kubectl: KwokCluster['kubectl'],
  administrator: string,
): Promise<string> {
  const token = await kubectl('create', 'token', SERVICE_ACCOUNT, '-n', NAMESPACE, '--duration=24h');
  const config = parse(await readFile(administrator, 'utf8'));
  const path = join(directory, 'scheduler.kubeconfig');
  await writeFile(path, stringify({ ...config, users: [{ ...config.users[0], user: { token } }] }), { mode: 0o600 });
  return path;
}
