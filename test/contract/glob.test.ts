import { describe, expect, it } from 'vitest';
import { compileGlobs, globSchema } from '../../contract/glob.ts';
import { normaliseNames } from '../../contract/reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

describe('compileGlobs', () => {
  it.each<[glob: string, name: string, matches: boolean]>([
    ['**', 'nginx', true],
    ['nginx', 'nginx:1.25', true],
    ['nginx', `nginx@${digest}`, true],
    ['nginx', 'quay.io/library/nginx', false],
    ['nginx', 'nginx-unprivileged', false],
    ['nginx:1.25', 'nginx:1.25', true],
    ['nginx:1.25', 'nginx:1.25.1', false],
    [`nginx:1.25@${digest}`, `nginx@${digest}`, true],
    ['acme/app', 'docker.io/acme/app:2', true],
    ['index.docker.io/acme/*', 'acme/app', true],
    ['docker.io/acme/**', 'acme/app', true],
    ['docker.io/acme/**', 'acme/team/app:1', true],
    ['docker.io/acme/**', 'acme-evil/app', false],
    ['docker.io/acme/*', 'acme/team/app', false],
    ['docker.io/acme/*', 'acme/app:1', true],
    ['docker.io/acme/**/app', 'acme/app', true],
    ['docker.io/acme/**/app', 'acme/a/b/app', true],
    ['docker.io/acme/**/app', 'acme/xapp', false],
    ['**/base:*', 'docker.io/acme/base:1', true],
    ['**/base:*', 'docker.io/acme/database:1', false],
    ['**/base:*', `acme/base@${digest}`, false],
    ['**:v1*', 'a.io/b/c:v1.2', true],
    ['**:v1*', 'a.io/b/c:v2', false],
    ['**@sha256:*', `a.io/b@${digest}`, true],
    ['**@sha256:*', 'a.io/b:1', false],
    ['host:5000/a:*', 'host:5000/a:1', true],
    ['host:5000/a', 'host:5000/a', true],
    ['*:5000/**', 'host:5000/a/b', true],
    ['*.example.com/**', 'registry.example.com/a', true],
    ['*.example.com/**', 'example.com/a', false],
    ['a.io/b.c', 'a.io/bxc', false],
  ])('%s against %s: %s (C35, T23)', (glob, name, matches) => {
    expect(globSchema.safeParse(glob).success).toBe(true);
    expect(compileGlobs([glob])(normaliseNames([name]))).toBe(matches);
  });

  it.each([
    ['**', true],
    ['**/**', false],
    ['**:*', false],
    ['*/**', false],
  ])('%s against an image without any name: %s (T11, T12)', (glob, matches) => {
    expect(compileGlobs([glob])([])).toBe(matches);
  });

  it('matches an image when any glob matches any of its names (T10)', () => {
    const matches = compileGlobs(['a.io/x', 'b.io/y:2']);
    expect(matches(normaliseNames(['c.io/z', 'b.io/y:2']))).toBe(true);
    expect(matches(normaliseNames(['c.io/z', 'b.io/y:1']))).toBe(false);
  });

  it('matches nothing without globs', () => {
    expect(compileGlobs([])(normaliseNames(['nginx']))).toBe(false);
  });

  it('answers at once for a glob that would keep a backtracking matcher busy for years', () => {
    const matches = compileGlobs([`a.io/${'*a'.repeat(40)}b`]);
    expect(matches([`a.io/${'a'.repeat(240)}:1`])).toBe(false);
  });
});

describe('globSchema', () => {
  it.each([
    ['', 'write **'],
    ['a b', 'spaces'],
    ['nginx:*', 'write docker.io/library/nginx:* or **/nginx:*'],
    ['acme/*', 'write docker.io/acme/* or **/acme/*'],
    ['*', 'write docker.io/library/*'],
    ['docker.io/*', 'write docker.io/library/*, or docker.io/**'],
    ['docker.io/nginx:*', 'write docker.io/library/nginx:*'],
    ['index.docker.io/n*', 'write docker.io/library/n*'],
    ['https://a.io/b', 'no scheme'],
    ['a.io//b', 'empty path segment'],
    ['a.io/b/', 'empty path segment'],
    ['/a', 'empty path segment'],
    ['a.io/Team/*', 'write team'],
    ['Nginx', 'lower case'],
    ['a.io/b:', 'no tag'],
    ['a.io/b:x:y', 'no tag'],
    ['a.io/b:.x*', 'no tag'],
    [`a.io/b:${'x'.repeat(129)}`, 'at most 128'],
    ['a.io/b@sha256:xyz', 'malformed digest'],
    ['a.io/b@sha256:xyz*', 'malformed digest'],
    ['a.io/b@', 'malformed digest'],
    [digest, 'ID of an image'],
    ['ab'.repeat(32), 'ID of an image'],
    [`@${digest}`, `write **@${digest}`],
    [':v1', 'write **:v1'],
    ['a.io/{b,c}', 'no part of a repository'],
    ['a.io/b?', 'no part of a repository'],
    ['!a.io/b', 'no registry'],
    ['a.io/b;reboot', 'no part of a repository'],
    ['a.io/b*;reboot', 'no part of a repository'],
    ['a.io/;b*', 'no part of a repository'],
    ['a.io/b*;', 'no part of a repository'],
    ['!a*.io/b', 'no registry'],
    ['a*.io!/b', 'no registry'],
    ['a.io/b:x*;', 'no tag'],
    ['a.io/b:', 'an empty text is no tag'],
    ['a.io/b:x:y', 'x:y is no tag'],
  ])('rejects %j, which could match nothing, and says what to write', (glob, advice) => {
    expect(globSchema.safeParse(glob).error?.issues[0]?.message).toContain(advice);
  });
});
