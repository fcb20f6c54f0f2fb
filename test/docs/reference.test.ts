import { expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { policyJsonSchema } from '../../scheduler/cleanup/policy.ts';
import { prepullJsonSchema } from '../../scheduler/prepull/policy.ts';
import { settings } from '../../scheduler/settings/settings.ts';
import { codeRows, codeSpans, readDocument } from './documents.ts';

const fieldSchema = z.object({
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
  default: z.unknown().optional(),
  items: z.unknown().optional(),
});
const policyReference = readDocument('docs/policy.md');
const operations = readDocument('docs/operations.md');

/** The fields of a policy with their defaults, as the schema has them. */
function fieldsOf(schema: unknown, path: readonly string[] = []): readonly (readonly [string, unknown])[] {
  const { properties = {}, required } = fieldSchema.parse(schema);
  return Object.entries(properties).flatMap(([name, value]) => {
    const field = fieldSchema.parse(value);
    const fieldPath = [...path, name];
    if (field.properties !== undefined) return fieldsOf(value, fieldPath);
    if (name === 'lists') return fieldsOf(field.items, ['lists[]']);
    return [[fieldPath.join('.'), required.includes(name) ? 'required' : field.default] as const];
  });
}

/** The rows of a table about fields, with the defaults that they mean. */
function documentedIn(text: string): readonly (readonly [string, unknown])[] {
  return codeRows({ path: 'docs/policy.md', text }).map(([field = '', value = '']) => {
    const [name = ''] = codeSpans(field);
    return [name, defaultOf(name, value)];
  });
}

/** The default that the text of a cell means. */
function defaultOf(name: string, cell: string): unknown {
  if (cell === 'none') return undefined;
  if (cell === 'all nodes') return name.endsWith('matchLabels') ? {} : [];
  return cell === 'required' ? cell : parse(codeSpans(cell)[0] ?? '');
}

const [start = '', ofLists = '', end = ''] = policyReference.text.split(/^(?=## Image lists$|## Limits of what)/m);
const shared = documentedIn(start + end);

it('the policy reference has every field of a cleanup policy with its default, and no other', () => {
  expect(Object.fromEntries(shared)).toEqual(Object.fromEntries(fieldsOf(policyJsonSchema())));
  expect(shared).toHaveLength(fieldsOf(policyJsonSchema()).length);
});

it('the policy reference has every field of image lists with its default, and no other', () => {
  const own = documentedIn(ofLists);
  const [sentence = ''] = /^These fields are those of a cleanup policy: [\s\S]*?\.$/m.exec(ofLists) ?? [];
  const borrowed = codeSpans(sentence).map((name) => [name, new Map(shared).get(name)] as const);
  const expected = fieldsOf(prepullJsonSchema());
  expect(Object.fromEntries([...own, ...borrowed])).toEqual(Object.fromEntries(expected));
  expect([...own, ...borrowed]).toHaveLength(expected.length);
});

it('the list of settings has every setting with its default, and no other', () => {
  const rows = codeRows(operations).filter(([name = '']) => name.startsWith('`NODESWEEP_'));
  const documented = rows.map(([name = '', value = '']) => [codeSpans(name)[0], codeSpans(value)[0]]);
  expect(documented).toEqual(
    Object.values(settings).map(({ variable, default: value }) => [variable, value || undefined]),
  );
});
