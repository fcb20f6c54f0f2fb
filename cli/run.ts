import type { Command } from 'commander';
import type { FollowEnd } from './cluster/follow-run.ts';
import { addClusterOptions, type ClusterOptions } from './cluster/options.ts';
import type { CommandContext } from './context.ts';
import { parseTimeout } from './input/parse-timeout.ts';
import { nameCalls } from './program-name.ts';

interface Flags extends ClusterOptions {
  readonly follow: boolean;
  readonly timeout?: number;
}

/** `nodesweep run`: starts a run of a policy now. */
export function addRun(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .description('start a run of a policy now: clean nodes, or bring the images of lists to them')
    .argument('<policy>')
    .option('-f, --follow', 'show the progress until the run ends', false)
    .option('--timeout <duration>', 'with --follow: stop following after this time, such as 90s or 30m', parseTimeout);
  addClusterOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  nodesweep run nightly                                                 clean now
  nodesweep run release --follow && kubectl apply -f deployment.yaml    wait until all images of the lists are on nodes

The command sets the annotation nodesweep.io/run-at on the policy. The run continues if you stop the command.
Environment: KUBECONFIG, NODESWEEP_NAMESPACE

Exit codes:
  0  the run was requested
  2  no run was requested

Exit codes with --follow:
  0  the run succeeded; for image lists, every image is on every node that can have it
  1  the run failed, or matched no node
  2  no run was requested
  3  the run has not started: a newer request replaced it, no scheduler is at work, or the command ended before
  4  the run failed in part
  5  the run has started, and its end is not known: its record was deleted, no scheduler is at work, or the command ended before

The command ends before the run at the time of --timeout, or if you interrupt it.`,
    )
    .action(async (policy: string, { follow, timeout, ...choice }: Flags) => {
      const { environment, setExitCode, screen } = context;
      const signal = context.interrupted();
      const { withRecords } = await import('./cluster/connect.ts');
      const { requestRun } = await import('./cluster/run-request.ts');
      const { followRun } = await import('./cluster/follow-run.ts');
      const { openProgressView } = await import('./live/progress-view.ts');
      await withRecords({ ...choice, environment }, async (cluster) => {
        const request = await requestRun(cluster, policy, new Date());
        console.log(`requested run ${request.run}; to see it: ${context.program} status ${policy}`);
        if (!follow) return;
        const view = openProgressView(screen(), (text) => process.stdout.write(text));
        const options = { report: view.show, signal, timeoutSeconds: timeout };
        const end = await followRun(cluster, request, options).finally(view.end);
        setExitCode(await showEnd(end, context));
      });
    });
}

/** Prints how a run has ended, or why the command no longer follows it; returns the exit code. */
async function showEnd(end: FollowEnd, { screen, program }: CommandContext): Promise<number> {
  const { exitCodeOfRun, formatRunEnd } = await import('./output/run/run-end.ts');
  if (end.kind === 'Ended') {
    console.log(formatRunEnd(end.run, screen()));
    return exitCodeOfRun(end.run);
  }
  console.error(`nodesweep: ${nameCalls(end.message, program)}`);
  return end.kind === 'NotStarted' ? 3 : 5;
}
