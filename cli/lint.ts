import { type Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import type { Finding } from '../scheduler/policy/files/findings.ts';
import type { LintResult } from '../scheduler/policy/lint.ts';
import type { CommandContext } from './context.ts';
import type { FileFinding } from './findings/file-finding.ts';
import type { InputText } from './input/read-texts.ts';

type Output = 'text' | 'json' | 'github' | 'sarif';

interface Flags {
  readonly next?: number;
  readonly output: Output;
}

/** The result for all files. */
interface Linted {
  readonly policies: number;
  readonly sets: number;
  /** The files found in directories that have no policy. */
  readonly others: number;
  readonly findings: readonly FileFinding[];
  /** The next scheduled times, as lines. */
  readonly forecasts: readonly string[];
}

/** Adds `nodesweep lint`, which checks policies and image sets. */
export function addLint(program: Command, { setExitCode }: CommandContext): void {
  const command = program
    .command('lint')
    .description(
      'check policies and image sets: ConfigMap manifests, or documents such as cleanup.yaml and prepull.yaml',
    )
    .argument('<files...>', 'files, directories (all *.yaml, *.yml and *.json below them), or - for standard input')
    .addOption(
      new Option('--next <count>', 'show this many of the next scheduled times of each policy').argParser(parseCount),
    )
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['text', 'json', 'github', 'sarif']).default('text'),
    )
    .addHelpText(
      'after',
      `
Examples:
  nodesweep lint policies/                       every policy in a directory
  kustomize build . | nodesweep lint -           the policies among other objects
  nodesweep lint -o github policies/             annotations in a workflow of GitHub Actions

Prints every problem and warning as file:line:column: policy/field: message. An image set is a ConfigMap with the label
nodesweep.io/kind: image-set; each malformed line of it is a problem.
Exit codes:  0 all policies and image sets are valid; 1 there are problems`,
    )
    .action(async (paths: readonly string[], { next = 0, output }: Flags) => {
      if (next > 0 && output !== 'text') command.error('error: --next is for text only', { exitCode: 2 });
      const linted = await lintFiles(paths, next);
      console.log(await format(linted, output));
      if (hasProblem(linted)) setExitCode(1);
    });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}

async function lintFiles(paths: readonly string[], next: number): Promise<Linted> {
  const { readTexts } = await import('./input/read-texts.ts');
  const { lintText, lintWarnings } = await import('../scheduler/policy/lint.ts');
  const { runKinds } = await import('../scheduler/kinds.ts');
  const { forecast } = await import('./output/forecast.ts');
  const now = new Date();
  const inputs: CheckedText[] = [];
  for await (const input of readTexts(paths))
    inputs.push({ input, result: input.text === undefined ? undefined : lintText(input.name, input.text, runKinds) });
  const sets = inputs.flatMap(({ result }) => result?.sets ?? []);
  const found = inputs.map(({ input, result }) => {
    if (result === undefined) return unreadable(input);
    if (isSkipped(input, result)) return skipped;
    const findings = [...result.problems, ...lintWarnings(result, now, sets)]
      .toSorted(byPlace)
      .map((finding) => ({ file: input.file, ...finding }));
    const forecasts =
      next > 0 ? [...result.valid].flatMap(([name, { policy }]) => forecast(name, policy, next, now)) : [];
    return { policies: result.policies, sets: result.sets.length, others: 0, findings, forecasts };
  });
  return requirePolicy(paths, join(found));
}

/** A text, and its policies and image sets. They are undefined if the file can't be read. */
interface CheckedText {
  readonly input: InputText;
  readonly result: LintResult | undefined;
}

function byPlace(a: Finding, b: Finding): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** A file in a directory may be of something else. A file that somebody named must have a policy. */
function isSkipped({ isFound }: InputText, { isOther }: LintResult): boolean {
  return isFound && isOther;
}

const skipped: Linted = { policies: 0, sets: 0, others: 1, findings: [], forecasts: [] };

function unreadable({ file, error }: InputText): Linted {
  const finding = { file, severity: 'error', path: '', message: `can't be read: ${error}` } as const;
  return { policies: 0, sets: 0, others: 0, findings: [finding], forecasts: [] };
}

function join(all: readonly Linted[]): Linted {
  return {
    policies: all.reduce((sum, { policies }) => sum + policies, 0),
    sets: all.reduce((sum, { sets }) => sum + sets, 0),
    others: all.reduce((sum, { others }) => sum + others, 0),
    findings: all.flatMap(({ findings }) => findings),
    forecasts: all.flatMap(({ forecasts }) => forecasts),
  };
}

/** Nothing to check is a problem: the directory may be the wrong one. */
function requirePolicy(paths: readonly string[], linted: Linted): Linted {
  if (linted.policies + linted.sets > 0 || linted.findings.length > 0) return linted;
  const message = 'has no policy in its *.yaml, *.yml and *.json files';
  const findings = paths.map((file) => ({ file, severity: 'error', path: '', message }) as const);
  return { ...linted, findings };
}

function hasProblem({ findings }: Linted): boolean {
  return findings.some(({ severity }) => severity === 'error');
}

async function format(linted: Linted, output: Output): Promise<string> {
  const { findings } = linted;
  switch (output) {
    case 'json':
      return (await import('./findings/json.ts')).formatJson(linted, findings);
    case 'sarif':
      return (await import('./findings/sarif.ts')).formatSarif(findings, manifest.version);
    case 'github': {
      const { formatGithub } = await import('./findings/github.ts');
      return [...findings.map(formatGithub), ...summary(linted)].join('\n');
    }
    case 'text': {
      const { formatFinding } = await import('../scheduler/policy/files/findings.ts');
      const lines = findings.map((finding) => formatFinding(finding.file, finding));
      return [...lines, ...linted.forecasts, ...summary(linted)].join('\n');
    }
    default:
      return output satisfies never;
  }
}

/** The last line, if there are no problems. */
function summary(linted: Linted): readonly string[] {
  if (hasProblem(linted)) return [];
  const { policies, sets, others } = linted;
  const counts = [
    ...(policies > 0 || sets === 0 ? [`${policies} ${policies === 1 ? 'policy' : 'policies'}`] : []),
    ...(sets > 0 ? [`${sets} image ${sets === 1 ? 'set' : 'sets'}`] : []),
  ];
  const valid = `${counts.join(' and ')} ${policies + sets === 1 ? 'is' : 'are'} valid`;
  if (others === 0) return [valid];
  return [`${valid}; ${others} other ${others === 1 ? 'file has' : 'files have'} no policy`];
}
