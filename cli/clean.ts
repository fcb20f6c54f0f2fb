import { type Command, Option } from 'commander';
import type { Task } from '../cleaner/main.ts';
import type { CommandContext } from './context.ts';
import type { PolicyChoice } from './input/policy-file.ts';
import type { Screen } from './output/layout/screen.ts';

/** The flags and descriptions of the options for a {@link PolicyChoice}. They are here because a cleaner loads no other file of commands. */
export const policyFlags = {
  policy: ['--policy <file>', 'a cleanup policy: a manifest or a document, a directory, or - for standard input'],
  name: ['--name <policy>', 'the policy to take, if --policy has several'],
  sets: ['--sets <directory>', 'a directory with one directory for each image set, in it a file for each key'],
} as const;

/** Adds `nodesweep clean`, the cleaner of one node. */
export function addClean(program: Command, { environment, exit, onSignal, screen }: CommandContext): void {
  program
    .command('clean')
    .description('remove unused images from this node, by a job or a policy')
    .addOption(new Option('--job <file>', 'a job, as the scheduler writes it').conflicts('policy'))
    .addOption(new Option(...policyFlags.policy))
    .addOption(new Option(...policyFlags.name).conflicts('job'))
    .addOption(new Option(...policyFlags.sets))
    .option('--report <file>', 'file to write the report to')
    .option(
      '--state <directory>',
      'directory for the history, on the filesystem with the images (default: /var/lib/nodesweep)',
    )
    .addOption(
      new Option(
        '-o, --output <format>',
        'text for people, or JSON lines, one for each image; without it, text on a terminal and else json',
      ).choices(['text', 'json']),
    )
    .option('--dry-run', 'decide and report, but remove nothing', false)
    .addOption(new Option('--candidates', 'list what could be removed if registries have it, and remove nothing'))
    .addHelpText(
      'after',
      `
Environment: CRICTL (path of crictl), CONTAINER_RUNTIME_ENDPOINT, NODE_NAME, LOG_LEVEL,
             NODESWEEP_RUNTIME_TIMEOUT_SECONDS (at most for a list; 120)

Exit codes:
  0  done, or nothing to do
  1  some removals failed or were not tried, or the report could not be written
  2  nothing was attempted

Run this command as root, because the socket of the runtime belongs to root. It needs crictl 1.24 or newer.
With --policy, the images of pods that are about to start are unknown; only minAge protects them.`,
    )
    .action(async ({ job, policy, name, sets, report, state, dryRun, candidates, output }, command: Command) => {
      if (job === undefined && policy === undefined)
        command.error('error: --job or --policy is required', { exitCode: 2 });
      const { startEarly } = await import('../cleaner/start-early.ts');
      const early = startEarly(environment, onSignal);
      const { clean } = await import('../cleaner/main.ts');
      const loadTask = () =>
        policy === undefined ? loadJobTask(job, sets) : loadCleanPolicy({ path: policy, name, sets });
      const isText = (output ?? (screen().columns === undefined ? 'json' : 'text')) === 'text';
      const view = isText ? await openView(environment, screen()) : undefined;
      // Calls of the runtime that timed out may still be open.
      const variables = isText ? { ...environment, LOG_LEVEL: 'info' } : environment;
      exit(await clean({ loadTask, report, state, dryRun, candidates, view, ...early }, variables));
    });
}

/** A view for a person. On a terminal, it tells if the runtime does not answer. */
async function openView(environment: NodeJS.ProcessEnv, screen: Screen) {
  const { openCleanView } = await import('./live/clean-view.ts');
  const { tellWait } = await import('./live/tell-wait.ts');
  const stopWaiting = screen.columns === undefined ? () => {} : tellWait(environment, (line) => console.error(line));
  return openCleanView(screen, (line) => console.log(line), stopWaiting);
}

/** The task of a job of the scheduler. */
export async function loadJobTask(path: string, sets: string | undefined): Promise<Task> {
  const { loadJobFile, readSetFiles } = await import('../cleaner/main.ts');
  const job = await loadJobFile(path);
  return { job, sets: await readSetFiles(job, sets) };
}

/** The task of a policy that is safe to use by hand. */
async function loadCleanPolicy(choice: PolicyChoice): Promise<Task> {
  const { loadPolicyFile } = await import('./input/policy-file.ts');
  const { refuseUnkeepable } = await import('./input/policy-by-hand.ts');
  const { job, sets } = await loadPolicyFile(choice);
  return { job: refuseUnkeepable(job), sets };
}
