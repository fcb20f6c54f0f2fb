import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { hasCode, messageOf } from '../contract/errors.ts';
import { type Job, jobSchema, unknownSetTime } from '../contract/job.ts';
import {
  boundReferencesFile,
  prepulledReferencesFile,
  removeReferencesFile,
  unpackReferences,
} from '../contract/packed-references.ts';
import { pullVerdictsFile, unpackVerdicts } from '../contract/pull-verdicts.ts';
import { namesOfSets } from './sets/policy-sets.ts';

/** A job that can't be read or is not valid. The message names the file and every problem. */
export class JobFileError extends Error {
  override readonly name = 'JobFileError';
}

/**
 * Reads a job of the scheduler, with the references in the files of its directory. The scheduler alone knows the times of
 * image sets, because a mounted file has the time at which the kubelet wrote it. Without the times, the age of each set is unknown.
 */
export async function loadJobFile(path: string): Promise<Job> {
  const job = await loadDocument(path);
  const { setTimes = Object.fromEntries(namesOfSets(job).map((name) => [name, unknownSetTime])) } = job;
  return { ...(await addReferences(job, dirname(path))), setTimes };
}

async function loadDocument(path: string): Promise<Job> {
  const job = parseJson(path, await readText(path));
  const version = z.object({ version: z.unknown() }).safeParse(job).data?.version;
  if (version !== undefined && version !== 1) {
    throw new JobFileError(
      `job ${path} has version ${JSON.stringify(version)}, but this cleaner needs version 1: use scheduler and cleaner of the same release`,
    );
  }
  const parsed = jobSchema.safeParse(job);
  if (parsed.success) return parsed.data;
  throw new JobFileError(`job ${path} is not valid: ${parsed.error.issues.map(describeIssue).join('; ')}`, {
    cause: parsed.error,
  });
}

/** Adds the references in the files of the job's directory to the job. */
async function addReferences(job: Job, directory: string): Promise<Job> {
  const { startingReferences = [], workloadReferences = [] } = job.referenceFiles ?? {};
  const starting = new Set([...startingReferences, ...(await filesOfPod(directory, boundReferencesFile))]);
  const prepulled = await filesOfPod(directory, prepulledReferencesFile);
  return {
    ...job,
    startingReferences: job.startingReferences.concat(...(await readReferences(directory, [...starting]))),
    workloadReferences: job.workloadReferences.concat(...(await readReferences(directory, workloadReferences))),
    prepulledReferences: job.prepulledReferences.concat(...(await readReferences(directory, prepulled))),
    ...(await readRemovals(job, join(directory, removeReferencesFile))),
    ...(await readVerdicts(join(directory, pullVerdictsFile))),
  };
}

/** The file, if the pod has it. The job of an older scheduler does not name a file that the pod of a newer one has. */
async function filesOfPod(directory: string, name: string): Promise<readonly string[]> {
  return (await hasFile(join(directory, name))) ? [name] : [];
}

async function readReferences(directory: string, names: readonly string[]): Promise<string[][]> {
  return Promise.all(names.map((name) => readPacked(join(directory, name), 'keep')));
}

/**
 * Reads the images to remove. Job and file must agree: without the field the job would remove everything that is unused,
 * although the scheduler named the images.
 */
async function readRemovals({ removeReferences }: Job, path: string): Promise<Pick<Job, 'removeReferences'>> {
  if (removeReferences !== undefined)
    return { removeReferences: removeReferences.concat(await readPacked(path, 'remove')) };
  if (!(await hasFile(path))) return {};
  throw new JobFileError(
    `${path} names images to remove, but the job has no removeReferences, so nothing is removed: use scheduler and cleaner of the same release`,
  );
}

async function readPacked(path: string, purpose: 'keep' | 'remove'): Promise<string[]> {
  try {
    return unpackReferences(await readFile(path));
  } catch (cause) {
    const why = messageOf(cause);
    throw new JobFileError(`${path}, with references of images to ${purpose}, can't be read: ${why}`, { cause });
  }
}

/** Reads the answers of registries. Without the file nothing is known. */
async function readVerdicts(path: string): Promise<Pick<Job, 'pullVerdicts'>> {
  if (!(await hasFile(path))) return {};
  try {
    return { pullVerdicts: unpackVerdicts(await readFile(path, 'latin1')) };
  } catch (cause) {
    const why = messageOf(cause);
    throw new JobFileError(`${path}, with the answers of registries, can't be read: ${why}`, { cause });
  }
}

async function hasFile(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    return !hasCode(error, 'ENOENT');
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = messageOf(cause);
    throw new JobFileError(`job ${path} can't be read: check --job, and the ConfigMap mounted there (${why})`, {
      cause,
    });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JobFileError(`job ${path} is not complete JSON after ${text.length} characters: write it again`, {
      cause,
    });
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
