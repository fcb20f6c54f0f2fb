import * as z from 'zod';
import { label } from '../../../contract/labels.ts';
import type { RunKind } from '../../run/kind.ts';
import { fileLimits } from '../../yaml/limits.ts';
import { readYaml } from '../../yaml/read.ts';
import { isPolicyKey, keyOf, type ParsedPolicy, parsePolicy, pathOf } from '../parse.ts';
import type { Problem } from '../problem.ts';
import { describeIssue } from '../words/describe-issue.ts';
import { type FileSet, readSetManifest } from './set-file.ts';

/** A policy in a file: a ConfigMap manifest, or a document of its own. */
export interface FilePolicy {
  /** The name of the ConfigMap. A document has the name of its kind. */
  readonly name: string;
  /** The manifest in the file. Undefined if the file is the document. */
  readonly manifest: ManifestPlace | undefined;
  /** True if the scheduler would read the manifest as a policy. */
  readonly isLabelled: boolean;
  readonly parsed: ParsedPolicy;
}

/** A YAML document of a file, and the keys in it that lead to the manifest. */
export interface ManifestPlace {
  readonly document: number;
  readonly keys: readonly PropertyKey[];
  /** The key of the text under `data`, such as a policy document. Undefined if there is none. */
  readonly key: string | undefined;
}

/** The content of a file. */
export type PolicyFile =
  /** Policies, image sets, or both. `problems` are those of manifests that can't be read. */
  | {
      readonly kind: 'Policies';
      readonly policies: readonly FilePolicy[];
      readonly sets: readonly FileSet[];
      readonly problems: readonly Problem[];
    }
  /** The file has neither. The problem says so. */
  | { readonly kind: 'NoPolicy'; readonly problem: Problem };

const manifestSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  data: z.record(z.string(), z.string()).default({}),
});
type Manifest = z.output<typeof manifestSchema>;

/**
 * Reads the policies and image sets of a file. A file with the name of a policy key is a document. Any other file has ConfigMap manifests, or
 * is a document with a schedule.
 */
export function readPolicyFile(fileName: string, text: string, kinds: readonly RunKind[]): PolicyFile {
  if (isPolicyKey(fileName, kinds)) return readDocument(fileName, text, kinds);
  const yaml = readYaml(text, fileLimits);
  if (!yaml.valid) return refuseYaml(fileName, text, yaml.problems, kinds);
  const objects = yaml.values.flatMap(objectsOf).filter(({ value }) => isConfigMap(value));
  const manifests = objects.map((object) => readManifest(object, kinds));
  const policies = manifests.flatMap(({ policy }) => policy ?? []);
  const sets = manifests.flatMap(({ set }) => set ?? []);
  const problems = manifests.flatMap((manifest) => manifest.problems);
  if (policies.length + sets.length + problems.length > 0) return { kind: 'Policies', policies, sets, problems };
  const key = yaml.values.map((value) => keyOfDocument(value, kinds)).find((found) => found !== undefined);
  return key === undefined ? { kind: 'NoPolicy', problem: noPolicy } : readDocument(key, text, kinds);
}

function readDocument(key: string, text: string, kinds: readonly RunKind[]): PolicyFile {
  const name = key.replace(/\.yaml$/, '');
  const parsed = parsePolicy(name, { [key]: text }, kinds);
  return {
    kind: 'Policies',
    policies: [{ name, manifest: undefined, isLabelled: true, parsed }],
    sets: [],
    problems: [],
  };
}

/** A text that is no YAML and no attempt at a policy, such as a template or a README, has one problem. */
function refuseYaml(
  fileName: string,
  text: string,
  problems: readonly Problem[],
  kinds: readonly RunKind[],
): PolicyFile {
  if (isYamlName(fileName) && mentionsPolicy(text, kinds))
    return { kind: 'Policies', policies: [], sets: [], problems };
  const place = problems[0]?.place;
  const message = `${noPolicy.message}; it is not YAML`;
  return { kind: 'NoPolicy', problem: { ...noPolicy, message, ...(place && { place }) } };
}

