import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { messageOf } from '../../contract/errors.ts';

/** The content does not match its checksum or signature, or one of these can't be read. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
}

/** The hashes that are tried for RSA and ECDSA: `openssl dgst` uses the one of its flag, cosign one that fits the key. */
const hashes = ['sha256', 'sha384', 'sha512'];

const checksumPattern = /^[0-9a-f]{64}$/i;

/** Parses a SHA-256 checksum. Throws a {@link CheckError} if it is none. */
export function parseChecksum(text: string): string {
  const checksum = text.trim().replace(/^sha256:/i, '');
  if (!checksumPattern.test(checksum)) throw new CheckError('a SHA-256 checksum has 64 hexadecimal digits');
  return checksum.toLowerCase();
}

/**
 * Finds the checksum of a file in the text that `sha256sum` writes: one line for each file. If there are several, the name must be
 * that of the file. Throws a {@link CheckError} if it has none.
 */
export function findChecksum(text: string, fileName: string): string {
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const [, checksum, name = ''] = /^\\?([0-9a-f]{64})(?:\s+\*?(.*))?$/i.exec(line.trim()) ?? [];
    return checksum === undefined ? [] : [{ checksum, name: name.slice(name.lastIndexOf('/') + 1) }];
  });
  const named = lines.length === 1 ? lines : lines.filter(({ name }) => name === fileName);
  const [found, ...others] = named;
  if (found === undefined || others.length > 0)
    throw new CheckError(`the file of checksums has no single line for ${fileName}, as sha256sum writes it`);
  return parseChecksum(found.checksum);
}

/** Throws a {@link CheckError} if the content has another checksum. */
export function checkChecksum(content: Uint8Array, expected: string): void {
  const actual = createHash('sha256').update(content).digest('hex');
  if (actual !== expected)
    throw new CheckError(`it has the SHA-256 checksum ${actual}, and not ${expected} as expected`);
}

/** Parses a public key in PEM. Throws a {@link CheckError} if it is none, or can't verify signatures. */
export function parsePublicKey(pem: string): KeyObject {
  if (/PRIVATE KEY/.test(pem))
    throw new CheckError('the file has a private key: give only the public key to the command');
  const key = readKey(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type !== 'rsa' && type !== 'ec' && type !== 'ed25519')
    throw new CheckError(`the public key is of type ${type}: use Ed25519, ECDSA or RSA`);
  if (type === 'rsa' && (details?.modulusLength ?? 0) < 2048)
    throw new CheckError('an RSA key needs at least 2048 bits');
  return key;
}

function readKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new CheckError(`the file has no public key in PEM: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Throws a {@link CheckError} if a detached signature is not one of the content by the key. The signature is binary, as `openssl
 * dgst -sign` and `openssl pkeyutl -sign -rawin` write it, or Base64, as `cosign sign-blob` writes it.
 */
export function checkSignature(content: Uint8Array, signature: Uint8Array, key: KeyObject): void {
  const bytes = decodeSignature(signature);
  const isValid =
    key.asymmetricKeyType === 'ed25519'
      ? verify(null, content, key, bytes)
      : hashes.some((hash) => verify(hash, content, key, bytes));
  if (!isValid) throw new CheckError('its signature is not one of this content by the public key');
}

function decodeSignature(signature: Uint8Array): Uint8Array {
  const text = Buffer.from(signature).toString('latin1').trim();
  const isBase64 = /^[A-Za-z0-9+/\r\n]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : signature;
}
