import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { label } from '../../contract/labels.ts';
import { type CleanupPolicy, type ParsedPolicy, type Problem, parseCleanup, parsePolicy } from './policy.ts';

/** The number of policies in a file, and what is wrong with them. */
export interface LintResult {
  readonly policies: number;
  readonly problems: readonly Problem[];
  /** The policies that are valid by themselves, by name. */
  readonly valid: ReadonlyMap<string, CleanupPolicy>;
}

const manifestSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  data: z.record(z.string(), z.string()).default({}),
});
type Manifest = z.output<typeof manifestSchema>;

/** Checks the text of a file: one named by a key of a policy is a bare document, any other holds ConfigMap manifests. */
export function lintText(fileName: string, text: string): LintResult {
  if (fileName === 'cleanup.yaml') return lintDocument('cleanup', parseCleanup(text));
  if (fileName === 'prepull.yaml') return lintDocument('prepull', parsePolicy('prepull', { 'prepull.yaml': text }));
  return lintManifests(text);
}

function lintDocument(name: string, parsed: ParsedPolicy): LintResult {
  return { policies: 1, problems: problemsOf(parsed), valid: new Map(parsed.valid ? [[name, parsed.policy]] : []) };
}

function lintManifests(text: string): LintResult {
  const documents = parseAllDocuments(text);
  const errors = documents.flatMap((document) => document.errors.map(({ message }) => ({ path: '', message })));
  if (errors.length > 0) return { policies: 0, problems: errors, valid: new Map() };
  const values = documents.flatMap((document) => itemsOf(document.toJS({ maxAliasCount: 100 })));
  const manifests = values.filter(isConfigMap).map((value) => manifestSchema.safeParse(value));
  const policies = manifests.flatMap(({ data }) => (data !== undefined && isMeantAsPolicy(data) ? [data] : []));
  const malformed = manifests.flatMap(({ error }) => error?.issues ?? []);
  const problems = [
    ...malformed.map(({ path, message }) => ({ path: path.join('.'), message })),
    ...policies.flatMap((policy, index) => [...duplicateProblems(policies, index), ...lintManifest(policy)]),
  ];
  if (policies.length === 0 && problems.length === 0) return { policies: 0, problems: [noPolicy], valid: new Map() };
  return { policies: policies.length, problems, valid: new Map(policies.flatMap(validPolicy)) };
}

function validPolicy({ metadata, data }: Manifest): [string, CleanupPolicy][] {
  const parsed = parsePolicy(metadata.name, data);
  return parsed.valid ? [[metadata.name, parsed.policy]] : [];
}

const noPolicy: Problem = {
  path: '',
  message: `holds no policy: neither a ConfigMap with the label ${label.kind}: policy, nor a document in a file named cleanup.yaml`,
};

function lintManifest({ metadata, data }: Manifest): Problem[] {
  const unlabelled: Problem[] =
    metadata.labels[label.kind] === 'policy'
      ? []
      : [
          {
            path: 'metadata.labels',
            message: `lack ${label.kind}: policy, without which the scheduler does not see the policy`,
          },
        ];
  return [...unlabelled, ...problemsOf(parsePolicy(metadata.name, data))].map(({ path, message }) => ({
    path: path === '' ? metadata.name : `${metadata.name}/${path}`,
    message,
  }));
}

function duplicateProblems(policies: readonly Manifest[], index: number): Problem[] {
  const name = policies[index]?.metadata.name ?? '';
  const isRepeated = policies.slice(0, index).some(({ metadata }) => metadata.name === name);
  return isRepeated
    ? [
        {
          path: `${name}/metadata.name`,
          message: 'is the name of an earlier policy in this file, which this one replaces',
        },
      ]
    : [];
}

/** A `kind: List`, as kubectl prints it, holds several. */
function itemsOf(value: unknown): unknown[] {
  const list = z.object({ kind: z.literal('List'), items: z.array(z.unknown()) }).safeParse(value);
  return list.success ? list.data.items : [value];
}

function isConfigMap(value: unknown): boolean {
  return z.object({ kind: z.literal('ConfigMap') }).safeParse(value).success;
}

function isMeantAsPolicy({ metadata, data }: Manifest): boolean {
  return metadata.labels[label.kind] === 'policy' || 'cleanup.yaml' in data || 'prepull.yaml' in data;
}

function problemsOf(parsed: ParsedPolicy): readonly Problem[] {
  return parsed.valid ? [] : parsed.problems;
}
