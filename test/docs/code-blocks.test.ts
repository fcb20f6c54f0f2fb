import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { runKinds } from '../../scheduler/kinds.ts';
import { lintText } from '../../scheduler/policy/lint.ts';
import { settings } from '../../scheduler/settings/settings.ts';
import { runProgram } from '../helpers/program.ts';
import { codeBlocks, codeSpans, commandLines, documents, top } from './documents.ts';

const yamlBlocks = documents.flatMap((document) =>
  codeBlocks(document, 'yaml').map((text) => ({ path: document.path, text })),
);
/** A block is a policy, unless it is an object of another kind, or values of the Helm chart. */
const policies = yamlBlocks.filter(
  ({ text }) =>
    text.includes('nodesweep.io/kind: policy') || !/^(apiVersion: |kind: |policies:|imageSets:)/m.test(text),
);
const lines = documents.flatMap(commandLines);
const pages = documents.filter(({ path }) => path !== 'CONTRIBUTING.md');
const sources = globSync(['main.ts', '{cleaner,cli,contract,puller,scheduler,sets}/**/*.ts'], { cwd: top })
  .map((path) => readFileSync(join(top, path), 'utf8'))
  .join('\n');

/** Names of Kubernetes, kubeadm and Karpenter that the program does not use. */
const elsewhere: ReadonlySet<string> = new Set([
  'AlwaysVerify',
  'FailedMount',
  'JoinConfiguration',
  'NeverVerify',
  'NeverVerifyAllowlistedImages',
  'NeverVerifyPreloadedImages',
  'NodePool',
]);

/** The different texts in the pages that match. */
function mentioned(pattern: RegExp): readonly string[] {
  return [...new Set(pages.flatMap(({ text }) => [...text.matchAll(pattern)].map(([match]) => match)))];
}

function nameFor(text: string): string {
  if (text.includes('kind: ConfigMap')) return 'manifest.yaml';
  return /^lists:/m.test(text) ? 'prepull.yaml' : 'cleanup.yaml';
}

it('there are policies in the documents', () => {
  expect(policies.length).toBeGreaterThan(1);
});

it.each(policies)('the policies in $path are valid: $text', ({ text }) => {
  const result = lintText(nameFor(text), text, runKinds);
  expect(result.problems).toEqual([]);
  expect(result.policies).toBeGreaterThan(0);
});

it('every other block of YAML can be read', () => {
  const problems = yamlBlocks.flatMap(({ path, text }) =>
    parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => `${path}: ${message}`)),
  );
  expect(problems).toEqual([]);
});

it('every npm script that a document names exists', () => {
  const names = lines.flatMap((line) => [...line.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

it('every directory of manifests that a document installs exists', () => {
  const paths = lines.flatMap((line) => [...line.matchAll(/kubectl \w+ -k (\S+)/g)].map(([, path = '']) => path));
  expect(paths.length).toBeGreaterThan(1);
  expect(paths.filter((path) => !existsSync(join(top, path, 'kustomization.yaml')))).toEqual([]);
});

it('every setting that a page names exists', () => {
  const known = new Set<string>(Object.values(settings).map(({ variable }) => variable));
  const named = mentioned(/NODESWEEP_[A-Z_]+/g);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

it('every label, annotation and taint that a page names is one of the program', () => {
  const named = mentioned(/(?<![\w.-])nodesweep\.io\/[a-z][a-z-]*/g);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !sources.includes(name))).toEqual([]);
});

it('every metric that a page names is one of the program', () => {
  const named = mentioned(/nodesweep_[a-z_]+[a-z]/g);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !sources.includes(name.replace(/_(bucket|sum|count)$/, '')))).toEqual([]);
});

it('every reason that a page names is one of the program, and every alert one of the rules', () => {
  const own = pages.filter(({ path }) => !path.startsWith('docs/other-tools/'));
  const spans = own.flatMap(({ text }) => codeSpans(text)).filter((span) => /^([A-Z][a-z]+){2,}$/.test(span));
  const named = [...new Set(spans)];
  expect(named.length).toBeGreaterThan(40);
  // The Event of a run that ends has the outcome in its reason.
  const rules = readFileSync(join(top, 'manifests/monitoring/rules.yaml'), 'utf8');
  const isKnown = (name: string) =>
    name.startsWith('Nodesweep')
      ? rules.includes(`alert: ${name}\n`)
      : sources.includes(name.replace(/^Run(?=[A-Z])/, '')) || elsewhere.has(name);
  expect(named.filter((name) => !isKnown(name))).toEqual([]);
});

describe('a command of nodesweep that a document names', () => {
  const call = /(?:^|&&|\|\|?|[;(!]|\b(?:sudo|npx|kubectl)) *nodesweep (set [a-z]+|[a-z]+)(?=[ )]|$)([^|&;)]*)/g;
  const calls = lines.flatMap((line) =>
    [...line.matchAll(call)].map(([, command = '', rest = '']) => ({
      command,
      flags: [...rest.matchAll(/(?<= )--?[a-z][a-z-]*/g)].map(([flag]) => flag),
    })),
  );
  const commands = Object.entries(Object.groupBy(calls, ({ command }) => command)).map(([command, uses = []]) => ({
    command,
    flags: [...new Set(uses.flatMap(({ flags }) => flags))],
  }));

  it('is found in the text', () => {
    expect(commands.length).toBeGreaterThan(6);
  });

  it.each(commands)('exists, with its flags: $command $flags', async ({ command, flags }) => {
    const { stdout, exitCode } = await runProgram([...command.split(' '), '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: nodesweep ${command} `);
    const known = new Set([...stdout.matchAll(/(?<=[\s,])--?[a-z][a-z-]*/g)].map(([flag]) => flag));
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });
});