/** True for the names of YAML and JSON files, and for texts without a name. */
function isYamlName(fileName: string): boolean {
  return /(?:^[^.]*|\.ya?ml|\.json)$/.test(fileName);
}

function mentionsPolicy(text: string, kinds: readonly RunKind[]): boolean {
  const keys = kinds.map(({ name }) => name).join('|');
  const mark = `["']?(?:${label.kind.replaceAll('.', '\\.')}|(?:${keys})\\.yaml)["']?\\s*:`;
  return new RegExp(`^[\\s{,-]*${mark}|[{,]\\s*${mark}|^schedule\\s*:`, 'm').test(text);
}

const noPolicy: Problem = {
  path: '',
  message: `has no policy: neither a ConfigMap with the label ${label.kind}: policy, nor a document with a schedule`,
};

/** An object in a file. */
interface FileObject {
  readonly value: unknown;
  readonly document: number;
  readonly keys: readonly PropertyKey[];
}

/** The object of a document, or the items of a `kind: List`, as kubectl prints it. */
function objectsOf(value: unknown, document: number): FileObject[] {
  const list = z.object({ kind: z.literal('List'), items: z.array(z.unknown()) }).safeParse(value);
  if (!list.success) return [{ value, document, keys: [] }];
  return list.data.items.map((item, index) => ({ value: item, document, keys: ['items', index] }));
}

function isConfigMap(value: unknown): boolean {
  return z.object({ kind: z.literal('ConfigMap') }).safeParse(value).success;
}

interface ReadManifest {
  /** The policy or the image set. Both are undefined if the ConfigMap is of something else. */
  readonly policy?: FilePolicy;
  readonly set?: FileSet;
  readonly problems: readonly Problem[];
}

function readManifest({ value, document, keys }: FileObject, kinds: readonly RunKind[]): ReadManifest {
  const { data: manifest, error } = manifestSchema.safeParse(value, { error: describeIssue });
  if (manifest === undefined) {
    const issues = error?.issues ?? [];
    return {
      problems: issues.map(({ path, message }) => ({
        path: pathOf([...keys, ...path]),
        message,
        place: { document, keys: [...keys, ...path] },
      })),
    };
  }
  const set = readSetManifest(value, { document, keys });
  if (set !== undefined) return { set, problems: [] };
  if (!isMeantAsPolicy(manifest, kinds)) return { problems: [] };
  const { metadata, data } = manifest;
  const key = kinds.map(keyOf).find((candidate) => candidate in data);
  const isLabelled = metadata.labels[label.kind] === 'policy';
  const parsed = parsePolicy(metadata.name, data, kinds);
  return { policy: { name: metadata.name, manifest: { document, keys, key }, isLabelled, parsed }, problems: [] };
}

function isMeantAsPolicy({ metadata, data }: Manifest, kinds: readonly RunKind[]): boolean {
  return metadata.labels[label.kind] === 'policy' || Object.keys(data).some((key) => isPolicyKey(key, kinds));
}

/** The key for a document that is no object of the API, and has a schedule. */
function keyOfDocument(value: unknown, kinds: readonly RunKind[]): string | undefined {
  const document = z.record(z.string(), z.unknown()).safeParse(value).data;
  if (document === undefined || !('schedule' in document) || 'kind' in document) return undefined;
  const lengths = kinds.map((kind) => ({ kind, unknown: countUnknown(document, kind) }));
  const [best] = lengths.toSorted((a, b) => a.unknown - b.unknown);
  return best && keyOf(best.kind);
}

/** The number of fields that policies of a kind do not have. */
function countUnknown(document: Readonly<Record<string, unknown>>, { schema }: RunKind): number {
  const { error } = schema.safeParse(document);
  return (error?.issues ?? []).reduce(
    (sum, issue) => sum + (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys.length : 0),
    0,
  );
}
