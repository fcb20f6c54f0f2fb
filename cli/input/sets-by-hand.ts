import { readSetFiles } from '../../cleaner/main.ts';
import type { FoundSet } from '../../cleaner/sets/found-set.ts';
import { namesOfSets } from '../../cleaner/sets/policy-sets.ts';
import { parseSetTime } from '../../contract/images/image-set.ts';
import type { Job } from '../../contract/job.ts';
import type { FileSet } from '../../scheduler/policy/files/set-file.ts';
import { findUnreadable } from '../../scheduler/policy/lint-sets.ts';

/** An image set, and the file that has it. */
export interface CandidateSet {
  readonly file: string;
  readonly set: FileSet;
}

/** The image sets of a job that is used by hand: from the directory, else from the manifests beside the policy. */
export async function findSetsByHand(
  job: Job,
  directory: string | undefined,
  candidates: readonly CandidateSet[],
): Promise<readonly FoundSet[]> {
  const mounted = await readSetFiles(job, directory);
  return namesOfSets(job).map(
    (name) =>
      mounted.find((set) => set.name === name) ??
      choose(
        name,
        candidates.filter(({ set }) => set.name === name),
      ),
  );
}

function choose(name: string, [first, ...others]: readonly CandidateSet[]): FoundSet {
  if (first === undefined)
    return { name, problem: 'it is neither among the manifests of --policy nor in a directory given with --sets' };
  if (others.length > 0) {
    const files = [first, ...others].map(({ file }) => file).join(', ');
    return { name, problem: `several manifests of --policy have its name: ${files}` };
  }
  const problem = findUnreadable(first.set);
  if (problem !== undefined) return { name, problem: `it ${problem}` };
  const updatedAt = parseSetTime(first.set.updatedAt);
  return { name, texts: first.set.texts, ...(updatedAt !== undefined && { updatedAt }) };
}
