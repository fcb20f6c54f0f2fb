/**
 * The code of an error of a connection, such as `ECONNREFUSED`: that of its cause, which says more, or its own. Undefined without
 * one. A code never has a part of an address, unlike a message.
 */
export function connectionCodeOf(error: unknown): string | undefined {
  return (error instanceof Error ? codeOf(error.cause) : undefined) ?? codeOf(error);
}

/** True for the codes of OpenSSL and Node.js for a certificate that is not trusted or has another name. */
export function isCertificateCode(code: string): boolean {
  return /CERT|^(?:ERR_TLS|UNABLE_TO)_/.test(code);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
