import type { z } from 'zod';

/**
 * The parameters of a check over some fields of an object. It also runs if other fields have problems, because a person fixes all
 * problems together. By default, Zod skips such a check if any field has the wrong type or is not known.
 */
export function checkOf(...fields: readonly string[]) {
  return {
    when: ({ value, issues }: z.core.ParsePayload) =>
      typeof value === 'object' &&
      value !== null &&
      issues.every(({ path: [field] = [] }) => typeof field !== 'string' || !fields.includes(field)),
  };
}
