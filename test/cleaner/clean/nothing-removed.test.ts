import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeBrokenCrictl } from '../../fixtures/broken-crictl/broken.ts';
import { buildContainer, type SimulatedNode } from '../../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, imagesLeft, nameOf, runClean } from '../../helpers/clean.ts';
import { old, prepare, web } from '../../helpers/node-to-clean.ts';

describe('the cleaner removes nothing, and its exit code is 2 (C36, T1),', () => {
  async function expectNothingAttempted(bench: Bench, run: CleanRun, message: RegExp): Promise<void> {
    expect(run.exitCode).toBe(2);
    expect(run.report).toMatchObject({ outcome: 'Failed', errors: [{ message: expect.stringMatching(message) }] });
    expect(run.events).toContainEqual(expect.objectContaining({ level: 'error', event: 'error' }));
    expect(imagesLeft(bench)).toEqual([nameOf(old), nameOf(web)]);
  }

  it.each([
    ['ps', 'rubbish', /"crictl ps -a -o json" gave an answer that can't be relied on \(it is not JSON/],
    ['ps', 'half', /"crictl ps -a -o json" gave an answer that can't be relied on \(it is cut off/],
    ['ps', 'fails', /"crictl ps -a -o json" ended with exit code 1: something broke; check CONTAINER_RUNTIME_ENDPOINT/],
    ['inspect', 'fails', /"crictl inspect -q -o json \(1 IDs\)" ended with exit code 1/],
    ['info', 'crashes', /"crictl info -o json" was ended by SIGKILL/],
  ] as const)('when crictl %s is %s', async (command, how, message) => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
    const CRICTL = await writeBrokenCrictl(bench.directory, command, how);
    await expectNothingAttempted(bench, await runClean(bench, [], { CRICTL }), message);
  });

  it.each<[what: string, env: (directory: string) => NodeJS.ProcessEnv, message: RegExp]>([
    ['crictl is missing', () => ({ CRICTL: '/nowhere/crictl' }), /^\/nowhere\/crictl was not found: install crictl/],
    [
      'crictl may not be executed',
      (directory) => ({ CRICTL: join(directory, 'job.json') }),
      /\(EACCES\): make it exec/,
    ],
    [
      'the socket is missing',
      () => ({ CONTAINER_RUNTIME_ENDPOINT: 'unix:///nowhere.sock' }),
      /dial unix \/nowhere.sock: connect: no such file or directory.*check CONTAINER_RUNTIME_ENDPOINT/,
    ],
    ['the list of containers lacks our own', () => ({ POD_UID: '1234' }), /lacks the container of this pod/],
  ])('when %s', async (_, env, message) => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
    await expectNothingAttempted(bench, await runClean(bench, [], env(bench.directory)), message);
  });

  it.each<[what: string, node: Partial<SimulatedNode>, message: RegExp]>([
    [
      'a container refers to no image (T3)',
      {
        containers: [buildContainer(web, { answer: { imageId: null, image: { image: 'ghost' }, imageRef: 'ghost' } })],
      },
      /container main \(.*\) uses ghost, which is not an image on this node: remove the container.*nothing was removed/,
    ],
    [
      'there are sandboxes without any container',
      {
        sandboxes: [
          { id: 's', name: 'web', namespace: 'default', state: 'SANDBOX_READY', createdAt: '2026-01-01T00:00:00Z' },
        ],
      },
      /the list of containers is empty although 1 pod sandboxes are ready/,
    ],
  ])('when %s', async (_, node, message) => {
    const bench = await prepare({ images: [web, old], ...node });
    await expectNothingAttempted(bench, await runClean(bench), message);
  });

  it.each<[what: string, spoil: (path: string) => Promise<void>, message: RegExp]>([
    ['missing', (path) => rm(path), /job .*job.json can't be read: check --job/],
    ['cut off', (path) => writeFile(path, '{"version":1,"pol'), /job .*job.json is not complete JSON/],
    ['of another version', (path) => writeFile(path, '{"version":2}'), /has version 2.*same release/],
    ['wrong twice', (path) => writeFile(path, '{"version":1,"run":"","x":1}'), /policy: .*run: .*"x"/],
  ])('when the job is %s', async (_, spoil, message) => {
    const bench = await prepare({ images: [web, old], containers: [buildContainer(web)] });
    await spoil(bench.jobFile);
    await expectNothingAttempted(bench, await runClean(bench), message);
  });
});
