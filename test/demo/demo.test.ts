import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Saves a quarter of the time that running from source takes. */
const compileCache = fileURLToPath(new URL('../../node_modules/.cache/nodesweep', import.meta.url));
const script = fileURLToPath(new URL('./main.ts', import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-test-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** The demo without its pauses for the reader, and with a place of its own for temporary files. */
function startDemo(...options: readonly string[]) {
  return execaNode(script, ['--pause', '1', ...options], {
    env: { TMPDIR: directory, NO_COLOR: '1', NODE_COMPILE_CACHE: compileCache },
    ipc: false,
    reject: false,
  });
}

function untilSaid(demo: ReturnType<typeof startDemo>, words: string): Promise<void> {
  return new Promise((resolve) => {
    demo.stdout.on('data', (text: Buffer) => String(text).includes(words) && resolve());
  });
}

test('the demo frees the disks of all nodes, keeps used images and those of lists, and leaves nothing behind', async () => {
  const { exitCode, stdout, stderr } = await startDemo();

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^node-1 {2}84 % █{17}░{3} {2}→ 59 % █{12}░{8} {2}25 GB freed$/m);
  expect(stdout).toMatch(/= report-job:5, search:7, shop:2\.4 {2}used by a container, running or exited/);
  expect(stdout).toMatch(/^all +42 images +114\.6 GB$/m);
  expect(stdout).toMatch(/^docker\.io\/acme\/model:7 +models +0\/1 +0 +0 +1 +-$/m);
  expect(stdout).toMatch(/^docker\.io\/acme\/shop:3\.0 +base +3\/3 +0 +0 +0 +sha256:[0-9a-f]{6}…$/m);
  expect(stdout).toMatch(
    /^docker\.io\/acme\/model:7: 1 node NotFound: docker\.io\/acme\/model:7: not found \(node-3\)$/m,
  );
  expect(stdout.match(/= search:8, shop:3\.0 {2}wanted by an image list/g)).toHaveLength(3);
  expect(stdout).toMatch(/kubectl apply -k manifests/);
  expect(await readdir(directory)).toEqual([]);
}, 180_000);

test('a demo that is interrupted ends its scheduler and cleaners, and leaves nothing behind', async () => {
  const demo = startDemo();
  await untilSaid(demo, 'GB freed');
  demo.kill('SIGINT');
  demo.kill('SIGINT');
  const { exitCode, stderr } = await demo;

  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'The demo ended early: stopped by SIGINT' });
  expect(await readdir(directory)).toEqual([]);
}, 120_000);

test('a demo that nobody watches any more leaves nothing behind', async () => {
  const demo = startDemo();
  await untilSaid(demo, 'run 1');
  demo.stdout.destroy();
  const { exitCode } = await demo;

  expect(exitCode).toBe(1);
  expect(await readdir(directory)).toEqual([]);
}, 120_000);

test('the demo keeps its status page up until somebody ends it, if that is asked for', async () => {
  const demo = startDemo('--page');
  let said = '';
  demo.stdout.on('data', (text: Buffer) => {
    said += String(text);
  });
  await untilSaid(demo, 'The status page stays up');
  const [, url = ''] = /The status page is at (\S+)/.exec(said) ?? [];
  const page = await (await fetch(url)).text();
  demo.kill('SIGINT');
  const { exitCode, stderr } = await demo;

  expect(page).toMatch(/<a href="\/nodes\/node-3">node-3<\/a>/);
  expect(page).toContain('docker.io/acme/model:7');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(await readdir(directory)).toEqual([]);
}, 180_000);
