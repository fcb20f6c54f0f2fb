import type { Command } from 'commander';

/**
 * Adds `nodesweep complete SHELL`, which prints the completion script of a shell. The script calls `complete -- WORDS` for
 * the possible next words. Call it after all other commands are added, because it completes only these.
 */
export async function addComplete(program: Command, [commandName, shell]: readonly string[]): Promise<void> {
  if (program.name() !== 'nodesweep' && shell !== '--') return addKubectlCompletion(program);
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

/** kubectl completes the words of its plugins itself, in all shells. */
function addKubectlCompletion(program: Command): void {
  program
    .command('complete')
    .description('print the file kubectl_complete-nodesweep, with which kubectl completes the words of this plugin')
    .addHelpText(
      'after',
      `
kubectl calls this file if it is on PATH and executable:
  nodesweep complete > ~/.local/bin/kubectl_complete-nodesweep
  chmod +x ~/.local/bin/kubectl_complete-nodesweep`,
    )
    .action(async () => {
      const { kubectlCompletion } = await import('./output/kubectl-completion.ts');
      console.log(kubectlCompletion);
    });
}
