import type { Command } from 'commander';

interface Flags {
  readonly follow: boolean;
  readonly namespace?: string;
}

/** `nodesweep run`: starts a run of a policy now. Hands back the exit code. */
export function addRun(program: Command, environment: NodeJS.ProcessEnv, exit: (code: number) => void): void {
  program
    .command('run')
    .description('start a run of a policy of the cluster now')
    .argument('<policy>')
    .option('-f, --follow', 'say how far it is until it ends', false)
    .option('-n, --namespace <name>', 'where the scheduler and its policies are (default: nodesweep)')
    .addHelpText(
      'after',
      `
It sets the annotation nodesweep.io/run-at on the policy; the scheduler does the rest, also when this command is stopped.
Environment: KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 the run was asked for, with --follow: it succeeded; 1 with --follow: it failed; 2 no run was asked for`,
    )
    .action(async (policy: string, { follow, namespace }: Flags) => {
      const { startRun } = await import('../scheduler/main.ts');
      const outcome = await startRun({ policy, namespace, follow }, environment, (line) => console.log(line));
      exit(outcome === 'Failed' ? 1 : 0);
    });
}
