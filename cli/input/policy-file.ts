import { readFile } from 'node:fs/promises';
import type { Job } from '../../contract/job.ts';

/** The job of a cleanup policy document, for use by hand. */
export async function loadPolicyFile(file: string): Promise<Job> {
  const { jobOfPolicy } = await import('./policy-by-hand.ts');
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new Error(`the policy ${file} can't be read (${cause.message}): check the path given to --policy`, { cause });
  });
  return jobOfPolicy(file, text);
}
