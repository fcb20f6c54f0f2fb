import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { addSetFile } from './file.ts';
import { addSetHarbor } from './harbor.ts';
import { addSetTrivy } from './trivy.ts';
import { addSetUrl } from './url.ts';

/** Adds `nodesweep set`: the producers of image sets, one command for each kind of source. */
export function addSet(program: Command, context: CommandContext): void {
  const command = program
    .command('set')
    .description('write an image set, which policies name in includeFrom, excludeFrom and removeFrom, from a source');
  addSetTrivy(command, context);
  addSetHarbor(command, context);
  addSetFile(command, context);
  addSetUrl(command, context);
}
