import type { Task } from '../../cleaner/main.ts';
import type { Candidate } from './choose-policy.ts';
import type { CandidateSet } from './sets-by-hand.ts';

/** The policy that a person takes by hand. */
export interface PolicyChoice {
  /** A file, a directory, or `-` for standard input, as `nodesweep lint` takes them. */
  readonly path: string;
  /** The name of the policy, if there are several. */
  readonly name?: string | undefined;
  /** A directory with image sets. The manifests in `path` may have others. */
  readonly sets?: string | undefined;
}

/** The job and image sets of a cleanup policy, for use by hand. Rejects with a PolicyFileError if there is no such policy, or several. */
export async function loadPolicyFile({ path, name, sets: directory }: PolicyChoice): Promise<Task> {
  const { choosePolicy } = await import('./choose-policy.ts');
  const { jobOfPolicy } = await import('./policy-by-hand.ts');
  const { findSetsByHand } = await import('./sets-by-hand.ts');
  const { sets, ...candidates } = await readCandidates(path);
  const job = jobOfPolicy(choosePolicy(path, candidates, name));
  return { job, sets: await findSetsByHand(job, directory, sets) };
}

/** The policies of all kinds, the image sets, and the reasons why there may be others. */
async function readCandidates(path: string) {
  const { readTexts } = await import('./read-texts.ts');
  const { readPolicyFile } = await import('../../scheduler/policy/files/policy-file.ts');
  const { describeProblems } = await import('./choose-policy.ts');
  const { runKinds } = await import('../../scheduler/kinds.ts');
  const candidates: Candidate[] = [];
  const sets: CandidateSet[] = [];
  const problems: string[] = [];
  for await (const { file, name, isFound, text, error } of readTexts([path])) {
    if (text === undefined) {
      problems.push(`the policy ${file} can't be read: ${error}; check the path given to --policy`);
      continue;
    }
    const content = readPolicyFile(name, text, runKinds);
    if (content.kind === 'Policies') {
      candidates.push(...content.policies.map((policy) => ({ file, text, policy })));
      sets.push(...content.sets.map((set) => ({ file, set })));
      problems.push(...describeProblems(file, text, content.problems));
    } else if (!isFound) problems.push(...describeProblems(file, text, [content.problem]));
  }
  return { candidates, sets, problems };
}
