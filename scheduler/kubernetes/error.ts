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

/** A call to the API server that failed; the message says what it was about, and what the server answered. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** An answer of the API server that is no success. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: number;
  readonly reason: Reason;
  /** When the server wants to be asked again, in milliseconds from now; undefined where it doesn't say. */
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

/** Reads a refusal from an answer; what is not a Status of the API server (a proxy's page) is told as it is. */
export function refusalOf(code: number, text: string, retryAfter?: string): RefusedError {
  const status = parseStatus(text);
  const seconds = status?.details?.retryAfterSeconds ?? (retryAfter === undefined ? undefined : Number(retryAfter));
  const message = status?.message ?? text.slice(0, 500);
  const retryAfterMs = seconds === undefined || Number.isNaN(seconds) ? undefined : seconds * 1000;
  return new RefusedError(status?.code ?? code, status?.reason ?? '', message, retryAfterMs);
}

/** True if the server has forgotten the version from which somebody wanted to go on. */
export function isExpired(error: unknown): boolean {
  return refusalIn(error)?.code === 410;
}

/** In how many milliseconds the server wants to be asked again, where it says so; else 0. */
export function retryAfterMs(error: unknown): number {
  return refusalIn(error)?.retryAfterMs ?? 0;
}

/** True if nobody has answered, or somebody who may answer otherwise soon: the same request may succeed later. */
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
