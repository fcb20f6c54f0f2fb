import { type Command, Option } from 'commander';
import { settings } from '../scheduler/settings/settings.ts';
import type { CommandContext } from './context.ts';

/** Adds `nodesweep scheduler`, which serves a cluster until it is stopped. */
export function addScheduler(program: Command, { environment }: CommandContext): void {
  const command = program
    .command('scheduler')
    .description(
      'evaluate the policies of a cluster and start pods that clean nodes and pull images, until it is stopped',
    );
  for (const { flag, variable, description, default: standard } of Object.values(settings)) {
    command.addOption(new Option(flag, standard ? `${description} (default: ${standard})` : description).env(variable));
  }
  command.action(async (flags) => {
    const { runScheduler } = await import('../scheduler/main.ts');
    await runScheduler(flags, environment);
  });
}
