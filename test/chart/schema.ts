import { policyJsonSchema } from '../../scheduler/cleanup/policy.ts';
import { prepullJsonSchema } from '../../scheduler/prepull/policy.ts';
import { type Schema, typeOf } from './types.ts';
import { readValues, type Value } from './values.ts';

/** The JSON Schema of the values: their types, their comments and defaults, and the schemas of the policies. */
export function buildSchema(): Schema {
  const definitions = { cleanup: definitionOf(policyJsonSchema()), prepull: definitionOf(prepullJsonSchema()) };
  const { properties, ...section } = sectionOf(readValues(), 0);
  // Helm gives the values of a parent chart to its parts.
  const withGlobal = { ...properties, global: { type: 'object' } };
  // Helm before 3.18 knows no newer draft.
  const $schema = 'http://json-schema.org/draft-07/schema#';
  return { $schema, title: 'Values of the chart nodesweep', ...section, properties: withGlobal, $defs: definitions };
}

/** The schema of a document as a part of another one. */
function definitionOf(schema: object): Schema {
  const { $id: _id, $schema: _draft, ...definition } = schema as Schema;
  return definition;
}

interface Section {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly properties: Schema;
}

/** The schema of a section: all values whose paths are equal up to a depth. */
function sectionOf(values: readonly Value[], depth: number): Section {
  const groups = Object.groupBy(values, ({ path }) => path[depth] ?? '');
  const properties = Object.entries(groups).map(([key, group = []]) => {
    const [value] = group;
    if (value === undefined || value.path.length > depth + 1) return [key, sectionOf(group, depth + 1)];
    return [key, { description: value.description, default: value.default, ...typeOf(value.path) }];
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}
