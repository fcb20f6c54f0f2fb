import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Adds `nodesweep local`, the scheduler of this machine. */
export function addLocal(program: Command, { environment }: CommandContext): void {
  program
    .command('local')
    .description(
      'the scheduler for this machine, or for several runtimes: policies from a directory, cleaners as child processes',
    )
    .requiredOption(
      '--policies <directory>',
      'where the policies are: ConfigMap manifests in *.yaml, or <name>/cleanup.yaml',
    )
    .option(
      '--endpoint <name=endpoint...>',
      'a runtime to clean, like web=unix:///run/containerd/containerd.sock (default: this machine)',
    )
    .option('--state <directory>', 'where records and reports are kept', '/var/lib/nodesweep')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .addHelpText(
      'after',
      `
A runtime at a usual socket keeps its history beside its images, any other one in the state directory; that is also
the filesystem whose usage counts for a policy with \`disk\`.
The images of pods that are about to start are not known: only minAge keeps them.
Environment: CRICTL (path of crictl)`,
    )
    .action(async (options) => {
      const { runLocal } = await import('../scheduler/main.ts');
      await runLocal(options, environment);
    });
}
