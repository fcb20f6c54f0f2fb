import { basename } from 'node:path';
import * as z from 'zod';
import { label } from '../../contract/labels.ts';
import type { NamedPolicy, RunKind } from '../run/kind.ts';
import { fileLimits } from '../yaml/limits.ts';
import { readYaml } from '../yaml/read.ts';
import { isPolicyKey, keyOf, type ParsedPolicy, parsePolicy, type ValidPolicy } from './parse.ts';
import type { Policy } from './policy.ts';
import type { Problem } from './problem.ts';
import { nextScheduledTime, scheduleOf } from './schedule.ts';

/** The number of policies in a file, and their problems. */
export interface LintResult {
  readonly policies: number;
  readonly problems: readonly Problem[];
  /** The policies that are valid by themselves, by name. */
  readonly valid: ReadonlyMap<string, ValidPolicy>;
}

const manifestSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  data: z.record(z.string(), z.string()).default({}),
});
type Manifest = z.output<typeof manifestSchema>;

/** Checks a file. A file with the name of a policy key is a document; any other file has ConfigMap manifests. */
export function lintText(fileName: string, text: string, kinds: readonly RunKind[]): LintResult {
  if (!isPolicyKey(fileName, kinds)) return lintManifests(text, kinds);
  const name = basename(fileName, '.yaml');
  return lintDocument(name, parsePolicy(name, { [fileName]: text }, kinds));
}

/** Warnings about valid policies. A warning is not an error: the policy may be meant as it is. */
export function lintWarnings(fileName: string, { valid }: LintResult, kinds: readonly RunKind[], now: Date): Problem[] {
  const policies = [...valid].map(([name, parsed]) => ({ ...parsed, name }));
  const isDocument = isPolicyKey(fileName, kinds);
  return policies.flatMap((policy) =>
    warningsOf(policy, policies, now).map(({ path, message }) => ({
      path: isDocument ? path : `${policy.name}/${path}`,
      message: `warning: ${message}`,
    })),
  );
}

function warningsOf(subject: NamedPolicy, policies: readonly NamedPolicy[], now: Date): readonly Problem[] {
  const { kind, policy } = subject;
  const others = policies.filter((other) => other !== subject);
  return [...(neverFires(policy, now) ? [silent] : []), ...(kind.warningsOf?.(policy, others) ?? [])];
}

function neverFires(policy: Policy, now: Date): boolean {
  return !policy.suspend && nextScheduledTime(scheduleOf(policy), now) === undefined;
}

const silent: Problem = { path: 'schedule', message: 'has no time in the next five years' };

function lintDocument(name: string, parsed: ParsedPolicy): LintResult {
  return { policies: 1, problems: problemsOf(parsed), valid: new Map(parsed.valid ? [[name, parsed]] : []) };
}

function lintManifests(text: string, kinds: readonly RunKind[]): LintResult {
  const yaml = readYaml(text, fileLimits);
  if (!yaml.valid) return { policies: 0, problems: yaml.problems, valid: new Map() };
  const manifests = yaml.values
    .flatMap(itemsOf)
    .filter(isConfigMap)
    .map((value) => manifestSchema.safeParse(value));
  const policies = manifests.flatMap(({ data }) => (data !== undefined && isMeantAsPolicy(data, kinds) ? [data] : []));
  const malformed = manifests.flatMap(({ error }) => error?.issues ?? []);
  if (policies.length + malformed.length === 0) return { policies: 0, problems: [noPolicy(kinds)], valid: new Map() };
  const linted = policies.map((manifest) => ({
    manifest,
    parsed: parsePolicy(manifest.metadata.name, manifest.data, kinds),
  }));
  const problems = [
    ...malformed.map(({ path, message }) => ({ path: path.join('.'), message })),
    ...duplicateProblems(policies),
    ...linted.flatMap(({ manifest, parsed }) => manifestProblems(manifest, parsed)),
  ];
  const valid = linted.flatMap(({ manifest, parsed }) =>
    parsed.valid ? [[manifest.metadata.name, parsed] as const] : [],
  );
  return { policies: policies.length, problems, valid: new Map(valid) };
}

function noPolicy(kinds: readonly RunKind[]): Problem {
  const names = kinds.map(keyOf).join(' or ');
  return {
    path: '',
    message: `has no policy: neither a ConfigMap with the label ${label.kind}: policy, nor a document in a file named ${names}`,
  };
}

function manifestProblems({ metadata }: Manifest, parsed: ParsedPolicy): Problem[] {
  const isLabelled = metadata.labels[label.kind] === 'policy';
  return [...(isLabelled ? [] : [unlabelled]), ...problemsOf(parsed)].map(({ path, message }) => ({
    path: path === '' ? metadata.name : `${metadata.name}/${path}`,
    message,
  }));
}

const unlabelled: Problem = {
  path: 'metadata.labels',
  message: `need ${label.kind}: policy, or the scheduler ignores the policy`,
};

function duplicateProblems(policies: readonly Manifest[]): Problem[] {
  const names = new Set<string>();
  return policies.flatMap(({ metadata: { name } }) => {
    if (names.has(name))
      return [
        {
          path: `${name}/metadata.name`,
          message: 'is also the name of an earlier policy in this file, which this one would replace',
        },
      ];
    names.add(name);
    return [];
  });
}

/** The items of a `kind: List`, as kubectl prints it. */
function itemsOf(value: unknown): unknown[] {
  const list = z.object({ kind: z.literal('List'), items: z.array(z.unknown()) }).safeParse(value);
  return list.success ? list.data.items : [value];
}

function isConfigMap(value: unknown): boolean {
  return z.object({ kind: z.literal('ConfigMap') }).safeParse(value).success;
}

function isMeantAsPolicy({ metadata, data }: Manifest, kinds: readonly RunKind[]): boolean {
  return metadata.labels[label.kind] === 'policy' || Object.keys(data).some((key) => isPolicyKey(key, kinds));
}

function problemsOf(parsed: ParsedPolicy): readonly Problem[] {
  return parsed.valid ? [] : parsed.problems;
}
