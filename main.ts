#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError } from 'commander';
import { addClean } from './cli/clean.ts';
import type { CommandContext } from './cli/context.ts';
import { nameCalls, type ProgramName, programName } from './cli/program-name.ts';
import { messageOf } from './contract/errors.ts';
import manifest from './package.json' with { type: 'json' };

/**
 * Percentage by which the heap may grow between two collections of its old generation. The long answers of a runtime and
 * of an API server soon become garbage; by default V8 collects it only when the heap has doubled.
 */
const heapGrowingPercent = 40;
setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);

/** The exit code of Node.js for a module that waits for what never comes. */
const neverEnded = 13;

const context: CommandContext = {
  environment: process.env,
  program: programName(process.argv[1] ?? ''),
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

let hasEnded = false;
process.once('beforeExit', () => {
  if (!hasEnded) process.exitCode = neverEnded;
});
// A single-file executable is no module, so nothing is awaited here.
void start();

/** Runs the command of the command line, and sets the exit code. */
async function start(): Promise<void> {
  const words = process.argv.slice(2);
  const program = createProgram(context.program);
  if (words.some((word) => ['help', '--help', '-h'].includes(word))) await layOutHelp(program);
  await addCommands(program, words);
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
  hasEnded = true;
}

function createProgram(name: ProgramName): Command {
  return new Command(name)
    .description(manifest.description)
    .version(manifest.version)
    .configureOutput({ outputError: (text, write) => write(nameCalls(text, name)) })
    .showHelpAfterError('(use --help to see all commands and options)')
    .exitOverride();
}

/** Adds commands. Each loads its modules when it runs, so that a cleaner does not load the Kubernetes client. */
async function addCommands(program: Command, words: readonly string[]): Promise<void> {
  const [commandName] = words;
  if (commandName !== 'clean' && commandName !== 'prepare') {
    const commands = await import('./cli/commands.ts');
    return commands.addCommands(program, context, words);
  }
  // Each node starts these, so they must start fast: they load no other command, and do not use the slowest compiler of V8,
  // from which a short run gains nothing. Maglev still compiles the code that runs often.
  setFlagsFromString('--no-turbofan');
  if (commandName === 'clean') addClean(program, context);
  else (await import('./cli/prepare.ts')).addPrepare(program, context);
}

/**
 * Puts the name of the program in front of the commands in its help, and breaks its lines between words. Commands take this over
 * when they are added.
 */
async function layOutHelp(program: Command): Promise<void> {
  const { nameProgram } = await import('./cli/output/named-help.ts');
  const { wrapHelp } = await import('./cli/output/layout/wrap-help.ts');
  const commands = () => program.commands.map((command) => command.name());
  program.configureOutput({
    writeOut: (text) => {
      process.stdout.write(wrapHelp(nameProgram(text, program.name(), commands()), process.stdout.columns));
    },
  });
}

/** Commander has printed its own errors. Prints all others. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(`nodesweep: ${nameCalls(messageOf(error), context.program)}`);
  return 2;
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
