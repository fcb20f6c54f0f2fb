import { type SetSize, sizeOfTexts } from '../../contract/images/set-sum.ts';
import { label } from '../../contract/labels.ts';
import type { NamedPolicy, RunKind } from '../run/kind.ts';
import { type Finding, findingsOf, type Remark } from './files/findings.ts';
import { type FilePolicy, type PolicyFile, readPolicyFile } from './files/policy-file.ts';
import { lintSets } from './lint-sets.ts';
import type { ValidPolicy } from './parse.ts';
import type { Policy } from './policy.ts';
import { nextScheduledTime, scheduleOf } from './schedule.ts';

/** An image set of a file. */
export interface SizedSet {
  readonly name: string;
  readonly size: SetSize;
}

/** The policies and image sets of a file, and its problems. */
export interface LintResult {
  /** The number of policies. */
  readonly policies: number;
  readonly sets: readonly SizedSet[];
  readonly problems: readonly Finding[];
  /** The policies that are valid by themselves, by name. */
  readonly valid: ReadonlyMap<string, ValidPolicy>;
  /** True if the file has no policy, no image set, and no attempt at one of them. */
  readonly isOther: boolean;
  /** For {@link lintWarnings}. */
  readonly source: { readonly text: string; readonly policies: readonly FilePolicy[] };
}

/** Checks a file. A problem has its place in the file. */
export function lintText(fileName: string, text: string, kinds: readonly RunKind[]): LintResult {
  const file = readPolicyFile(fileName, text, kinds);
  const { policies, sets, problems } = contentOf(file);
  const remarks: Remark[] = [
    ...problems.map((problem) => ({ severity: 'error', problem }) as const),
    ...duplicateProblems(policies),
    ...policies.flatMap(problemsOf),
    ...lintSets(sets),
  ];
  return {
    policies: policies.length,
    sets: sets.map(({ name, texts }) => ({ name, size: sizeOfTexts(texts.map(({ text }) => text)) })),
    problems: findingsOf(text, remarks),
    valid: new Map(policies.flatMap(({ name, parsed }) => (parsed.valid ? [[name, parsed] as const] : []))),
    isOther: file.kind === 'NoPolicy',
    source: { text, policies },
  };
}

/**
 * Warnings about valid policies. A warning is not an error: the policy may be meant as it is. `sets` are the image sets of all
 * files that are checked together.
 */
export function lintWarnings(result: LintResult, now: Date, sets: readonly SizedSet[] = result.sets): Finding[] {
  const { source } = result;
  const sizes = new Map(sets.map(({ name, size }) => [name, size]));
  return findingsOf(source.text, warningsOf(source.policies, now, sizes));
}

function contentOf(file: PolicyFile) {
  return file.kind === 'Policies' ? file : { policies: [], sets: [], problems: [file.problem] };
}

function problemsOf(policy: FilePolicy): Remark[] {
  const { isLabelled, parsed } = policy;
  const problems = [...(isLabelled ? [] : [unlabelled]), ...(parsed.valid ? [] : parsed.problems)];
  return problems.map((problem) => ({ severity: 'error', policy, problem }));
}

const unlabelled = {
  path: 'metadata.labels',
  message: `need ${label.kind}: policy, or the scheduler ignores the policy`,
};

function duplicateProblems(policies: readonly FilePolicy[]): Remark[] {
  const names = new Set<string>();
  return policies.flatMap((policy) => {
    const isNew = !names.has(policy.name);
    names.add(policy.name);
    return isNew ? [] : [{ severity: 'error', policy, problem: duplicate } as const];
  });
}

const duplicate = {
  path: 'metadata.name',
  message: 'is also the name of an earlier policy in this file, which this one would replace',
};

function warningsOf(policies: readonly FilePolicy[], now: Date, sets: ReadonlyMap<string, SetSize>): Remark[] {
  const valid = policies.flatMap((policy) =>
    policy.parsed.valid ? [{ policy, named: { ...policy.parsed, name: policy.name } }] : [],
  );
  const all = valid.map(({ named }) => named);
  return valid.flatMap(({ policy, named }) =>
    [...timeRemarks(named.policy, now), ...kindRemarks(named, all, sets)].map(
      (problem) => ({ severity: 'warning', policy, problem }) as const,
    ),
  );
}

function timeRemarks(policy: Policy, now: Date) {
  return neverFires(policy, now) ? [silent] : [];
}

function kindRemarks(subject: NamedPolicy, policies: readonly NamedPolicy[], sets: ReadonlyMap<string, SetSize>) {
  const { kind, policy } = subject;
  const others = policies.filter((other) => other !== subject);
  return kind.warningsOf?.(policy, others, sets) ?? [];
}

function neverFires(policy: Policy, now: Date): boolean {
  return !policy.suspend && nextScheduledTime(scheduleOf(policy), now) === undefined;
}

const silent = { path: 'schedule', message: 'has no time in the next five years' };
