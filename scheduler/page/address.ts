/** An address of the page. */
export interface Address {
  readonly path: string;
  /** The parts of the path, decoded. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** The page of a long list, counted from 1. */
  readonly page: number;
}

/** Names have at most 253 characters, and a reference with its digest has about 350; each may be encoded as three. */
const maxLength = 4_096;

/** Reads the path of a request with its query; undefined if that is not possible. */
export function parseAddress(target: string): Address | undefined {
  if (!target.startsWith('/') || target.length > maxLength) return undefined;
  try {
    const { pathname: path, searchParams: query } = new URL(`http://page${target}`);
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    return { path, parts, query, page: Math.trunc(Number(query.get('page') ?? 1)) || 1 };
  } catch {
    return undefined;
  }
}
