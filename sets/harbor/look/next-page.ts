/** A server names a next page that is not part of the list. */
export class NextPageError extends Error {
  override readonly name = 'NextPageError';
}

/**
 * The address of the page that a `Link` header names as `next`; undefined if there is none. It is always on the server and the
 * path of this page: only the query is taken from the header. Throws a {@link NextPageError} if the header names another place.
 * @see https://www.rfc-editor.org/rfc/rfc8288
 */
export function nextPageOf(header: string | undefined, page: URL): URL | undefined {
  const target = findNext(header ?? '');
  if (target === undefined) return undefined;
  const link = URL.parse(target, page.href);
  if (link === null) throw new NextPageError(`${page.host} names a next page without a valid address`);
  if (link.host !== page.host)
    throw new NextPageError(
      `${page.host} names a next page on ${link.host}, which gets no question and no credentials`,
    );
  if (!isSamePath(link.pathname, page.pathname))
    throw new NextPageError(`${page.host} names a next page of ${page.pathname} on another path: ${link.pathname}`);
  const next = new URL(page);
  next.search = link.search;
  if (next.search === page.search)
    throw new NextPageError(`${page.host} names the page ${page.pathname}${page.search} as the one after itself`);
  return next;
}

function findNext(header: string): string | undefined {
  const links = header.matchAll(/<([^>]*)>((?:\s*;\s*[^;,"=]+(?:=(?:"[^"]*"|[^;,"]*))?)*)/g);
  for (const [, target = '', parameters = ''] of links)
    if (/;\s*rel\s*=\s*(?:next\s*(?:;|$)|"(?:[^"]*\s)?next(?:\s[^"]*)?")/i.test(parameters)) return target;
  return undefined;
}

/** A proxy in front of the server may have its API below a path, and may write an encoded slash in another way. */
function isSamePath(path: string, expected: string): boolean {
  return decodePath(expected).endsWith(decodePath(path)) && path.includes('/api/v2.0/');
}

/** The slashes of a repository are encoded twice. */
function decodePath(path: string): string {
  return path.replaceAll(/%(?:25)*2f/gi, '/');
}
