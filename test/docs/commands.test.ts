import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { buildContainer, buildImage, buildSimulatedNode, readNode } from '../fixtures/simulated/node.ts';
import { type Bench, createBench } from '../helpers/clean.ts';
import { runProgram, runProgramOn } from '../helpers/program.ts';
import { codeBlocks, commandLines, documents, readDocument } from './documents.ts';

const document = 'schedule: "@daily"\nimages:\n  keepSideLoaded: false\n';
const nginx = buildImage('docker.io/library/nginx:1.27');

function manifestOf(name: string, key: string, text: string): string {
  const metadata = { name, namespace: 'nodesweep', labels: { 'nodesweep.io/kind': 'policy' } };
  return stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { [key]: text } });
}

let bench: Bench;

beforeEach(async () => {
  bench = await createBench(
    buildSimulatedNode({
      images: [nginx, buildImage('docker.io/acme/web:1')],
      containers: [buildContainer(nginx)],
    }),
  );
});
afterEach(() => bench.remove());

describe('a command to clean by hand, as the document has it,', () => {
  const [, section = ''] = readDocument('docs/operations.md').text.split('## Clean a node by hand');
  const [script = ''] = codeBlocks({ path: 'docs/operations.md', text: section }, 'sh');
  const lines = commandLines({ path: 'docs/operations.md', text: `\`\`\`sh\n${script}\`\`\`` }).filter(Boolean);

  it('is one of at least three', () => {
    expect(lines.length).toBeGreaterThanOrEqual(3);
  });

  it.each(lines)('works on a node, and removes nothing: %s', async (line) => {
    await writeFile(join(bench.directory, 'cleanup.yaml'), document);
    await mkdir(join(bench.directory, 'policies'));
    for (const name of ['nightly', 'weekly'])
      await writeFile(join(bench.directory, 'policies', `${name}.yaml`), manifestOf(name, 'cleanup.yaml', document));
    const [, ...args] = line.trim().split(/ +/);
    const { stdout, stderr, exitCode } = await runProgramOn(bench, [...args, '--state', bench.stateDirectory]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toContain('nginx:1.27');
    expect(readNode(bench.nodeFile).images).toHaveLength(2);
  });
});

it('nodesweep lint accepts all policies of the documents, and warns of none', async () => {
  const blocks = documents.flatMap((page) => codeBlocks(page, 'yaml'));
  const policies = blocks.filter((text) => /^ *schedule: /m.test(text) && !/^(?:policies|imageSets):/.test(text));
  expect(policies.length).toBeGreaterThan(15);
  for (const [index, text] of policies.entries()) {
    const content: { kind?: string; lists?: unknown } = parse(text);
    const key = content.lists === undefined ? 'cleanup.yaml' : 'prepull.yaml';
    const manifest = content.kind === undefined ? manifestOf(`example-${index}`, key, text) : text;
    await writeFile(join(bench.directory, `${index}.yaml`), manifest);
  }
  const files = (await readdir(bench.directory)).filter((name) => name.endsWith('.yaml'));
  const { stdout, stderr, exitCode } = await runProgram(['lint', ...files], bench.directory);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).not.toContain('warning');
});
