import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './context.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Adds `nodesweep local`, the scheduler of this machine. */
export function addLocal(program: Command, { environment }: CommandContext): void {
  program
    .command('local')
    .description('run the scheduler without a cluster, for this machine or several runtimes')
    .requiredOption(
      '--policies <directory>',
      'directory with policies: ConfigMap manifests in *.yaml, or <name>/cleanup.yaml and <name>/prepull.yaml',
    )
    .option(
      '--endpoint <name=endpoint...>',
      'a runtime, such as web=unix:///run/containerd/containerd.sock (default: the runtime of this machine)',
    )
    .option('--state <directory>', 'directory for records and reports', '/var/lib/nodesweep')
    .option('--page <port>', 'serve the status page at this port of 127.0.0.1 (0: at a free one)', readPort)
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .addHelpText(
      'after',
      `
The history of a runtime with a known socket is next to its images; that of other runtimes is in the state directory. A
policy with \`disk\` uses the filesystem of this history.
The images of pods that are about to start are unknown; only minAge protects them.
The images of lists are pulled with crictl: with the credentials and mirrors of the runtime's configuration, and without
imagePullSecrets. Only the cleaners of this command know that they are held. Docker Engine gets none.
Environment: CRICTL (path of crictl)`,
    )
    .action(async (options) => {
      const { runLocal } = await import('../scheduler/main.ts');
      await runLocal(options, environment);
    });
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
}
