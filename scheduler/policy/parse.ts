import type * as z from 'zod';
import type { RunKind } from '../run/kind.ts';
import { policyLimits } from '../yaml/limits.ts';
import { readYaml } from '../yaml/read.ts';
import type { Policy } from './policy.ts';
import type { Problem } from './problem.ts';
import { describeIssue } from './words/describe-issue.ts';
import { adviseField } from './words/field-advice.ts';

/** Maximum length of a policy name, as for a CronJob, so that all names derived from it are valid. */
const maxPolicyNameLength = 52;

interface Invalid {
  readonly valid: false;
  readonly problems: readonly Problem[];
}

/** The result for a document. */
export type ParsedDocument<T> = { readonly valid: true; readonly document: unknown; readonly policy: T } | Invalid;

/** A valid policy and its kind. */
export interface ValidPolicy {
  readonly valid: true;
  readonly kind: RunKind;
  /** The document as the user wrote it. */
  readonly document: unknown;
  readonly policy: Policy;
}

/** A ConfigMap that is no valid policy. */
export interface InvalidPolicy extends Invalid {
  /** The kinds of policies that it has a key of. */
  readonly kinds: readonly RunKind[];
}

export type ParsedPolicy = ValidPolicy | InvalidPolicy;

/** The key of a ConfigMap for policies of a kind. */
export function keyOf({ name }: Pick<RunKind, 'name'>): string {
  return `${name}.yaml`;
}

/** True for the keys of policies. */
export function isPolicyKey(key: string, kinds: readonly RunKind[]): boolean {
  return kinds.some((kind) => keyOf(kind) === key);
}

/** Parses the policy in a ConfigMap, which needs a valid name and exactly one key of a policy. */
export function parsePolicy(
  name: string,
  data: Readonly<Record<string, string>>,
  kinds: readonly RunKind[],
): ParsedPolicy {
  const content = parseData(data, kinds);
  const problems = [
    ...policyNameProblems(name),
    ...keyProblems(data, kinds),
    ...(content?.valid === false ? content.problems : []),
  ];
  if (content?.valid === true && problems.length === 0) return content;
  return { valid: false, problems, kinds: kinds.filter((kind) => keyOf(kind) in data) };
}

/** Parses a policy document. Returns all problems with their paths. */
export function parseDocument<T>(text: string, schema: z.ZodType<T>): ParsedDocument<T> {
  const yaml = parseYaml(text);
  if ('problems' in yaml) return { valid: false, problems: yaml.problems };
  const checked = checkDocument(yaml.value, schema);
  return checked.valid ? { ...checked, document: yaml.value } : checked;
}

/** Undefined if there is no document. */
function parseData(
  data: Readonly<Record<string, string>>,
  kinds: readonly RunKind[],
): ValidPolicy | Invalid | undefined {
  for (const kind of kinds) {
    const text = data[keyOf(kind)];
    if (text === undefined) continue;
    const parsed = parseDocument(text, kind.schema);
    return parsed.valid ? { ...parsed, kind } : parsed;
  }
  return undefined;
}

function keyProblems(data: Readonly<Record<string, string>>, kinds: readonly RunKind[]): Problem[] {
  const usable = kinds.map(keyOf);
  const present = Object.keys(data).filter((key) => isPolicyKey(key, kinds));
  const others = Object.keys(data).filter((key) => !isPolicyKey(key, kinds));
  const problems = others.map((key) => ({
    path: `data.${key}`,
    message: `is not a key of a policy; use ${usable.join(' or ')}`,
  }));
  if (present.length > 1)
    problems.push({
      path: 'data',
      message: `has both ${present.toSorted().join(' and ')}; make two ConfigMaps of them`,
    });
  else if (present.length === 0)
    problems.push({ path: 'data', message: `has no policy; put it under the key ${usable.join(' or ')}` });
  return problems;
}

function policyNameProblems(name: string): Problem[] {
  const path = 'metadata.name';
  const problems: Problem[] = [];
  if (name.length > maxPolicyNameLength) {
    problems.push({
      path,
      message: `has ${name.length} characters; the maximum is ${maxPolicyNameLength}, so that the names of its runs and pods are valid`,
    });
  }
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    problems.push({ path, message: `"${name}" must be a DNS label: lower-case letters, digits and dashes` });
  }
  return problems;
}

function parseYaml(text: string): { value: unknown } | { problems: readonly Problem[] } {
  const yaml = readYaml(text, policyLimits);
  if (!yaml.valid) return yaml;
  const [value, ...others] = yaml.values;
  if (others.length > 0)
    return { problems: [{ path: '', message: 'has several YAML documents; put each into its own ConfigMap' }] };
  if (value === null) return { problems: [{ path: '', message: 'is empty; a policy needs at least a schedule' }] };
  return { value };
}

/** Checks the values of a document. Returns all problems with their paths. */
export function checkDocument<T>(
  document: unknown,
  schema: z.ZodType<T>,
): { readonly valid: true; readonly policy: T } | Invalid {
  const { error, data } = schema.safeParse(document, { error: describeIssue });
  if (error === undefined) return { valid: true, policy: data };
  return { valid: false, problems: error.issues.flatMap((issue) => problemsOf(issue, schema)) };
}

/** Returns a separate problem for each unknown key. */
function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType): Problem[] {
  if (issue.code !== 'unrecognized_keys') return [problemAt(issue.path, issue.message)];
  return issue.keys.map((key) => {
    const meant = adviseField(schema, issue.path, key);
    const advice = meant === undefined ? '' : `; did you mean ${meant}?`;
    return problemAt([...issue.path, key], `is not a known field${advice}`);
  });
}

function problemAt(keys: readonly PropertyKey[], message: string): Problem {
  return { path: pathOf(keys), message, place: { keys } };
}

/** Writes the keys that lead to a value: `lists[0].images`. */
export function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
