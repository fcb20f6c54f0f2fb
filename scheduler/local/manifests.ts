import * as z from 'zod';
import { label } from '../../contract/labels.ts';
import { type SetTexts, textsOf } from '../sets/count-lines.ts';
import { fileLimits } from '../yaml/limits.ts';
import { readYaml } from '../yaml/read.ts';

/** The content of a ConfigMap labelled as a policy. */
export interface Manifest {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

const texts = z.record(z.string(), z.string()).default({});
const listSchema = z.object({ kind: z.literal('List'), items: z.array(z.unknown()) });
const labelledSchema = z.object({
  kind: z.literal('ConfigMap'),
  metadata: z.object({ labels: z.object({ [label.kind]: z.literal('policy') }) }),
});
/** A value that is no text is undefined. */
const values = z.record(z.string(), z.string().optional().catch(undefined)).default({});
const setSchema = z.object({
  kind: z.literal('ConfigMap'),
  metadata: z.object({
    name: z.string(),
    labels: z.object({ [label.kind]: z.literal('image-set') }),
    annotations: texts.catch({}),
  }),
  data: values,
  binaryData: values,
});
const manifestSchema = z.object({ metadata: z.object({ name: z.string(), annotations: texts }), data: texts });

/** The content of a ConfigMap labelled as an image set. */
export interface SetManifest {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly texts: SetTexts;
}

/** The ConfigMaps of a file. */
export interface Manifests {
  readonly policies: readonly Manifest[];
  readonly sets: readonly SetManifest[];
}

/** The policies and image sets in the manifests of a file; undefined if the policies can't be parsed. */
export function readManifests(text: string): Manifests | undefined {
  const yaml = readYaml(text, fileLimits);
  if (!yaml.valid) return undefined;
  const items = yaml.values.flatMap(itemsOf);
  const labelled = items.filter((value) => labelledSchema.safeParse(value).success);
  const policies = z.array(manifestSchema).safeParse(labelled).data;
  return policies && { policies: policies.map(({ metadata, data }) => ({ ...metadata, data })), sets: readSets(items) };
}

/** A set that is not well-formed disturbs no policy: values that are no texts make it unreadable. */
function readSets(items: readonly unknown[]): readonly SetManifest[] {
  return items.flatMap((item) => {
    const manifest = setSchema.safeParse(item).data;
    if (manifest === undefined) return [];
    const { metadata, data, binaryData } = manifest;
    const texts = [...textsOf(data, binaryData)].map(([key, text]) => [key, isKey(key) ? text : undefined] as const);
    return [{ name: metadata.name, annotations: metadata.annotations, texts: new Map(texts) }];
  });
}

/** The rule of Kubernetes for the keys of a ConfigMap, which become names of files (`IsConfigMapKey`). */
function isKey(key: string): boolean {
  return /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..');
}

function itemsOf(value: unknown): readonly unknown[] {
  return listSchema.safeParse(value).data?.items ?? [value];
}
