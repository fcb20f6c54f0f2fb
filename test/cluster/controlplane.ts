import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import type { Network } from './network.ts';
import { startServer, stopServer } from './process.ts';
import { waitFor } from './wait.ts';

export interface ControlPlane {
  /** Writes a kubeconfig for one of the users and returns its path. */
  readonly kubeconfig: (user: string) => Promise<string>;
  /** Takes the API server away, and with {@link ControlPlane.startApiServer} brings it back as it was. */
  readonly stopApiServer: () => Promise<void>;
  /** Returns when the API server is ready. */
  readonly startApiServer: () => Promise<void>;
}

interface ControlPlaneOptions {
  readonly directory: string;
  /** Directory of the executables. */
  readonly binaries: string;
  readonly network: Network;
  readonly nodes: readonly string[];
  readonly survives: boolean;
  /** Flags beyond those that every cluster has. */
  readonly apiServerFlags?: readonly string[];
  readonly controllerFlags?: readonly string[];
  /** True if pods need somebody who binds them to nodes; the default. */
  readonly hasScheduler?: boolean;
}

export const ADMINISTRATOR = 'admin';

/** The user a node's kubelet is: the node authorizer wants exactly this name. */
export function nodeUser(node: string): string {
  return `system:node:${node}`;
}

/**
 * Starts etcd, API server, controller manager and scheduler, and returns when the API server is ready.
 * Users have tokens, and the API server makes its own serving certificate, so no certificates are issued here.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const files = join(options.directory, 'control-plane');
  await mkdir(files, { recursive: true });
  const tokens = await writeTokens(files, options.nodes);
  await writeServiceAccountKey(files);
  await startEtcd(options, files);
  await launchApiServer(options, files);
  const kubeconfig = (user: string) => writeKubeconfig(options, files, user, tokens.get(user) ?? '');
  const administrator = await kubeconfig(ADMINISTRATOR);
  await waitUntilReady(options, administrator);
  await startControllers(options, files, kubeconfig);
  const startApiServer = async () => {
    await launchApiServer(options, files);
    await waitUntilReady(options, administrator);
  };
  return { kubeconfig, startApiServer, stopApiServer: () => stopServer(options.directory, 'kube-apiserver') };
}

async function writeTokens(files: string, nodes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const users = [
    { name: ADMINISTRATOR, group: 'system:masters' },
    { name: 'system:kube-controller-manager' },
    { name: 'system:kube-scheduler' },
    ...nodes.map((node) => ({ name: nodeUser(node), group: 'system:nodes' })),
  ].map((user) => ({ group: '', ...user, token: randomBytes(16).toString('hex') }));
  const lines = users.map(({ token, name, group }) => `${[token, name, name, ...(group ? [group] : [])].join(',')}\n`);
  await writeFile(join(files, 'tokens.csv'), lines.join(''), { mode: 0o600 });
  return new Map(users.map(({ name, token }) => [name, token]));
}

async function writeServiceAccountKey(files: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(files, 'service-account.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
    mode: 0o600,
  });
}

async function startEtcd(options: ControlPlaneOptions, files: string): Promise<void> {
  const { client, peer } = etcdAddresses(options.network);
  await startServer(options.directory, {
    name: 'etcd',
    survives: options.survives,
    command: [
      join(options.binaries, 'etcd'),
      '--data-dir',
      join(files, 'etcd'),
      '--listen-client-urls',
      client,
      '--advertise-client-urls',
      client,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level',
      'warn',
    ],
  });
}

async function launchApiServer(options: ControlPlaneOptions, files: string): Promise<void> {
  const key = join(files, 'service-account.key');
  await startServer(options.directory, {
    name: 'kube-apiserver',
    survives: options.survives,
    command: [
      join(options.binaries, 'kube-apiserver'),
      `--etcd-servers=${etcdAddresses(options.network).client}`,
      `--bind-address=${options.network.address}`,
      '--secure-port=443',
      `--cert-dir=${files}`,
      `--token-auth-file=${join(files, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      `--service-cluster-ip-range=${options.network.serviceRange}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--allow-privileged=true',
      ...(options.apiServerFlags ?? []),
    ],
  });
}

async function startControllers(
  options: ControlPlaneOptions,
  files: string,
  kubeconfig: (user: string) => Promise<string>,
): Promise<void> {
  const start = async (name: string, flags: readonly string[]) =>
    startServer(options.directory, {
      name,
      survives: options.survives,
      command: [
        join(options.binaries, name),
        `--kubeconfig=${await kubeconfig(`system:${name}`)}`,
        `--bind-address=${options.network.loopback}`,
        `--cert-dir=${files}`,
        '--leader-elect=false',
        ...flags,
      ],
    });
  if (options.hasScheduler ?? true) await start('kube-scheduler', []);
  await start('kube-controller-manager', [
    '--use-service-account-credentials',
    // A node whose kubelet is gone is NotReady sooner than after the usual 50 s.
    '--node-monitor-period=2s',
    '--node-monitor-grace-period=20s',
    `--service-account-private-key-file=${join(files, 'service-account.key')}`,
    `--root-ca-file=${join(files, 'apiserver.crt')}`,
    ...(options.controllerFlags ?? []),
  ]);
}

async function writeKubeconfig(
  { directory, network }: ControlPlaneOptions,
  files: string,
  user: string,
  token: string,
): Promise<string> {
  const certificate = await waitFor('the API server to make its certificate', 60_000, () =>
    readFile(join(files, 'apiserver.crt'), 'base64'),
  );
  const name = 'nodesweep';
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `https://${network.address}`, 'certificate-authority-data': certificate } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  const path =
    user === ADMINISTRATOR ? join(directory, 'kubeconfig') : join(files, `${user.replaceAll(':', '-')}.kubeconfig`);
  await writeFile(path, stringify(kubeconfig), { mode: 0o600 });
  return path;
}

async function waitUntilReady({ binaries }: ControlPlaneOptions, kubeconfig: string): Promise<void> {
  await waitFor('the API server to be ready', 120_000, () =>
    execa(join(binaries, 'kubectl'), ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'], { timeout: 5_000 }),
  );
}

function etcdAddresses({ loopback }: Network) {
  return { client: `http://${loopback}:2379`, peer: `http://${loopback}:2380` };
}
