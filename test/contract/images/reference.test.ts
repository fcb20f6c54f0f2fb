import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatReference,
  isExact,
  isImageId,
  nameKeys,
  normaliseNames,
  parseReference,
  referenceKeys,
  repositoryOf,
  splitReference,
} from '../../../contract/images/reference.ts';

const hex = 'b62bbb2eae85c0ebf8f0fdad15ebe032d8e8ea8a0d6095ef8f22c36e6fe2e7de';
const digest = `sha256:${hex}`;

describe('parseReference', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.25', 'docker.io/library/nginx:1.25'],
    ['acme/app', 'docker.io/acme/app:latest'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/acme/app:2', 'docker.io/acme/app:2'],
    ['host:5000/a', 'host:5000/a:latest'],
    ['host:5000', 'docker.io/library/host:5000'],
    ['localhost/pause:1', 'localhost/pause:1'],
    ['REGISTRY/a', 'REGISTRY/a:latest'],
    ['Registry.Example.com/a/b:V1', 'Registry.Example.com/a/b:V1'],
    ['[::1]:5000/a:1', '[::1]:5000/a:1'],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
    [`nginx:1.25@${digest}`, `docker.io/library/nginx:1.25@${digest}`],
    ['a.io/b--c:1', 'a.io/b--c:1'],
    ['index.docker.io.example.com/a/b:1', 'index.docker.io.example.com/a/b:1'],
    ['my.index.docker.io/a/b:1', 'my.index.docker.io/a/b:1'],
    [`a.io/b@sha256+b64u.x:${hex}`, `a.io/b@sha256+b64u.x:${hex}`],
    ['a.io/b__c/d-e.f:x_Y-z.1', 'a.io/b__c/d-e.f:x_Y-z.1'],
  ])('reads %s as %s (T23)', (text, full) => {
    const reference = parseReference(text);
    expect(reference && formatReference(reference)).toBe(full);
  });

  it.each([
    '',
    ' ',
    'a b',
    '<none>',
    '<none>:<none>',
    'Nginx',
    'acme//app',
    '/acme',
    'acme/',
    'nginx:',
    'nginx:-x',
    `nginx:${'x'.repeat(129)}`,
    'nginx@',
    'nginx@sha256:abc',
    `nginx@${digest}x`,
    `nginx@sha256+1:${hex}`,
    'http://a.io/b',
    'a.io/b..c',
    'a_b.io/c',
    'nginx;reboot',
    digest,
    hex,
    `a.io/${'b'.repeat(255)}`,
  ])('does not accept %j as a reference', (text) => {
    expect(parseReference(text)).toBeUndefined();
  });

  it('changes nothing when it normalises a second time', () => {
    fc.assert(
      fc.property(referenceText(), (text) => {
        const full = formatReference(parseReference(text) ?? { repository: '' });
        expect(formatReference(parseReference(full) ?? { repository: '' })).toBe(full);
        expect(full).toMatch(/^[^/]+\/.+[:@]/);
      }),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseReference(text)));
  });
});

describe('normaliseNames', () => {
  it('leaves out placeholders and empty texts, so that they match no filter by accident (T11)', () => {
    expect(normaliseNames(['<none>:<none>', '', 'docker.io/a/b@<none>', '<none>@<none>', 'nginx'])).toEqual([
      'docker.io/library/nginx:latest',
    ]);
  });

  it('writes each name in the same way as parsing and formatting it, also in simple cases', () => {
    const odd = fc.stringMatching(/^(?:[a-z]{1,2}[.:@/]?){1,6}(?:sha256:[0-9a-f]{64})?$/);
    fc.assert(
      fc.property(fc.oneof(referenceText(), odd), (text) => {
        const reference = parseReference(text);
        expect(normaliseNames([text])).toEqual([reference === undefined ? text : formatReference(reference)]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps a name that it cannot parse as it is, so that the image does not count as nameless', () => {
    expect(normaliseNames(['Odd Name'])).toEqual(['Odd Name']);
  });
});

describe('the fast reading of a full name', () => {
  it('gives the same result as parsing it', () => {
    fc.assert(
      fc.property(referenceText(), (text) => {
        const name = formatReference(parseReference(text) ?? { repository: '' });
        expect(repositoryOf(name)).toBe(splitReference(name).repository);
        expect(nameKeys(name)).toEqual(referenceKeys(name));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('referenceKeys', () => {
  it.each([
    [hex, [digest]],
    [digest, [digest]],
    [`docker-pullable://nginx@${digest}`, [`docker.io/library/nginx@${digest}`, digest]],
    ['nginx', ['docker.io/library/nginx:latest']],
    [`nginx:1@${digest}`, ['docker.io/library/nginx:1', `docker.io/library/nginx@${digest}`, digest]],
    ['Odd Name', ['Odd Name']],
  ])('finds an image by %s (T4)', (text, keys) => {
    expect(referenceKeys(text)).toEqual(keys);
  });
});

function referenceText(): fc.Arbitrary<string> {
  const segment = fc.stringMatching(/^[a-z0-9]{1,8}(?:[-._][a-z0-9]{1,4})?$/);
  const registry = fc.constantFrom('', 'localhost/', 'a.io/', 'host:5000/', 'docker.io/', 'index.docker.io/', 'UPPER/');
  const tag = fc.option(fc.stringMatching(/^\w[\w.-]{0,10}$/), { nil: undefined });
  return fc
    .tuple(registry, fc.array(segment, { minLength: 1, maxLength: 3 }), tag, fc.boolean())
    .map(
      ([host, path, name, pinned]) => `${host}${path.join('/')}${name ? `:${name}` : ''}${pinned ? `@${digest}` : ''}`,
    );
}

it.each([
  ['docker.io/library/nginx:1.25', false],
  ['docker://docker.io/library/nginx:1.25', false],
  [`docker.io/library/nginx@${digest}`, true],
  [digest, true],
  [hex, true],
  [`docker://${digest}`, true],
  [`docker-pullable://docker.io/library/nginx@${digest}`, true],
])('the answer for %s to mean only one image is %s, because a tag can move (T5)', (text, answer) => {
  expect(isExact(text)).toBe(answer);
});

it.each([`${hex}0`, `sha256:${hex}0`, hex.slice(1), `x${hex}`])('%s is not the ID of an image', (text) => {
  expect(isImageId(text)).toBe(false);
});
