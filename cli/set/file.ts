import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';

/** Adds `nodesweep set file`: a set from a file. */
export function addSetFile(parent: Command, context: CommandContext): void {
  const command = parent
    .command('file')
    .description('write an image set from a file with one image a line')
    .argument('<path>', 'a file, or - for standard input');
  addSetOptions(command)
    .addHelpText('after', setHelp)
    .action(async (path: string, flags: SetFlags) => {
      const { FileSource } = await import('../../sets/file/source.ts');
      await runSet('file', flags, context, () => new FileSource(path));
    });
}
