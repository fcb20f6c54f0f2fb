import { messageOf } from '../../contract/errors.ts';
import { connectionCodeOf, isCertificateCode } from '../../contract/http/connection-code.ts';
import { showAddress } from './address.ts';

/** A download failed. `isTemporary` is true if another attempt may succeed. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly isTemporary: boolean;
  /** The delay before another attempt that the server requests, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    {
      isTemporary = false,
      retryAfterMs,
      cause,
    }: { isTemporary?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.isTemporary = isTemporary;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The error for a connection that could not be opened. Another attempt does not change a certificate. */
export function connectionError(url: URL, cause: unknown): DownloadError {
  const words = describe(cause);
  const isAboutCertificate = isCertificateCode(connectionCodeOf(cause) ?? '');
  const advice = isAboutCertificate ? ': give the certificate of its authority with --ca-file' : '';
  const options = { isTemporary: !isAboutCertificate, cause };
  return new DownloadError(`${showAddress(url)} could not be reached (${words})${advice}`, options);
}

/** The error for a connection that ended before the answer was complete. */
export function interruptionError(url: URL, cause: unknown): DownloadError {
  const message = `the answer of ${showAddress(url)} ended early: ${describe(cause)}`;
  return new DownloadError(message, { isTemporary: true, cause });
}

function describe(error: unknown): string {
  return connectionCodeOf(error) ?? messageOf(error instanceof Error ? (error.cause ?? error) : error);
}
