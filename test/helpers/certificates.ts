import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';

/** A certificate authority, and a server's certificate for `localhost` that it has issued. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

const oid = {
  commonName: '0603550403',
  ecdsaWithSha256: '06082a8648ce3d040302',
  basicConstraints: '0603551d13',
  subjectAltName: '0603551d11',
};

/** Makes a private authority and a certificate, valid for a day. */
export function createCertificates(): Certificates {
  const root = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const leaf = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const isAuthority = extension(oid.basicConstraints, sequence(der(0x01, Buffer.from([0xff]))));
  const isLocalhost = extension(oid.subjectAltName, sequence(der(0x82, Buffer.from('localhost'))));
  return {
    authority: issue('a private authority', root.publicKey, root.privateKey, isAuthority),
    certificate: issue('localhost', leaf.publicKey, root.privateKey, isLocalhost),
    key: String(leaf.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function issue(subject: string, publicKey: KeyObject, issuerKey: KeyObject, extensions: Buffer): string {
  const algorithm = sequence(Buffer.from(oid.ecdsaWithSha256, 'hex'));
  const now = Date.now();
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name('a private authority'),
    sequence(time(now - 3_600_000), time(now + 86_400_000)),
    name(subject),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(extensions)),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', content, issuerKey)]));
  return new X509Certificate(sequence(content, algorithm, signature)).toString();
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(Buffer.from(id, 'hex'), der(0x04, value));
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(Buffer.from(oid.commonName, 'hex'), der(0x0c, Buffer.from(commonName)))));
}

/** A UTCTime. */
function time(ms: number): Buffer {
  return der(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
