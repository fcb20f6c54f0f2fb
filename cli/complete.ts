import type { Command } from 'commander';

/**
 * Adds `nodesweep complete SHELL`, which prints the completion script of a shell. The script calls `complete -- WORDS` for
 * the possible next words. Call it after all other commands are added, because it completes only these.
 */
export async function addComplete(program: Command, [commandName, shell]: readonly string[]): Promise<void> {
  if (commandName !== 'complete' || shell === 'bash') {
    program
      .command('complete')
      .description('print the completion script of a shell: bash, zsh, fish or powershell')
      .argument('<shell>')
      .action(async () => {
        const { bashCompletion } = await import('./output/bash-completion.ts');
        console.log(bashCompletion);
      });
    return;
  }
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program);
}
