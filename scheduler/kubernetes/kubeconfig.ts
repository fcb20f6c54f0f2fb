import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../../contract/errors.ts';
import { findNearest } from '../policy/words/nearest.ts';
import { ClusterError } from './api/error.ts';

/** The cluster that a person chooses, as for kubectl. */
export interface ClusterFlags {
  /** The path of a kubeconfig. Default: the files of `KUBECONFIG`, the cluster around this process, or `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  /** The name of a context of the kubeconfig. Default: its current context. */
  readonly context?: string | undefined;
}

/** The configuration of a cluster. Throws a {@link ClusterError} that says what to set if there is none. */
export function loadKubeconfig({ kubeconfig, context }: ClusterFlags, environment: NodeJS.ProcessEnv): KubeConfig {
  const chosen = kubeconfig === undefined ? defaultFiles(environment) : namedFile(kubeconfig);
  if (chosen === 'InCluster') return inCluster(context);
  const config = readFiles(chosen.files);
  if (context !== undefined) useContext(config, context);
  return requireCluster(config, chosen.files.join(', '));
}

interface ChosenFiles {
  readonly files: readonly string[];
}

function namedFile(file: string): ChosenFiles {
  if (existsSync(file)) return { files: [file] };
  throw new ClusterError(`there is no kubeconfig ${file}; check the path given to --kubeconfig`);
}

/** A list in `KUBECONFIG` may have missing files, as for kubectl, but not only these. */
function defaultFiles(environment: NodeJS.ProcessEnv): ChosenFiles | 'InCluster' {
  if ('KUBERNETES_SERVICE_HOST' in environment) return 'InCluster';
  const named = (environment.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  if (named.length > 0) {
    const files = named.filter((file) => existsSync(file));
    if (files.length > 0) return { files };
    throw new ClusterError(
      `there is no kubeconfig ${named.join(', ')}, which KUBECONFIG names; correct it, or use --kubeconfig FILE`,
    );
  }
  const standard = join(environment.HOME || homedir(), '.kube', 'config');
  if (existsSync(standard)) return { files: [standard] };
  throw new ClusterError(
    `no cluster is configured: there is no ${standard}, and KUBECONFIG is not set; use --kubeconfig FILE, or set KUBECONFIG to a kubeconfig file`,
  );
}

function inCluster(context: string | undefined): KubeConfig {
  if (context !== undefined)
    throw new ClusterError('--context needs a kubeconfig: this process runs in a cluster; add --kubeconfig FILE');
  const config = new KubeConfig();
  config.loadFromCluster();
  return requireCluster(config, 'the service account of this pod');
}

/** Reads the files as one. The first of them that has a name, or a current context, decides, as for kubectl. */
function readFiles([first = '', ...others]: readonly string[]): KubeConfig {
  const config = readFile(first);
  for (const file of others) {
    const other = readFile(file);
    other.clusters = withoutNames(other.clusters, config.clusters);
    other.users = withoutNames(other.users, config.users);
    other.contexts = withoutNames(other.contexts, config.contexts);
    config.mergeConfig(other, Boolean(config.getCurrentContext()));
  }
  return config;
}

function withoutNames<T extends { readonly name: string }>(objects: readonly T[], known: readonly T[]): T[] {
  return objects.filter(({ name }) => !known.some((other) => other.name === name));
}

function readFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
    return config;
  } catch (cause) {
    throw new ClusterError(`the kubeconfig ${file} can't be read: ${messageOf(cause)}`, { cause });
  }
}

function useContext(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    const near = findNearest(context, names);
    const advice = near === undefined ? '' : `, did you mean ${near}?`;
    throw new ClusterError(`there is no context ${context}${advice}; the contexts are: ${list(names)}`);
  }
  config.setCurrentContext(context);
}

function requireCluster(config: KubeConfig, source: string): KubeConfig {
  const cluster = config.getCurrentCluster();
  const names = config.getContexts().map(({ name }) => name);
  if (cluster === null && config.getCurrentContext())
    throw new ClusterError(
      `the context ${config.getCurrentContext()} of ${source} has no cluster; choose another one with --context: ${list(names)}`,
    );
  if (cluster === null)
    throw new ClusterError(`${source} has no current context; choose one with --context: ${list(names)}`);
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify)
    throw new ClusterError(
      `the cluster ${cluster.name} of ${source} has the address ${cluster.server} without TLS; to allow this, set insecure-skip-tls-verify: true there`,
    );
  return config;
}

function list(names: readonly string[]): string {
  return names.toSorted().join(', ') || 'none';
}
