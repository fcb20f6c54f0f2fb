import type { Command } from 'commander';
import { addClean } from './clean.ts';
import { addComplete } from './complete.ts';
import type { CommandContext } from './context.ts';
import { addExplain } from './explain.ts';
import { addLint } from './lint.ts';
import { addLocal } from './local.ts';
import { addPage } from './page.ts';
import { addPlan } from './plan.ts';
import { addRun } from './run.ts';
import { addScheduler } from './scheduler.ts';
import { addSchema } from './schema.ts';
import { addSet } from './set/set.ts';
import { addStatus } from './status.ts';
import { addVersion } from './version.ts';

/** Adds every command, in the order of the help. `words` are those of the command line. */
export async function addCommands(program: Command, context: CommandContext, words: readonly string[]): Promise<void> {
  addScheduler(program, context);
  addLocal(program, context);
  addClean(program, context);
  addPlan(program, context);
  addExplain(program, context);
  addRun(program, context);
  addStatus(program, context);
  addPage(program, context);
  addSet(program, context);
  addLint(program, context);
  addSchema(program);
  addVersion(program, context);
  await addComplete(program, context, words);
}
