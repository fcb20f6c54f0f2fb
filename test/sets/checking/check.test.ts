import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkChecksum,
  checkSignature,
  findChecksum,
  parseChecksum,
  parsePublicKey,
} from '../../../sets/checking/check.ts';

const content = new TextEncoder().encode('acme/web:1\n');
const checksum = createHash('sha256').update(content).digest('hex');
const other = 'f'.repeat(64);

describe('a checksum', () => {
  it('matches only its content (S11)', () => {
    expect(() => checkChecksum(content, checksum)).not.toThrow();
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        fc.pre(Buffer.compare(bytes, content) !== 0);
        expect(() => checkChecksum(bytes, checksum)).toThrow('has the SHA-256 checksum');
      }),
    );
  });

  it('is read in any case, and with its name', () => {
    expect(parseChecksum(`SHA256:${checksum.toUpperCase()}\n`)).toBe(checksum);
    expect(() => parseChecksum('abc')).toThrow('64 hexadecimal digits');
  });

  it.each([
    [`${checksum}\n`],
    [`${checksum}  list.txt\n`],
    [`${checksum} *./dir/list.txt\n`],
    [`${other}  other.txt\n${checksum}  list.txt\n`],
  ])('is found in the text of sha256sum: %j (S11)', (text) => {
    expect(findChecksum(text, 'list.txt')).toBe(checksum);
  });

  it.each([[''], ['no checksum'], [`${other}  a\n${checksum}  b\n`], [`${other}  list.txt\n${checksum}  list.txt\n`]])(
    'is not guessed from %j',
    (text) => {
      expect(() => findChecksum(text, 'list.txt')).toThrow('has no single line for list.txt');
    },
  );
});

const pair = {
  ed25519: () => generateKeyPairSync('ed25519'),
  'ECDSA with P-256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  'ECDSA with P-384': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

describe.each([
  ['ed25519', null],
  ['ECDSA with P-256', 'sha256'],
  ['ECDSA with P-384', 'sha384'],
  ['RSA', 'sha256'],
  ['RSA', 'sha512'],
] as const)('a signature by %s and %s', (name, hash) => {
  const { privateKey, publicKey } = pair[name]();
  const key = parsePublicKey(String(publicKey.export({ format: 'pem', type: 'spki' })));
  const signature = sign(hash, content, privateKey);

  it('is valid as openssl and as cosign write it (S11)', () => {
    expect(() => checkSignature(content, signature, key)).not.toThrow();
    expect(() => checkSignature(content, Buffer.from(signature.toString('base64')), key)).not.toThrow();
    expect(() => checkSignature(content, Buffer.from(`${signature.toString('base64')}\n`), key)).not.toThrow();
  });

  it('is not valid for another content, by another key, or damaged (S11)', () => {
    const another = parsePublicKey(String(pair[name]().publicKey.export({ format: 'pem', type: 'spki' })));
    const damaged = Buffer.from(signature);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    const message = 'its signature is not one of this content';
    expect(() => checkSignature(new TextEncoder().encode('acme/web:2\n'), signature, key)).toThrow(message);
    expect(() => checkSignature(content, signature, another)).toThrow(message);
    expect(() => checkSignature(content, damaged, key)).toThrow(message);
    expect(() => checkSignature(content, new Uint8Array(), key)).toThrow(message);
    expect(() => checkSignature(content, new TextEncoder().encode('{"mediaType":"bundle"}'), key)).toThrow(message);
  });
});

it.each([
  ['a private key', String(pair.ed25519().privateKey.export({ format: 'pem', type: 'pkcs8' })), 'has a private key'],
  ['no key', 'hello', 'no public key in PEM'],
  [
    'a key of another kind',
    String(generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' })),
    'use Ed25519, ECDSA or RSA',
  ],
  [
    'a short key',
    String(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'pem', type: 'spki' })),
    'at least 2048 bits',
  ],
])('%s is refused as a public key', (_, pem, message) => {
  expect(() => parsePublicKey(pem)).toThrow(message);
});
