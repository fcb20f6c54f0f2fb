import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { JobDocument } from '../../contract/job.ts';
import { boundReferencesFile } from '../../contract/packed-references.ts';
import { JobTooLargeError } from '../pods/job-too-large.ts';
import type { JobMap } from '../pods/pod-template.ts';

/** Maximum size of the values of a ConfigMap, which has at most 1 MiB with its keys. */
const maxDataBytes = 1_000_000;
/** A job up to this size is stored as plain text, which `kubectl` shows. */
const maxPlainBytes = 200_000;
/** Limits of a job: each kubelet reads all its ConfigMaps, and a cleaner needs about 100 MB for all references. */
const maxParts = 4;
const maxReferences = 100_000;

/**
 * The ConfigMaps of a job. The last one has `job.json`. The others have packed references, if there are too many for it.
 * Their names depend on their content, so that those of two lists never mix. Rejects with a {@link JobTooLargeError}.
 */
export async function packJob(name: string, job: JobDocument): Promise<readonly JobMap[]> {
  const references = [...new Set(job.workloadReferences)].sort();
  const plain = writeJob(job, references, []);
  if (plain.length <= maxPlainBytes) return [{ name, data: { 'job.json': plain } }];
  const packed = await packInParts(job.run, references);
  const files = packed.map(
    (bytes) => `workload-references-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`,
  );
  const text = writeJob(job, [], files);
  if (Buffer.byteLength(text) > maxDataBytes) {
    throw new JobTooLargeError(
      `the job of run ${job.run} has ${Buffer.byteLength(text)} bytes without any references, and a ConfigMap holds ${maxDataBytes}: shorten images.include and images.exclude of policy ${job.policy}`,
    );
  }
  const parts = files.map((file, index) => ({
    name: `${name}.${file}`,
    binaryData: { [file]: packed[index]?.toString('base64') ?? '' },
  }));
  return [...parts, { name, data: { 'job.json': text } }];
}

/** The names of the ConfigMaps of {@link packJob}, from the content of the last one. */
export function jobMapNames(name: string, job: Pick<JobDocument, 'referenceFiles'>): string[] {
  return [...(job.referenceFiles?.workloadReferences ?? []).map((file) => `${name}.${file}`), name];
}

function writeJob(job: JobDocument, workloadReferences: readonly string[], files: readonly string[]): string {
  const referenceFiles = {
    startingReferences: [boundReferencesFile],
    ...(files.length > 0 && { workloadReferences: [...files] }),
  };
  return JSON.stringify({ ...job, workloadReferences, referenceFiles });
}

/** Splits references into as few parts as possible, each small enough for a ConfigMap. */
async function packInParts(run: string, references: readonly string[]): Promise<Buffer[]> {
  const words = `the workloads of the cluster name ${references.length} different images`;
  const advice = 'turn images.protectWorkloads off, or lower revisionHistoryLimit of the workloads';
  if (references.length > maxReferences)
    throw new JobTooLargeError(`run ${run}: ${words}, and a job holds ${maxReferences}: ${advice}`);
  for (let parts = 1; parts <= maxParts; parts += 1) {
    const size = Math.ceil(references.length / parts);
    const starts = Array.from({ length: parts }, (_, index) => index * size);
    const packed = await Promise.all(starts.map((start) => compress(references.slice(start, start + size))));
    if (packed.every(({ length }) => length <= maxDataBytes)) return packed;
  }
  throw new JobTooLargeError(`run ${run}: ${words}, and they need more than ${maxParts} ConfigMaps: ${advice}`);
}

/** Compresses outside of the event loop, because a long list takes a second. */
function compress(references: readonly string[]): Promise<Buffer> {
  return promisify(gzip)(JSON.stringify(references));
}
