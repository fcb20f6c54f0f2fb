import * as z from 'zod';
import { ContentError } from './content-error.ts';

/** The number of problems that a message shows. */
const maxShownProblems = 3;

/** The schema of a list in a report. Go leaves out empty fields, and writes null for empty lists. */
export const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);

/** True for an object with a field. */
export function hasField(document: unknown, name: string): boolean {
  return typeof document === 'object' && document !== null && name in document;
}

/** Parses a report. Throws a {@link ContentError} with the paths of its first problems. */
export function parseReport<T>(schema: z.ZodType<T>, document: unknown): T {
  const { success, data, error } = schema.safeParse(document);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
  const more = problems.length - maxShownProblems;
  const shown = problems.slice(0, maxShownProblems).join('; ');
  throw new ContentError(`the report can't be read: ${shown}${more > 0 ? `; and ${more} more problems` : ''}`);
}
