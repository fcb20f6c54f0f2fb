import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

interface Flags {
  readonly follow: boolean;
  readonly namespace?: string;
}

/** `nodesweep run`: starts a run of a policy now. */
export function addRun(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('start a run of a policy now: clean nodes, or bring the images of lists to them')
    .argument('<policy>')
    .option('-f, --follow', 'show the progress until the run ends', false)
    .option('-n, --namespace <name>', 'namespace of the scheduler and its policies (default: nodesweep)')
    .addHelpText(
      'after',
      `
Examples:
  nodesweep run nightly                                                 clean now
  nodesweep run release --follow && kubectl apply -f deployment.yaml    wait until all images of the lists are on nodes

The command sets the annotation nodesweep.io/run-at on the policy. The run continues if you stop the command.
Environment: KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 the run was requested or, with --follow, succeeded: for image lists, every image is on every node that can
             have it; 1 with --follow: it failed, failed in part, or matched no node; 2 no run was requested; 3 with
             --follow: a newer request replaced this one, and it starts no run`,
    )
    .action(async (policy: string, { follow, namespace }: Flags) => {
      const { environment, setExitCode } = context;
      const interrupted = context.interrupted();
      const { withRecords } = await import('./cluster/connect.ts');
      const { followRun, RequestReplacedError, requestRun } = await import('./cluster/run-request.ts');
      const { outcomeOf } = await import('../scheduler/run/outcome.ts');
      const { runFinished } = await import('../scheduler/status/events.ts');
      await withRecords({ namespace, environment }, async (cluster) => {
        const request = await requestRun(cluster, policy, new Date());
        console.log(`requested run ${request.run}; to see it: nodesweep status ${policy}`);
        if (!follow) return;
        const report = (line: string) => console.log(line);
        const ended = await followRun(cluster, request, report, interrupted).catch((error: unknown) => {
          if (!(error instanceof RequestReplacedError)) throw error;
          console.error(`nodesweep: ${error.message}`);
          setExitCode(3);
        });
        if (ended === undefined) return;
        console.log(runFinished(ended).message);
        const outcome = outcomeOf(ended);
        setExitCode(outcome === 'Succeeded' || outcome === 'TargetNotMet' ? 0 : 1);
      });
    });
}
