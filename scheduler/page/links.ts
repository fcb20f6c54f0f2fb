/** The addresses of the page, one for everything that it shows. Names are encoded, so that they stay one part of a path. */
export const links = {
  overview: '/',
  nodes: '/nodes',
  stylesheet: '/style.css',
  script: '/script.js',
  icon: '/icon.svg',
  node: (name: string) => `/nodes/${encode(name)}`,
  policy: (name: string) => `/policies/${encode(name)}`,
  image: (policy: string, image: string) => `/policies/${encode(policy)}/images/${encode(image)}`,
  run: (name: string) => `/runs/${encode(name)}`,
  nodesOfRun: (run: string, filter: NodeFilter = {}) => `/runs/${encode(run)}/nodes${queryOf(filter)}`,
  nodesPage: (filter: ListFilter) => `/nodes${queryOf(filter)}`,
} as const;

/** The nodes of a run that a page shows: those with a state, and for a reason. */
export interface NodeFilter {
  readonly state?: string | undefined;
  readonly reason?: string | undefined;
  readonly page?: number | undefined;
}

/** The nodes that the list of all nodes shows: those with a text in their name. */
export interface ListFilter {
  readonly name?: string | undefined;
  readonly page?: number | undefined;
}

function queryOf(filter: object): string {
  const set = Object.entries(filter).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(set.map(([key, value]): [string, string] => [key, String(value)])).toString();
  return query === '' ? '' : `?${query}`;
}

function encode(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll("'", '%27');
}
