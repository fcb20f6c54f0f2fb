import { expect, it } from 'vitest';
import { readChallenge } from '../../../scheduler/registry/challenge.ts';

const realm = 'https://auth.docker.io/token';
const service = 'registry.docker.io';
const scope = 'repository:library/nginx:pull,push';

it.each([
  [`Bearer realm="${realm}",service="${service}",scope="${scope}"`, { scheme: 'Bearer', realm, service, scope }],
  [`bearer realm=${realm}, service=${service}`, { scheme: 'Bearer', realm, service }],
  ['Basic realm="a registry, with Bearer inside"', { scheme: 'Basic' }],
  [`Basic realm="x", Bearer realm="${realm}"`, { scheme: 'Bearer', realm }],
  [`Bearer realm="${realm}", Basic realm="x"`, { scheme: 'Bearer', realm }],
  ['Bearer service="without a realm"', undefined],
  ['Negotiate', undefined],
  ['', undefined],
  [undefined, undefined],
])('a registry that answers with %s demands %j (S12)', (header, challenge) => {
  expect(readChallenge(header)).toEqual(challenge);
});

it('a demand in two headers is read as one (S12)', () => {
  expect(readChallenge(['Basic realm="x"', `Bearer realm="${realm}"`])).toEqual({ scheme: 'Bearer', realm });
});
