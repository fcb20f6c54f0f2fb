import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LintResult } from '../scheduler/policy/lint.ts';
import type { CommandContext } from './context.ts';

/** Adds `nodesweep lint`, which checks policies. */
export function addLint(program: Command, { setExitCode }: CommandContext): void {
  program
    .command('lint')
    .description('check policies: ConfigMap manifests, or documents in files named cleanup.yaml or prepull.yaml')
    .argument('<files...>')
    .addOption(
      new Option('--next <count>', 'show this many of the next scheduled times of each policy').argParser(parseCount),
    )
    .addHelpText(
      'after',
      '\nPrints every problem and warning as file:path: message. Exit codes: 0 all policies are valid; 1 there are problems',
    )
    .action(async (files: readonly string[], { next = 0 }: { next?: number }) => {
      if (!(await lintFiles(files, next))) setExitCode(1);
    });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}

/** Prints the problems and warnings of all files; returns true if there are no problems. */
async function lintFiles(files: readonly string[], next: number): Promise<boolean> {
  const { lintText, lintWarnings } = await import('../scheduler/policy/lint.ts');
  const { runKinds } = await import('../scheduler/kinds.ts');
  const { forecast } = await import('./output/forecast.ts');
  const now = new Date();
  let policies = 0;
  let problems = 0;
  for (const file of files) {
    const result = await readText(file).then((text) => lintText(basename(file), text, runKinds), unreadable);
    for (const { path, message } of [...result.problems, ...lintWarnings(basename(file), result, runKinds, now)])
      console.log(`${[file, path].filter(Boolean).join(':')}: ${message}`);
    for (const [name, { policy }] of next > 0 ? result.valid : [])
      console.log(forecast(name, policy, next, now).join('\n'));
    policies += result.policies;
    problems += result.problems.length;
  }
  if (problems === 0) console.log(`${policies} ${policies === 1 ? 'policy is' : 'policies are'} valid`);
  return problems === 0;
}

/** The API server takes no text with bytes that are no UTF-8, which would be read as other characters. */
async function readText(file: string): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
}

function unreadable({ message }: Error): LintResult {
  return { policies: 0, problems: [{ path: '', message: `can't be read: ${message}` }], valid: new Map() };
}
