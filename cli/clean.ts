import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';

/** Adds `nodesweep clean`, the cleaner of one node. */
export function addClean(program: Command, { environment, exit }: CommandContext): void {
  program
    .command('clean')
    .description('remove the unused images of this node, as a job or a policy says')
    .addOption(new Option('--job <file>', 'the job, as the scheduler writes it').conflicts('policy'))
    .addOption(new Option('--policy <file>', 'a cleanup policy document, for use by hand'))
    .option('--report <file>', 'where to write the report')
    .option(
      '--state <directory>',
      'directory on the image filesystem, for the history (default: /var/lib/nodesweep; usage is measured where the runtime says its images are)',
    )
    .option('--dry-run', 'plan and report, and remove nothing', false)
    .addHelpText(
      'after',
      `
Environment: CRICTL (path of crictl), CONTAINER_RUNTIME_ENDPOINT, NODE_NAME, LOG_LEVEL
Exit codes:  0 done, also when there was nothing to do; 1 some removals failed or were not tried, or the report could
             not be written; 2 nothing was attempted
Runs as root, as the runtime's socket asks for it; crictl must be 1.24 or newer.
With --policy, the images of pods that are about to start are not known: only minAge keeps them.`,
    )
    .action(async ({ job, policy, report, state, dryRun }, command: Command) => {
      if (job === undefined && policy === undefined)
        command.error('error: one of --job and --policy is needed', { exitCode: 2 });
      const { clean, loadJobFile } = await import('../cleaner/main.ts');
      const loadJob = () => (policy === undefined ? loadJobFile(job) : loadCleanPolicy(policy));
      // Calls of the runtime that were given up may still be open.
      exit(await clean({ loadJob, report, state, dryRun }, environment));
    });
}

/** A policy that is safe to carry out by hand. */
async function loadCleanPolicy(file: string) {
  const { loadPolicyFile } = await import('./policy-file.ts');
  const { refuseUnkeepable } = await import('./policy-by-hand.ts');
  return refuseUnkeepable(await loadPolicyFile(file));
}
