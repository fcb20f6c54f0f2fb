/** The reason why the API server refused a request, in its own words (`reason` of a Status). */
export type Reason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Forbidden'
  | 'BadRequest'
  | 'Expired'
  | 'Gone'
  | (string & {});

/** A failed call to the API server. The message has the operation, and the answer of the server. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** An answer of the API server with an error code. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: number;
  readonly reason: Reason;
  /** The delay before another attempt, in milliseconds, from the server; undefined if it names none. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, reason: Reason, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** Parses a refusal. The text of an answer that is not a Status, such as the page of a proxy, becomes the message. */
export function refusalOf(code: number, text: string, retryAfter?: string): RefusedError {
  const status = parseStatus(text);
  const seconds = status?.details?.retryAfterSeconds ?? (retryAfter === undefined ? undefined : Number(retryAfter));
  const message = status?.message ?? text.slice(0, 500);
  const retryAfterMs = seconds === undefined || Number.isNaN(seconds) ? undefined : seconds * 1000;
  return new RefusedError(status?.code ?? code, status?.reason ?? '', message, retryAfterMs);
}

/** True if the server no longer has the version from which to resume, or does not have it yet. */
export function isExpired(error: unknown): boolean {
  const { code, message = '' } = refusalIn(error) ?? {};
  return code === 410 || (code === 504 && message.includes('Too large resource version'));
}

/** True if the server refuses this process the right to do it. */
export function isForbidden(error: unknown): boolean {
  return refusalIn(error)?.reason === 'Forbidden';
}

/** True if the server does not have the object or, for a list, the kind. */
export function isNotFound(error: unknown): boolean {
  return refusalIn(error)?.code === 404;
}

/** The delay before another attempt that the server requests, in milliseconds, or 0. */
export function retryAfterMs(error: unknown): number {
  return refusalIn(error)?.retryAfterMs ?? 0;
}

/** True if there was no answer, or a temporary error: the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  const refusal = refusalIn(error);
  return refusal === undefined ? error instanceof ClusterError : refusal.code === 429 || refusal.code >= 500;
}

function refusalIn(error: unknown): RefusedError | undefined {
  const cause = error instanceof ClusterError ? error.cause : error;
  return cause instanceof RefusedError ? cause : undefined;
}

function parseStatus(text: string): Status | undefined {
  try {
    const status = JSON.parse(text);
    return status?.kind === 'Status' ? status : undefined;
  } catch {
    return undefined;
  }
}
