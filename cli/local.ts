import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Adds `nodesweep local`, the scheduler of this machine. */
export function addLocal(program: Command, { environment }: CommandContext): void {
  program
    .command('local')
    .description('run the scheduler without a cluster, for this machine or several runtimes')
    .requiredOption(
      '--policies <directory>',
      'directory with policies: ConfigMap manifests in *.yaml, or <name>/cleanup.yaml',
    )
    .option(
      '--endpoint <name=endpoint...>',
      'a runtime to clean, such as web=unix:///run/containerd/containerd.sock (default: the runtime of this machine)',
    )
    .option('--state <directory>', 'directory for records and reports', '/var/lib/nodesweep')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .addHelpText(
      'after',
      `
The history of a runtime with a known socket is next to its images; that of other runtimes is in the state directory. A
policy with \`disk\` uses the filesystem of this history.
The images of pods that are about to start are unknown; only minAge protects them.
Environment: CRICTL (path of crictl)`,
    )
    .action(async (options) => {
      const { runLocal } = await import('../scheduler/main.ts');
      await runLocal(options, environment);
    });
}
