/** A change to JSON documents, which it makes anew; none where it can't be made there. */
export type Mutation = {
  readonly name: string;
  readonly apply: (documents: readonly unknown[], at: Path) => readonly unknown[];
};

type Path = readonly (string | number)[];
type Parent = Record<string | number, unknown>;

const huge = '9'.repeat(400);
const replacements = [
  null,
  '',
  [],
  {},
  0,
  -1,
  1e308,
  huge,
  true,
  false,
  'x',
  '<none>:<none>',
  '--all',
  ['x'],
  { x: 1 },
];

/** All that can become of the value at a path, on its way from the runtime to the cleaner. */
export const mutations: readonly Mutation[] = [
  change('is lost', (parent, key) => (Array.isArray(parent) ? parent.splice(Number(key), 1) : delete parent[key])),
  change('becomes empty', (parent, key) => {
    parent[key] = emptyOf(parent[key]);
  }),
  ...replacements.map((value) =>
    change(`becomes ${JSON.stringify(value).slice(0, 20)}`, (parent, key) => {
      parent[key] = structuredClone(value);
    }),
  ),
  change('is wrapped in an object', (parent, key) => {
    parent[key] = { value: parent[key] };
  }),
  change('is wrapped in an array', (parent, key) => {
    parent[key] = [parent[key]];
  }),
  change('becomes text', (parent, key) => {
    parent[key] = JSON.stringify(parent[key]);
  }),
  change('is there twice', (parent, key) => {
    if (Array.isArray(parent)) parent.push(structuredClone(parent[Number(key)]));
    else parent[`${key}2`] = parent[key];
  }),
  change('has its key in upper case', (parent, key) => rename(parent, key, String(key).toUpperCase())),
  change('has its key in capitals', (parent, key) =>
    rename(
      parent,
      key,
      String(key).replace(/^./, (c) => c.toUpperCase()),
    ),
  ),
  change('changes places with the next of its kind', (parent, key, other) => {
    [parent[key], other[key]] = [other[key], parent[key]];
  }),
  change('is overwritten by the next of its kind', (parent, key, other) => {
    parent[key] = structuredClone(other[key]);
  }),
];

/** The paths to every value in a document, the document itself left out. */
export function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    return [here, ...pathsIn(inner, here)];
  });
}

function change(name: string, edit: (parent: Parent, key: string | number, other: Parent) => unknown): Mutation {
  return {
    name,
    apply: (documents, path) => {
      const copy = structuredClone([...documents]);
      const key = path.at(-1);
      const parent = follow(copy, path.slice(0, -1));
      if (key === undefined || parent === undefined) return copy;
      edit(parent, key, follow(copy, siblingOf(copy, path.slice(0, -1))) ?? parent);
      return copy;
    },
  };
}

/** The same place in the next object of the innermost list on the path, as far as there is one. */
function siblingOf(document: unknown, path: Path): Path {
  const at = path.findLastIndex((key) => typeof key === 'number');
  const list = at === -1 ? undefined : follow(document, path.slice(0, at));
  const next = Array.isArray(list) ? (Number(path[at]) + 1) % list.length : path[at];
  return path.map((key, index) => (index === at && next !== undefined ? next : key));
}

function follow(document: unknown, path: Path): Parent | undefined {
  return path.reduce<Parent | undefined>(
    (value, key) => (isParent(value) && isParent(value[key]) ? value[key] : undefined),
    isParent(document) ? document : undefined,
  );
}

function emptyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return '';
  return Array.isArray(value) ? [] : {};
}

function isParent(value: unknown): value is Parent {
  return typeof value === 'object' && value !== null;
}

function rename(parent: Parent, from: string | number, to: string): void {
  if (Array.isArray(parent) || to === from) return;
  parent[to] = parent[from];
  delete parent[from];
}
