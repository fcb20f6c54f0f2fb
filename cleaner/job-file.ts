import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type Job, jobSchema } from '../contract/job.ts';

/** A job that can't be read or is wrong; the message names the file and every problem in it. */
export class JobFileError extends Error {
  override readonly name = 'JobFileError';
}

/** Reads a job as the scheduler writes it. */
export async function loadJobFile(path: string): Promise<Job> {
  const job = parseJson(path, await readText(path));
  const version = z.object({ version: z.unknown() }).safeParse(job).data?.version;
  if (version !== undefined && version !== 1) {
    throw new JobFileError(
      `job ${path} is of version ${JSON.stringify(version)}, and this cleaner knows version 1: run scheduler and cleaner from the same release`,
    );
  }
  const parsed = jobSchema.safeParse(job);
  if (parsed.success) return parsed.data;
  throw new JobFileError(`job ${path} is wrong: ${parsed.error.issues.map(describeIssue).join('; ')}`, {
    cause: parsed.error,
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new JobFileError(`job ${path} can't be read: check --job, and the ConfigMap mounted there (${why})`, {
      cause,
    });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JobFileError(`job ${path} is no complete JSON after ${text.length} characters: write it again`, {
      cause,
    });
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
