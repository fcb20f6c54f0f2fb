import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openLocalCluster } from '../../../scheduler/local/cluster.ts';
import { buildPolicyObject, buildRun } from '../../helpers/builders.ts';

it('a record on disk that cannot be read counts as a run that was started, and stays (C10, H35)', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-local-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [policies, state] = [join(directory, 'policies'), join(directory, 'state')];
  await mkdir(policies);
  await mkdir(join(state, 'runs'), { recursive: true });
  const record = join(state, 'runs', 'nightly-29540760.yaml');
  await writeFile(record, '{{');
  const logged: string[] = [];
  const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => logged.push(message) };
  const options = { policies, state, endpoint: ['a=unix:///run/a.sock'], logLevel: 'info' };
  const cluster = openLocalCluster(options, { program: [''], environment: {} }, log);
  await cluster.start(() => {});
  onTestFinished(() => cluster.stop());
  expect(logged).toEqual([expect.stringMatching(/nightly-29540760\.yaml is ignored: /)]);
  expect(await cluster.createRun(buildPolicyObject(), buildRun())).toEqual({ outcome: 'Unreadable' });
  expect(await cluster.createRun(buildPolicyObject(), buildRun({}, { name: 'nightly-1' }))).toMatchObject({
    outcome: 'Created',
  });
  expect(await cluster.createRun(buildPolicyObject(), buildRun({}, { name: 'nightly-1' }))).toMatchObject({
    outcome: 'AlreadyExists',
    run: { value: { name: 'nightly-1' } },
  });
  expect(await readFile(record, 'utf8')).toBe('{{');
});
