import { expect, it } from 'vitest';
import { connectionCodeOf, isCertificateCode } from '../../../contract/http/connection-code.ts';

const withCode = (code: unknown, cause?: unknown) =>
  Object.assign(new Error('to https://secret.example', { cause }), { code });

it.each([
  ['its own', withCode('ECONNREFUSED'), 'ECONNREFUSED'],
  [
    'that of its cause, which says more',
    withCode('UND_ERR_PRX_TLS', withCode('ERR_TLS_CERT_ALTNAME_INVALID')),
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  ['its own if the cause has none', withCode('UND_ERR_SOCKET', new Error('closed')), 'UND_ERR_SOCKET'],
  ['none if it is a number, as a timeout has it', new DOMException('', 'TimeoutError'), undefined],
  ['none if there is no error', 'ECONNREFUSED', undefined],
])('the code of an error of a connection is %s', (_, error, code) => {
  expect(connectionCodeOf(error)).toBe(code);
});

it.each([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
])('%s is about a certificate', (code) => {
  expect(isCertificateCode(code)).toBe(true);
});

it.each(['ECONNRESET', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND'])('%s is not about a certificate', (code) => {
  expect(isCertificateCode(code)).toBe(false);
});
