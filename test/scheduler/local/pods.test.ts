import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cleanerResult } from '../../../scheduler/cleanup/pod-result.ts';
import { LocalPods } from '../../../scheduler/local/pods.ts';
import { buildImage, buildSimulatedNode, simulatedCrictl, writeNode } from '../../fixtures/simulated/node.ts';
import { bundledProgram } from '../../helpers/bundle.ts';

const identity = { name: 'nightly-1-pod', run: 'nightly-1', node: 'east', attempt: 0 };
const job = JSON.stringify({
  version: 1,
  policy: 'nightly',
  run: 'nightly-1',
  images: { keepSideLoaded: false },
});
const slow = buildImage('docker.io/library/slow:1', { removal: { kind: 'Late', ms: 1_000 } });

let directory: string;
let pods: LocalPods;
let changed: () => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-pods-'));
  writeNode(join(directory, 'node.json'), buildSimulatedNode({ images: [slow] }));
  pods = openPods();
});

afterEach(async () => {
  await pods.stop();
  await rm(directory, { recursive: true });
});

function openPods(): LocalPods {
  const environment = { ...process.env, CRICTL: simulatedCrictl };
  const launch = { program: [process.execPath, bundledProgram()], environment, logLevel: 'silent' } as const;
  return new LocalPods(join(directory, 'pods'), launch, () => changed());
}

async function startCleaner(prepulled: readonly string[] = []): Promise<void> {
  const runtime = { socket: join(directory, 'node.json'), stateDirectory: join(directory, 'state') };
  return pods.create({ ...identity, job, references: { bound: [], prepulled }, runtime });
}

function nextChange(): Promise<void> {
  return new Promise((resolve) => {
    changed = resolve;
  });
}

async function readPid(): Promise<number> {
  return JSON.parse(await readFile(join(directory, 'pods', identity.name, 'pod.json'), 'utf8')).pid;
}

test('a cleaner that ends is a pod that succeeded, with its report', async () => {
  const ended = nextChange();
  await startCleaner();
  expect(pods.list()).toMatchObject([{ ...identity, phase: 'Running' }]);
  await ended;

  const [pod] = pods.list();
  expect(pod).toMatchObject({ phase: 'Succeeded', exitCode: 0 });
  expect(pod && cleanerResult(pod)).toMatchObject({ kind: 'Done', result: 'Succeeded', tally: { removed: 1 } });
});

test('a cleaner keeps the images that lists want on its node (P11)', async () => {
  const ended = nextChange();
  await startCleaner(slow.repoTags);
  await ended;
  const [pod] = pods.list();
  expect(pod && cleanerResult(pod)).toMatchObject({ kind: 'Done', result: 'Succeeded', tally: { removed: 0 } });
});

test('a cleaner that is killed is lost, also for the next process', async () => {
  const ended = nextChange();
  await startCleaner();
  process.kill(await readPid(), 'SIGKILL');
  await ended;

  const [pod] = pods.list();
  expect(pod).toMatchObject({ phase: 'Failed', containerReason: 'SIGKILL' });
  expect(pod && cleanerResult(pod)).toMatchObject({ kind: 'NotDone', reason: 'CleanerCrashed' });

  pods = openPods();
  await pods.load();
  expect(pods.list()).toMatchObject([{ ...identity, phase: 'Failed', containerReason: 'Lost' }]);
});

test('a cleaner that is deleted ends first, and leaves nothing behind', async () => {
  const ended = nextChange();
  await startCleaner();
  await pods.delete(identity.name);
  expect(pods.list()).toMatchObject([{ phase: 'Running', deletionTimestamp: expect.any(Date) }]);
  await ended;

  expect([pods.list(), await readdir(join(directory, 'pods'))]).toEqual([[], []]);
});

test('a second cleaner of the same name is not started', async () => {
  const ended = nextChange();
  await startCleaner();
  const pid = await readPid();
  await startCleaner();

  expect(await readPid()).toBe(pid);
  await ended;
});
