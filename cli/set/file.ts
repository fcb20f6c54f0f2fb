import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { addContentOptions, type ContentFlags, contentHelp, readContentOptions } from './content-options.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';

type Flags = SetFlags & ContentFlags;

/** Adds `nodesweep set file`: a set from a file. */
export function addSetFile(parent: Command, context: CommandContext): void {
  const command = parent
    .command('file')
    .description('write an image set from a file with lines, or with reports of a scanner')
    .argument('<path>', 'a file, or - for standard input');
  addSetOptions(addContentOptions(command))
    .addHelpText('after', `${contentHelp}\n${setHelp}`)
    .action(async (path: string, flags: Flags) => {
      const content = readContentOptions(command, flags);
      const { FileSource } = await import('../../sets/file/source.ts');
      await runSet('file', flags, context, () => new FileSource({ path, ...content }));
    });
}
