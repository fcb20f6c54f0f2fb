#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError } from 'commander';
import { addClean } from './cli/clean.ts';
import type { CommandContext } from './cli/context.ts';
import { messageOf } from './contract/errors.ts';
import manifest from './package.json' with { type: 'json' };

/**
 * Percentage by which the heap may grow between two collections of its old generation. The long answers of a runtime and
 * of an API server soon become garbage; by default V8 collects it only when the heap has doubled.
 */
const heapGrowingPercent = 40;
setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);

/** The command line. Each command loads its modules when it runs, so that a cleaner does not load the Kubernetes client. */
const program = new Command('nodesweep')
  .description(manifest.description)
  .version(manifest.version)
  .showHelpAfterError('(use --help to see all commands and options)')
  .exitOverride();

const context: CommandContext = {
  environment: process.env,
  screen: () => ({ columns: process.stdout.columns, hasColors: process.stdout.isTTY && process.stdout.hasColors() }),
  setExitCode: (code) => {
    process.exitCode = code;
  },
  exit: (code) => process.exit(code),
  interrupted,
  onSignal: (listener) => {
    process.on('SIGTERM', listener).on('SIGINT', listener);
  },
};

const [, , ...words] = process.argv;
const [commandName] = words;
if (process.stdout.isTTY && words.some((word) => ['help', '--help', '-h'].includes(word))) await wrapHelp();
if (commandName === 'clean' || commandName === 'prepare') {
  // Each node starts these, so they must start fast: they load no other command, and do not use the slowest compiler of V8,
  // from which a short run gains nothing. Maglev still compiles the code that runs often.
  setFlagsFromString('--no-turbofan');
  if (commandName === 'clean') addClean(program, context);
  else (await import('./cli/prepare.ts')).addPrepare(program, context);
} else {
  const { addCommands } = await import('./cli/commands.ts');
  await addCommands(program, context, words);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Breaks the lines of the help between words. Commands take this over when they are added. */
async function wrapHelp(): Promise<void> {
  const { wrapHelp: wrap } = await import('./cli/output/layout/wrap-help.ts');
  program.configureOutput({ writeOut: (text) => process.stdout.write(wrap(text, process.stdout.columns)) });
}

/** Commander has printed its own errors. Prints all others. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(`nodesweep: ${messageOf(error)}`);
  return 2;
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
