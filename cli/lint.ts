import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './context.ts';

/** Adds `nodesweep lint`, which checks policies. */
export function addLint(program: Command, { setExitCode }: CommandContext): void {
  program
    .command('lint')
    .description('check policies: ConfigMap manifests, or documents in files named cleanup.yaml')
    .argument('<files...>')
    .addOption(
      new Option('--next <count>', 'show this many of the next scheduled times of each policy').argParser(parseCount),
    )
    .addHelpText(
      'after',
      '\nPrints every problem as file:path: message. Exit codes: 0 all policies are valid; 1 there are problems',
    )
    .action(async (files: readonly string[], { next = 0 }: { next?: number }) => {
      if (!(await lintFiles(files, next))) setExitCode(1);
    });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}

/** Prints the problems of all files; returns true if there are none. */
async function lintFiles(files: readonly string[], next: number): Promise<boolean> {
  const { lintText } = await import('../scheduler/policy/lint.ts');
  const { runKinds } = await import('../scheduler/kinds.ts');
  const { forecast } = await import('./forecast.ts');
  let policies = 0;
  let problems = 0;
  for (const file of files) {
    const result = await readFile(file, 'utf8').then(
      (text) => lintText(basename(file), text, runKinds),
      (error) => ({
        policies: 0,
        problems: [{ path: '', message: `can't be read: ${error.message}` }],
        valid: new Map(),
      }),
    );
    for (const { path, message } of result.problems)
      console.log(`${[file, path].filter(Boolean).join(':')}: ${message}`);
    for (const [name, policy] of next > 0 ? result.valid : [])
      console.log(forecast(name, policy, next, new Date()).join('\n'));
    policies += result.policies;
    problems += result.problems.length;
  }
  if (problems === 0) console.log(`${policies} ${policies === 1 ? 'policy is' : 'policies are'} valid`);
  return problems === 0;
}
