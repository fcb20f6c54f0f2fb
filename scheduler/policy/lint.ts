import { label } from '../../contract/labels.ts';
import type { NamedPolicy, RunKind } from '../run/kind.ts';
import { type Finding, findingsOf, type Remark } from './files/findings.ts';
import { type FilePolicy, readPolicyFile } from './files/policy-file.ts';
import type { ValidPolicy } from './parse.ts';
import type { Policy } from './policy.ts';
import { nextScheduledTime, scheduleOf } from './schedule.ts';

/** The policies of a file, and its problems. */
export interface LintResult {
  /** The number of policies. */
  readonly policies: number;
  readonly problems: readonly Finding[];
  /** The policies that are valid by themselves, by name. */
  readonly valid: ReadonlyMap<string, ValidPolicy>;
  /** True if the file has neither a policy nor an attempt at one. */
  readonly isOther: boolean;
  /** For {@link lintWarnings}. */
  readonly source: { readonly text: string; readonly policies: readonly FilePolicy[] };
}

/** Checks a file. A problem has its place in the file. */
export function lintText(fileName: string, text: string, kinds: readonly RunKind[]): LintResult {
  const file = readPolicyFile(fileName, text, kinds);
  const policies = file.kind === 'Policies' ? file.policies : [];
  const ownProblems = file.kind === 'Policies' ? file.problems : [file.problem];
  const remarks: Remark[] = [
    ...ownProblems.map((problem) => ({ severity: 'error', problem }) as const),
    ...duplicateProblems(policies),
    ...policies.flatMap(problemsOf),
  ];
  return {
    policies: policies.length,
    problems: findingsOf(text, remarks),
    valid: new Map(policies.flatMap(({ name, parsed }) => (parsed.valid ? [[name, parsed] as const] : []))),
    isOther: file.kind === 'NoPolicy',
    source: { text, policies },
  };
}

/** Warnings about valid policies. A warning is not an error: the policy may be meant as it is. */
export function lintWarnings({ source }: LintResult, now: Date): Finding[] {
  return findingsOf(source.text, warningsOf(source.policies, now));
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

function warningsOf(policies: readonly FilePolicy[], now: Date): Remark[] {
  const valid = policies.flatMap((policy) =>
    policy.parsed.valid ? [{ policy, named: { ...policy.parsed, name: policy.name } }] : [],
  );
  const all = valid.map(({ named }) => named);
  return valid.flatMap(({ policy, named }) =>
    remarksOn(named, all, now).map((problem) => ({ severity: 'warning', policy, problem }) as const),
  );
}

function remarksOn(subject: NamedPolicy, policies: readonly NamedPolicy[], now: Date) {
  const { kind, policy } = subject;
  const others = policies.filter((other) => other !== subject);
  return [...(neverFires(policy, now) ? [silent] : []), ...(kind.warningsOf?.(policy, others) ?? [])];
}

function neverFires(policy: Policy, now: Date): boolean {
  return !policy.suspend && nextScheduledTime(scheduleOf(policy), now) === undefined;
}

const silent = { path: 'schedule', message: 'has no time in the next five years' };
