/** The reply of a registry about an image, as far as it matters for the answer and for the pace of the next requests. */
export type Reply =
  /** It has the image. With `pauseMs`, it asks for a pause after this answer. */
  | { readonly kind: 'Present'; readonly pauseMs?: number | undefined }
  | { readonly kind: 'Absent' }
  /** It denies access, for all images of the repository. */
  | { readonly kind: 'Denied'; readonly why: string }
  /** It refuses to tell. It works, so the next request may go to it. */
  | { readonly kind: 'Refused'; readonly why: string }
  /** It asks for a pause, in milliseconds if it says how long. */
  | { readonly kind: 'Throttled'; readonly why: string; readonly retryAfterMs?: number | undefined }
  /** It is down, or answers like no registry. */
  | { readonly kind: 'Failed'; readonly why: string };

/** The types of manifests that the kubelet and runtimes ask for. */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** The headers of an answer, in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Reads the answer to a HEAD request for a manifest. Only an answer that is one of a registry counts: a proxy or a login page
 * must not make an image look pullable.
 */
export function readReply(status: number, headers: Headers, digest: string): Reply {
  const type = first(headers['content-type'])?.split(';')[0]?.trim().toLowerCase();
  if (status === 200)
    return { ...readFound(type, first(headers['docker-content-digest']), digest), ...pauseOf(headers) };
  if (status === 404)
    // Without a body, these show that the answer is one of a registry.
    return type === 'application/json' || headers['docker-distribution-api-version'] !== undefined
      ? { kind: 'Absent' }
      : { kind: 'Refused', why: 'it answered with 404, but not as a registry does' };
  if (status === 401 || status === 403)
    return { kind: 'Denied', why: `it denies access (${status}): check the pull secrets of the scheduler` };
  if (status === 429) return { kind: 'Throttled', why: 'it allows no more requests now (429)' };
  return { kind: status >= 500 ? 'Failed' : 'Refused', why: `it answered with ${status}` };
}

/** The pause after an answer: nodes need the pulls that are left. */
function pauseOf(headers: Headers): { readonly pauseMs?: number } {
  return isUsedUp(headers) ? { pauseMs: usedUpMs } : {};
}

function readFound(type: string | undefined, found: string | undefined, digest: string): Reply {
  if (found !== undefined && found !== digest) return { kind: 'Refused', why: 'it answered with another digest' };
  const isManifest = manifestTypes.some((known) => known === type);
  if (found === digest || isManifest) return { kind: 'Present' };
  return { kind: 'Refused', why: 'it answered with 200, but not as a registry does' };
}

const usedUpMs = 600_000;

/**
 * True if Docker Hub says that no pulls are left (https://docs.docker.com/docker-hub/usage/pulls/): `0;w=21600`. Nodes need
 * the next ones.
 */
function isUsedUp(headers: Headers): boolean {
  return /^0(?:;|$)/.test(first(headers['ratelimit-remaining'])?.trim() ?? '');
}

export function first(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}
