import { type Command, Option } from 'commander';
import { messageOf } from '../contract/errors.ts';
import { addClusterOptions, type ClusterOptions } from './cluster/options.ts';
import type { CommandContext } from './context.ts';
import type { SchedulerVersion } from './output/version-text.ts';

interface Flags extends ClusterOptions {
  readonly client: boolean;
  readonly output: 'text' | 'json' | 'yaml';
}

/** Adds `nodesweep version`, the versions of this program and of the scheduler. */
export function addVersion(program: Command, context: CommandContext): void {
  const client = program.version() ?? '';
  const command = program
    .command('version')
    .description('show the versions of this program and of the scheduler, and if they fit')
    .option('--client', 'show only the version of this program', false);
  addClusterOptions(command)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json', 'yaml']).default('text'))
    .addHelpText(
      'after',
      `
Versions fit if their major and minor numbers are equal.
Environment: KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 they fit, or the version of the scheduler is not known; 1 they do not fit`,
    )
    .action(async (flags: Flags) => {
      const { doFit, formatVersions } = await import('./output/version-text.ts');
      const versions = { client, ...(!flags.client && { scheduler: await readScheduler(flags, context) }) };
      if (flags.output === 'text') console.log(formatVersions(versions, context.screen()));
      else console.log((await import('./output/print.ts')).formatDocument(versions, flags.output));
      context.setExitCode(doFit(versions) === false ? 1 : 0);
    });
}

async function readScheduler(flags: Flags, { environment }: CommandContext): Promise<SchedulerVersion> {
  const { readSchedulerImage } = await import('./cluster/connect.ts');
  const { versionOfImage } = await import('./output/version-text.ts');
  try {
    return versionOfImage(await readSchedulerImage({ ...flags, environment }));
  } catch (error) {
    return { kind: 'Unknown', why: messageOf(error) };
  }
}
