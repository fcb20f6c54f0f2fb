import type { Command as CompletedCommand } from '@bomb.sh/tab';
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/**
 * Adds `nodesweep complete SHELL`, which prints the completion script of a shell. The script calls `complete -- WORDS` for
 * the possible next words. Call it after all other commands are added, because it completes only these.
 */
export async function addComplete(
  program: Command,
  { environment }: CommandContext,
  [commandName, shell, ...line]: readonly string[],
): Promise<void> {
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
  if (shell === '--') {
    const { takesPath } = await import('./input/takes-path.ts');
    if (takesPath(program, line)) return addFileAnswer(program);
  }
  const { default: tab } = await import('@bomb.sh/tab/commander');
  const completion = tab(program);
  if (shell === '--') offerValues(completion.commands.get(line[0] ?? ''), await readValues(line, environment));
}

/** Leaves the completion to the shell, which knows the files: the answer has no word, and does not forbid them. */
function addFileAnswer(program: Command): void {
  program
    .command('complete')
    .argument('[words...]')
    .action(() => console.log(':0'));
}

/** The values of a cluster that the last word of the line may be. */
async function readValues(line: readonly string[], environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const { chosenCluster, wantedValue } = await import('./input/wanted-value.ts');
  const kind = wantedValue(line);
  if (kind === undefined) return [];
  const { readOfferedValues } = await import('./cluster/offered-values.ts');
  return readOfferedValues(kind, { ...chosenCluster(line), environment });
}

/** Offers values in every place of a command that has no choices of its own: only the place of the last word is asked for. */
function offerValues(command: CompletedCommand | undefined, values: readonly string[]): void {
  if (command === undefined || values.length === 0) return;
  const offer = (complete: (value: string, description: string) => void) => {
    for (const value of values) complete(value, '');
  };
  for (const place of command.arguments.values()) place.handler = offer;
  for (const name of ['node', 'namespace', 'context']) {
    const option = command.options.get(name);
    if (option !== undefined) option.handler = offer;
  }
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
