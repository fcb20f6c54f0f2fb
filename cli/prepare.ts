import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from './context.ts';

/**
 * Adds `nodesweep prepare`, the first container of each puller. It is no command for users, so no help lists it: the program
 * adds it only if it is called.
 */
export function addPrepare(program: Command, { setExitCode }: Pick<CommandContext, 'setExitCode'>): void {
  program
    .command('prepare')
    .description('internal: look at the disk of this node, and write the executable for the containers of a puller')
    .requiredOption('--directory <path>', 'directory that the containers share')
    .option('--max-percent <percent>', 'end with exit code 1 if the disk is fuller', parsePercent)
    .option('--report <file>', 'file to write the result to, as JSON')
    .addHelpText('after', '\nExit codes:  0 ready; 1 the disk is too full; 2 an error')
    .action(async ({ directory, maxPercent, report }) => {
      const { prepare } = await import('../puller/main.ts');
      setExitCode(await prepare({ directory, maxPercent, report }));
    });
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (text.trim() !== '' && percent >= 0 && percent <= 100) return percent;
  throw new InvalidArgumentError('must be a number from 0 to 100');
}
