import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Task } from '../../cleaner/main.ts';
import type { PlanDocument } from '../../contract/plan-document.ts';
import { loadJobTask, policyFlags } from '../clean.ts';
import { addClusterOptions, type ClusterOptions } from '../cluster/options.ts';
import type { CommandContext } from '../context.ts';
import { tellWait } from '../live/tell-wait.ts';
import { loadPolicyFile } from './policy-file.ts';

/** The options that select the policy and the node of a plan. */
export type PlanSource = ClusterOptions & {
  readonly policy?: string;
  /** The name of the policy, if `policy` has several. */
  readonly name?: string;
  readonly job?: string;
  /** The directory with image sets. */
  readonly sets?: string;
  readonly state?: string;
  readonly node?: string;
  readonly timeout: number;
};

export const sourceHelp = `
On this machine the runtime is that of \`nodesweep clean\`, and the history without --state is in /var/lib/nodesweep.
With --node, the command starts a pod on the node, which makes a plan and removes nothing. It deletes this pod afterwards.
\`nodesweep status POLICY --node NODE\` shows what the last run did there.
With --policy, the images of pods that are about to start are unknown; only minAge protects them.
Environment: CRICTL (path of crictl), CONTAINER_RUNTIME_ENDPOINT, NODE_NAME; KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 done; 2 there is no plan, and the message says why`;

/** Adds the options of {@link PlanSource}. */
export function addSourceOptions(command: Command): Command {
  return addClusterOptions(command)
    .addOption(
      new Option(policyFlags.policy[0], `${policyFlags.policy[1]}, for this machine`).conflicts(['job', 'node']),
    )
    .addOption(new Option(...policyFlags.name).conflicts(['job', 'node']))
    .addOption(new Option('--job <file>', 'a job as the scheduler writes it, for this machine').conflicts('node'))
    .addOption(new Option(...policyFlags.sets).conflicts('node'))
    .addOption(new Option('--state <directory>', 'directory with the history of this machine').conflicts('node'))
    .option('--node <name>', 'a node of the cluster')
    .addOption(new Option('--fresh', 'accepted for earlier scripts: every plan is new').hideHelp())
    .option('--timeout <seconds>', 'maximum time of the pod on the node', parseSeconds, 120);
}

/** Makes the plan that the command line asks for: of a policy in the cluster with `--node`, else of this machine. */
export async function makePlan(
  policy: string | undefined,
  source: PlanSource,
  context: CommandContext,
): Promise<PlanDocument> {
  const { node, timeout } = source;
  if (node === undefined || policy === undefined) return planHere(source, context);
  const interrupted = context.interrupted();
  const { connectForPlans } = await import('../cluster/connect.ts');
  const { planRemotely } = await import('../cluster/plans/plan-remote.ts');
  const cluster = await connectForPlans({ ...source, environment: context.environment });
  return planRemotely({ policy, node, timeoutSeconds: timeout }, cluster, new Date(), interrupted);
}

async function planHere(source: PlanSource, { environment, screen }: CommandContext): Promise<PlanDocument> {
  const { plan } = await import('../../cleaner/main.ts');
  const { describeUnkeepable } = await import('./policy-by-hand.ts');
  const task = await loadTask(source);
  const stopWaiting = screen().columns === undefined ? () => {} : tellWait(environment, (line) => console.error(line));
  const making = plan({ loadTask: async () => task, state: source.state }, environment);
  const document = await making.finally(stopWaiting);
  const notes = source.job === undefined ? describeUnkeepable(task.job) : [];
  return { ...document, notes: [...document.notes, ...notes] };
}

async function loadTask({ job, policy, name, sets }: PlanSource): Promise<Task> {
  if (policy !== undefined) return loadPolicyFile({ path: policy, name, sets });
  if (name !== undefined) throw new Error('--name is of a policy in files; give these with --policy');
  if (job !== undefined) return loadJobTask(job, sets);
  return { job: (await import('./policy-by-hand.ts')).jobOfDefaults(), sets: [] };
}

function parseSeconds(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds from 1 up.');
  return Number(text);
}
