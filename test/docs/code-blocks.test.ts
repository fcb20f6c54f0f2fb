import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { runKinds } from '../../scheduler/kinds.ts';
import { lintText } from '../../scheduler/policy/lint.ts';
import { runProgram } from '../helpers/program.ts';
import { codeBlocks, codeSpans, documents, top } from './documents.ts';

const policies = documents.flatMap((document) =>
  codeBlocks(document, 'yaml').map((text) => ({ path: document.path, text })),
);
const commandLines = documents.flatMap((document) => {
  const code = [...codeBlocks(document, 'sh').flatMap((block) => block.split('\n')), ...codeSpans(document.text)];
  return code.map((line) => line.replace(/\s+#.*$/, ''));
});

it('there are policies in the documents', () => {
  expect(policies.length).toBeGreaterThan(1);
});

it.each(policies)('the policy in $path is valid: $text', ({ text }) => {
  const name = text.includes('kind: ConfigMap') ? 'manifest.yaml' : 'cleanup.yaml';
  expect(lintText(name, text, runKinds)).toMatchObject({ policies: 1, problems: [] });
});

it('every npm script that a document names exists', () => {
  const names = commandLines.flatMap((line) => [...line.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

it('every directory of manifests that a document installs exists', () => {
  const paths = commandLines.flatMap((line) =>
    [...line.matchAll(/kubectl \w+ -k (\S+)/g)].map(([, path = '']) => path),
  );
  expect(paths.length).toBeGreaterThan(1);
  expect(paths.filter((path) => !existsSync(join(top, path, 'kustomization.yaml')))).toEqual([]);
});

describe('a command of nodesweep that a document names', () => {
  const calls = commandLines.flatMap((line) => {
    const [, command, rest = ''] = /^(?:npx )?nodesweep ([a-z]+)( .*)?$/.exec(line) ?? [];
    return command === undefined
      ? []
      : [{ command, flags: [...rest.matchAll(/(?<= )--?[a-z][a-z-]*/g)].map(([flag]) => flag) }];
  });
  const commands = Object.entries(Object.groupBy(calls, ({ command }) => command)).map(([command, uses = []]) => ({
    command,
    flags: [...new Set(uses.flatMap(({ flags }) => flags))],
  }));

  it('is found in the text', () => {
    expect(commands.length).toBeGreaterThan(6);
  });

  it.each(commands)('exists, with its flags: $command $flags', async ({ command, flags }) => {
    const { stdout, exitCode } = await runProgram([command, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: nodesweep ${command} `);
    const known = new Set([...stdout.matchAll(/(?<=[\s,])--?[a-z][a-z-]*/g)].map(([flag]) => flag));
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });
});
