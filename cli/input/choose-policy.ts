import { cleanup, isCleanup } from '../../scheduler/cleanup/kind.ts';
import type { CleanupDocument, CleanupPolicy } from '../../scheduler/cleanup/policy.ts';
import { findingsOf, formatFinding } from '../../scheduler/policy/files/findings.ts';
import type { FilePolicy } from '../../scheduler/policy/files/policy-file.ts';
import type { Problem } from '../../scheduler/policy/problem.ts';
import { findNearest } from '../../scheduler/policy/words/nearest.ts';

/** A policy file that can't be used by hand; the message names every problem. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError';
}

/** A policy, and the file that has it. */
export interface Candidate {
  readonly file: string;
  readonly text: string;
  readonly policy: FilePolicy;
}

/** The policies of files, and the reasons why some may be unknown. */
export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly problems: readonly string[];
}

/** A valid cleanup policy of a file. */
export interface ChosenPolicy {
  /** The name of the policy; the file for a document, which has no name. */
  readonly title: string;
  readonly document: CleanupDocument;
  readonly policy: CleanupPolicy;
}

/**
 * Chooses the cleanup policy with a name, or the only one. A policy that can't be read may be the one that is meant, so without
 * a name it prevents the choice. Throws a {@link PolicyFileError}.
 */
export function choosePolicy(path: string, { candidates, problems }: Candidates, name?: string): ChosenPolicy {
  const suitable = candidates.filter((candidate) => !isOfLists(candidate));
  const matching = suitable.filter(({ policy }) => name === undefined || policy.name === name);
  const [first, ...others] = matching;
  if (problems.length > 0 && (name === undefined || first === undefined))
    throw new PolicyFileError(problems.join('; '));
  if (first === undefined) throw new PolicyFileError(describeMissing(path, candidates, name));
  if (others.length > 0) throw new PolicyFileError(describeSeveral(path, matching, name));
  return requireValid(first);
}

/** The problems of a file, each as one line with its place. */
export function describeProblems(
  file: string,
  text: string,
  problems: readonly Problem[],
  policy?: FilePolicy,
): string[] {
  const remarks = problems.map((problem) => ({ severity: 'error', problem, ...(policy && { policy }) }) as const);
  return findingsOf(text, remarks).map((finding) => formatFinding(file, finding));
}

/** True for a policy of image lists, which removes nothing. */
function isOfLists({ policy: { parsed } }: Candidate): boolean {
  if (parsed.valid) return parsed.kind !== cleanup;
  return parsed.kinds.length > 0 && !parsed.kinds.includes(cleanup);
}

function describeMissing(path: string, candidates: readonly Candidate[], name: string | undefined): string {
  const names = candidates.filter((candidate) => !isOfLists(candidate)).map(({ policy }) => policy.name);
  const ofLists = candidates.filter(isOfLists).map(({ policy }) => policy.name);
  if (name !== undefined && ofLists.includes(name))
    return `policy ${name} in ${path} is of image lists and removes no images; the cleanup policies there are: ${list(names)}`;
  if (name !== undefined) {
    const near = findNearest(name, names);
    const advice = near === undefined ? '' : `, did you mean ${near}?`;
    return `there is no policy ${name} in ${path}${advice}; the cleanup policies there are: ${list(names)}`;
  }
  if (ofLists.length === 0) return `${path} has no policy`;
  return `${path} has no cleanup policy, only image lists, which remove no images: ${list(ofLists)}`;
}

function describeSeveral(path: string, matching: readonly Candidate[], name: string | undefined): string {
  if (name === undefined)
    return `${path} has ${matching.length} cleanup policies; choose one with --name: ${list(matching.map(({ policy }) => policy.name))}`;
  return `${matching.length} policies in ${path} have the name ${name}; give --policy the file of one of them: ${list(matching.map(({ file }) => file))}`;
}

function list(names: readonly string[]): string {
  return [...new Set(names)].toSorted().join(', ') || 'none';
}

function requireValid({ file, text, policy }: Candidate): ChosenPolicy {
  const { parsed, manifest, name } = policy;
  if (!parsed.valid) throw new PolicyFileError(describeProblems(file, text, parsed.problems, policy).join('; '));
  if (!isCleanup(parsed)) throw new PolicyFileError(`policy ${name} in ${file} is of image lists`);
  return { title: manifest === undefined ? file : name, document: parsed.document, policy: parsed.policy };
}
