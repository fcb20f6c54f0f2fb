import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJobFile } from '../../../cleaner/job-file.ts';
import { packReferences } from '../../../contract/packed-references.ts';
import { jobMapNames, packJob } from '../../../scheduler/cleanup/job-maps.ts';
import { JobTooLargeError } from '../../../scheduler/pods/job-too-large.ts';
import type { JobMap } from '../../../scheduler/pods/pod-template.ts';

const job = { version: 1 as const, policy: 'nightly', run: 'nightly-1', images: { protectWorkloads: true } };
const digest = (index: number) => createHash('sha256').update(String(index)).digest('hex');
const digested = (count: number) =>
  Array.from({ length: count }, (_, index) => `registry.test/team/app@sha256:${digest(index)}`);
const sizeOf = ({ data = {}, binaryData = {} }: JobMap) =>
  Object.values(data).join('').length + Buffer.from(Object.values(binaryData).join(''), 'base64').length;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-maps-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Writes the files that a kubelet would mount, and reads them as the cleaner does. */
async function read(maps: readonly JobMap[], bound: readonly string[] | undefined) {
  for (const { data = {}, binaryData = {} } of maps) {
    for (const [name, text] of Object.entries(data)) await writeFile(join(directory, name), text);
    for (const [name, text] of Object.entries(binaryData))
      await writeFile(join(directory, name), Buffer.from(text, 'base64'));
  }
  if (bound !== undefined)
    await writeFile(join(directory, 'bound-references'), packReferences(bound).toString('base64'));
  return loadJobFile(join(directory, 'job.json'));
}

describe('a job', () => {
  it.each([
    ['few', 3, 1],
    ['14,000', 14_000, 2],
    ['60,000', 60_000, 3],
  ])(
    'with %s references is stored in ConfigMaps that the API server accepts, and is read completely (H21)',
    async (_, count, leastMaps) => {
      const references = digested(count);
      const packed = await packJob('nightly-1.job', { ...job, workloadReferences: [...references, ...references] });
      expect(packed.length).toBeGreaterThanOrEqual(leastMaps);
      for (const map of packed) expect(sizeOf(map)).toBeLessThan(1_048_576);
      const loaded = await read(packed, ['starting:1']);
      expect(new Set(loaded.workloadReferences)).toEqual(new Set(references));
      expect(loaded.startingReferences).toEqual(['starting:1']);
      const text = packed.at(-1)?.data?.['job.json'] ?? '';
      expect(jobMapNames('nightly-1.job', JSON.parse(text))).toEqual(packed.map(({ name }) => name));
    },
    60_000,
  );

  it('with more references than can be stored is refused, with the cause and the next step (H21)', async () => {
    const failed = packJob('nightly-1.job', { ...job, workloadReferences: digested(100_001) });
    await expect(failed).rejects.toThrow(JobTooLargeError);
    await expect(failed).rejects.toThrow(/name 100001 different images, and a job holds 100000: turn images\.protect/);
  });

  it('is not done if a file with references is missing or damaged (H4)', async () => {
    const packed = await packJob('nightly-1.job', job);
    await expect(read(packed, undefined)).rejects.toThrow(/bound-references, with references of images to keep/);
    for (const text of ['', 'H4sIAAAA', '[]']) {
      await writeFile(join(directory, 'bound-references'), text);
      await expect(loadJobFile(join(directory, 'job.json'))).rejects.toThrow(/are not a packed list of references/);
    }
  });
});
