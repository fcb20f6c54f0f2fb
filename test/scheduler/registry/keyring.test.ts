import { expect, it } from 'vitest';
import { findCredentials, readConfig } from '../../../scheduler/registry/keyring.ts';

const entry = (username: string) => ({ username, password: 'secret' });
const auths = {
  'https://index.docker.io/v1/': entry('hub'),
  'ghcr.io': entry('ghcr'),
  'registry.example:5000': entry('port'),
  'registry.example/team': entry('team'),
  'registry.example/team/app': entry('app'),
  'registry.example': entry('host'),
  '*.pkg.dev': entry('wildcard'),
  'https://quay.io/v2/': { auth: Buffer.from('robot:with:colon').toString('base64') },
};
const entries = readConfig(JSON.stringify({ auths }));
const usersFor = (repository: string) => findCredentials(entries, repository).map(({ username }) => username);

it.each([
  ['docker.io/library/nginx', ['hub']],
  ['ghcr.io/acme/app', ['ghcr']],
  ['ghcr.io.evil.example/acme/app', []],
  ['evil-ghcr.io/acme/app', []],
  ['registry.example:5000/acme/app', ['port']],
  ['registry.example:5001/acme/app', []],
  ['registry.example/team/app', ['app', 'team', 'host']],
  ['registry.example/other', ['host']],
  ['europe.pkg.dev/acme/app', ['wildcard']],
  ['a.b.pkg.dev/acme/app', []],
  ['pkg.dev/acme/app', []],
  ['unknown.example/acme/app', []],
])('the credentials for %s are those that the kubelet finds, the most specific first (S12)', (repository, users) => {
  expect(usersFor(repository)).toEqual(users);
});

it('a user and a password may be one text, and the password may have colons (S12)', () => {
  expect(findCredentials(entries, 'quay.io/acme/app')).toEqual([{ username: 'robot', password: 'with:colon' }]);
});
