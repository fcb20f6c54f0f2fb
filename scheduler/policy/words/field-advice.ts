import * as z from 'zod';
import { findNearest } from './nearest.ts';

/** The parts of a JSON Schema that tell the fields of a document. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

/** The fields of a schema: of each object, and the first path of each name. */
interface Fields {
  readonly shape: Shape;
  /** By the name in lower case. */
  readonly paths: ReadonlyMap<string, string>;
}

const known = new WeakMap<z.ZodType, Fields>();

/** The field that an unknown key most probably means: a similar one in the same object, or the same one elsewhere. */
export function adviseField(schema: z.ZodType, path: readonly PropertyKey[], key: string): string | undefined {
  const { shape, paths } = fieldsOf(schema);
  return findNearest(key, Object.keys(shapeAt(shape, path)?.properties ?? {})) ?? paths.get(key.toLowerCase());
}

function fieldsOf(schema: z.ZodType): Fields {
  const fields = known.get(schema) ?? readFields(schema);
  known.set(schema, fields);
  return fields;
}

function readFields(schema: z.ZodType): Fields {
  // The input of a policy has only types that a JSON Schema can express, for `nodesweep schema` prints it.
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape;
  const paths = new Map<string, string>();
  for (const [name, path] of pathsIn(shape, '')) if (!paths.has(name)) paths.set(name, path);
  return { shape, paths };
}

function pathsIn({ properties = {}, items }: Shape, prefix: string): [name: string, path: string][] {
  const own = Object.entries(properties).flatMap(([name, shape]): [string, string][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return [[name.toLowerCase(), path], ...pathsIn(shape, path)];
  });
  return items === undefined ? own : [...own, ...pathsIn(items, `${prefix}[]`)];
}

function shapeAt(shape: Shape, path: readonly PropertyKey[]): Shape | undefined {
  let current: Shape | undefined = shape;
  for (const part of path) current = typeof part === 'number' ? current?.items : current?.properties?.[String(part)];
  return current;
}
