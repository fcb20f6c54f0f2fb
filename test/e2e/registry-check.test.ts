import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openRegistries } from '../../scheduler/registry/open.ts';
import { signalServer } from '../cluster/process.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../cluster/registry.ts';
import { buildImageSpec, fillerLayers, type WrittenImage } from '../helpers/images.ts';

/** A real registry with a password, asked as the scheduler asks it. */
let directory: string;
let registry: PrivateRegistry;
let images: readonly WrittenImage[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registry-check-'));
  registry = await startPrivateRegistry(directory);
  const build = (name: string) => buildImageSpec({ names: [name], layers: fillerLayers(name) });
  images = await registry.push(['team/app:1', 'team/gone:1', 'other/app:1'].map(build));
});
afterAll(async () => {
  await registry.stop();
  await rm(directory, { recursive: true, force: true });
});

const nameOf = (image: WrittenImage | undefined) =>
  `${registry.address}/${image?.names[0]?.replace(/:.*/, '')}@${image?.digest}`;

/** A scheduler that has not asked anything yet. */
async function open(dockerConfig?: string, timeoutMs = 5_000) {
  const file = join(directory, 'config.json');
  if (dockerConfig !== undefined) await writeFile(file, dockerConfig);
  const secrets = dockerConfig === undefined ? [] : [file];
  return openRegistries({ secrets, plainHosts: [], timeoutMs }, { warn: () => {} });
}

it('with the pull secret, an image is present, also in an index, and one that nobody pushed is absent (S12)', async () => {
  const registries = await open(registry.dockerConfig);
  const [app, , other] = images;
  if (app === undefined) throw new Error('nothing was pushed');
  expect(await registries.ask(nameOf(app))).toEqual({ kind: 'Present' });
  const index = await registry.pushIndex('team/app:index', app, 'amd64');
  expect(await registries.ask(`${registry.address}/team/app@${index}`)).toEqual({ kind: 'Present' });
  // It is in another repository of the registry.
  const elsewhere = `${registry.address}/team/app@${other?.digest}`;
  expect(await registries.ask(elsewhere)).toEqual({ kind: 'Absent' });
  const unknown = `${registry.address}/nobody/pushed@${app.digest}`;
  expect(await registries.ask(unknown)).toEqual({ kind: 'Absent' });
});

it('an image whose manifest was deleted is absent, although its layers are still there (S12)', async () => {
  const [, gone] = images;
  expect(await (await open(registry.dockerConfig)).ask(nameOf(gone))).toEqual({ kind: 'Present' });
  await registry.deleteManifest('team/gone', gone?.digest ?? '');
  expect(await (await open(registry.dockerConfig)).ask(nameOf(gone))).toEqual({ kind: 'Absent' });
});

it.each([
  ['no pull secret', () => undefined],
  ['a wrong password', () => registry.dockerConfig.replace('only-for-tests', 'wrong')],
  ['a secret for another path', () => registry.dockerConfigBelow('other')],
])('with %s nothing is known of an image, and the cause is access (S12)', async (_, config) => {
  const answer = await (await open(config())).ask(nameOf(images[0]));
  expect(answer).toEqual({ kind: 'Unknown', why: 'it denies access (401): check the pull secrets of the scheduler' });
});

it('of a registry that hangs or is down, nothing is known, with the cause (S12)', async () => {
  onTestFinished(async () => {
    await signalServer(directory, 'registry', 'SIGCONT');
    await registry.stop();
    await registry.start();
  });
  await signalServer(directory, 'registry', 'SIGSTOP');
  const hanging = await open(registry.dockerConfig, 300);
  expect(await hanging.ask(nameOf(images[0]))).toEqual({
    kind: 'Unknown',
    why: expect.stringMatching(/^it (?:did not answer in time|could not be reached)/),
  });
  await signalServer(directory, 'registry', 'SIGCONT');
  await registry.stop();
  const down = await open(registry.dockerConfig);
  const digests = Array.from({ length: 200 }, (_, index) => `sha256:${String(index).padStart(64, '0')}`);
  const answers = await Promise.all(digests.map((digest) => down.ask(`${registry.address}/team/app@${digest}`)));
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['Unknown']));
  expect(answers[0]).toMatchObject({ why: expect.stringContaining('ECONNREFUSED') });
});
