import * as z from 'zod';
import { label } from '../../contract/labels.ts';
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
const manifestSchema = z.object({ metadata: z.object({ name: z.string(), annotations: texts }), data: texts });

/** The policies in the manifests of a file; undefined if they can't be parsed. */
export function readManifests(text: string): readonly Manifest[] | undefined {
  const yaml = readYaml(text, fileLimits);
  if (!yaml.valid) return undefined;
  const labelled = yaml.values.flatMap(itemsOf).filter((value) => labelledSchema.safeParse(value).success);
  const manifests = z.array(manifestSchema).safeParse(labelled).data;
  return manifests?.map(({ metadata, data }) => ({ ...metadata, data }));
}

function itemsOf(value: unknown): readonly unknown[] {
  return listSchema.safeParse(value).data?.items ?? [value];
}
