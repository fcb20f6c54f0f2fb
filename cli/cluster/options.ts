import { type Command, Option } from 'commander';
import type { ClusterFlags } from '../../scheduler/kubernetes/kubeconfig.ts';

/** The options that select the cluster and the namespace of a command, as kubectl has them. */
export interface ClusterOptions extends ClusterFlags {
  /** The namespace of the scheduler and its policies. Default: the one of the environment, or `nodesweep`. */
  readonly namespace?: string | undefined;
}

/** Adds the options of {@link ClusterOptions}. Commands that can also work without a cluster name the options with which they do. */
export function addClusterOptions(command: Command): Command {
  return command
    .addOption(new Option('-n, --namespace <name>', 'namespace of the scheduler and its policies (default: nodesweep)'))
    .addOption(new Option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, or ~/.kube/config)'))
    .addOption(new Option('--context <name>', 'context of the kubeconfig (default: its current context)'));
}
