#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { addExplain } from './commands/explain.ts';
import { addPlan } from './commands/plan.ts';
import { addRun } from './commands/run.ts';
import { addStatus } from './commands/status.ts';
import manifest from './package.json' with { type: 'json' };
import { settings } from './scheduler/settings.ts';

/**
 * How much the heap may grow between two collections of its old part. The long answers of a runtime and of an API server are
 * garbage soon: V8 would let twice as much of it pile up before it looks.
 */
const heapGrowingPercent = 40;
setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** The command line. Each command loads what it needs when it runs: a cleaner starts without the client of the cluster. */
const program = new Command('nodesweep')
  .description(manifest.description)
  .version(manifest.version)
  .showHelpAfterError('(run it with --help to see what there is)')
  .exitOverride();

addScheduler();
addLocal();
addClean();
addPlan(program, process.env);
addExplain(program, process.env);
addRun(program, process.env, setExitCode);
addStatus(program, process.env, setExitCode);
addLint();
addSchema();
await addComplete();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Commander has already said what is wrong with a command line; anything else is said here. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(`nodesweep: ${error instanceof Error ? error.message : String(error)}`);
  return 2;
}

function setExitCode(code: number): void {
  process.exitCode = code;
}

function addScheduler(): void {
  const command = program
    .command('scheduler')
    .description('evaluate the policies of a cluster and start cleaner pods, until stopped');
  for (const { flag, variable, description, default: standard } of Object.values(settings)) {
    command.addOption(new Option(flag, standard ? `${description} (default: ${standard})` : description).env(variable));
  }
  command.action(async (flags) => {
    const { runScheduler } = await import('./scheduler/main.ts');
    await runScheduler(flags, process.env);
  });
}

function addLocal(): void {
  program
    .command('local')
    .description(
      'the scheduler for this machine, or for several runtimes: policies from a directory, cleaners as child processes',
    )
    .requiredOption(
      '--policies <directory>',
      'where the policies are: ConfigMap manifests in *.yaml, or <name>/cleanup.yaml',
    )
    .option(
      '--endpoint <name=endpoint...>',
      'a runtime to clean, like web=unix:///run/containerd/containerd.sock (default: this machine)',
    )
    .option('--state <directory>', 'where records and reports are kept', '/var/lib/nodesweep')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .addHelpText(
      'after',
      `
A runtime at a usual socket keeps its history beside its images, any other one in the state directory; that is also
the filesystem whose usage counts for a policy with \`disk\`.
Environment: CRICTL (path of crictl)`,
    )
    .action(async (options) => {
      const { runLocal } = await import('./scheduler/main.ts');
      await runLocal(options, process.env);
    });
}

function addClean(): void {
  program
    .command('clean')
    .description('remove the unused images of this node, as a job or a policy says')
    .addOption(new Option('--job <file>', 'the job, as the scheduler writes it').conflicts('policy'))
    .addOption(new Option('--policy <file>', 'a cleanup policy document, for use by hand'))
    .option('--report <file>', 'where to write the report')
    .option(
      '--state <directory>',
      'directory on the image filesystem, for the history (default: /var/lib/nodesweep; usage is measured where the runtime says its images are)',
    )
    .option('--dry-run', 'plan and report, and remove nothing', false)
    .addHelpText(
      'after',
      `
Environment: CRICTL (path of crictl), CONTAINER_RUNTIME_ENDPOINT, NODE_NAME, LOG_LEVEL
Exit codes:  0 done, also when there was nothing to do; 1 some removals failed or were not tried, or the report could
             not be written; 2 nothing was attempted
Runs as root, as the runtime's socket asks for it; crictl must be 1.24 or newer.`,
    )
    .action(async ({ job, policy, report, state, dryRun }, command: Command) => {
      if (job === undefined && policy === undefined)
        command.error('error: one of --job and --policy is needed', { exitCode: 2 });
      const { clean, loadJobFile } = await import('./cleaner/main.ts');
      const loadJob = () => (policy === undefined ? loadJobFile(job) : loadCleanPolicy(policy));
      // Calls of the runtime that were given up may still be open.
      process.exit(await clean({ loadJob, report, state, dryRun }, process.env));
    });
}

function addLint(): void {
  program
    .command('lint')
    .description('check policies: ConfigMap manifests, or documents in files named cleanup.yaml')
    .argument('<files...>')
    .addOption(new Option('--next <count>', 'show so many of the next slots of each policy').argParser(parseCount))
    .addHelpText(
      'after',
      '\nPrints every problem as file:path: message. Exit codes: 0 all policies are valid; 1 there are problems',
    )
    .action(lintFiles);
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}

async function lintFiles(files: readonly string[], { next = 0 }: { next?: number }): Promise<void> {
  const { lintText } = await import('./scheduler/lint.ts');
  const { forecast } = await import('./scheduler/forecast.ts');
  let policies = 0;
  let problems = 0;
  for (const file of files) {
    const result = await readFile(file, 'utf8').then(
      (text) => lintText(basename(file), text),
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
  else process.exitCode = 1;
}

function addSchema(): void {
  program
    .command('schema')
    .description('print the JSON Schema of the policy documents')
    .action(async () => {
      const { policyJsonSchema } = await import('./scheduler/policy.ts');
      console.log(JSON.stringify(policyJsonSchema(), undefined, 2));
    });
}

/** `complete SHELL` prints the shell's completion script, which asks `complete -- WORDS` for what may follow. */
async function addComplete(): Promise<void> {
  if (process.argv[2] !== 'complete') {
    program
      .command('complete')
      .description('print the completion script of a shell: bash, zsh, fish or powershell')
      .argument('<shell>');
    return;
  }
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program);
}

/** A policy that is safe to carry out by hand. */
async function loadCleanPolicy(file: string) {
  const { loadPolicyFile } = await import('./commands/policy-file.ts');
  const { refuseUnkeepable } = await import('./scheduler/manual.ts');
  return refuseUnkeepable(await loadPolicyFile(file));
}
