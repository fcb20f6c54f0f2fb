import * as z from 'zod';
import { normaliseNames } from '../../contract/images/reference.ts';
import type { Image } from './runtime.ts';

/** The fields of an entry that identify an image, as the runtime calls them. */
export type IdentityFields = { readonly id: string; readonly names: readonly string[] };

const entrySchema = z.record(z.string(), z.unknown()).catch({});
const listSchema = z.array(z.unknown()).catch([]);

/**
 * Creates a transformation of the entries in a list of images. An entry that does not fit the schema becomes an image with
 * a flaw, so that one odd image does not fail the node. The list is refused if no entry fits, or if an entry lacks a field:
 * a runtime prints every field, so the answer is damaged.
 */
export function readEach(schema: z.ZodType<Image>, fields: IdentityFields) {
  return (entries: readonly unknown[], context: z.RefinementCtx): readonly Image[] => {
    const read = entries.map((entry) => ({ entry, parsed: schema.safeParse(entry) }));
    const issues = read.flatMap(({ entry, parsed }, index) =>
      (parsed.error?.issues ?? []).map(({ message, path }) => ({
        message,
        path: [index, ...path],
        entry,
        field: path,
      })),
    );
    const isHopeless = read.length > 0 && read.every(({ parsed }) => !parsed.success);
    const refused = isHopeless ? issues : issues.filter(({ entry, field }) => isLost(entry, field));
    for (const { message, path } of refused) context.addIssue({ code: 'custom', message, path });
    if (refused.length > 0) return z.NEVER;
    return read.map(({ entry, parsed }) => (parsed.success ? parsed.data : rescue(entry, fields, parsed.error)));
  };
}

function isLost(entry: unknown, path: readonly PropertyKey[]): boolean {
  const [field] = path;
  return field !== undefined && entrySchema.parse(entry)[String(field)] === undefined;
}

/** Reads the size of an image. A size is only information, so an impossible size counts as 0. */
export function readSize(told: string | number): Pick<Image, 'sizeBytes' | 'flaw'> {
  const bytes = typeof told === 'number' || /^\d+$/.test(told) ? Number(told) : Number.NaN;
  if (Number.isSafeInteger(bytes) && bytes >= 0) return { sizeBytes: bytes };
  return { sizeBytes: 0, flaw: { kind: 'SizeUnknown', detail: `its size is ${JSON.stringify(told).slice(0, 40)}` } };
}

/** The parts of an entry by which containers may refer to its image. */
function rescue(entry: unknown, fields: IdentityFields, { issues: [issue] }: z.ZodError): Image {
  const values = entrySchema.parse(entry);
  const id = values[fields.id];
  const names = fields.names.flatMap((field) => listSchema.parse(values[field]));
  return {
    id: typeof id === 'string' ? id : '',
    names: normaliseNames(names.filter((name) => typeof name === 'string')),
    sizeBytes: 0,
    pinned: false,
    flaw: { kind: 'Unreadable', detail: `${issue?.path.join('.') || 'it'}: ${issue?.message}` },
  };
}
