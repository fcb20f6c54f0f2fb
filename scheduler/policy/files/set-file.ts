import * as z from 'zod';
import { annotation, label } from '../../../contract/labels.ts';
import type { ManifestPlace } from './policy-file.ts';

/** An image set in a file: a ConfigMap manifest. */
export interface FileSet {
  readonly name: string;
  readonly manifest: ManifestPlace;
  /** The texts, by key. */
  readonly texts: readonly { readonly key: string; readonly text: string }[];
  /** True if a part of the set is binary data, which is no text. */
  readonly hasBinaryData: boolean;
  /** The time of the last complete update, as it is written. Undefined if there is none. */
  readonly updatedAt: string | undefined;
}

const setSchema = z.object({
  metadata: z.object({
    name: z.string(),
    labels: z.object({ [label.kind]: z.literal('image-set') }),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.unknown()).default({}),
});

/** Reads an image set from the object of a ConfigMap; undefined if the ConfigMap is of something else. */
export function readSetManifest(value: unknown, manifest: Omit<ManifestPlace, 'key'>): FileSet | undefined {
  const set = setSchema.safeParse(value).data;
  return (
    set && {
      name: set.metadata.name,
      manifest: { ...manifest, key: undefined },
      texts: Object.entries(set.data).map(([key, text]) => ({ key, text })),
      hasBinaryData: Object.keys(set.binaryData).length > 0,
      updatedAt: set.metadata.annotations[annotation.setUpdatedAt],
    }
  );
}
